"""The runs of the kind `links`: one at a time, on one machine or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec
from sqlalchemy import Connection, insert, select

from loaders.store import (
    INTERRUPTED,
    FeedBusy,
    HarvestRunRow,
    Run,
    end_run,
    feed_lock,
    is_this_worker,
    is_worker_gone,
    new_run_id,
    now,
    read_run,
    this_worker,
    write_transaction,
)
from schemas import Environment, one_line

LINKS_KIND = "links"  # of the run, and what its id begins with
_BUSY = "The links are being checked already; wait until that run ends, or end its process."
_INTERRUPTED_SENTENCE = "The process that ran it ended; what it checked is kept, and the next run goes on from there."


@contextmanager
def links_run(env: Environment) -> Iterator[Run]:
    """Begin a run and yield it; nobody else can begin one until the end. The caller ends the row.

    A run whose process is gone becomes failed. Raises FeedBusy when another process checks the links.
    """
    with ExitStack() as held:
        try:
            held.enter_context(feed_lock(env, LINKS_KIND, wait=False))
        except FeedBusy as busy:
            raise FeedBusy(_BUSY) from busy
        yield read_run(env, _begin(env))


def end_interrupted_links(env: Environment) -> None:
    """End as failed a run whose process is gone."""
    with write_transaction(env) as connection:
        _end_interrupted(connection)


def _end_interrupted(connection: Connection) -> bool:
    """End as failed the runs whose process is gone, or is this one; return whether another process runs one."""
    running = select(HarvestRunRow.id, HarvestRunRow.worker).where(
        HarvestRunRow.kind == LINKS_KIND, HarvestRunRow.status == "running"
    )
    is_busy = False
    for run_id, worker in connection.execute(running).all():
        if is_worker_gone(worker) or is_this_worker(worker):
            end_run(connection, run_id, "failed", cause=INTERRUPTED, error=_INTERRUPTED_SENTENCE)
        else:
            is_busy = True
    return is_busy


def _begin(env: Environment) -> str:
    with write_transaction(env) as connection:
        if _end_interrupted(connection):
            raise FeedBusy(_BUSY)
        run_id = new_run_id(connection, LINKS_KIND)
        values = {"id": run_id, "feed": None, "kind": LINKS_KIND, "status": "running", "started_at": now()}
        connection.execute(insert(HarvestRunRow).values(**values, worker=this_worker()))
    return run_id


def end_links_run(env: Environment, run: Run, *, checked: int, notes: Sequence[str], error: str = "") -> None:
    """End a run with the number of addresses that it checked and its notes; with an error it has failed."""
    columns = {"listed": checked, "notes": msgspec.json.encode([one_line(note) for note in notes]).decode()}
    failure = {"cause": "unreachable", "error": one_line(error)} if error else {}
    with write_transaction(env) as connection:
        end_run(connection, run.id, "failed" if error else "loaded", **columns, **failure)
