"""Nights of a cluster, moments in them at which something fails, and the catalog that they must leave.

What is compared: every row of every table but the list of runs, without run ids and times (tests/faults/nights.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from loaders.store import SourceRecordRow, upsert
from tests.cluster.cluster import RECOVERY_SECONDS, Cluster
from tests.cluster.conftest import DAGS, FEEDS, LONG
from tests.dags.real_airflow import ROOT, trigger, until
from tests.faults.nights import contents_at, require_equal

LONG_DAG = f"feed_{LONG}"
_BUSY_LOAD = 4.0  # per processor; a cluster alone makes about 2
RUNNING = "SELECT id FROM harvest_run WHERE feed = :feed AND status = 'running'"
# sessions that wait for a transaction of this one
WAITING = """SELECT 1 FROM pg_stat_activity
WHERE datname = 'catalog' AND wait_event_type = 'Lock' AND :session = ANY(pg_blocking_pids(pid))"""


def landed(cluster: Cluster) -> bool:
    """Whether a part of the harvest that goes on is in landing, and the rest is still to come."""
    running = cluster.postgres.ask("catalog", RUNNING, feed=LONG)
    return any(part for (run,) in running for part in (cluster.home / "landing" / LONG / str(run)).rglob("*.parquet"))


@contextmanager
def kept_from_writing(cluster: Cluster, key: str) -> Iterator[Callable[[Cluster], bool]]:
    """Let no transaction write a record, which may not be there yet, until the end; yield whether one waits to.

    The task that writes it stands in the middle of its transaction for as long as it takes to see and disturb it. No
    other feed's task waits: the row alone is locked, and no trigger is fired.
    """
    feed, _, identifier = key.partition(":")
    row = {"key": key, "feed": feed, "identifier": identifier, "format": "oai_dc", "status": "live", "run_id": ""}
    server = create_engine(cluster.postgres.url("catalog"))
    connection = server.connect()
    try:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(upsert(connection, SourceRecordRow.__table__, ("key",)), row)
        session = connection.scalar(text("SELECT pg_backend_pid()"))
        yield lambda cluster: bool(cluster.postgres.ask("catalog", WAITING, session=session))
    finally:
        with suppress(OperationalError):  # where PostgreSQL itself was stopped, or ended all its connections
            connection.rollback()
        connection.invalidate()
        connection.close()
        server.dispose()


def at_work(cluster: Cluster) -> bool:
    return True


def kill_at(cluster: Cluster, dag: str, run: str, task: str, moment: Callable[[Cluster], bool]) -> datetime:
    """Switch off the worker that runs a task, at a moment of its work; the time of that."""

    def worker() -> str | None:
        host = cluster.host_of(dag, run, task)
        return host if host is not None and moment(cluster) else None

    name = until(worker, f"the work of {task} of {dag}")
    cluster.kill_worker(name)
    cluster.start_worker(f"{name}{task}")  # for the next kill; nothing that ran on the dead one is told of it
    return datetime.now(UTC)


def begin_one_worker(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Begin the same night in one process, over a catalog of its own in the same server."""
    variables = {**cluster.variables, "ELIB_HOME": str(cluster.folder / "one_worker"), "ELIB_REDIS_URL": ""}
    variables["ELIB_CATALOG_URL"] = cluster.postgres.url("one_worker")
    command = [sys.executable, "-m", "tests.cluster.one_worker", *FEEDS]
    with (cluster.folder / "one_worker.log").open("ab") as log:
        return subprocess.Popen(command, env=variables, cwd=ROOT, stdout=log, stderr=log)


def require_same_catalogs(cluster: Cluster, one_worker: subprocess.Popen[bytes]) -> None:
    assert one_worker.wait(600) == 0, (cluster.folder / "one_worker.log").read_text()[-2000:]
    require_equal(contents_at(cluster.postgres.url("catalog")), contents_at(cluster.postgres.url("one_worker")))


def publish(cluster: Cluster) -> None:
    run = trigger(cluster.client, "catalog")
    cluster.pause("catalog", False)
    cluster.require_success({"catalog": run})
    cluster.pause("catalog", True)


def harvest_all(cluster: Cluster) -> dict[str, str]:
    return {dag: trigger(cluster.client, dag, {"full": True}) for dag in DAGS}


def require_recovery(cluster: Cluster, dag: str, run: str, what: str, since: datetime) -> None:
    """Raise unless a run has ended soon after something failed; print how long it took.

    On a machine that is busy with other work, the time in which tasks worked says nothing, and only that in which no
    task of the run did is judged.
    """
    last, waited = since, timedelta()
    times = [(task["start_date"], task["end_date"]) for task in cluster.instances(dag, run) if task["end_date"]]
    for begun, ended in sorted((datetime.fromisoformat(begun), datetime.fromisoformat(end)) for begun, end in times):
        if ended > since:
            waited += max(timedelta(), begun - last)
            last = max(last, ended)
    seconds, waited_seconds = (last - since).total_seconds(), waited.total_seconds()
    is_busy = os.getloadavg()[0] > _BUSY_LOAD * (os.cpu_count() or 1)
    sys.stderr.write(f"\n{what}: ended after {seconds:.0f} s, of which {waited_seconds:.0f} s without work on {dag}\n")
    assert (waited_seconds if is_busy else seconds) <= RECOVERY_SECONDS, f"{what}: {seconds:.0f} s"
