"""A steward maps terms, reads their feeds again, sees them published, and takes it back."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import Any

import pytest

from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from tests.web.test_quarantine import shown

__all__ = ["library"]
pytestmark = pytest.mark.early
PAGE = "/console/terms"
TERM = "Arbeitzblatt"  # misspelt, and so in no list
HOUR_SECONDS = 3600


def with_term(feed: str, numbers: range, term: str = TERM) -> list[Any]:
    return [listed(feed, number, learningResourceType=[term]) for number in numbers]


@pytest.fixture
def termed(library: Environment, steward: Browser) -> Browser:
    declare(library, "films")
    night(library, "books", with_term("books", range(4)))
    night(library, "films", with_term("films", range(3), "arbeitz-BLATT"))
    tasks_catalog.publish_now()
    return steward


def kinds(env: Environment) -> set[str | None]:
    return {row[0] for row in rows(env, "resource", "resource_type")}


def reprocess(*feeds: str) -> None:
    for feed in feeds:
        assert tasks.run_feed(feed, tasks.begin_reprocess(feed))
    tasks_catalog.publish_now()


def map_action(page: str) -> str:
    """The value of the first button with a nearest label."""
    button = re.search(r'value="(map:[^"]+)"', page)
    assert button
    return unescape(button[1])


def test_a_term_is_mapped_by_a_nearest_label_and_published_after_the_button_that_reads_its_feeds_again(
    termed: Browser, library: Environment
) -> None:
    page = termed.get(PAGE)
    assert "would change 4 records in 1 feed" in shown(page.text)
    action = map_action(page.text)
    assert action == "map:resource_type:worksheet"
    fields = {"field": "resource_types", "value": TERM, "reason": "a slip of the pen"}
    mapped = termed.submit(PAGE, PAGE, action=action, **fields)  # the first click
    assert "Mapped: 2." in shown(mapped.text), "both spellings"
    assert "Reprocess the 2 feeds that have them" in shown(mapped.text)
    assert "would change" not in shown(mapped.text)
    begun = termed.submit(PAGE, f"{PAGE}/reprocess")  # the second
    work = begun.url.path
    assert work.startswith("/console/work/") and "Reprocessing feeds, then publishing" in shown(begun.text)
    deadline = time.monotonic() + HOUR_SECONDS
    while "data-poll" in (page := termed.get(work)).text:
        assert time.monotonic() < deadline, page.text
    assert "Published" in page.text and kinds(library) == {"worksheet"}, shown(page.text)
    assert {row[0] for row in rows(library, "term_mapping", "by")} == {"Amina"}
    assert "Reprocess the" not in shown(termed.get(PAGE).text)


def test_undoing_a_mapping_takes_the_concept_away_again(termed: Browser, library: Environment) -> None:
    fields = {"field": "resource_types", "value": TERM, "reason": "x", "action": "map", "entry": "Worksheet"}
    mapped = termed.submit(PAGE, PAGE, **fields)
    ((batch,),) = set(rows(library, "term_mapping", "batch_id"))
    assert batch in mapped.text
    reprocess("books", "films")
    assert kinds(library) == {"worksheet"}
    undone = termed.submit(PAGE, "/console/undo", batch=batch, back=PAGE)
    assert "Undone: 2." in shown(undone.text) and "Reprocess the 2 feeds" in shown(undone.text)
    reprocess("books", "films")
    assert kinds(library) == {None} and "would change 4 records" in shown(termed.get(PAGE).text)
    assert "Reprocess the" not in shown(termed.get(PAGE).text)


def test_a_mapping_for_one_feed_leaves_the_term_in_the_others(termed: Browser, library: Environment) -> None:
    fields = {"field": "resource_types", "value": TERM, "reason": "x", "entry": "worksheet", "for": "books"}
    mapped = termed.submit(PAGE, PAGE, action="map", **fields)
    assert "Reprocess the 1 feed that has it" in shown(mapped.text)
    assert "would change 3 records in 1 feed" in shown(mapped.text)


def test_an_ignored_term_no_longer_waits(termed: Browser, library: Environment) -> None:
    fields = {"field": "resource_types", "value": TERM, "reason": "means nothing"}
    ignored = termed.submit(PAGE, PAGE, action="ignore", **fields)
    assert "Ignored: 2." in shown(ignored.text) and "No term waits here" in shown(ignored.text)
    reprocess("books", "films")
    assert kinds(library) == {None} and "No term waits here" in shown(termed.get(PAGE).text)


def test_facets_search_and_examples_narrow_the_terms(termed: Browser) -> None:
    assert "would change" in shown(termed.get(PAGE, params={"field": "resource_types", "feed": "films"}).text)
    assert "No term waits here" in shown(termed.get(PAGE, params={"field": "levels"}).text)
    assert "No term waits here" in shown(termed.get(PAGE, params={"text": "zzz"}).text)
    page = termed.get(PAGE, params={"field": "resource_types", "examples": TERM})
    assert page.text.count("/console/records?key=books") == 4


def test_pages_hold_every_term_once(library: Environment, steward: Browser) -> None:
    terms = [f"Grumpf number {number:02d}" for number in range(45)]
    night(library, "books", [listed("books", number, learningResourceType=[each]) for number, each in enumerate(terms)])
    seen: list[str] = []
    page: str | None = PAGE
    while page:
        text = steward.get(page).text
        seen += re.findall(r"<h2[^>]*><bdi[^>]*>([^<]+)</bdi>", text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        page = unescape(following[1]) if following else None
    assert seen == terms[::-1]


def test_a_mapping_that_lacks_something_is_not_made_and_the_page_says_why(
    termed: Browser, library: Environment
) -> None:
    usual = {"action": "map", "field": "resource_types", "value": TERM, "reason": "x", "entry": "worksheet"}
    for fields in (
        {"entry": ""},
        {"entry": "no such kind"},
        {"entry": "resource_type:no such kind"},
        {"reason": ""},
        {"field": "title"},
        {"for": "no_such_feed"},
        {"value": ""},
    ):
        done = termed.submit(PAGE, PAGE, **usual | fields)
        assert done.status_code == 200 and 'class="message error"' in done.text, fields
        assert rows(library, "term_mapping", "id") == [], fields
