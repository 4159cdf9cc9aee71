"""Chromium runs nothing of what partners sent, and the pages break none of their own rules on scripts and styles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium

from loaders.store import engine
from schemas import Environment
from tests.web.chromium import chromium, pytestmark, served_at
from tests.web.test_hostile_texts import hostile_home, pages_of
from tests.web.test_in_chromium import signed_in
from web import create_app
from web.settings import WebSettings

__all__ = ["chromium", "pytestmark"]
_PAGES = 24  # of all, spread over them


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, str]]:
    """The web on a free port over a home full of hostile text."""
    with pytest.MonkeyPatch.context() as patch:
        env = hostile_home(tmp_path_factory.mktemp("home"), patch)
        with served_at(create_app(env, WebSettings(secret="s" * 40))) as address:
            yield env, address
        engine(env).dispose()


def test_chromium_runs_nothing_of_what_partners_sent(chromium: Chromium, hostile: tuple[Environment, str]) -> None:
    env, address = hostile
    page = signed_in(chromium, address)
    dialogs: list[str] = []
    complaints: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    paths = pages_of(env)
    for path in paths[:: max(1, len(paths) // _PAGES)]:
        page.goto(path, wait_until="load")
        assert page.url.startswith(address), path
        for details in page.query_selector_all("main details:not([open]) > summary")[:3]:
            details.click()
        assert (dialogs, complaints) == ([], []), path
    page.context.close()
