"""A steward judges pairs of records, one by one or all of a kind, and takes it back."""

from __future__ import annotations

import json
import re

import pytest

from pipeline import catalog as tasks_catalog
from schemas import Environment, SourceRecord
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser

__all__ = ["library"]
PAGE = "/console/pairs"


def keys(page: str) -> dict[str, str]:
    return {side: re.search(rf'name="{side}" value="([^"]+)"', page)[1] for side in ("left", "right")}  # type: ignore[index]


def films_like(books: list[SourceRecord]) -> list[SourceRecord]:
    """The books as films of another partner: a word of each title is another."""
    works = [json.loads(record.payload or "") for record in books]
    return [
        listed(
            "films",
            number,
            name=each["name"].replace("workbook", "reader"),
            creator=each["creator"],
            description=each["description"],
        )
        for number, each in enumerate(works)
    ]


@pytest.fixture
def with_pairs(library: Environment, steward: Browser) -> Browser:
    """Works whose titles differ in a word, at two partners: pairs for review."""
    declare(library, "films")
    books = [listed("books", number) for number in range(6)]
    night(library, "books", books)
    night(library, "films", films_like(books))
    tasks_catalog.publish_now()
    return steward


def test_pairs_are_judged_one_after_the_other_and_it_is_undone(with_pairs: Browser, library: Environment) -> None:
    first = with_pairs.get(PAGE)
    before = int(re.search(r"(\d+) pairs? wait", first.text)[1])  # type: ignore[index]
    assert before >= 2
    first_pair = keys(first.text)
    second = with_pairs.submit(PAGE, PAGE, verdict="different", **first_pair)
    assert keys(second.text) != first_pair and "Judged to be different works: 1." in second.text
    third = with_pairs.submit(str(second.url), PAGE, verdict="skip", **keys(second.text))
    assert keys(third.text) not in (first_pair, keys(second.text)) or before == 2
    ((verdict, by, batch),) = rows(library, "judgement", "verdict, by, batch_id")
    assert (verdict, by) == ("different", "Amina")
    with_pairs.submit("/console", "/console/undo", batch=batch, back=PAGE)
    assert f"{before} pairs wait" in with_pairs.get(PAGE).text


def test_all_pairs_with_such_evidence_are_judged_together(with_pairs: Browser, library: Environment) -> None:
    page = with_pairs.get(PAGE)
    alike = int(re.search(r"for all (\d+) pairs with such evidence", page.text)[1])  # type: ignore[index]
    done = with_pairs.submit(PAGE, PAGE, verdict="different", scope="alike", **keys(page.text))
    assert f"Judged to be different works: {alike}." in done.text
    assert len({row[0] for row in rows(library, "judgement", "batch_id")}) == 1


def test_a_pair_that_is_none_is_not_found(steward: Browser) -> None:
    assert steward.get(PAGE, params={"left": "books:1", "right": "films:1"}).status_code == 404
    assert "No pair waits" in steward.get(PAGE).text
