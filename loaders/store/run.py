"""The life of a run: begun, worked on by one process at a time, and ended by load, hold or fail.

    running ──stage──> landed ──gate──> held ──release──> loaded ──undo──> undone
       │                 │ └──────────load──────────────────^
       └──────fail───────┴──> failed      held ──refuse──> refused
                                          held ──(a newer run of the feed is loaded or held)──> superseded

A run is "landed" when all that it has landed is judged and staged: it waits for the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from loaders.store.database import read_transaction, write_transaction
from loaders.store.locks import FeedBusy, feed_lock
from loaders.store.models import HarvestRunRow
from loaders.store.worker import is_this_worker, is_worker_gone, this_worker
from schemas import Base, Environment, Reason

_STAMP = "%Y%m%dT%H%M%S%f"
FUNNEL = ("landed", "added", "changed", "unchanged", "deleted", "rejected", "quarantined")
INTERRUPTED = "interrupted"  # the cause of a run whose process is gone
_CLOSED = ("loaded", "failed", "refused", "superseded", "undone")


class NotRunning(Exception):
    """The run does not exist, or is no longer in the state that this needs."""


class Run(Base, frozen=True, kw_only=True):
    """A run as the catalog knows it; `counts` are the funnel's, with listed and duplicates."""

    id: str
    feed: str
    kind: str
    status: str
    started_at: str
    base_run_id: str | None = None
    reasons: tuple[Reason | str, ...] = ()  # a sentence where it was held before reasons had codes
    counts: dict[str, int] = {}


def now() -> str:
    """The time as the catalog writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def begin_run(
    env: Environment, feed: str, kind: str = "harvest", *, version: str | None = None, take_over: bool = True
) -> str:
    """Begin a run of the feed and return its id, later than every id of the feed before.

    A running run of the feed whose process is gone becomes failed (its harvest is gone on with). Raises FeedBusy when
    its process lives. `version` names the transforms, for the record.

    Without `take_over`, which is for commands, it also raises FeedBusy when another process holds the feed's lock,
    where else it waits, and when a harvest is not at its end: no process works on it between two tasks of the feed's
    DAG, so that only the DAG, which never runs twice at once, knows a harvest without a process for interrupted.
    """
    with feed_lock(env, feed, wait=take_over), write_transaction(env) as connection:
        for run, of, worker in connection.execute(
            select(HarvestRunRow.id, HarvestRunRow.kind, HarvestRunRow.worker).where(
                HarvestRunRow.feed == feed, HarvestRunRow.status.in_(("running", "landed"))
            )
        ).all():
            if not (is_worker_gone(worker) or is_this_worker(worker)):
                raise FeedBusy(f"{feed}: run {run} is going on; wait for it, or end its process")
            if of == "harvest" and not take_over:
                raise FeedBusy(
                    f"{feed}: run {run} is between two steps of its DAG, or was interrupted; "
                    "wait for it, or say --take-over when the DAG is not running"
                )
            sentence = "The process that ran it ended; the next run goes on from what it landed."
            end_run(connection, run, "failed", cause=INTERRUPTED, error=sentence)
        run_id = new_run_id(connection, feed)
        values = {"id": run_id, "feed": feed, "kind": kind, "status": "running", "started_at": now()}
        connection.execute(insert(HarvestRunRow).values(**values, worker=this_worker(), transform_version=version))
    return run_id


def new_run_id(connection: Connection, name: str) -> str:
    """A run id for a feed (or "publish"), strictly later than its others, whatever the clock says."""
    newest = connection.scalar(
        select(func.max(HarvestRunRow.id)).where(HarvestRunRow.id.regexp_match(f"^{name}-[0-9]"))
    )
    stamp = datetime.now(UTC)
    if newest is not None:
        last = datetime.strptime(newest.rsplit("-", 1)[1], _STAMP).replace(tzinfo=UTC)
        stamp = max(stamp, last + timedelta(microseconds=1))
    return f"{name}-{stamp.strftime(_STAMP)}"


@contextmanager
def locked_run(env: Environment, run_id: str, *, states: tuple[str, ...] = ("running", "landed")) -> Iterator[Run]:
    """Hold the feed's lock for one step of a run, and note that this process does it.

    Raises NotRunning when the run is in none of the states.
    """
    feed = feed_of(run_id)
    with feed_lock(env, feed):
        run = read_run(env, run_id)
        if run.status not in states:
            raise NotRunning(f"{run_id} is {run.status}, not {' or '.join(states)}")
        with write_transaction(env) as connection:
            connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(worker=this_worker()))
        yield run


def feed_of(run_id: str) -> str:
    """The feed that a run id names."""
    return run_id.rsplit("-", 1)[0]


def read_run(env: Environment, run_id: str) -> Run:
    """The run. Raises NotRunning when there is none of that id."""
    with read_transaction(env) as connection:
        row = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id == run_id)).one_or_none()
    if row is None:
        raise NotRunning(f"there is no run {run_id}")
    return _run_row(row._mapping)


def _run_row(row: Any) -> Run:
    """A row of harvest_run as a Run."""
    return Run(
        id=row["id"],
        feed=row["feed"] or "",
        kind=row["kind"],
        status=row["status"],
        started_at=row["started_at"],
        base_run_id=row["base_run_id"],
        reasons=decode_reasons(row["reasons"]),
        counts={name: row[name] for name in ("listed", "duplicates", *FUNNEL)},
    )


def decode_reasons(text: str | None) -> tuple[Reason | str, ...]:
    """The reasons of a row of harvest_run; a sentence in English where a run was held before reasons had codes."""
    return msgspec.json.decode(text, type=tuple[Reason | str, ...]) if text else ()


def base_run(connection: Connection, feed: str, before: str | None = None) -> str | None:
    """The run up to which the feed's landing is loaded; told by the runs before a run, if one is named."""
    query = select(func.max(HarvestRunRow.landing_until)).where(
        HarvestRunRow.feed == feed, HarvestRunRow.status == "loaded"
    )
    return connection.scalar(query if before is None else query.where(HarvestRunRow.id < before))


