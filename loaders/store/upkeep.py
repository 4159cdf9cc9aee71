"""Runs that are of no feed and publish nothing: checks of the links, and downloads. One of a kind at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select

from loaders.store.locks import FeedBusy, feed_lock
from loaders.store.models import HarvestRunRow
from loaders.store.run import INTERRUPTED, Run, end_run, new_run_id, now, read_run
from loaders.store.transactions import write_transaction
from loaders.store.worker import is_this_worker, is_worker_gone, this_worker
from schemas import Environment, one_line

UPKEEP_KINDS = ("links", "downloads")  # what a run's id begins with; no feed has such a name
_BUSY = {
    "links": "The links are being checked already; wait until that run ends, or end its process.",
    "downloads": "The downloads are being written already; wait until that run ends, or end its process.",
}
_INTERRUPTED_SENTENCES = {
    "links": "The process that ran it ended; what it checked is kept, and the next run goes on from there.",
    "downloads": "The process that wrote them ended; the earlier downloads are kept, and the next run writes new ones.",
}
_RUNS: Any = HarvestRunRow.__table__


@contextmanager
def upkeep_run(env: Environment, kind: str) -> Iterator[Run]:
    """Begin a run of a kind and yield it; nobody else can begin one until the end. The caller ends the row.

    A run whose process is gone becomes failed. Raises FeedBusy when another process has one.
    """
    with ExitStack() as held:
        try:
            held.enter_context(feed_lock(env, kind, wait=False))
        except FeedBusy as busy:
            raise FeedBusy(_BUSY[kind]) from busy
        yield read_run(env, _begin(env, kind))


def end_interrupted_upkeep(env: Environment, kind: str) -> None:
    """End as failed a run of a kind whose process is gone."""
    with write_transaction(env) as connection:
        _end_interrupted(connection, kind)


def _end_interrupted(connection: Connection, kind: str) -> bool:
    """End as failed the runs whose process is gone, or is this one; return whether another process runs one."""
    running = select(_RUNS.c.id, _RUNS.c.worker).where(_RUNS.c.kind == kind, _RUNS.c.status == "running")
    is_busy = False
    for run_id, worker in connection.execute(running).all():
        if is_worker_gone(worker) or is_this_worker(worker):
            end_run(connection, run_id, "failed", cause=INTERRUPTED, error=_INTERRUPTED_SENTENCES[kind])
        else:
            is_busy = True
    return is_busy


def _begin(env: Environment, kind: str) -> str:
    with write_transaction(env) as connection:
        if _end_interrupted(connection, kind):
            raise FeedBusy(_BUSY[kind])
        run_id = new_run_id(connection, kind)
        values = {"id": run_id, "feed": None, "kind": kind, "status": "running", "started_at": now()}
        connection.execute(insert(HarvestRunRow).values(**values, worker=this_worker()))
    return run_id


def end_upkeep_run(
    env: Environment, run: Run, *, listed: int, notes: Sequence[str], failure: tuple[str, str] | None = None
) -> None:
    """End a run with the number of what it went through and its notes; with a cause and a sentence it has failed."""
    columns = {"listed": listed, "notes": msgspec.json.encode([one_line(note) for note in notes]).decode()}
    if failure is not None:
        columns |= {"cause": failure[0], "error": one_line(failure[1])}
    with write_transaction(env) as connection:
        end_run(connection, run.id, "loaded" if failure is None else "failed", **columns)


def failed_upkeep(connection: Connection) -> list[dict[str, Any]]:
    """Return the newest run of each kind that is no longer going on, as rows of harvest_run, if it has failed."""
    ended = (_RUNS.c.kind.in_(UPKEEP_KINDS), _RUNS.c.status != "running")
    newest = select(func.max(_RUNS.c.id)).where(*ended).group_by(_RUNS.c.kind)
    query = select(_RUNS).where(_RUNS.c.id.in_(newest), _RUNS.c.status == "failed").order_by(_RUNS.c.kind)
    return [dict(row) for row in connection.execute(query).mappings()]
