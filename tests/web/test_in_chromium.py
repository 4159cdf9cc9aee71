"""The console in Debian's Chromium, driven by Playwright: what a steward clicks, presses and sees."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from itertools import chain

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from loaders.accounts import add_account
from loaders.browse import ReaderMessage
from loaders.reader_reports import keep_reader_report
from loaders.store import engine, now
from pipeline import catalog as tasks_catalog
from schemas import Environment, environment
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import PASSWORD, STEWARD
from tests.web.pages import CONSOLE_AND_LIBRARY, problems_in
from tests.web.test_pairs import films_like
from tests.web.test_quarantine import without_address
from web import create_app
from web.languages import LANGUAGES
from web.settings import WebSettings
from web.signing_in import hash_password

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; Debian's package chromium brings it"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, str]]:
    """The web on a free port, over a library with 21 records without an address and pairs to judge."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        app = create_app(env, WebSettings(secret="s" * 40))
        add_account(env, STEWARD, "steward", password=hash_password(PASSWORD))
        declare(env, "books")
        declare(env, "films")
        books = [listed("books", 100 + number) for number in range(20)]
        night(env, "books", [*without_address(21), *books])
        night(env, "films", films_like(books))
        declare(env, "posters")
        posters = {"name": "The zebra on the wall", "learningResourceType": ["Arbeitzblatt"]}
        night(env, "posters", [listed("posters", 7, about=["Fotosíntesi"], **posters)])
        tasks_catalog.publish_now()
        message = ReaderMessage(id="m", at=now(), language="ar", text="الرابط لا يعمل", contact="ana@example.org")
        keep_reader_report(env, rows(env, "resource", "id")[0][0], "takedown", message)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        yield env, f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()
        engine(env).dispose()


def signed_in(chromium: Chromium, address: str, *, language: str = "en", width: int = 1280) -> Page:
    context = chromium.new_context(
        locale=language,
        viewport={"width": width, "height": 900},
        base_url=address,
    )
    page = context.new_page()
    page.goto(f"/sign-in?lang={language}")
    page.fill("#name", STEWARD)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url("**/console")
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_fits(chromium: Chromium, served: tuple[Environment, str], language: str) -> None:
    page = signed_in(chromium, served[1], language=language)
    env, problems = served[0], list[str]()
    ids = {"run_id": rows(env, "harvest_run", "id")[0][0], "resource_id": rows(env, "resource", "id")[0][0]}
    for path in chain.from_iterable(CONSOLE_AND_LIBRARY.values()):
        problems += problems_in(page, path.format(**ids), language)
    page.context.close()
    assert not problems, "\n".join(problems)


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
