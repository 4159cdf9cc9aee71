"""A step that loses its lock, or is killed, ends no run: who tries again goes on from what was received."""

from __future__ import annotations

import json
import threading
import time

import pytest
from sqlalchemy import text

from loaders import store
from loaders.publication import begin_publication
from pipeline import feed as tasks
from pipeline.catalog import match, publish
from schemas import Environment
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.loaders.nights import rows
from tests.loaders.test_leases import CUT, held
from tests.pipeline.feeds import declare, land_only, listed, night

FEED = """title = "Books"
partner = "p"
protocol = "rest"
url = "{url}"
format = "amb"
identifier = "id"
absent_after = 1
"""
HOLDS_A_LOCK = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"  # others are just closing
on_postgres = pytest.mark.parametrize("env", ["postgresql"], indirect=True)


def cut_lock(env: Environment, name: str) -> None:
    """Cut the connection of this process's lock, and wait until the process knows it."""
    with store.engine(env).connect() as connection:
        assert connection.scalar(text(f"{CUT} AND {HOLDS_A_LOCK}")) == 1
    end = time.monotonic() + 60
    while any(thread.name == f"lease {name}" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


@on_postgres
def test_a_harvest_that_loses_its_lock_lands_nothing_more_and_the_next_try_goes_on(
    library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [json.loads(listed("books", number).payload) for number in range(20)]
    cuts = [True]

    def answer(_: ReceivedRequest) -> Answer:
        if cuts:
            cuts.pop()
            cut_lock(library, "feed:books")
        return Answer(json.dumps(records), headers={"Content-Type": "application/json"})

    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
    with serving(answer) as server:
        (library.home / "feeds" / "books.toml").write_text(FEED.format(url=server.url), encoding="utf-8")
        with pytest.raises(store.LeaseLost, match="this process lost its lock"):
            tasks.harvest("books", dag="feed_books")
        ((lost, status),) = rows(library, "harvest_run", "id, status")
        assert status == "running", "as if its process had been killed"
        assert not list((library.landing / "books").rglob("*.parquet"))
        retried = tasks.harvest("books", dag="feed_books")
    assert retried["listed"] == 20
    assert dict(rows(library, "harvest_run", "id, status")) == {lost: "failed", retried["run_id"]: "running"}
    assert tasks.run_feed("books", retried["run_id"])["added"] == 20


@on_postgres
def test_a_load_that_loses_its_lock_is_loaded_by_the_next_try(library: Environment) -> None:
    run = staged(library)
    with store.feed_lock(library, "books"):
        cut_lock(library, "feed:books")
        with pytest.raises(store.LeaseLost):
            tasks.load("books", run, True)
    assert store.read_run(library, run).status == "landed" and rows(library, "source_record") == []
    assert tasks.load("books", run, True)["added"] == 20


def staged(library: Environment) -> str:
    run = land_only(library, "books", [listed("books", number) for number in range(20)])
    for chunk in tasks.plan("books", run):
        tasks.transform("books", chunk)
    tasks.check("books", run)
    tasks.stage("books", run)
    return run


def test_a_killed_publication_is_done_by_the_next_try_and_a_live_one_is_left_alone(library: Environment) -> None:
    declare(library, "books")
    night(library, "books", [listed("books", number) for number in range(5)])
    matched = match()
    killed = begin_publication(library)
    with held(library, "publication") as holder:
        with pytest.raises(store.FeedBusy, match=r"^the publication: .*, process \d+ has been at work on it since"):
            publish(matched)
        assert store.read_run(library, killed).status == "running"
        holder.kill()
        assert publish(matched)["added"] == 5
    run = store.read_run(library, killed)
    assert run.status == "failed"
    assert [status for _, status in rows(library, "harvest_run WHERE kind = 'publish'", "id, status")] == [
        "failed",
        "loaded",
    ]


def test_a_step_beside_others_does_nothing_for_a_run_that_was_taken_over(library: Environment) -> None:
    run = land_only(library, "books", [listed("books", number) for number in range(5)])
    chunks = tasks.plan("books", run)
    store.begin_run(library, "books", take_over=True)
    with pytest.raises(store.WrongRunState, match=f"{run} is failed"):
        tasks.transform("books", chunks[0])
    with pytest.raises(store.WrongRunState, match=f"{run} is failed"):
        tasks.check("books", run)


def test_a_reprocess_that_meets_a_harvest_at_work_waits_for_nobody(library: Environment) -> None:
    """Its DAG's first task has the one slot of the pool, for which every other feed would wait too."""
    declare(library, "books")
    with held(library, "feed:books"), pytest.raises(store.FeedBusy, match=r"^books: .* has been at work on it since"):
        tasks.begin_reprocess("books", dag="reprocess", is_dag_active=lambda _: True)
