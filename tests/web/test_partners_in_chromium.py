"""Partners in Debian's Chromium: from typing an address to the accepted feed, and what the pages look like."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from loaders.accounts import add_account
from loaders.applications import Application, applications_of, list_applications
from loaders.store import engine, read_run
from pipeline import feed as tasks
from samples.server import ReplayServer
from schemas import ROOT, Environment, environment, read_feed
from tests.loaders.test_applications import KEYS, submitted
from tests.web.conftest import PASSWORD, STEWARD
from web import create_app
from web.links import sign_in_link
from web.settings import WebSettings
from web.signing_in import hash_password

CHROMIUM = shutil.which("chromium")
PREVIEW_MILLISECONDS = 90_000  # the machine may be busy; a minute is wanted of a free one
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; Debian's package chromium brings it"),
]
SETTINGS = WebSettings(secret="s" * 40)


class Served(NamedTuple):
    """A library on a free port that may ask the sample partners, which are on another."""

    env: Environment
    address: str
    partner: str


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, ReplayServer(ROOT / "samples") as partner:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", os.pathsep.join([str(home / "operator"), str(home / "feeds")]))
        patch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        app = create_app(env, SETTINGS)
        add_account(env, STEWARD, "steward", password=hash_password(PASSWORD))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        yield Served(env, f"http://127.0.0.1:{port}", partner.url)
        server.should_exit = True
        thread.join()
        engine(env).dispose()


def opened(chromium: Chromium, served: Served, language: str, width: int, *, dark: bool = False) -> Page:
    context = chromium.new_context(
        locale=language,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 900},
        base_url=served.address,
    )
    return context.new_page()


def sign_in_steward(page: Page, language: str) -> None:
    page.goto(f"/sign-in?lang={language}")
    page.fill("#name", STEWARD)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url("**/console")


def sign_in_partner(page: Page, served: Served, mail: str, language: str) -> None:
    page.goto(sign_in_link(SETTINGS, mail).replace("http://127.0.0.1:8081", served.address) + f"?lang={language}")
    page.click("main button.main")
    page.wait_for_url("**/partners/feeds")


@pytest.mark.parametrize(
    ("language", "width", "site", "name"),
    [("en", 1280, "col", "campus"), ("ar", 390, "iite", "institute")],
    ids=["English, OAI-PMH", "Arabic on a phone, WordPress"],
)
def test_a_partner_registers_by_the_address_alone_and_a_steward_accepts(
    chromium: Chromium, served: Served, language: str, width: int, site: str, name: str
) -> None:
    page, mail = opened(chromium, served, language, width), f"{name}@partner.example"
    page.goto(f"/partners/register?lang={language}")
    page.fill("#partner", "جامعة تونس الافتراضية")
    page.fill("#mail", mail)
    page.fill("#address", f"{served.partner}/{site}")
    page.click("main button.main")
    page.wait_for_url("**/partners/applications/*")
    assert page.is_checked("input[name=proposal] >> nth=0")
    page.fill("#name", name)
    page.click("button[value=try]")
    page.wait_for_url("**/test")
    began = time.monotonic()
    page.click("main form button.main")
    page.wait_for_selector(".verdict", timeout=PREVIEW_MILLISECONDS)
    assert time.monotonic() - began < PREVIEW_MILLISECONDS / 1000
    assert page.locator("details.record").count() == 10
    assert page.locator("#progress .checks li").count() > 3
    page.click("a.button.main")
    page.wait_for_url("**/submit")
    page.select_option("#rate", "5")
    page.check("input[name=consent]")
    page.click("main button.main")
    page.wait_for_url("**/applications/*")
    (application,) = applications_of(served.env, mail)
    assert (application.status, application.language) == ("submitted", language)
    page.context.close()
    steward = opened(chromium, served, language, width)
    sign_in_steward(steward, language)
    steward.goto("/console")
    steward.click("main a[href='/console/applications']")
    steward.click(f"a[href='/console/applications/{application.id}']")
    assert steward.locator(".verdict").count() == 1
    steward.click("button[value=accept]")
    steward.wait_for_selector("pre[dir=auto]")
    assert read_feed(served.env.registered_feeds / f"{name}.toml").partner == "جامعة تونس الافتراضية"
    run = tasks.harvest(name)["run_id"]
    assert tasks.run_feed(name, run) == {}
    assert read_run(served.env, run).status == "held"
    steward.goto("/console")
    assert steward.locator(f"a[href='/console/runs/{run}']").count() == 1
    steward.context.close()


@pytest.mark.parametrize(
    ("language", "width", "dark"), [("en", 1280, False), ("ar", 390, True), ("fr", 390, False), ("ru", 1280, True)]
)
def test_every_page_is_accessible_and_fits(
    chromium: Chromium, served: Served, language: str, width: int, dark: bool
) -> None:
    """After the registrations, whose drafts, trials and feeds the pages show."""
    page, problems = opened(chromium, served, language, width, dark=dark), list[str]()
    tried = next((each for each in list_applications(served.env, "accepted") if each.test), None)
    assert tried is not None, "the registrations of this file come first"
    waiting = next(iter(list_applications(served.env, "submitted")), None) or submitted(served.env, "waiting")
    changed = [each for each in list_applications(served.env, "submitted") if each.feed]
    change = changed[0] if changed else submitted(served.env, "", feed="campus", contact=tried.contact)
    for path in ("/partners", "/partners/register", "/partners/sign-in"):
        problems += problems_of(page, path, language, width)
    sign_in_partner(page, served, tried.contact, language)
    draft = drafted(served, tried)
    own = [f"/partners/applications/{each.id}" for each in (draft, tried)]
    for path in ("/partners/feeds", *own, f"{own[0]}/test", f"{own[0]}/submit", f"{own[1]}/test"):
        problems += problems_of(page, path, language, width)
    page.context.clear_cookies()
    sign_in_steward(page, language)
    console = [f"/console/applications/{each.id}" for each in (waiting, change, tried)]
    for path in ("/console/applications?all=1", *console):
        problems += problems_of(page, path, language, width)
    page.context.close()
    assert not problems, "\n".join(problems)


def drafted(served: Served, like: Application) -> Application:
    """A draft with everything that a form may show: formats, many sets, a map, paging, and mistakes."""
    from loaders.applications import create_draft

    fields = [{"path": "Titel", "examples": ["Vulkane " * 9], "target": "title"}, {"path": "a_long_name" * 9}]
    declaration = {**KEYS, "default_language": "klingonisch", "map": {"title": "Titel"}, "identifier": "Titel"}
    declaration |= {"protocol": "rest", "request": {"paging": "page"}}
    proposal = {
        "declaration": declaration,
        "protocol": "rest",
        "recognised": {"text": "OK"},
        "fields": fields,
        "formats": [{"code": "oai_dc", "crosswalk": "oai_dc"}, {"code": "rdf"}],
        "sets": [{"code": f"set_{number}", "name": "A collection with a long name " * 4} for number in range(20)],
    }
    detection = {"result": {"address": "https://x.example", "proposals": [proposal] * 2}, "chosen": 0, "upload": ""}
    facts = {"partner": "P", "contact": like.contact, "detection": detection}
    return create_draft(served.env, declaration=declaration, **facts)


def problems_of(page: Page, path: str, language: str, width: int) -> list[str]:
    page.goto(path)
    result = Axe().run(page)
    problems = [f"{path}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in result.response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        problems.append(f"{path} is wider than {width}")
    if page.get_attribute("html", "dir") != ("rtl" if language == "ar" else "ltr"):
        problems.append(f"{path}: wrong direction")
    return problems
