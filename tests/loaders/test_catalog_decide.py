"""Held, superseded, released, refused, undone: what a steward's decision does to the catalog."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from commands.cli import main
from loaders import catalog, store
from loaders.catalog import Unsigned
from loaders.catalog import decisions as catalog_decide
from loaders.catalog import rollback as catalog_undo
from loaders.publication import begin_publication
from loaders.store import WrongRunState, write_transaction
from loaders.store import run as catalog_run
from schemas import Environment
from tests.loaders.nights import everything, feed, night, rows, run_counts, sent, stage, staged, states

BY = {"by": "A Steward", "reason": "looked at it"}
OLD = [sent(f"r{n}", "old", notes=["short"]) for n in range(5)]
NEW = [sent(f"r{n}", "new") for n in range(1, 5)] + [sent("extra"), sent("poor", "bad")]


def held(env: Environment, records: list) -> str:  # type: ignore[type-arg]
    run = staged(env, feed(), records)
    store.hold_run(env, run, ["the test says so"])
    return run


def test_a_held_run_changes_nothing_and_its_records_are_in_the_next(env: Environment) -> None:
    night(env, feed(), OLD)
    before = everything(env)
    first = held(env, NEW)
    assert everything(env) == before
    second = staged(env, feed(), [sent("late")], full=False)
    counts = store.read_run(env, second).counts
    assert (counts["added"], counts["changed"], counts["deleted"], counts["quarantined"]) == (2, 4, 1, 1)
    store.hold_run(env, second, ["still"])
    assert store.read_run(env, first).status == "superseded"
    with pytest.raises(WrongRunState, match="superseded"):
        catalog_decide.release(env, first, **BY)
    catalog_decide.release(env, second, **BY)
    assert states(env)["late"] == "live" and states(env)["r0"] == "deleted"
    assert rows(env, "harvest_run", "decided_by, decision_reason")[0] == ("A Steward", "looked at it")


def test_an_undone_run_leaves_every_record_as_it_was_and_does_not_come_back(env: Environment) -> None:
    night(env, feed(), OLD)
    records, findings = rows(env, "source_record"), rows(env, "issue", "key, code, first_run_id, resolved_run_id")
    run = staged(env, feed(), NEW)
    catalog.load(env, run)
    assert rows(env, "source_record") != records
    catalog_undo.undo(env, run, **BY)
    assert rows(env, "source_record") == records
    kept = rows(env, "issue", "key, code, first_run_id, resolved_run_id")
    assert [row for row in kept if row[2] != run] == findings
    assert all(row[3] is not None for row in kept if row[2] == run)
    assert night(env, feed(), NEW) == {"landed": 7, "unchanged": 7}
    assert rows(env, "source_record") == records
    assert night(env, feed(), [*NEW[:-2], sent("extra", "mended")]) == {"landed": 6, "added": 1, "unchanged": 5}


def test_runs_are_undone_newest_first(env: Environment) -> None:
    first = staged(env, feed(), OLD)
    catalog.load(env, first)
    second = staged(env, feed(), NEW)
    catalog.load(env, second)
    with pytest.raises(WrongRunState, match=f"undo {second} first"):
        catalog_undo.undo(env, first, **BY)
    catalog_undo.undo(env, second, **BY)
    catalog_undo.undo(env, first, **BY)
    assert rows(env, "source_record") == []
    with pytest.raises(WrongRunState, match="is undone"):
        catalog_undo.undo(env, first, **BY)


def test_nights_that_changed_nothing_do_not_stand_before_an_undo(
    env: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELIB_HOME", str(env.home))
    monkeypatch.setenv("ELIB_CATALOG_URL", env.catalog_url)
    night(env, feed(), OLD)
    records = rows(env, "source_record")
    bad = staged(env, feed(), NEW)
    catalog.load(env, bad)
    quiet = []
    for listed, full in ((NEW, True), ([], False)):
        quiet.append(staged(env, feed(), listed, full=full))
        catalog.load(env, quiet[-1])
    assert main(["review", "undo", bad, "--by", "A Steward", "--reason", "wrong export"]) == 0
    assert f"with {quiet[0]}, {quiet[1]}, which had changed nothing" in capsys.readouterr().out
    assert rows(env, "source_record") == records
    kinds = [row for row in rows(env, "harvest_run", "kind, status, undid_run_id") if row[1] != "loaded" or row[2]]
    assert sorted(kinds, key=repr) == [("harvest", "undone", None)] * 3 + [("undo", "loaded", bad)]
    assert night(env, feed(), [], full=False) == {"landed": 7, "unchanged": 7}, "what was undone stays out"
    assert rows(env, "source_record") == records


def test_a_night_that_wrote_anything_is_undone_first(env: Environment) -> None:
    night(env, feed(), OLD)
    bad = staged(env, feed(), [sent("r1", datestamp="2026-01-01")], full=False)
    catalog.load(env, bad)
    stamped = staged(env, feed(), [sent("r1", datestamp="2026-01-02")], full=False)
    assert run_counts(catalog.load(env, stamped)) == {"landed": 1, "unchanged": 1}
    with pytest.raises(WrongRunState, match=f"undo {stamped} first"):
        catalog_undo.undo(env, bad, **BY)


def test_what_was_refused_stays_out_until_its_payload_changes(env: Environment) -> None:
    night(env, feed(), OLD)
    before = rows(env, "source_record")
    assert catalog_decide.refuse(env, held(env, NEW), **BY) == 7
    assert night(env, feed(), NEW) == {"landed": 7, "unchanged": 7}
    assert rows(env, "source_record") == before
    newer = [sent("r1", "newer"), *NEW[1:]]
    assert night(env, feed(), newer) == {"landed": 7, "changed": 1, "unchanged": 6}
    assert night(env, feed(), [*newer, OLD[0]]) == {"landed": 7, "unchanged": 7}
    assert night(env, feed(), newer) == {"landed": 7, "deleted": 1, "unchanged": 6}, "it was back, and is gone again"


@pytest.mark.parametrize("decision", ["undo", "refuse"])
def test_a_refusal_and_an_undo_can_be_taken_back(env: Environment, decision: str) -> None:
    night(env, feed(), OLD)
    run = held(env, NEW)
    if decision == "undo":
        catalog_decide.release(env, run, **BY)
        wanted = rows(env, "source_record", "key, status, record, pending_sha256")
        run = catalog_undo.undo(env, run, **BY)
    else:
        catalog_decide.refuse(env, run, **BY)
        wanted = None
    assert night(env, feed(), NEW) == {"landed": 7, "unchanged": 7}
    assert catalog_undo.revoke_refusal(env, run, **BY) == 7
    assert rows(env, "refused") == []
    assert night(env, feed(), NEW) == {"landed": 7, "added": 1, "changed": 4, "deleted": 1, "quarantined": 1}
    assert wanted in (None, rows(env, "source_record", "key, status, record, pending_sha256"))
    with pytest.raises(WrongRunState, match="is undone"):
        catalog_undo.revoke_refusal(env, run, **BY)


def test_only_a_feeds_run_can_be_undone(env: Environment) -> None:
    night(env, feed(), OLD)
    quiet = begin_publication(env)
    with write_transaction(env) as connection:
        catalog_run.end_run(connection, quiet, "loaded")
    runs = rows(env, "harvest_run")
    with pytest.raises(WrongRunState, match=f"{quiet} is a run of kind publish: only a harvest"):
        catalog_undo.undo(env, quiet, **BY)
    assert rows(env, "harvest_run") == runs


@pytest.mark.parametrize("signature", [{"by": " ", "reason": "why"}, {"by": "A Steward", "reason": ""}])
def test_a_decision_is_signed(lite: Environment, signature: dict[str, str]) -> None:
    run = held(lite, OLD)
    with pytest.raises(Unsigned, match="a decision needs --"):
        catalog_decide.release(lite, run, **signature)
    assert store.read_run(lite, run).status == "held"


def test_a_run_that_does_not_exist_is_named(lite: Environment) -> None:
    with pytest.raises(WrongRunState, match="there is no run books-1"):
        catalog_decide.release(lite, "books-1", **BY)


def test_a_held_run_cannot_be_released_once_the_feed_moved_on(lite: Environment) -> None:
    run = held(lite, OLD)
    night(lite, feed(), NEW)
    with pytest.raises(WrongRunState, match="superseded"):
        catalog_decide.release(lite, run, **BY)


@pytest.mark.parametrize("decision", ["undo", "refuse"])
def test_a_reprocess_that_was_not_wanted_can_be_made_again(env: Environment, decision: str) -> None:
    night(env, feed(), OLD)
    before = rows(env, "source_record", "key, record, record_sha256")
    with write_transaction(env) as connection:  # as if the transforms had been others then
        connection.execute(text("UPDATE source_record SET record_sha256 = 'other'"))
    run = store.begin_run(env, "books", "reprocess")
    assert run_counts(stage(env, run)) == {"landed": 5, "changed": 5}
    if decision == "undo":
        catalog.load(env, run)
        catalog_undo.undo(env, run, **BY)
    else:
        store.hold_run(env, run, ["all changed"])
        catalog_decide.refuse(env, run, **BY)
    assert rows(env, "refused") == []
    again = store.begin_run(env, "books", "reprocess")
    assert run_counts(stage(env, again)) == {"landed": 5, "changed": 5}
    catalog.load(env, again)
    assert rows(env, "source_record", "key, record, record_sha256") == before
