"""Every page in Chromium, in each language, in light and dark colours, wide and narrow: axe-core, and the width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from loaders.store import engine, write_transaction
from tests.web.chromium import chromium, pytestmark, served_at, sign_in_steward
from tests.web.full_library import SETTINGS, FullLibrary, full_library
from tests.web.pages import (
    PAGES_OF_THE_API,
    PARTNERS_PAGES,
    PUBLIC_PAGES,
    STATUSES,
    STEWARDS_PAGES,
    Reader,
    problems_in,
    problems_shown,
)
from tests.web.partner_session import session_cookie
from web import create_app
from web.console import decisions
from web.languages import LANGUAGES

__all__ = ["chromium", "pytestmark"]


class Served(NamedTuple):
    """The full library, and the address of its web."""

    library: FullLibrary
    address: str

    def problems_of(self, reader: Reader, pages: Mapping[str, tuple[str, ...]]) -> list[str]:
        paths = [path for path in chain.from_iterable(pages.values()) if "{waiting}" not in path]
        return [
            problem
            for path in paths
            for problem in problems_in(reader, path.format(**self.library.ids), STATUSES.get(path, 200))
        ]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch, full_library(tmp_path_factory.mktemp("home"), patch) as library:
        with served_at(create_app(library.env, SETTINGS)) as address:
            yield Served(library, address)
        engine(library.env).dispose()


def opened(chromium: Browser, served: Served, language: str) -> Reader:
    return Reader(chromium.new_context(locale=language, base_url=served.address).new_page(), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stewards_read_is_accessible_and_fits(
    chromium: Browser, served: Served, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = opened(chromium, served, language)
    sign_in_steward(reader.page, language)
    problems = served.problems_of(reader, STEWARDS_PAGES)
    monkeypatch.setattr(decisions, "WAIT_SECONDS", 0.2)
    reader.page.goto("/console/quarantine?feed=books")
    reader.page.fill("#reason", "x")
    with write_transaction(served.library.env):
        decide_nothing(reader.page)
        problems += problems_shown(reader, "/console/waiting/{token}")
    reader.page.wait_for_url("**/console/quarantine?feed=books")
    assert reader.page.locator(".message.error").count() == 1, "it goes on by itself, and tells that nothing was meant"
    reader.page.context.close()
    assert not problems, "\n".join(problems)


def decide_nothing(page: Page) -> None:
    """Send a decision about no record, which waits for the catalog as any other does."""
    page.check("input[value=ticked]")
    page.click("button[value=refuse]")
    page.wait_for_url("**/console/waiting/*")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_partners_read_is_accessible_and_fits(chromium: Browser, served: Served, language: str) -> None:
    reader = opened(chromium, served, language)
    cookie = session_cookie(served.library.env, served.library.partner)
    reader.page.context.add_cookies([{"name": "elib_session", "value": cookie, "url": served.address}])
    problems = served.problems_of(reader, PARTNERS_PAGES)
    reader.page.context.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_everybody_reads_is_accessible_and_fits(chromium: Browser, served: Served, language: str) -> None:
    reader = opened(chromium, served, language)
    problems = served.problems_of(reader, PUBLIC_PAGES | PAGES_OF_THE_API)
    reader.page.context.close()
    assert not problems, "\n".join(problems)
