"""The audit log: who decided what, when and why; decisions made together are one entry with one undo."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import insert

from loaders.curation import correct_all, judge, refuse_version, withdraw
from loaders.store import TermMappingRow, write_transaction
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import Browser

__all__ = ["library"]
PAGE = "/console/decisions"
HOSTILE = "<script>alert(1)</script> because \u202eit"


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi)[^>]*>", "", page))))


@pytest.fixture
def decided(library: Environment) -> Environment:
    """Five corrections made together by Amina, a refusal and a withdrawal by Boris, a judgement, and a mapping."""
    waiting = [listed("books", number, id=f"no-address-{number}") for number in range(6)]
    night(library, "books", [*waiting, *(listed("books", number) for number in (10, 11))])
    keys = [f"books:{number}" for number in range(5)]
    correct_all(library, lambda _: keys, "url", "https://example.org/{identifier}", by="Amina", reason="moved")
    refuse_version(library, "books:5", by="Boris", reason=HOSTILE)
    withdraw(library, "books:10", by="Boris", reason="asked")
    judge(library, "different", "books:10", "books:11", by="Boris", reason="two works")
    mapping = {"field": "levels", "value": HOSTILE, "code": "1", "scheme": "level", "by": "Amina", "reason": "known"}
    with write_transaction(library) as connection:
        connection.execute(insert(TermMappingRow).values(**mapping, at="2026-01-01T00:00:00.000000Z", batch_id="b-1"))
    return library


def test_decisions_made_together_are_one_entry_and_undone_together(decided: Environment, steward: Browser) -> None:
    page = steward.get(PAGE)
    text = shown(page.text)
    assert "corrected 5 books:4 · url: https://example.org/4" in text and "moved" in text
    assert "<script>alert" not in page.text and "<script>alert(1)</script> because" in text
    (batch,) = {row[0] for row in rows(decided, "curation", "batch_id") if row[0]}
    undone = steward.submit(PAGE, "/console/undo", batch=batch, back=PAGE)
    assert "Undone: 5." in shown(undone.text) and "undone by Amina" in shown(undone.text)


def test_decisions_are_narrowed_by_who_and_what(decided: Environment, steward: Browser) -> None:
    of_boris = shown(steward.get(PAGE, params={"by": "Boris"}).text)
    assert "books:4" not in of_boris and "withdrawn books:10" in of_boris
    refused = steward.get(PAGE, params={"kind": "refuse"}).text
    assert "books:5" in refused and "books:10" not in refused
    assert "known" in steward.get(PAGE, params={"kind": "map"}).text
    assert "None." in shown(steward.get(PAGE, params={"by": "nobody'; --"}).text)


def test_pages_follow_one_another_without_gap_or_repetition(decided: Environment, steward: Browser) -> None:
    for number in range(70):
        address = f"https://example.org/{number}"
        correct_all(decided, lambda _: ["books:11"], "url", address, by="Cleo", reason=f"reason-{number}.")
    url, seen = PAGE, list[str]()
    while url:
        page = steward.get(url).text
        seen += re.findall(r"reason-\d+\.", page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        url = unescape(more[1]) if more else ""
    assert seen == [f"reason-{number}." for number in reversed(range(70))]
    assert steward.get(PAGE, params={"after": "x|y|z|~"}).status_code == 200


def test_a_decision_and_a_work_without_a_reason_say_what_is_missing(decided: Environment, steward: Browser) -> None:
    missing, before = "A reason is missing.", rows(decided, "curation")
    for reason in ("", " \u00a0", "\u200b\u2060"):
        page, sent = "/console/records?key=books:11", {"key": "books:11", "action": "withdraw", "reason": reason}
        assert missing in shown(steward.submit(page, "/console/records", **sent).text), reason
        page, sent = "/console/feeds/books", {"action": "publish", "reason": reason}
        assert missing in shown(steward.submit(page, "/console/work", **sent).text), reason
    assert rows(decided, "curation") == before
