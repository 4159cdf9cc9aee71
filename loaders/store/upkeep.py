"""Runs that are of no feed and publish nothing: checks of the links, and downloads. One of a kind at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select

from loaders.store.locks import FeedBusy, hold_lock, this_worker
from loaders.store.models import HarvestRunRow
from loaders.store.run import INTERRUPTED, Run, end_run, new_run_id, now, read_run
from loaders.store.transactions import write_transaction
from schemas import Environment, one_line

UPKEEP_KINDS = ("links", "downloads")  # what a run's id begins with; no feed has such a name
_TITLES = {"links": "the check of the links", "downloads": "the writing of the downloads"}
_INTERRUPTED_SENTENCES = {
    "links": "The process that ran it ended; what it checked is kept, and the next run goes on from there.",
    "downloads": "The process that wrote them ended; the earlier downloads are kept, and the next run writes new ones.",
}
_RUNS: Any = HarvestRunRow.__table__


@contextmanager
def upkeep_run(env: Environment, kind: str) -> Iterator[Run]:
    """Begin a run of a kind and yield it; nobody else can begin one until the end. The caller ends the row.

    A run on which no process works any more becomes failed. Raises FeedBusy when another process has one.
    """
    with hold_lock(env, kind, title=_TITLES[kind]):
        yield read_run(env, _begin(env, kind))


def end_interrupted_upkeep(env: Environment, kind: str) -> None:
    """End as failed a run of a kind on which no process works any more."""
    with suppress(FeedBusy), hold_lock(env, kind), write_transaction(env) as connection:
        _end_interrupted(connection, kind)


def _end_interrupted(connection: Connection, kind: str) -> None:
    """End as failed the runs that go on; the caller has the lock, so that no process works on them."""
    running = select(_RUNS.c.id).where(_RUNS.c.kind == kind, _RUNS.c.status == "running")
    for run_id in connection.scalars(running).all():
        end_run(connection, run_id, "failed", cause=INTERRUPTED, error=_INTERRUPTED_SENTENCES[kind])


def _begin(env: Environment, kind: str) -> str:
    with write_transaction(env) as connection:
        _end_interrupted(connection, kind)
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
