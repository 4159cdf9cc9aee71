"""Nights of a feed, as the catalog sees them."""

from __future__ import annotations

from schemas import Environment
from tests.loaders.nights import everything, feed, night, rows, said, states


def test_a_first_night_adds_everything_and_the_second_changes_nothing(env: Environment) -> None:
    records = [said(f"r{n}", f"Title {n}", notes=["short"], levels=["K-12"]) for n in range(25)]
    assert night(env, feed(), records) == {"landed": 25, "added": 25}
    before = everything(env)
    assert night(env, feed(), records) == {"landed": 25, "unchanged": 25}
    assert everything(env) == before
    assert rows(env, "unmapped_value", "field, value, count") == [("level", "K-12", 25)]


def test_every_way_that_a_record_can_end_is_counted_once(env: Environment) -> None:
    night(env, feed(), [said(name, "old") for name in ("same", "other", "gone", "told", "worse")])
    second = [
        said("same", "old"),
        said("other", "new"),
        said("told", None),
        said("worse", "bad now"),
        said("fresh"),
        said("strange", unreadable=True),
        said("poor", "bad"),
    ]
    counts = {"landed": 8, "added": 1, "changed": 1, "unchanged": 1, "deleted": 2, "rejected": 1, "quarantined": 2}
    assert night(env, feed(), second) == counts
    assert states(env) == {
        "same": "live",
        "other": "live",
        "gone": "deleted",
        "told": "deleted",
        "worse": "live",
        "fresh": "live",
        "strange": "rejected",
        "poor": "quarantined",
    }
    before = everything(env)
    assert night(env, feed(), second) == {"landed": 7, "unchanged": 7}
    assert everything(env) == before
