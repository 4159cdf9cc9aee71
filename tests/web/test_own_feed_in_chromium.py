"""A partner's own pages in Debian's Chromium: one walk in English and in Arabic at 390 px; axe on each of them."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from loaders.applications import open_change
from loaders.store import engine
from pipeline import catalog as tasks_catalog
from schemas import Environment, environment
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.pipeline.feeds import FEED, listed, night
from tests.web.partner_session import SECRET, partner_account, session_cookie
from web import create_app
from web.languages import LANGUAGES
from web.links import hand_over_link
from web.settings import WebSettings

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; Debian's package chromium brings it"),
]
PAGE = "/partners/feeds/books"
SETTINGS = WebSettings(secret=SECRET, mail_url="smtp://127.0.0.1:9?from=elib@example.org")
# Names in a right-to-left script, and one without a place to break, among the titles
TITLES = {3: "الكسور للصف الأول", 4: "Fotosynthese" * 20, 5: "<b>Volcanoes</b> & 'maps'"}
Served = tuple[Environment, str, str]  # the installation, the web's address, and the partner's session


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The web over a feed with findings in every state, and its source, which gives one record."""
    home = tmp_path_factory.mktemp("home")
    records = {n: listed("books", n, id=f"no-address-{n}", name=TITLES.get(n, f"Lesson {n}")) for n in range(3, 8)}

    def source(request: ReceivedRequest) -> Answer:
        mended = json.loads(records[3].payload or "") | {"id": "https://books.example.org/3"}
        return Answer(json.dumps(mended), status=200 if request.path.endswith("/3") else 404)

    with pytest.MonkeyPatch.context() as patch, serving(source) as partner:
        for name, value in {"HOME": home, "FEEDS": home / "feeds", "ALLOW_PRIVATE": "127.0.0.1"}.items():
            patch.setenv(f"ELIB_{name}", str(value))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        app = create_app(env, SETTINGS)
        env.feeds.mkdir(parents=True, exist_ok=True)
        declaration = FEED.replace("https://example.org/api", f"{partner.url}/list")
        text = f'{declaration}[request]\ndetail_url = "/records/{{id}}"\nrate = 100\n'
        (Path(home) / "feeds" / "books.toml").write_text(text)
        good = [listed("books", n) for n in range(3)]
        night(env, "books", [*good, records[3], records[4]])
        night(env, "books", [*good, listed("books", 3), records[4], records[5]])
        night(env, "books", [*good, records[3], records[4], listed("books", 5), records[6], records[7]])
        tasks_catalog.publish_now()
        cookie = session_cookie(env, partner_account(env, "books"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.05)
        yield env, f"http://127.0.0.1:{port}", cookie
        server.should_exit = True
        thread.join()
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
    assert download.value.suggested_filename == f"books.fix.{language}.csv"
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
    assert open_change(served[0], "books") is not None
    page.goto(f"{PAGE}/change")
    page.click("section.card form button")
    assert open_change(served[0], "books") is None
    page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_every_own_page_is_accessible_and_fits(
    chromium: Chromium, served: Served, language: str, dark: bool, width: int
) -> None:
    page, problems = opened(chromium, served, language=language, dark=dark, width=width), list[str]()
    link = hand_over_link(SETTINGS, "books", "lina@example.org", "omar@example.org")
    paths = (
        "/partners/feeds",
        PAGE,
        f"{PAGE}/fixes",
        f"{PAGE}/fixes?state=new",
        f"{PAGE}/fixes?rule=address_missing",
        f"{PAGE}/records?identifier=3",
        f"{PAGE}/change",
        link.partition("8081")[2],
    )
    for path in paths:
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        result = Axe().run(page)
        problems += [
            f"{path}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in result.response["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"{path} is wider than {width}")
    page.context.close()
    assert not problems, "\n".join(problems)
