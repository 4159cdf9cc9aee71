"""A steward mends many records at once, and takes it back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import Browser

__all__ = ["library"]
PAGE = "/console/quarantine"
VALUE = "https://books.example.org/c/{identifier}"


def without_address(count: int) -> list[Any]:
    return [listed("books", number, id=f"no-address-{number}") for number in range(count)]


def waiting(env: Environment) -> int:
    return sum(row[0] is not None for row in rows(env, "source_record", "pending_status"))


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi)[^>]*>", "", page)))


@pytest.fixture
def mended(library: Environment, steward: Browser) -> Browser:
    night(library, "books", [*without_address(21), *(listed("books", number) for number in range(30, 34))])
    assert waiting(library) == 21
    return steward


def test_records_without_an_address_are_corrected_together_and_it_is_undone(
    mended: Browser, library: Environment
) -> None:
    page = mended.get(PAGE)
    assert "21 versions wait" in shown(page.text) and "address_missing" in page.text
    fields = {"scope": "all", "path": "url", "value": VALUE, "reason": "their pages are there"}
    tried = mended.submit(PAGE, PAGE, action="try", **fields)
    assert "21 would be published, 0 would still fail" in shown(tried.text)
    assert rows(library, "curation", "id") == []
    done = mended.submit(PAGE, PAGE, action="correct", **fields)
    assert "Corrected: 21." in shown(done.text)
    (batch,) = {row[0] for row in rows(library, "curation", "batch_id")}
    assert {row[0] for row in rows(library, "curation", "by")} == {"Amina"}
    tasks_catalog.publish_now()
    assert waiting(library) == 0
    assert "https://books.example.org/c/20" in {row[0] for row in rows(library, "resource", "url")}

    undone = mended.submit("/console", "/console/undo", batch=batch, back=PAGE)
    assert "Undone: 21." in shown(undone.text)
    tasks_catalog.publish_now()
    assert waiting(library) == 21


def test_a_correction_that_one_record_cannot_have_corrects_none(mended: Browser, library: Environment) -> None:
    fields = {"scope": "all", "path": "url", "value": "no address", "reason": "x"}
    tried = mended.submit(PAGE, PAGE, action="try", **fields)
    assert "21 cannot have this value" in shown(tried.text)
    done = mended.submit(PAGE, PAGE, action="correct", **fields)
    assert "books:0" in shown(done.text) and "cannot be set" in shown(done.text)
    assert rows(library, "curation", "id") == []


def test_only_the_ticked_ones_are_refused_and_wait_again_when_it_is_undone(
    mended: Browser, library: Environment
) -> None:
    done = mended.submit(PAGE, PAGE, action="refuse", scope="ticked", key=["books:1", "books:2"], reason="not ours")
    assert "Refused: 2." in shown(done.text) and waiting(library) == 19
    ((batch,),) = set(rows(library, "curation", "batch_id"))
    mended.submit("/console", "/console/undo", batch=batch, back=PAGE)
    assert waiting(library) == 21


def test_facets_narrow_what_is_shown_and_what_is_decided(mended: Browser, library: Environment) -> None:
    assert "Nothing waits here" in shown(mended.get(PAGE, params={"feed": "films"}).text)
    assert "21 versions wait" in shown(mended.get(PAGE, params={"rule": "address_missing", "feed": "books"}).text)
    assert "1 version waits" in shown(mended.get(PAGE, params={"text": "no-address-20"}).text)
    narrowed = mended.submit(PAGE, PAGE, action="refuse", scope="all", text="no-address-20", reason="x")
    assert "Refused: 1." in shown(narrowed.text) and waiting(library) == 20


def test_a_decision_that_lacks_something_decides_nothing_and_says_why(mended: Browser, library: Environment) -> None:
    usual = {"action": "correct", "scope": "all", "path": "url", "value": VALUE, "reason": "x"}
    for fields in ({"reason": ""}, {"scope": "ticked"}, {"path": "titel"}, {"value": "{nonsense}"}):
        done = mended.submit(PAGE, PAGE, **usual | fields)
        assert done.status_code == 200 and 'class="message error"' in done.text, fields
        assert rows(library, "curation", "id") == [], fields
