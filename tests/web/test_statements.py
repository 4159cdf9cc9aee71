"""The statements for readers say what the software does, in four languages, and every page leads to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import Environment, environment
from tests.web.conftest import Browser
from web import create_app
from web.application import SESSION_SECONDS
from web.languages import LANGUAGES
from web.settings import WebSettings, web_settings

TITLES = {"en": "Privacy", "fr": "Confidentialité", "ru": "Конфиденциальность", "ar": "الخصوصية"}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    home = tmp_path_factory.mktemp("home")
    return environment({"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds")})


@pytest.fixture(scope="module")
def reader(env: Environment) -> Iterator[Browser]:
    settings = WebSettings(secret="s" * 40, contact="Library@example.org")
    with Browser(create_app(env, settings), base_url="http://127.0.0.1:8081") as browser:
        yield browser


def test_the_statements_are_told_in_four_languages_with_the_contact(reader: Browser) -> None:
    for language in LANGUAGES:
        for path in ("/privacy", "/accessibility"):
            page = reader.get(path, params={"lang": language})
            assert page.status_code == 200 and "set-cookie" not in page.headers
            assert 'href="mailto:library@example.org"' in page.text
            assert "axe-core" in page.text or "elib_session" in page.text
        assert f"<h1>{TITLES[language]}</h1>" in reader.get("/privacy", params={"lang": language}).text
    privacy = re.sub(r"<[^>]+>", "", reader.get("/privacy").text)
    assert "90 days after the report is decided" in privacy
    assert f"it ends after {SESSION_SECONDS // 3600} hours" in privacy and "it ends after 365 days" in privacy


def test_every_page_leads_to_the_statements(reader: Browser) -> None:
    for path in ("/", "/search", "/nowhere", "/partners", "/partners/register", "/sign-in", "/privacy"):
        footer = reader.get(path).text.partition("<footer>")[2]
        assert 'href="/privacy"' in footer and 'href="/accessibility"' in footer, path
    assert 'href="/privacy?lang=ar"' in reader.get("/search?lang=ar").text


def test_a_contact_that_is_a_page_no_address_or_missing(env: Environment) -> None:
    for contact, shown in (
        ("https://library.example.org/contact", 'href="https://library.example.org/contact"'),
        ("javascript:alert(1)", "<bdi>javascript:alert(1)</bdi>"),
        ("", "have not named a contact yet"),
    ):
        settings = web_settings(env, {"ELIB_CONTACT": contact})
        with Browser(create_app(env, settings), base_url="http://127.0.0.1:8081") as browser:
            assert shown in browser.get("/privacy").text and 'href="javascript' not in browser.get("/privacy").text


def test_cookies_are_set_where_the_statement_says_and_nowhere_else(env: Environment, tmp_path: Path) -> None:
    with Browser(create_app(env, WebSettings(secret="s" * 40)), base_url="http://127.0.0.1:8081") as browser:
        for path in ("/", "/search?q=x&lang=fr", "/privacy?lang=fr", "/resources/nothing/report", "/nowhere"):
            assert "set-cookie" not in browser.get(path).headers, path
        assert re.search("elib_session=.*httponly.*samesite=lax", browser.get("/sign-in").headers["set-cookie"], re.I)
        assert "language=fr" in browser.get("/partners?lang=fr").headers["set-cookie"]
        assert set(browser.cookies) <= {"elib_session", "language"}
