"""The load: whole or not at all, by one writer at a time, whatever other processes do."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loaders import catalog, staging, store
from loaders.catalog import pipe
from loaders.catalog import rollback as catalog_undo
from loaders.store import FeedBusy, WrongRunState, locks
from loaders.store.locks import feed_lock
from schemas import Environment
from tests.loaders.nights import everything, feed, night, rows, run_counts, sent, stage, staged, transform

ROOT = Path(__file__).parents[2]


def process(env: Environment, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.loaders.catalog_process", env.catalog_url, str(env.home), *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )


@pytest.mark.slow
def test_feeds_loading_concurrently_lose_nothing_and_meet_no_lock_error(env: Environment) -> None:
    names = ("alpha", "beta", "gamma", "delta")
    going = [process(env, name, "4") for name in names]
    ended = [(loading.communicate(timeout=600)[1], loading.returncode) for loading in going]
    assert ended == [("", 0)] * 4
    counts = dict(rows(env, "(SELECT feed, count(*) AS n FROM source_record GROUP BY feed) AS f", "feed, n"))
    assert counts == dict.fromkeys(names, 33)
    statuses = rows(env, "(SELECT feed, count(*) AS n FROM harvest_run WHERE status = 'loaded' GROUP BY feed) AS f")
    assert statuses == sorted((name, 4) for name in names)
    changed = rows(env, "(SELECT key, count(DISTINCT first_run_id) AS n FROM issue GROUP BY key) AS f", "max(n)")
    assert changed == [(4,)]


def test_a_killed_load_changes_nothing_and_the_next_run_loads_everything(env: Environment) -> None:
    night(env, feed(), [sent("r1")])
    before = everything(env)
    killed = process(env, "books", "kill")
    killed.communicate(timeout=600)
    assert killed.returncode == -signal.SIGKILL
    assert everything(env) == before
    run = store.begin_run(env, "books")
    ((dead, status, cause),) = [row for row in rows(env, "harvest_run", "id, status, cause") if row[1] == "failed"]
    assert (status, cause) == ("failed", "interrupted") and dead < run
    assert run_counts(stage(env, run)) == {"landed": 101, "added": 100, "deleted": 1}


def test_loading_the_same_run_twice_changes_nothing(env: Environment) -> None:
    run = staged(env, feed(), [sent(f"r{n}", notes=["x"]) for n in range(5)])
    first = catalog.load(env, run)
    before = everything(env)
    assert catalog.load(env, run) == first
    assert everything(env) == before


@contextmanager
def holder(env: Environment, script: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process that runs the script until it is sent a line; what it says first, and the process."""
    held = subprocess.Popen(
        [sys.executable, "-c", script, str(env.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert held.stdout is not None
    with held:
        try:
            yield held.stdout.readline().strip(), held
        finally:
            held.kill()


BEGUN = """
import sys
from loaders import store
from schemas import environment
env = environment({"ELIB_HOME": sys.argv[1]})
run = store.begin_run(env, "books", dag="feed_books")
"""
BETWEEN = f"{BEGUN}print(run, flush=True)\nsys.stdin.readline()"
AT_WORK = f"{BEGUN}with store.locked_run(env, run):\n    print(run, flush=True)\n    sys.stdin.readline()"


def test_a_feed_that_another_process_runs_is_busy(lite: Environment) -> None:
    with holder(lite, AT_WORK) as (run, process):
        worker = f"{socket.gethostname()}, process {process.pid}"
        busy = f"^books: {worker} has been at work on it since 20..-..-..T..:..:..Z; try again"
        with pytest.raises(FeedBusy, match=busy):
            store.begin_run(lite, "books", take_over=False)
        process.communicate("end\n", timeout=600)
        assert store.begin_run(lite, "books") > run
    assert store.read_run(lite, run).status == "failed"
    with feed_lock(lite, "books"), feed_lock(lite, "books"):
        assert store.begin_run(lite, "books") > run, "the same thread may take its lock again"


def test_nobody_else_ends_a_run_between_two_tasks_of_its_dag(lite: Environment) -> None:
    with holder(lite, BETWEEN) as (run, process):
        process.communicate("end\n", timeout=600)  # as the process of a task ends
    with pytest.raises(FeedBusy, match=f"{run} is between two tasks of the DAG feed_books"):
        store.begin_run(lite, "books", "reprocess", take_over=False)
    with pytest.raises(FeedBusy, match=f"{run} is between two tasks of the DAG feed_books"):
        store.begin_run(lite, "books", "reprocess", take_over=False, dag="reprocess")
    with pytest.raises(FeedBusy, match=run):
        pipe(lite, [msgspec.json.encode(transform(sent("r1", unreadable=True)))])
    assert store.read_run(lite, run).status == "running"
    with store.locked_run(lite, run):  # its next task goes on
        pass
    retried = store.begin_run(lite, "books", take_over=False, dag="feed_books")
    assert store.read_run(lite, run).status == "failed", "its DAG, which never runs twice at once, tries again"
    again = store.begin_run(lite, "books", "reprocess", take_over=True)
    assert store.read_run(lite, retried).status == "failed"
    one_process = AT_WORK.replace('"books", dag="feed_books"', '"films", "reprocess"')
    with holder(lite, one_process) as (killed, process):
        process.kill()
        process.wait()
    assert store.begin_run(lite, "films", take_over=False) > killed, "a reprocess is one process from end to end"
    assert again > run


def test_a_run_of_another_dag_is_taken_over_once_that_dag_does_not_run(lite: Environment) -> None:
    left = store.begin_run(lite, "books", "reprocess", dag="reprocess")
    other: dict[str, Any] = {"take_over": False, "dag": "feed_books"}
    busy = rf"^books: the DAG reprocess has been at work on this feed since 20\S+Z \(run {left}\); try again when"
    with pytest.raises(FeedBusy, match=busy):
        store.begin_run(lite, "books", **other, is_dag_active=lambda dag: dag == "reprocess")
    assert store.begin_run(lite, "books", **other, is_dag_active=lambda dag: dag != "reprocess") > left
    assert store.read_run(lite, left).status == "failed"


def test_a_run_whose_dag_ended_unnoticed_is_ended_and_blocks_nobody(lite: Environment) -> None:
    """Airflow's callback of the failed DAG was lost with the process that should have run it."""
    left = store.begin_run(lite, "books", dag="feed_books")
    waiting = store.begin_run(lite, "films", dag="feed_films")
    with holder(lite, AT_WORK.replace("books", "songs")) as (live, _):
        is_active = {"feed_books": False, "feed_films": True, "feed_songs": False}
        assert store.end_runs_of_ended_dags(lite, is_active.__getitem__) == [left]
        assert [store.read_run(lite, run).status for run in (left, waiting, live)] == ["failed", "running", "running"]
    assert store.begin_run(lite, "books", "reprocess", take_over=False) > left


def test_a_failed_dag_ends_the_runs_it_has_left_and_none_of_another_dag_or_of_a_live_process(lite: Environment) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    with holder(lite, AT_WORK) as (run, process):
        process.kill()
        process.wait()
    with holder(lite, AT_WORK.replace("books", "films")) as (live, _):
        assert store.end_interrupted_runs(lite, "films", later, dag="feed_films") == []
        assert store.read_run(lite, live).status == "running"
    assert store.end_interrupted_runs(lite, "books", later, dag="reprocess") == []
    assert store.end_interrupted_runs(lite, "books", later - timedelta(days=2), dag="feed_books") == []
    assert store.read_run(lite, run).status == "running"
    assert store.end_interrupted_runs(lite, "books", later, dag="feed_books") == [run]


def test_waiting_for_a_busy_feed_is_reported_and_commands_do_not_wait(
    lite: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_WARNING_SECONDS", 0.1)
    told = []
    with holder(lite, AT_WORK) as (run, process):
        with pytest.raises(FeedBusy, match=r"has been at work on it since .*; try again when it is done"):
            store.begin_run(lite, "books", "reprocess", take_over=False)

        class Ends(logging.Handler):
            """Has the other process end as soon as somebody says that it is waited for."""

            def emit(self, record: logging.LogRecord) -> None:
                told.append(record.getMessage())
                process.communicate("end\n", timeout=600)

        handler = Ends()
        locks.log.addHandler(handler)
        try:
            assert store.begin_run(lite, "books") > run
        finally:
            locks.log.removeHandler(handler)
    assert len(told) == 1 and told[0].startswith("books: ") and told[0].endswith("; waiting until it is done")


def test_run_ids_rise_even_when_the_clock_does_not(lite: Environment) -> None:
    made = [store.begin_run(lite, "books") for _ in range(20)]
    assert made == sorted(set(made))
    assert all(run_id.startswith("books-") and len(run_id) == len("books-20260101T000000000000") for run_id in made)


def test_an_ended_run_is_not_loaded_again(lite: Environment) -> None:
    run = store.begin_run(lite, "books")
    store.fail_run(lite, run, "gone", "The address answers 410; ask the partner.")
    store.fail_run(lite, run, "unreachable", "a later failure does not hide the first")
    assert rows(lite, "harvest_run", "cause, error") == [("gone", "The address answers 410; ask the partner.")]
    with pytest.raises(WrongRunState, match="is failed"):
        staging.plan_staging(lite, run, absent_after=1)
    with pytest.raises(WrongRunState, match="there is no run"):
        store.fail_run(lite, "books-0", "gone", "…")


def test_issues_are_recorded_as_new_open_or_fixed(env: Environment) -> None:
    runs = []
    for notes in (["a", "b"], ["b", "c"], ["b", "c", "a"]):
        runs.append(staged(env, feed(), [sent("r1", notes=notes)]))
        catalog.load(env, runs[-1])
    first, second, third = runs
    issues = {row[0]: row[1:] for row in rows(env, "issue", "value, first_run_id, resolved_run_id, path")}
    assert issues["a"] == (third, None, "notes[2]"), "it is back, so it is new again"
    assert issues["b"] == (first, None, "notes[0]"), "it only moved"
    assert issues["c"] == (second, None, "notes[1]")
    night(env, feed(), [sent("r1", unreadable=True)])
    assert {row[2] for row in rows(env, "issue", "value, first_run_id, resolved_run_id")} == {None}, "it was not read"


def test_findings_of_a_deleted_record_are_resolved_and_new_when_it_returns(env: Environment) -> None:
    both = [sent("r1", notes=["a"]), sent("r2", notes=["a"])]
    night(env, feed(), both)
    gone = staged(env, feed(), both[:1])
    catalog.load(env, gone)
    assert dict(rows(env, "issue", "key, resolved_run_id")) == {"books:r1": None, "books:r2": gone}
    back = staged(env, feed(), both)
    catalog.load(env, back)
    standing = {row[0]: row[1:] for row in rows(env, "issue", "key, first_run_id, resolved_run_id")}
    assert standing["books:r2"] == (back, None)
    last = staged(env, feed(), both[:1])
    catalog.load(env, last)
    catalog_undo.undo(env, last, by="A Steward", reason="it is there")
    assert {row[0]: row[1:] for row in rows(env, "issue", "key, first_run_id, resolved_run_id")} == standing


def test_uncoded_terms_are_recounted_at_each_load(env: Environment) -> None:
    night(env, feed(), [sent("r1", levels=["K-12", "uni"]), sent("r2", levels=["K-12"])])
    assert rows(env, "unmapped_value", "value, count") == [("K-12", 2), ("uni", 1)]
    seen = rows(env, "unmapped_value", "value, first_seen")
    night(env, feed(), [sent("r1", levels=["K-12"]), sent("r2", None)])
    assert rows(env, "unmapped_value", "value, count") == [("K-12", 1), ("uni", 0)]
    assert rows(env, "unmapped_value", "value, first_seen") == seen
