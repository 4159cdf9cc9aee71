"""A part of a cluster fails at night, and comes back; nothing is lost, nothing twice, and one sentence says it.

Two schedulers run all the time. docs/cluster.md, "When a part fails", is the table of these tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.cluster_nights import (
    LONG_DAG,
    begin_one_worker,
    harvest_all,
    kept_from_writing,
    landed,
    publish,
    require_recovery,
    require_same_catalogs,
)
from tests.cluster.conftest import LONG, Night
from tests.dags.real_airflow import trigger, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SCHEDULERS = 2
COMPILER = shutil.which("cc")
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'catalog'"
END_LOCK_SESSIONS = """SELECT pg_terminate_backend(pg_locks.pid) FROM pg_locks
JOIN pg_stat_activity ON pg_stat_activity.pid = pg_locks.pid
WHERE datname = 'catalog' AND locktype = 'advisory' AND classid <> 0 AND state = 'idle'"""


def wait_for_work(cluster: Cluster, run: str, task: str, moment: Callable[[Cluster], bool] = landed) -> None:
    """Wait until a task of the long feed is at a moment of its work: its harvest, where it has landed a part."""
    until(lambda: (cluster.host_of(LONG_DAG, run, task) and moment(cluster)) or None, f"the work of {task}")


def end_night(cluster: Cluster, runs: dict[str, str], what: str, since: datetime) -> None:
    """Wait for the end of a night's runs, publish, and compare the catalog."""
    one_worker = begin_one_worker(cluster)
    cluster.require_success(runs)
    require_recovery(cluster, LONG_DAG, runs[LONG_DAG], what, since)
    publish(cluster)
    require_same_catalogs(cluster, one_worker)


def test_the_connections_of_a_harvests_lock_and_of_a_load_are_cut(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    with kept_from_writing(cluster, night.newest_key) as stands_in_writing:
        runs = harvest_all(cluster)
        run = runs[LONG_DAG]
        wait_for_work(cluster, run, "harvest")
        assert cluster.postgres.ask("postgres", END_LOCK_SESSIONS)
        since = datetime.now(UTC)
        until(lambda: max(cluster.tries(LONG_DAG, run, "harvest")) > 1 or None, "the second try of the harvest")
        assert "lost its lock" in cluster.sentence(LONG_DAG, run, "harvest", 1)
        wait_for_work(cluster, run, "load", stands_in_writing)
        assert cluster.postgres.ask("postgres", END_SESSIONS)
    end_night(cluster, runs, "the lock's connection cut in a harvest, all connections in a load", since)
    assert cluster.tries(LONG_DAG, run, "load") == [2]
    assert "PostgreSQL" in cluster.sentence(LONG_DAG, run, "load", 1)


def test_postgresql_is_restarted_in_a_load(night: Night) -> None:
    """Airflow's own database is in the same server: a scheduler that ends is started again by its service."""
    cluster = night.cluster
    night.begin()
    with kept_from_writing(cluster, night.newest_key) as stands_in_writing:
        runs = harvest_all(cluster)
        wait_for_work(cluster, runs[LONG_DAG], "load", stands_in_writing)
        since = datetime.now(UTC)
        cluster.postgres.stop()
        cluster.postgres.start()
    end_night(cluster, runs, "PostgreSQL restarted in a load", since)


def test_redis_is_gone_in_a_harvest_and_comes_back_without_its_messages(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    runs = harvest_all(cluster)
    wait_for_work(cluster, runs[LONG_DAG], "harvest")
    tries = cluster.tries(LONG_DAG, runs[LONG_DAG], "harvest")
    cluster.redis.stop()
    since = datetime.now(UTC)
    until(lambda: cluster.host_of(LONG_DAG, runs[LONG_DAG], "harvest") is None or None, "the end of the harvest")
    cluster.redis.start()
    end_night(cluster, runs, "Redis gone in a harvest", since)
    assert cluster.tries(LONG_DAG, runs[LONG_DAG], "harvest") == tries, "the harvest went on"


def test_one_of_two_schedulers_dies(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    runs = harvest_all(cluster)
    wait_for_work(cluster, runs[LONG_DAG], "harvest")
    tries = cluster.tries(LONG_DAG, runs[LONG_DAG], "harvest")
    cluster.kill_scheduler()
    end_night(cluster, runs, "a scheduler killed in a harvest", datetime.now(UTC))
    assert cluster.tries(LONG_DAG, runs[LONG_DAG], "harvest") == tries, "the harvest went on"


def test_a_worker_without_room_for_files_ends_its_run_which_says_so_and_the_next_run_goes_on(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    for name in list(cluster.workers):
        cluster.kill_worker(name)
    cluster.start_worker("full", limits="-f 100")  # kilobytes, of which a part of landing has more
    run = trigger(cluster.client, LONG_DAG, {"full": True})
    assert until(lambda: cluster.state(LONG_DAG, run), "the end of the run without room") == "failed"
    assert "the disk is full: make room, then try again" in cluster.sentence(LONG_DAG, run, "harvest", 1)
    assert cluster.tries(LONG_DAG, run, "harvest") == [1]
    cluster.kill_worker("full")
    cluster.start_worker("roomy")
    cluster.start_worker("second")
    since = datetime.now(UTC)
    end_night(cluster, harvest_all(cluster), "after the disk of a worker was full", since)


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler for what gives a worker another clock")
def test_a_worker_whose_clock_is_five_minutes_ahead_shares_a_night_with_another(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    for name in list(cluster.workers):
        cluster.kill_worker(name)
    library = cluster.folder / "clock_ahead.so"
    source = Path(__file__).with_name("clock_ahead.c")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    cluster.start_worker("ahead", LD_PRELOAD=str(library), CLOCK_AHEAD_SECONDS="300")
    cluster.start_worker("right")
    began = time.monotonic()  # the times of tasks are those of their workers
    runs = harvest_all(cluster)
    one_worker = begin_one_worker(cluster)
    cluster.require_success(runs)
    sys.stderr.write(f"\nclocks five minutes apart: the night took {time.monotonic() - began:.0f} s\n")
    publish(cluster)
    require_same_catalogs(cluster, one_worker)
    tasks = [task for dag, run in runs.items() for task in cluster.instances(dag, run)]
    assert {str(task["hostname"]).partition(".")[0] for task in tasks} == {"ahead", "right"}
    assert {task["try_number"] for task in tasks} == {1}
    assert any((cluster.home / "landing" / LONG).rglob("*.parquet"))
