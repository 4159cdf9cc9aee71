"""A record is judged as it is at its source now, beside what the catalog says; nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from pipeline.feed import load_feed
from pipeline.record_check import RecordCheck, check_record
from schemas import Environment, Feed
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, serving
from tests.loaders.nights import everything, on_sqlite
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night

__all__ = ["library"]
pytestmark = on_sqlite


class Source:
    """A partner's server with an address for each record."""

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}
        self.status = 200

    def __call__(self, request: ReceivedRequest) -> Answer:
        name = request.path.rpartition("/")[2]
        return Answer(json.dumps(self.records.get(name)), status=self.status if name in self.records else 404)


@pytest.fixture
def source() -> Iterator[tuple[Source, Loopback]]:
    partner = Source()
    with serving(partner) as loopback:
        yield partner, loopback


@pytest.fixture
def checked(library: Environment, source: tuple[Source, Loopback]) -> tuple[Environment, Feed]:
    """An installation that may ask the source; its record 3 has no address, there and here."""
    declare(library, "books", '[request]\ndetail_url = "/records/{id}"\nrate = 1000\nbackoff = 0.01\n')
    record = listed("books", 3, id="no-address-3", description=None)
    night(library, "books", [listed("books", 0), record])
    source[0].records["3"] = json.loads(record.payload or "")
    feed = load_feed(library, "books").model_copy(update={"url": f"{source[1].url}/list"})
    return msgspec.structs.replace(library, allow_private=frozenset({"127.0.0.1"})), feed


def states(check: RecordCheck) -> dict[str, str]:
    return {finding.code: finding.state for finding in check.findings}


def test_findings_of_now_are_told_beside_those_of_before(
    checked: tuple[Environment, Feed], source: tuple[Source, Loopback]
) -> None:
    env, feed = checked
    before = everything(env), sorted(env.landing.rglob("*"))
    as_it_was = check_record(env, feed, "3")
    assert (as_it_was.state, as_it_was.is_same, as_it_was.is_publishable) == ("read", True, False)
    assert set(states(as_it_was).values()) == {"stays"}
    source[0].records["3"] |= {"id": "https://books.example.org/3", "license": None}
    mended = check_record(env, feed, "3")
    assert not mended.is_same and mended.is_publishable and mended.title.startswith("Grammar for class 1")
    found = states(mended)
    assert (found["address_missing"], found["description_missing"]) == ("mended", "stays")
    assert found["license_missing"] == "new"
    assert [finding.state for finding in mended.findings if finding.severity == "error"] == ["mended"]
    source[0].records["3"] = json.loads(listed("books", 3).payload or "")
    good = states(check_record(env, feed, "3"))
    assert (good["address_missing"], good["description_missing"]) == ("mended", "mended")
    assert (everything(env), sorted(env.landing.rglob("*"))) == before


def test_what_keeps_a_record_from_being_judged_is_told(
    checked: tuple[Environment, Feed], source: tuple[Source, Loopback]
) -> None:
    env, feed = checked
    source[0].status = 500
    failed = check_record(env, feed, "3")
    assert failed.state == "failed" and "did not give the record" in str(failed.message) and "500" in failed.detail
    source[0].status = 200
    for broken in ([], "text", None):
        source[0].records["3"] = broken
        unreadable = check_record(env, feed, "3")
        assert unreadable.state == "unreadable" and unreadable.detail, broken
    del source[0].records["3"]
    assert check_record(env, feed, "3").state == "absent"
    always = feed.request.model_copy(update={"quiet_hours": ["00:00-12:30 UTC", "12:00-00:30 UTC"]})
    quiet = check_record(env, feed.model_copy(update={"request": always}), "3")
    assert "quiet hours have begun" in str(quiet.message)
    asked = len(source[1].requests)
    guarded = check_record(msgspec.structs.replace(env, allow_private=frozenset()), feed, "3")
    assert guarded.state == "failed" and len(source[1].requests) == asked, "the guard of addresses holds"
