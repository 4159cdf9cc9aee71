"""A partner has one record checked again at its source, at once; nothing of the library changes by it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import msgspec
import pytest

from schemas import Environment
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, serving
from tests.loaders.nights import everything
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import Browser
from tests.web.partner_session import SECRET, partner_account, sign_in
from web import create_app
from web.partners.own import checking
from web.settings import WebSettings

__all__ = ["library"]
pytestmark = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
PAGE = "/partners/feeds/books/records"


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi|span)[^>]*>", "", page))))


class Partner:
    """A server with details of records, which the test changes."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.status = 200

    def __call__(self, request: ReceivedRequest) -> Answer:
        name = request.path.rpartition("/")[2]
        known = name in self.records
        return Answer(json.dumps(self.records.get(name)), status=self.status if known else 404)


@pytest.fixture
def source() -> Iterator[tuple[Partner, Loopback]]:
    partner = Partner()
    with serving(partner) as loopback:
        yield partner, loopback


@pytest.fixture
def partner(
    library: Environment, source: tuple[Partner, Loopback], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    """A partner whose record 3 has no address, at a source that still sends it like that."""
    declaration = f"""title = "Open Textbooks"
partner = "Example University"
protocol = "rest"
url = "{source[1].url}/list"
format = "amb"
identifier = "id"
absent_after = 1
[request]
detail_url = "/records/{{id}}"
rate = 100
"""
    (library.feeds / "books.toml").write_text(declaration)
    record = listed("books", 3, id="no-address-3")
    night(library, "books", [listed("books", 0), record])
    source[0].records["3"] = json.loads(record.payload or "")
    may_ask = msgspec.structs.replace(library, allow_private=frozenset({"127.0.0.1"}))
    with Browser(create_app(may_ask, WebSettings(secret=SECRET)), base_url="http://127.0.0.1:8081") as browser:
        sign_in(browser, partner_account(library, "books"))
        yield browser


def check(browser: Browser, identifier: str = "3") -> str:
    return shown(browser.submit(f"{PAGE}?identifier={identifier}", PAGE, identifier=identifier).text)


def test_a_record_is_checked_at_its_source_and_nothing_changes(
    partner: Browser, library: Environment, source: tuple[Partner, Loopback]
) -> None:
    before, landed = everything(library), sorted(library.landing.rglob("*"))
    source[0].records["3"]["description"] = None
    text = check(partner)
    assert "It is not what was received last" in text and "What is left to fix" in text
    assert text.count("has no web address") == 2 and "stays" in text, "before and now"
    assert text.count("The record has no description") == 1
    assert (everything(library), sorted(library.landing.rglob("*"))) == (before, landed)


def test_checks_are_limited_and_only_shown_for_their_record(
    partner: Browser, library: Environment, source: tuple[Partner, Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = partner.submit(f"{PAGE}?identifier=3", PAGE, identifier="3")
    check_id = done.url.params["check"]
    assert "At your server" in shown(partner.get(f"{PAGE}?identifier=3&check={check_id}").text)
    for query in (
        f"identifier=0&check={check_id}",
        "identifier=3&check=../../secret",
        "identifier=3&check=" + "0" * 32,
    ):
        assert "At your server" not in shown(partner.get(f"{PAGE}?{query}").text), query
    for _ in range(checking.MAX_PROCESSES):
        assert checking._slots.acquire(blocking=False)
    try:
        assert "Other records are being checked now" in check(partner)
    finally:
        for _ in range(checking.MAX_PROCESSES):
            checking._slots.release()
    monkeypatch.setattr(checking, "PROCESS_SECONDS", 0.05)
    assert "took too long and was ended" in check(partner)
    asked = len(source[1].requests)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', partner.get(f"{PAGE}?identifier=3").text)
    assert token
    answers = [partner.post(PAGE, data={"csrf_token": token[1], "identifier": "3"}).status_code for _ in range(31)]
    assert answers[-1] == 429 and len(source[1].requests) == asked
