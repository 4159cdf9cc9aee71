"""A newcomer searches the sample library in Arabic, on a phone, reads a resource, and reports a problem with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium

from commands.night import SAMPLES, write_sample_feeds
from loaders.store import engine
from pipeline import catalog as catalog_steps
from pipeline import feed as feed_steps
from samples.server import ReplayServer
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.web.chromium import chromium, pytestmark, served_at
from web import create_app
from web.settings import WebSettings

__all__ = ["chromium", "pytestmark"]
WIDTH = 390


@pytest.fixture(scope="module")
def sample_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, str]]:
    """The web over what two of the sample partners give, in Arabic, English and French, published."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, ReplayServer(SAMPLES) as partners:
        feeds = write_sample_feeds(partners.url.removeprefix("http://").rstrip("/"), home / "feeds")
        for name, value in {"HOME": home, "FEEDS": feeds, "ALLOW_PRIVATE": "127.0.0.1"}.items():
            patch.setenv(f"ELIB_{name}", str(value))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        for name in ("sample_alecso_oer", "sample_tunisia_uvt"):
            feed_steps.run_feed(name, feed_steps.harvest(name)["run_id"])
        catalog_steps.publish(catalog_steps.match())
        with served_at(create_app(env, WebSettings(secret="s" * 40))) as address:
            yield env, address
        engine(env).dispose()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_a_newcomer_finds_a_resource_in_arabic_and_reports_a_problem(
    chromium: Chromium, sample_library: tuple[Environment, str], has_script: bool
) -> None:
    env, address = sample_library
    context = chromium.new_context(
        locale="ar",
        viewport={"width": WIDTH, "height": 844},
        color_scheme="dark",
        base_url=address,
        java_script_enabled=has_script,
    )
    page = context.new_page()
    page.goto("/")
    assert page.get_attribute("html", "dir") == "rtl"
    page.fill("#q", "الكُسُور العشريه")  # with vowel signs, and with ha for ta marbuta
    page.press("#q", "Enter")
    page.wait_for_url("**/search?**")
    assert page.locator(".hits mark").first.inner_text() == "الكسور"
    page.click(".hits h3 a")
    page.wait_for_url("**/resources/**")
    assert "الكسور العشرية" in page.inner_text("h1")
    page.click("a[href$='/report']")
    page.check("input[value=dead]")
    page.fill("#text", "الرابط لا يعمل")
    page.click("form button.main")
    page.wait_for_url("**/reported?**")
    assert page.inner_text("h1") == "شكرًا لك"
    if has_script:
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert context.cookies() == []
    context.close()
    (messages,) = [row[0] for row in rows(env, "reader_report", "messages")]
    assert "الرابط لا يعمل" in messages and '"language":"ar"' in messages
