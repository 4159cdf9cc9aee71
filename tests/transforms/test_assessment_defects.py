"""An exception that nobody expected rejects one record by name, and the rejection says where our code failed."""

from __future__ import annotations

import pytest

from schemas import Feed, SourceRecord
from transforms import transform_all
from transforms.crosswalks import CROSSWALKS
from transforms.crosswalks.engine import Group, JsonFormat, Table

FEED = Feed(name="sample", title="Sample", partner="P", protocol="rest", url="https://a.example/", format="made_up")


def _failing(group: Group) -> None:
    """A made-up reader with a defect: it takes every number to be an index."""
    [][int(group.text(""))]


def test_a_record_on_which_our_code_fails_is_rejected_and_its_neighbours_are_assessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CROSSWALKS, "made_up", JsonFormat(Table({"name": "title"}, {}, {"bad": _failing})))
    payloads = ['{"name": "Rivers"}', '{"name": "Volcanoes", "bad": 3}', '{"name": "Lakes"}', "no JSON"]
    records = [
        SourceRecord(feed="sample", identifier=str(number), format="made_up", payload=payload)
        for number, payload in enumerate(payloads)
    ]
    assessments = list(transform_all(records, FEED))
    assert [assessment.identifier for assessment in assessments] == ["0", "1", "2", "3"]
    assert [assessment.resource is not None for assessment in assessments] == [True, False, True, False]
    rejection, unreadable = assessments[1].rejection, assessments[3].rejection
    assert rejection is not None and "IndexError at transforms/" in rejection.reason
    assert rejection.key == "sample:1" and "list index out of range" in rejection.reason
    assert unreadable is not None and "defect" not in unreadable.reason
