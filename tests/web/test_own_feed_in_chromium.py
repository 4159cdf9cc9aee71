"""A partner's own pages in Debian's Chromium: one walk in English and in Arabic at 390 px."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from loaders.applications import open_change
from loaders.store import engine
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.web.chromium import chromium, pytestmark, served_at
from tests.web.full_library import SETTINGS, TITLES, empty_library, own_feed, own_source
from tests.web.partner_session import partner_account, session_cookie
from web import create_app

__all__ = ["chromium", "pytestmark"]
PAGE = "/partners/feeds/lessons"
Served = tuple[Environment, str, str]  # the installation, the web's address, and the partner's session


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The web over a feed with findings in every state, and its source, which gives one record."""
    with pytest.MonkeyPatch.context() as patch, own_source() as source:
        env = empty_library(tmp_path_factory.mktemp("home"), patch)
        own_feed(env, source.url)
        tasks_catalog.publish_now()
        cookie = session_cookie(env, partner_account(env, "lessons"))
        with served_at(create_app(env, SETTINGS)) as address:
            yield env, address, cookie
        engine(env).dispose()


def opened(chromium: Chromium, served: Served, *, language: str = "en", dark: bool = False, width: int = 1280) -> Page:
    context = chromium.new_context(
        base_url=served[1],
        locale=language,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 800},
        accept_downloads=True,
    )
    context.add_cookies([{"name": "elib_session", "value": served[2], "url": served[1]}])
    return context.new_page()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ar", 390)])
def test_a_partner_reads_the_fix_list_checks_a_record_and_gets_the_csv(
    chromium: Chromium, served: Served, language: str, width: int, tmp_path: Path
) -> None:
    page = opened(chromium, served, language=language, width=width)
    page.goto(PAGE)
    page.click(f"a[href='{PAGE}/fixes?state=back']")
    page.click("section.card p a[href*='rule=address_missing']")
    assert TITLES[3] in page.inner_text("main table")
    assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
    with page.expect_download() as download:
        page.click("a[download]")
    saved = tmp_path / "fixes.csv"
    download.value.save_as(saved)
    lines = saved.read_text("utf-8-sig").splitlines()
    heading = {"en": "Your identifier", "ar": "معرّفكم"}[language]
    assert lines[0].split(",")[0] == heading and TITLES[3] in lines[1]
    assert download.value.suggested_filename == f"lessons.fix.{language}.csv"
    page.click("a[href*='/records?identifier=3']")
    page.click("form button.main")
    page.wait_for_selector("#check .badge.loaded", timeout=120_000)
    assert page.locator("#check .message.error").count() == 0, "nothing is left that keeps it out"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_a_change_is_submitted_and_withdrawn(chromium: Chromium, served: Served) -> None:
    page = opened(chromium, served)
    page.goto(f"{PAGE}/change")
    page.fill("#url", "https://new.example.org/api")
    page.click("form button.main")
    assert open_change(served[0], "lessons") is not None
    page.goto(f"{PAGE}/change")
    page.click("section.card form button")
    assert open_change(served[0], "lessons") is None
    page.context.close()
