"""The pictures of the guides: `make screenshots` writes those of docs/images again, from the pages as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from loaders.store import engine
from schemas import ROOT
from tests.web.chromium import chromium, pytestmark, served_at, sign_in_steward
from tests.web.full_library import SETTINGS, FullLibrary, full_library
from tests.web.partner_session import session_cookie
from web import create_app

__all__ = ["chromium", "pytestmark"]
MAX_BYTES = 100_000
WAIT_MILLISECONDS = 120_000
WIDTH, HEIGHT = 960, 560
# Name of a picture: the page, and the element that it begins with (none: the page's own beginning)
STEWARDS = {
    "console-today": ("/console", ""),
    "console-quarantine": ("/console/quarantine?feed=books", ""),
    "console-record": ("/console/records?key=books:100", ""),
    "console-pairs": ("/console/pairs", ""),
    "console-terms": ("/console/terms", ""),
    "console-feed": ("/console/feeds/books", ""),
    "console-application": ("/console/applications/{waiting_application}", ""),
}
PARTNERS = {
    "partner-preview": ("/partners/applications/{tested_application}/test", ".verdict"),
    "partner-feed": ("/partners/feeds/lessons", ""),
    "partner-fixes": ("/partners/feeds/lessons/fixes?rule=address_missing", ""),
}
SOURCE = "partner-source"  # what is recognised at an address that is typed
GUIDES = {"console": "console.md", "partner": "partner.md"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FullLibrary, str]]:
    with pytest.MonkeyPatch.context() as patch, full_library(tmp_path_factory.mktemp("home"), patch) as library:
        with served_at(create_app(library.env, SETTINGS)) as address:
            yield library, address
        engine(library.env).dispose()


@pytest.fixture
def page(chromium: Chromium, served: tuple[FullLibrary, str]) -> Iterator[Page]:
    viewport = {"width": WIDTH, "height": HEIGHT}
    context = chromium.new_context(locale="en", viewport=viewport, base_url=served[1])  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MILLISECONDS)
    yield context.new_page()
    context.close()


def take(page: Page, name: str, folder: Path, selector: str = "") -> None:
    """Take a picture of what the window shows, from an element on."""
    folder = Path(os.environ.get("ELIB_SCREENSHOTS") or folder)
    folder.mkdir(parents=True, exist_ok=True)
    if selector:
        page.locator(selector).first.evaluate("element => element.scrollIntoView()")
    picture = page.screenshot(path=folder / f"{name}.png")
    assert 5_000 < len(picture) <= MAX_BYTES, (name, len(picture))


def test_every_picture_of_the_console_is_made_and_small(
    page: Page, served: tuple[FullLibrary, str], tmp_path: Path
) -> None:
    sign_in_steward(page)
    for name, (path, selector) in STEWARDS.items():
        page.goto(path.format(**served[0].ids), wait_until="load")
        take(page, name, tmp_path, selector)


def test_every_picture_of_the_partners_guide_is_made_and_small(
    page: Page, served: tuple[FullLibrary, str], tmp_path: Path
) -> None:
    library, address = served
    page.goto("/partners/register")
    page.fill("#partner", "University of Novi Grad")
    page.fill("#mail", "ana@novigrad.example")
    page.fill("#address", f"{library.ids['samples']}/alecso/export.csv")
    page.click("main button.main")
    page.wait_for_url("**/partners/applications/*")
    assert "oercommons_csv" in page.inner_text("main"), "the table is recognised"
    take(page, SOURCE, tmp_path)
    cookie = session_cookie(library.env, library.partner)
    page.context.add_cookies([{"name": "elib_session", "value": cookie, "url": address}])
    for name, (path, selector) in PARTNERS.items():
        page.goto(path.format(**library.ids), wait_until="load")
        take(page, name, tmp_path, selector)


@pytest.mark.parametrize("name", [*STEWARDS, *PARTNERS, SOURCE])
def test_every_picture_is_shown_in_a_guide(name: str) -> None:
    guide = (ROOT / "docs" / GUIDES[name.partition("-")[0]]).read_text("utf-8")
    assert f"images/{name}.png" in guide and (ROOT / "docs" / "images" / f"{name}.png").exists()