def note_landed(env: Environment, run_id: str, *, listed: int, notes: tuple[str, ...] = ()) -> None:
    """Note what a harvest has landed."""
    said = msgspec.json.encode(notes).decode() if notes else None
    _set(env, run_id, listed=listed, notes=said)


def note_planned(
    env: Environment, run_id: str, *, listed: int, duplicates: int, base: str | None, until: str | None
) -> None:
    """Note what a staging starts from, and the run up to which it holds the landing (None: none of it)."""
    _set(env, run_id, listed=listed, duplicates=duplicates, base_run_id=base, landing_until=until)


def note_staged(env: Environment, run_id: str, counts: dict[str, int]) -> None:
    """Note the funnel of a staging; the run is then landed, and waits for the gate."""
    _set(env, run_id, status="landed", **{name: counts[name] for name in FUNNEL})


def fail_run(env: Environment, run_id: str, cause: str, sentence: str) -> None:
    """End a run as failed, with a cause of the table and a sentence for the operator. One that ended stays as it is."""
    with write_transaction(env) as connection:
        status = connection.scalar(select(HarvestRunRow.status).where(HarvestRunRow.id == run_id))
        if status is None:
            raise NotRunning(f"there is no run {run_id}")
        if status not in _CLOSED:
            end_run(connection, run_id, "failed", cause=cause, error=sentence)


def hold_run(env: Environment, run_id: str, reasons: Sequence[Reason | str]) -> None:
    """Hold a staged run for a steward; nothing of it is in the catalog. Older held runs of the feed are superseded.

    A run that is held already stays as it is. Raises NotRunning when it is not staged.
    """
    if not reasons:
        raise ValueError(f"{run_id}: a run is held for a reason, and none was given")
    if read_run(env, run_id).status == "held":
        return
    with locked_run(env, run_id, states=("landed",)) as run, write_transaction(env) as connection:
        supersede_held_runs(connection, run)
        end_run(connection, run_id, "held", reasons=msgspec.json.encode(reasons).decode())


def supersede_held_runs(connection: Connection, run: Run) -> None:
    """Older held runs of the feed can no longer be released: this one holds what they held."""
    connection.execute(
        update(HarvestRunRow)
        .where(HarvestRunRow.feed == run.feed, HarvestRunRow.status == "held", HarvestRunRow.id < run.id)
        .values(status="superseded")
    )


def end_run(connection: Connection, run_id: str, status: str, **said: Any) -> None:
    """Give a run its end; it has no worker any more."""
    values = {"status": status, "ended_at": now(), "worker": None, **said}
    connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))


def _set(env: Environment, run_id: str, **said: Any) -> None:
    with write_transaction(env) as connection:
        connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**said))
