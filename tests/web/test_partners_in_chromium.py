"""Partners in Debian's Chromium: from typing an address to records in the library, for each kind of source.

Each walks from the address to the accepted feed; then one night harvests them all, and the steward releases their
first runs, which are held.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from loaders.applications import Application, applications_of
from loaders.store import engine
from samples.server import ReplayServer
from schemas import ROOT, Environment, read_feed
from tests.commands.test_night import night
from tests.loaders.nights import rows
from tests.web.chromium import chromium, pytestmark, served_at, sign_in_steward
from tests.web.full_library import SETTINGS, empty_library
from web import create_app

__all__ = ["chromium", "pytestmark"]
PREVIEW_SECONDS = 60  # within which a partner sees a preview and its verdict
WORK_MILLISECONDS = 180_000
PARTNER = "جامعة تونس الافتراضية"
WIDE, PHONE = 1280, 390


class Served(NamedTuple):
    """A library on a free port that may ask the sample partners, which are on another."""

    env: Environment
    address: str
    partner: str


class Source(NamedTuple):
    """What a partner types below the address of the samples, what is right to propose for it, and who registers it.

    records: as many as a whole harvest lists; the address of a site but for `exact` ones, and lists
    """

    name: str
    typed: str
    protocol: str
    format: str
    records: int
    language: str = "en"
    width: int = WIDE


SOURCES = [
    Source("oai", "col", "oai_pmh", "oai_dc", 51),
    Source("wordpress", "iite", "rest", "wordpress", 21, "ar", PHONE),
    Source("opendatasoft", "unesco/opendatasoft", "opendatasoft", "unesdoc", 29, "fr"),
    Source("syndication", "autodesk", "rss", "rss", 21, "ru", PHONE),
    Source("sitemap", "golab", "sitemap", "schema_org", 3),
    Source("json_list", "golab/rest/labs/retrieve.json", "rest", "golab_labs", 21),
    Source("table", "alecso/export.csv", "csv", "oercommons_csv", 22),
    Source("xml_list", "alecso/api/search?batch_start=8", "rest", "oercommons_xml", 20),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, ReplayServer(ROOT / "samples") as partner:
        env = empty_library(home, patch)
        with served_at(create_app(env, SETTINGS)) as address:
            yield Served(env, address, partner.url)
        engine(env).dispose()


def opened(chromium: Chromium, served: Served, source: Source) -> Page:
    return chromium.new_context(
        locale=source.language, viewport={"width": source.width, "height": 900}, base_url=served.address
    ).new_page()


@pytest.mark.parametrize("source", SOURCES, ids=[source.name for source in SOURCES])
def test_a_partner_registers_by_the_address_alone_and_a_steward_accepts(
    chromium: Chromium, served: Served, source: Source
) -> None:
    page = opened(chromium, served, source)
    find_out(page, served, source)
    try_it(page, source)
    application = submit(page, served, source)
    page.context.close()
    steward = opened(chromium, served, source)
    sign_in_steward(steward, source.language)
    steward.click("main a[href='/console/applications']")
    steward.click(f"a[href='/console/applications/{application.id}']")
    assert steward.locator(".verdict").count() == 1
    assert_fits(steward, source)
    steward.click("button[value=accept]")
    steward.wait_for_selector("pre[dir=auto]")
    steward.context.close()
    feed = read_feed(served.env.registered_feeds / f"{source.name}.toml")
    assert (feed.partner, feed.protocol, feed.format) == (PARTNER, source.protocol, source.format)


def find_out(page: Page, served: Served, source: Source) -> None:
    """Type an address, and go on with the proposal that is chosen."""
    page.goto(f"/partners/register?lang={source.language}")
    page.fill("#partner", PARTNER)
    page.fill("#mail", mail_of(source))
    page.fill("#address", f"{served.partner}/{source.typed}")
    assert_fits(page, source)
    page.click("main button.main")
    page.wait_for_url("**/partners/applications/*", timeout=PREVIEW_SECONDS * 1000)
    assert page.is_checked("input[name=proposal] >> nth=0")
    assert_fits(page, source)


def try_it(page: Page, source: Source) -> None:
    """Name the feed, and see the test, the preview and its verdict within a minute."""
    page.fill("#name", source.name)
    page.click("button[value=try]")
    page.wait_for_url("**/test")
    began = time.monotonic()
    page.click("main form button.main")
    page.wait_for_selector(".verdict", timeout=PREVIEW_SECONDS * 1000)
    assert time.monotonic() - began < PREVIEW_SECONDS
    assert page.locator("details.record").count() == min(source.records, 10)
    assert page.locator("#progress .checks li").count() > 3
    assert_fits(page, source)


def submit(page: Page, served: Served, source: Source) -> Application:
    """Submit what was tried; return the application as it is kept."""
    page.click("a.button.main")
    page.wait_for_url("**/submit")
    page.select_option("#rate", "5")
    page.check("input[name=consent]")
    assert_fits(page, source)
    page.click("main button.main")
    page.wait_for_url("**/applications/*")
    (application,) = applications_of(served.env, mail_of(source))
    assert (application.status, application.language) == ("submitted", source.language)
    return application


def mail_of(source: Source) -> str:
    return f"{source.name}@partner.example"


def assert_fits(page: Page, source: Source) -> None:
    page.wait_for_load_state()  # after a click the document may have no element yet
    assert page.evaluate("document.documentElement.scrollWidth") <= source.width, page.url
    assert page.get_attribute("html", "dir") == ("rtl" if source.language == "ar" else "ltr")


def test_the_next_night_harvests_them_all_and_a_steward_releases_their_first_runs(
    chromium: Chromium, served: Served
) -> None:
    """After the registrations above."""
    env, names = served.env, {source.name for source in SOURCES}
    done = night(env.home, ELIB_FEEDS=str(env.registered_feeds), ELIB_ALLOW_PRIVATE="127.0.0.1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    runs = {feed: (run, status) for run, feed, status in rows(env, "harvest_run", "id, feed, status") if feed in names}
    assert {name: status for name, (_, status) in runs.items()} == dict.fromkeys(names, "held")
    assert rows(env, "resource", "id") == []
    steward = opened(chromium, served, SOURCES[1])
    sign_in_steward(steward, SOURCES[1].language)
    for source in SOURCES:
        release(steward, runs[source.name][0])
    steward.context.close()
    landed = {feed: count for feed, count in rows(env, "harvest_run", "feed, landed") if feed in names}
    assert landed == {source.name: source.records for source in SOURCES}
    assert {feed for feed, resource in rows(env, "source_record", "feed, resource_id") if resource} == names


def release(steward: Page, run: str) -> None:
    """Release a held run from Today, and wait until it is loaded and published."""
    steward.goto("/console")
    steward.click(f"a[href='/console/runs/{run}']")
    assert_fits(steward, SOURCES[1])
    steward.fill("#reason", "السجلات جيدة")
    steward.click("button[value=release]")
    steward.wait_for_selector("#progress .badge.loaded", timeout=WORK_MILLISECONDS)
