"""Nights of a feed, as the catalog sees them."""

from __future__ import annotations

import random
import string
from hashlib import sha256

import pytest
from sqlalchemy import text

from loaders import catalog, staging, store
from loaders.catalog import decisions as catalog_decide
from loaders.landing import ask, land
from loaders.staging import gate_facts
from loaders.store import write_transaction
from schemas import Environment, Issue, Reason, Skipped
from tests.loaders.nights import (
    everything,
    feed,
    night,
    on_sqlite,
    pages,
    rows,
    run_counts,
    sent,
    stage,
    staged,
    states,
    transform,
)


def test_a_first_night_adds_everything_and_the_second_changes_nothing(env: Environment) -> None:
    records = [sent(f"r{n}", f"Title {n}", notes=["short"], levels=["K-12"]) for n in range(25)]
    assert night(env, feed(), records) == {"landed": 25, "added": 25}
    before = everything(env)
    assert night(env, feed(), records) == {"landed": 25, "unchanged": 25}
    assert everything(env) == before
    assert rows(env, "unmapped_value", "field, value, count") == [("level", "K-12", 25)]


def test_every_result_of_a_record_is_counted_once(env: Environment) -> None:
    night(env, feed(), [sent(name, "old") for name in ("same", "other", "gone", "told", "worse")])
    second = [
        sent("same", "old"),
        sent("other", "new"),
        sent("told", None),
        sent("worse", "bad now"),
        sent("fresh"),
        sent("strange", unreadable=True),
        sent("poor", "bad"),
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


def test_a_newer_payload_with_the_same_record_is_no_change(env: Environment) -> None:
    night(env, feed(), [sent("r1", "title", datestamp="2026-01-01", ignored=1)])
    before = rows(env, "source_record", "record, run_id")
    run = staged(env, feed(), [sent("r1", "title", datestamp="2026-01-02", ignored=2)])
    (fact,) = gate_facts(env, run)
    assert (fact["change"], fact["payload_changed"], fact["restamped"]) == ("none", True, False)
    assert run_counts(catalog.load(env, run)) == {"landed": 1, "unchanged": 1}
    assert rows(env, "source_record", "record, run_id") == before
    assert rows(env, "source_record", "datestamp") == [("2026-01-02",)]


@on_sqlite
def test_the_newest_datestamp_then_the_last_listed_wins_and_is_counted(env: Environment) -> None:
    run = staged(
        env,
        feed(),
        [
            sent("r1", "newer", datestamp="2026-02-01"),
            sent("r1", "older", datestamp="2026-01-01"),
            sent("r2", "same", datestamp="2026-01-01"),
            sent("r2", "same", datestamp="2026-01-01"),
        ],
    )
    counts = catalog.load(env, run)
    assert (counts["landed"], counts["added"], counts["duplicates"], counts["listed"]) == (2, 2, 2, 4)
    assert ['"newer"' in record for (record,) in rows(env, "source_record", "record")] == [True, False]


@on_sqlite
def test_two_records_with_the_same_identifier_are_rejected(env: Environment) -> None:
    twice = [sent("r1", "one"), sent("r2", "fine"), sent("r1", "another")]
    assert night(env, feed(), twice) == {"landed": 2, "added": 1, "rejected": 1}
    ((reason,),) = rows(env, "source_record WHERE identifier = 'r1'", "pending_reason")
    for record in (twice[0], twice[2]):
        assert sha256((record.payload or "").encode()).hexdigest() in reason
    before = everything(env)
    assert night(env, feed(), twice) == {"landed": 2, "unchanged": 2}
    assert everything(env) == before
    assert night(env, feed(), twice[:2]) == {"landed": 2, "added": 1, "unchanged": 1}


@on_sqlite
def test_absent_records_are_deleted_only_after_a_complete_full_list(env: Environment) -> None:
    night(env, feed(), [sent("r1"), sent("r2")])
    assert night(env, feed(), [sent("r1")], full=False) == {"landed": 1, "unchanged": 1}
    assert night(env, feed(), [sent("r1")], complete=False) == {"landed": 1, "unchanged": 1}
    run = staged(env, feed(), [sent("r3")])  # goes on with the harvest that was not complete, which listed r1
    gone = {row["key"] for row in gate_facts(env, run) if row["absent"]}
    assert gone == {"books:r2"}
    catalog.load(env, run)
    assert states(env) == {"r1": "live", "r2": "deleted", "r3": "live"}
    assert rows(env, "source_record", "identifier, deleted_reason")[1] == ("r2", "absent")
    assert night(env, feed(), [sent("r1"), sent("r2"), sent("r3")]) == {"landed": 3, "added": 1, "unchanged": 2}


@on_sqlite
def test_skipped_records_do_not_count_as_absent(env: Environment) -> None:
    night(
        env, feed(), [sent("r1"), sent("r2"), sent("old", datestamp="2020-01-01"), sent("new", datestamp="2026-01-01")]
    )
    skipped = (
        Skipped(identifier="r2", reason="HTTP 500"),
        Skipped(identifier=None, reason="HTTP 500", window=("2019-01-01", "2020-12-31")),
    )
    counts = night(env, feed(), [sent("r1")], skipped=skipped)
    assert counts == {"landed": 3, "unchanged": 1, "deleted": 1, "rejected": 1}
    assert states(env) == {"r1": "live", "r2": "live", "old": "live", "new": "deleted"}


@on_sqlite
@pytest.mark.parametrize(
    ("window", "spared"),
    [
        (("2026-01-05", "2026-01-05"), {"day", "second", "fraction"}),
        (("2026-01-05T00:00:00Z", "2026-01-05T12:00:00Z"), {"day", "second", "fraction"}),
        (("2026-01-05T12:00:01Z", "2026-01-06"), {"day", "next"}),
        (None, {"day", "second", "fraction", "next"}),
    ],
    ids=["a day", "half a day", "the other half and the next day", "nobody knows when"],
)
def test_a_failed_date_window_deletes_no_record_that_may_lie_in_it(
    env: Environment, window: tuple[str, str] | None, spared: set[str]
) -> None:
    stamps = {
        "day": "2026-01-05",
        "second": "2026-01-05T12:00:00Z",
        "fraction": "2026-01-05T12:00:00.000Z",
        "next": "2026-01-06T00:00:00Z",
    }
    night(env, feed(), [sent("stays"), *(sent(name, datestamp=stamp) for name, stamp in stamps.items())])
    night(env, feed(), [sent("stays")], skipped=(Skipped(identifier=None, reason="HTTP 500", window=window),))
    assert {name for name, status in states(env).items() if status == "live"} == {"stays", *spared}
    night(env, feed(), [sent("stays")])
    assert {name for name, status in states(env).items() if status == "live"} == {"stays"}


@on_sqlite
def test_records_absent_from_an_incremental_harvest_stay_live(env: Environment) -> None:
    for told in (True, False):
        night(env, feed(), [sent("r1"), sent("r2")], reports_all_deletions=told)
        assert night(env, feed(), [], full=False, reports_all_deletions=told) == {}
    assert states(env) == {"r1": "live", "r2": "live"}
    assert night(env, feed(), [sent("r2")], reports_all_deletions=True) == {"landed": 2, "unchanged": 1, "deleted": 1}
    assert night(env, feed(), [sent("r2", None)], full=False, reports_all_deletions=True) == {"landed": 1, "deleted": 1}


@on_sqlite
def test_no_record_of_an_unreadable_page_is_deleted(env: Environment) -> None:
    page = "https://example.org/a"
    night(env, feed(), [sent("stays"), *(sent(name) for name in (page, f"{page}#1", f"{page}b"))])
    night(env, feed(), [sent("stays")], skipped=(Skipped(identifier=page, reason="not readable as HTML"),))
    assert {name for name, status in states(env).items() if status == "live"} == {"stays", page, f"{page}#1"}


@on_sqlite
def test_a_not_modified_response_deletes_nothing(env: Environment) -> None:
    night(env, feed(), [sent("r1")])
    assert night(env, feed(), [], not_modified=True) == {}
    assert states(env) == {"r1": "live"}


def test_an_unknown_tombstone_is_counted_deleted_once(env: Environment) -> None:
    assert night(env, feed(), [sent("r1", None)]) == {"landed": 1, "deleted": 1}
    before = everything(env)
    assert night(env, feed(), [sent("r1", None)]) == {"landed": 1, "unchanged": 1}
    assert everything(env) == before


def test_an_invalid_new_version_needs_review_and_the_accepted_one_stays(env: Environment) -> None:
    night(env, feed(), [sent("r1", "good")])
    accepted = rows(env, "source_record", "status, payload_sha256, record")
    assert night(env, feed(), [sent("r1", "bad")]) == {"landed": 1, "quarantined": 1}
    assert rows(env, "source_record", "status, payload_sha256, record") == accepted
    assert rows(env, "source_record", "pending_reason, pending_status") == [("errors: title_bad", "quarantined")]
    assert night(env, feed(), [sent("r1", "good")]) == {"landed": 1, "unchanged": 1}
    assert rows(env, "source_record", "pending_sha256, pending_record") == [(None, None)]


def test_a_reprocess_reads_every_record_again_without_contacting_the_partner(env: Environment) -> None:
    night(env, feed(), [sent("r1"), sent("r2"), sent("r3", "bad")])
    night(env, feed(), [sent("r2", "newer"), sent("r3", "bad")])
    before = everything(env)
    run = store.begin_run(env, "books", "reprocess")
    assert run_counts(stage(env, run)) == {"landed": 3, "unchanged": 3}
    catalog.load(env, run)
    assert everything(env) == before


def test_a_retired_feed_withdraws_every_record(env: Environment) -> None:
    night(env, feed(), [sent("r1"), sent("r2"), sent("r3", "bad")])
    run = store.begin_run(env, "books")
    staging.plan_staging(env, run, withdraw=True, absent_after=1)
    assert run_counts(staging.stage(env, run)) == {"landed": 3, "deleted": 3}
    catalog.load(env, run)
    assert set(states(env).values()) == {"deleted"}
    back = store.begin_run(env, "books", "reprocess")  # the feed is active again
    assert run_counts(stage(env, back)) == {"landed": 3, "added": 2, "quarantined": 1}
    catalog.load(env, back)
    assert states(env) == {"r1": "live", "r2": "live", "r3": "quarantined"}


def test_gate_facts_describe_the_feed_as_it_would_be_after_the_load(env: Environment) -> None:
    night(env, feed(), [sent("same"), sent("gone"), sent("worse"), sent("stamped", datestamp="2026-01-01")])
    now = [sent("same"), sent("worse", "bad"), sent("fresh"), sent("stamped", datestamp="2026-01-02")]
    facts = {row.pop("key"): row for row in gate_facts(env, staged(env, feed(), now))}
    seen = {key: (row["live_before"], row["live_after"], row["change"], row["errors"]) for key, row in facts.items()}
    assert seen == {
        "books:same": (True, True, "none", 0),
        "books:gone": (True, False, "deleted", 0),
        "books:worse": (True, True, "quarantined", 1),
        "books:fresh": (False, True, "added", 0),
        "books:stamped": (True, True, "none", 0),
    }
    assert [key for key, row in facts.items() if row["restamped"]] == ["books:stamped"]
    assert [key for key, row in facts.items() if row["absent"]] == ["books:gone"]
    assert facts["books:worse"]["codes"] == "title_bad"


def test_batch_findings_are_judged_for_the_whole_feed(env: Environment) -> None:
    def one_night(*issues: Issue) -> dict[str, int]:
        run = store.begin_run(env, "books")
        land(env.landing, feed(), run, pages([sent("r1"), sent("r2", "v2" if len(issues) > 1 else "v1")]))
        for chunk in staging.plan_staging(env, run, absent_after=1).chunks:
            staging.write_outcomes(env, chunk, (transform(record) for record in staging.read_chunk(env, chunk)))
        staging.write_batch_issues(env, run, issues)
        staging.stage(env, run)
        return run_counts(catalog.load(env, run))

    shared = Issue(key="books:r1", code="shared", severity="warning", path="url", value="https://example.org")
    grave = Issue(key="books:r2", code="twice", severity="error", path="key", value="r2")
    assert one_night(shared) == {"landed": 2, "added": 2}
    assert one_night(shared, grave) == {"landed": 2, "unchanged": 1, "quarantined": 1}
    assert one_night() == {"landed": 2, "unchanged": 2}
    assert [bool(resolved) for (resolved,) in rows(env, "issue", "resolved_run_id")] == [True, True]


def test_a_reprocess_restores_an_empty_catalog(env: Environment) -> None:
    night(env, feed(), [sent(name, "old") for name in ("waits", "refused", "spared", "gone", "same", "back")])
    second = [sent("waits", "older"), sent("refused", "old"), sent("spared", "old"), sent("same", "old")]
    night(env, feed(), [*second, sent("back", None)])
    third = [sent("waits", "bad"), sent("refused", "new"), sent("same", "old"), sent("back", "bad")]
    night(env, feed(), [third[0], *second[1:], third[3]])
    run = staged(env, feed(), third)
    store.hold_run(env, run, ["the test says so"])
    catalog_decide.refuse(env, run, by="A Steward", reason="looked at it")
    before = {row[0]: row[1:] for row in rows(env, "source_record", AGAIN)}
    with write_transaction(env) as connection:
        connection.execute(text("DELETE FROM source_record"))
        connection.execute(text("DELETE FROM harvest_run"))
    run = store.begin_run(env, "books", "reprocess")
    counts = run_counts(stage(env, run))
    alive = {row["key"] for row in gate_facts(env, run) if row["live_after"]}
    catalog.load(env, run)
    after = {row[0]: row[1:] for row in rows(env, "source_record", AGAIN)}
    assert counts == {"landed": 6, "added": 3, "deleted": 1, "quarantined": 2}
    assert alive == {f"books:{name}" for name in ("waits", "refused", "spared", "same")}
    assert {name: row for name, row in after.items() if name not in ("gone", "back")} == {
        name: row for name, row in before.items() if name not in ("gone", "back")
    }
    assert (after["gone"][0], after["back"][0]) == ("deleted", "quarantined")
    again = store.begin_run(env, "books", "reprocess")
    counts = run_counts(stage(env, again))
    assert counts.keys() == {"landed", "unchanged"}
    whole = everything(env)
    catalog.load(env, again)
    assert everything(env) == whole


AGAIN = "identifier, status, payload_sha256, record, pending_sha256, pending_status"


def test_an_unreadable_record_is_rejected_until_it_can_be_read(env: Environment) -> None:
    night(env, feed(), [sent("r1"), sent("r2")])
    poison = (Skipped(identifier="r2", reason="not well-formed"), Skipped(identifier="r3", reason="HTTP 500"))
    assert night(env, feed(), [sent("r1")], skipped=poison) == {"landed": 3, "unchanged": 1, "rejected": 2}
    waits = "identifier, status, pending_status, pending_reason"
    assert rows(env, "source_record", waits) == [
        ("r1", "live", None, None),
        ("r2", "live", "rejected", "it cannot be read: not well-formed"),
        ("r3", "rejected", "rejected", "it cannot be read: HTTP 500"),
    ]
    before = everything(env)
    assert night(env, feed(), [sent("r1")], skipped=poison) == {"landed": 3, "unchanged": 3}
    assert everything(env) == before
    assert night(env, feed(), [sent("r1"), sent("r2"), sent("r3")]) == {"landed": 3, "added": 1, "unchanged": 2}
    assert rows(env, "source_record", waits) == [(f"r{n}", "live", None, None) for n in (1, 2, 3)]


@on_sqlite
def test_a_skipped_record_that_is_read_elsewhere_in_the_harvest_is_not_rejected(env: Environment) -> None:
    poison = (Skipped(identifier="r1", reason="HTTP 500"), Skipped(identifier="r\x002", reason="a NUL \x00"))
    assert night(env, feed(), [sent("r1")], skipped=poison) == {"landed": 2, "added": 1, "rejected": 1}
    assert ("r␀2", "it cannot be read: a NUL ␀") in rows(env, "source_record", "identifier, pending_reason")


def test_a_refused_rejection_is_not_proposed_again(env: Environment) -> None:
    night(env, feed(), [sent("r1")])
    poison = (Skipped(identifier="r2", reason="HTTP 500"),)
    run = staged(env, feed(), [sent("r1")], skipped=poison)
    store.hold_run(env, run, [Reason(code="pipe")])
    catalog_decide.refuse(env, run, by="A Steward", reason="they mend it")
    assert night(env, feed(), [sent("r1")], skipped=poison) == {"landed": 2, "unchanged": 2}
    assert states(env) == {"r1": "live"}


def test_values_too_long_for_an_index_affect_no_other_record(env: Environment) -> None:
    letters = random.Random(1)  # what does not compress
    long, term = ("".join(letters.choices(string.ascii_letters, k=5_000)) for _ in range(2))
    listed = [sent("r1"), sent(long), sent("r2", levels=[term]), sent("ü" * 600)]
    assert night(env, feed(), listed) == {"landed": 4, "added": 3, "rejected": 1}
    waits = [row for row in rows(env, "source_record", "identifier, pending_reason") if row[1]]
    ((name, reason),) = waits
    assert name.startswith(long[:80]) and len(name) < 100
    assert reason == "it cannot be read: its identifier has 5000 bytes; at most 1200 can be stored"
    assert rows(env, "unmapped_value", "value, count") == [(f"{term[:400]}…", 1)]
    (kept,) = env.landing.rglob("raw-*.bin")
    assert b"A title" in kept.read_bytes()
    assert night(env, feed(), listed) == {"landed": 4, "unchanged": 4}
    assert ask(env.landing, feed()).retry == (), "asking again would not make it shorter"


@pytest.mark.parametrize("brought", ["a version", "a deletion"])
def test_a_refusal_survives_a_night_in_which_the_record_is_unreadable(env: Environment, brought: str) -> None:
    listed = [sent("r1"), sent("r2", "WRONG")] if brought == "a version" else [sent("r1")]
    night(env, feed(), [sent("r1"), sent("r2")])
    run = staged(env, feed(), listed)
    store.hold_run(env, run, [Reason(code="pipe")])
    catalog_decide.refuse(env, run, by="A Steward", reason="they mend it")
    poison = (Skipped(identifier="r2", reason="HTTP 500"),)
    nights = [night(env, feed(), [sent("r1")], skipped=poison) for _ in range(2)]
    assert sum(counts.get("rejected", 0) for counts in nights) == 1
    assert run_counts(catalog.load(env, staged(env, feed(), listed))) == {"landed": 2, "unchanged": 2}
    if brought == "a version":  # it is listed again: nothing waits to be read any more
        assert rows(env, "source_record", "pending_status, pending_reason") == [(None, None)] * 2
    assert states(env) == {"r1": "live", "r2": "live"}


@on_sqlite
def test_an_unreadable_page_does_not_become_a_record(env: Environment) -> None:
    night(env, feed(), [sent("https://a.example/p#1"), sent("https://a.example/p#2"), sent("r1")])
    page = (Skipped(identifier="https://a.example/p", reason="HTTP 500"),)
    assert night(env, feed(), [sent("r1")], skipped=page) == {"landed": 1, "unchanged": 1}
    assert len(states(env)) == 3 and set(states(env).values()) == {"live"}
