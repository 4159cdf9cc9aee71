"""The console in Debian's Chromium, driven by Playwright: what a steward clicks, presses and sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from loaders.store import engine
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.web.chromium import chromium, pytestmark, served_at, sign_in_steward
from tests.web.full_library import SETTINGS, empty_library, library_to_steward
from web import create_app

__all__ = ["chromium", "pytestmark"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, str]]:
    """The web on a free port, over a library with 21 records without an address and pairs to judge."""
    with pytest.MonkeyPatch.context() as patch:
        env = empty_library(tmp_path_factory.mktemp("home"), patch)
        library_to_steward(env)
        with served_at(create_app(env, SETTINGS)) as address:
            yield env, address
        engine(env).dispose()


def signed_in(chromium: Chromium, address: str, *, language: str = "en", width: int = 1280) -> Page:
    context = chromium.new_context(
        locale=language,
        viewport={"width": width, "height": 900},
        base_url=address,
    )
    page = context.new_page()
    sign_in_steward(page, language)
    return page


@pytest.fixture
def page(chromium: Chromium, served: tuple[Environment, str]) -> Iterator[Page]:
    opened = signed_in(chromium, served[1])
    yield opened
    opened.context.close()


def test_twenty_one_records_are_mended_in_six_clicks_and_undone_in_one(
    page: Page, served: tuple[Environment, str]
) -> None:
    env, _ = served
    clicks = 0

    def click(selector: str) -> None:
        nonlocal clicks
        clicks += 1
        page.click(selector)
        page.wait_for_load_state()

    click("a[href='/console/quarantine?feed=books']")
    page.fill("#path", "url")
    page.fill("#value", "https://books.example.org/c/{identifier}")
    page.fill("#reason", "their pages are there")
    click("button[value=try]")
    assert "21 would be published, 0 would still fail" in page.inner_text("#dry-run")
    click("button[value=correct]")
    assert "Corrected: 21." in page.inner_text(".messages")
    assert clicks <= 6
    assert len(rows(env, "curation", "id")) == 21
    click(".message button")
    assert "Undone: 21." in page.inner_text(".messages")
    assert all(row[0] for row in rows(env, "curation", "undone_at"))


def test_twenty_pairs_are_judged_by_keyboard(page: Page, served: tuple[Environment, str]) -> None:
    env, _ = served
    page.goto("/console/pairs")
    first = page.url
    page.keyboard.press(" ")
    page.wait_for_function("(first) => location.href !== first", arg=first)
    page.goto("/console/pairs")
    for number in range(20):
        shown = page.input_value("input[name=left]")
        page.keyboard.press("s" if number % 2 else "d")
        page.wait_for_function("(shown) => document.querySelector('input[name=left]')?.value !== shown", arg=shown)
    verdicts = [row[0] for row in rows(env, "judgement", "verdict")]
    assert len(verdicts) == 20 and set(verdicts) == {"same", "different"}
    assert "No pair waits." in page.inner_text("main")


def test_a_term_is_mapped_and_published_in_two_clicks(page: Page, served: tuple[Environment, str]) -> None:
    page.goto("/console/terms?field=resource_types")
    page.click("main section form button.main")
    page.click("#reprocess button.main")
    page.wait_for_selector("#progress .badge.loaded", timeout=180_000)
    assert "Published" in page.inner_text("#progress")
    assert ("worksheet",) in rows(served[0], "resource", "resource_type")
    assert [row[0] for row in rows(served[0], "term_mapping", "code")] == ["worksheet"]


def test_a_held_run_is_released_and_the_page_tells_when_it_is_done(page: Page, served: tuple[Environment, str]) -> None:
    env, _ = served
    declare(env, "maps")
    night(env, "maps", [listed("maps", number) for number in range(12)])
    run, counts = night(env, "maps", [listed("maps", 0)])
    assert counts == {}
    page.goto("/console")
    page.click(f"a[href='/console/runs/{run}']")
    assert "11 deleted" in page.inner_text("#effect")
    page.fill("#reason", "they closed it")
    page.click("button[value=release]")
    page.wait_for_selector("#progress .badge.loaded", timeout=180_000)
    assert ("loaded",) in [row[1:] for row in rows(env, "harvest_run", "id, status") if row[0] == run]
