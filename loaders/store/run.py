"""The life of a run: it begins, one process at a time works on it, and it ends loaded, held or failed.

    running ──stage──> landed ──gate──> held ──release──> loaded ──undo──> undone
       │                 │ └──────────load──────────────────^
       └──────fail───────┴──> failed      held ──refuse──> refused
                                          held ──(a newer run of the feed is loaded or held)──> superseded

A run has the status "landed" when it is staged: everything that it landed is compared with the catalog, and it waits
for the gate. Its column `landed` counts the records that were compared; landing is the archive of what was fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, or_, select, update

from loaders.store.locks import (
    PUBLICATION_LOCK,
    FeedBusy,
    feed_lock,
    feed_lock_name,
    hold_lock,
    name_run,
    this_worker,
)
from loaders.store.models import HarvestRunRow
from loaders.store.transactions import read_transaction, write_transaction
from schemas import Base, Environment, Reason, one_line, sentence

_RUN_ID_TIME = "%Y%m%dT%H%M%S%f"
RUN_COUNTS = ("landed", "added", "changed", "unchanged", "deleted", "rejected", "quarantined")
INTERRUPTED = "interrupted"  # the cause of a run whose process ended before the run did
_INTERRUPTED_SENTENCE = "The process that ran it ended; the next run continues from what was received."
_UNFINISHED = ("running", "landed")
_KILLED_SECONDS = 5  # until the lock of a process that was just killed is free
_ENDED = ("loaded", "failed", "refused", "superseded", "undone")


class WrongRunState(Exception):
    """The run does not exist, or does not have the status that an operation needs."""


class Run(Base, frozen=True, kw_only=True):
    """A row of harvest_run; `counts` holds RUN_COUNTS, `listed` and `duplicates`."""

    id: str
    feed: str
    kind: str
    status: str
    started_at: str
    base_run_id: str | None = None
    transform_version: str | None = None  # of the code that began the run
    reasons: tuple[Reason | str, ...] = ()  # text for runs that were held before reasons had codes
    counts: dict[str, int] = {}
    changes: tuple[tuple[str, int], ...] = ()  # of a reprocess: each kind of change, and how many records it touches


def now() -> str:
    """Return the current time in the catalog's format: UTC, ISO 8601, with microseconds and Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def begin_run(
    env: Environment,
    feed: str,
    kind: str = "harvest",
    *,
    version: str | None = None,
    take_over: bool = True,
    dag: str | None = None,
    is_dag_active: Callable[[str], bool] | None = None,
) -> str:
    """Begin a run of the feed and return its id. `version` is the transform_version of the row.

    `dag` is the DAG whose tasks carry the run on; without it, the caller has the feed's lock until the run has ended. A
    run on which no process works any more was interrupted: it ends as failed, and this run continues its harvest. But
    between two tasks of a DAG no process works on a run either, so that only that DAG, of which one run at a time goes
    on, can know that it was interrupted; for others it is FeedBusy, unless they `take_over`, or `is_dag_active`, which
    is called with a DAG's id, says that no run of that DAG goes on or waits.

    A process that works on the feed is waited for with `dag` or `take_over`; else FeedBusy is raised.
    """
    with feed_lock(env, feed, wait=take_over or dag is not None), write_transaction(env) as connection:
        unfinished = connection.execute(
            select(HarvestRunRow.id, HarvestRunRow.dag, HarvestRunRow.started_at).where(
                HarvestRunRow.feed == feed, HarvestRunRow.status.in_(_UNFINISHED)
            )
        )
        for run, its_dag, since in unfinished.all():
            if its_dag is not None and its_dag != dag and not take_over:
                _require_left(feed, run, str(its_dag), since, is_dag_active)
            end_run(connection, run, "failed", cause=INTERRUPTED, error=_INTERRUPTED_SENTENCE)
        run_id = new_run_id(connection, feed)
        values = {"id": run_id, "feed": feed, "kind": kind, "status": "running", "started_at": now(), "dag": dag}
        connection.execute(insert(HarvestRunRow).values(**values, worker=this_worker(), transform_version=version))
    return run_id


def _require_left(feed: str, run: str, its_dag: str, since: str, is_dag_active: Callable[[str], bool] | None) -> None:
    """Raise FeedBusy unless it is known that the DAG which carried the run on has ended without it."""
    if is_dag_active is None:
        raise FeedBusy(
            sentence(
                "%(feed)s: run %(run)s is between two tasks of the DAG %(dag)s, or was interrupted; wait until it has "
                "ended, or use --take-over when that DAG is not running",
                feed=feed,
                run=run,
                dag=its_dag,
            )
        )
    if is_dag_active(its_dag):
        raise FeedBusy(
            sentence(
                "%(feed)s: the DAG %(dag)s has been at work on this feed since %(since)s (run %(run)s); try again when "
                "it has ended",
                feed=feed,
                run=run,
                dag=its_dag,
                since=f"{since[:19]}Z",
            )
        )


def end_runs_of_ended_dags(env: Environment, is_dag_active: Callable[[str], bool]) -> list[str]:
    """End as failed the runs whose DAG has ended without them, which nobody was told of, and return their ids.

    Airflow's callback of a failed DAG does it at once, but is lost when its process is killed. The runs are read before
    `is_dag_active` is called with their DAG's id: what begins in the meantime is not among them.
    """
    with read_transaction(env) as connection:
        of_dags = select(HarvestRunRow.id, HarvestRunRow.feed, HarvestRunRow.dag).where(
            HarvestRunRow.status.in_(_UNFINISHED), HarvestRunRow.dag.is_not(None), HarvestRunRow.feed.is_not(None)
        )
        unfinished = connection.execute(of_dags).all()
    active = {dag: is_dag_active(str(dag)) for dag in {row.dag for row in unfinished}}
    return [row.id for row in unfinished if not active[row.dag] and _end_left(env, str(row.feed), row.id)]


def _end_left(env: Environment, feed: str, run_id: str) -> bool:
    """End a run as interrupted, unless a process works on its feed or it has ended; return whether it did."""
    try:
        with feed_lock(env, feed, wait=False), write_transaction(env) as connection:
            status = connection.scalar(select(HarvestRunRow.status).where(HarvestRunRow.id == run_id))
            if status not in _UNFINISHED:
                return False
            end_run(connection, run_id, "failed", cause=INTERRUPTED, error=_INTERRUPTED_SENTENCE)
    except FeedBusy:
        return False
    return True


def end_interrupted_runs(env: Environment, feed: str | None, until: datetime, *, dag: str) -> list[str]:
    """End as failed the runs of a feed (None: publications) that a killed process has left, and return their ids.

    Only a DAG may call this, once it has failed at the time `until`: those that another DAG carries on stay, because
    between two tasks no process works on them either. Empty when a process has the lock.
    """
    began = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    name = feed_lock_name(feed) if feed else PUBLICATION_LOCK
    try:
        with hold_lock(env, name, wait_seconds=_KILLED_SECONDS), write_transaction(env) as connection:
            unfinished = select(HarvestRunRow.id).where(
                HarvestRunRow.feed == feed if feed else HarvestRunRow.kind == "publish",
                HarvestRunRow.status.in_(_UNFINISHED),
                HarvestRunRow.started_at <= began,
                or_(HarvestRunRow.dag.is_(None), HarvestRunRow.dag == dag),
            )
            interrupted = list(connection.scalars(unfinished))
            for run in interrupted:
                end_run(connection, run, "failed", cause=INTERRUPTED, error=_INTERRUPTED_SENTENCE)
    except FeedBusy:
        return []
    return interrupted


def run_lock_name(kind: str, feed: str | None) -> str:
    """Return the name of the lock under which a process works on a run: of its feed, the publication or the links."""
    if feed:
        return feed_lock_name(feed)
    return PUBLICATION_LOCK if kind == "publish" else kind


def new_run_id(connection: Connection, name: str) -> str:
    """Return a run id for a feed (or "publish") that is later than all its others, even if the clock went back."""
    ids_of_name = HarvestRunRow.id.regexp_match(f"^{name}-[0-9]")
    newest = connection.scalar(select(func.max(HarvestRunRow.id)).where(ids_of_name))
    time = datetime.now(UTC)
    if newest is not None:
        last = datetime.strptime(newest.rsplit("-", 1)[1], _RUN_ID_TIME).replace(tzinfo=UTC)
        time = max(time, last + timedelta(microseconds=1))
    return f"{name}-{time.strftime(_RUN_ID_TIME)}"


@contextmanager
def locked_run(
    env: Environment, run_id: str, *, statuses: tuple[str, ...] = _UNFINISHED, shared: bool = False
) -> Iterator[Run]:
    """Take the feed's lock for one step of a run, note this process as the run's worker, and yield the run.

    Steps that work side by side share the lock, write nothing into the catalog, and are not noted. Raises WrongRunState
    when the run has none of the statuses.
    """
    feed = feed_name_of(run_id)
    with feed_lock(env, feed, shared=shared):
        run = read_run(env, run_id)
        if run.status not in statuses:
            raise WrongRunState(
                sentence(
                    "%(run)s is %(status)s, not %(needed)s",
                    run=run_id,
                    status=run.status,
                    needed=" or ".join(statuses),
                )
            )
        name_run(env, feed_lock_name(feed), run_id)
        if not shared:
            _set(env, run_id, worker=this_worker())
        yield run


def feed_name_of(run_id: str) -> str:
    """Return the feed's name, which a run id begins with."""
    return run_id.rsplit("-", 1)[0]


def read_run(env: Environment, run_id: str) -> Run:
    """Return the run. Raises WrongRunState when there is none with that id."""
    with read_transaction(env) as connection:
        row = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id == run_id)).one_or_none()
    if row is None:
        raise _no_run(run_id)
    columns = row._mapping
    return Run(
        id=columns["id"],
        feed=columns["feed"] or "",
        kind=columns["kind"],
        status=columns["status"],
        started_at=columns["started_at"],
        base_run_id=columns["base_run_id"],
        transform_version=columns["transform_version"],
        reasons=decode_reasons(columns["reasons"]),
        changes=tuple(decode_changes(columns["changes"])),
        counts={name: columns[name] for name in ("listed", "duplicates", *RUN_COUNTS)},
    )


def decode_reasons(text: str | None) -> tuple[Reason | str, ...]:
    """Decode harvest_run.reasons; English text for runs that were held before reasons had codes."""
    return msgspec.json.decode(text, type=tuple[Reason | str, ...]) if text else ()


def base_run(connection: Connection, feed: str, before: str | None = None) -> str | None:
    """Return the newest run whose landing is loaded, as runs earlier than `before` say; None when nothing is loaded."""
    loaded = (HarvestRunRow.feed == feed, HarvestRunRow.status == "loaded")
    query = select(func.max(HarvestRunRow.landing_until)).where(*loaded)
    return connection.scalar(query if before is None else query.where(HarvestRunRow.id < before))


def note_listed(env: Environment, run_id: str, *, listed: int, notes: tuple[str, ...] = ()) -> None:
    """Note how many records a harvest listed, and its notes for the operator."""
    _set(
        env,
        run_id,
        listed=listed,
        notes=msgspec.json.encode([one_line(note) for note in notes]).decode() if notes else None,
    )


def note_planned(
    env: Environment, run_id: str, *, listed: int, duplicates: int, base: str | None, until: str | None
) -> None:
    """Note the run that a staging is compared with, and the newest run whose landing is in it (None: no landing)."""
    _set(env, run_id, listed=listed, duplicates=duplicates, base_run_id=base, landing_until=until)


def note_version(env: Environment, run_id: str, version: str) -> None:
    """Note the digest of the code and mappings that a run's records are normalized with."""
    _set(env, run_id, transform_version=version)


def note_staged(env: Environment, run_id: str, counts: dict[str, int]) -> None:
    """Note the counts of a staging and give the run the status landed."""
    _set(env, run_id, status="landed", **{name: counts[name] for name in RUN_COUNTS})


def write_changes(connection: Connection, run_id: str, changes: Sequence[tuple[str, int]]) -> None:
    """Note what a reprocess changes: kinds of change, each with how many records it touches."""
    values = {"changes": msgspec.json.encode(changes).decode()}
    connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))


def decode_changes(text: str | None) -> list[tuple[str, int]]:
    """Decode harvest_run.changes."""
    return msgspec.json.decode(text, type=list[tuple[str, int]]) if text else []


def _no_run(run_id: str) -> WrongRunState:
    return WrongRunState(sentence("there is no run %(run)s", run=run_id))


def fail_run(env: Environment, run_id: str, cause: str, sentence: str) -> None:
    """End a run as failed, with the code of a cause and a sentence for the operator; a run that has ended stays as is.

    Raises WrongRunState when there is no such run.
    """
    with write_transaction(env) as connection:
        status = connection.scalar(select(HarvestRunRow.status).where(HarvestRunRow.id == run_id))
        if status is None:
            raise _no_run(run_id)
        if status not in _ENDED:
            end_run(connection, run_id, "failed", cause=cause, error=one_line(sentence))


def hold_run(env: Environment, run_id: str, reasons: Sequence[Reason | str]) -> None:
    """Hold a staged run until a steward decides, and supersede older held runs of the feed.

    A run that is held already stays as it is. Raises WrongRunState when the run is not staged.
    """
    if not reasons:
        raise ValueError(f"{run_id}: no reason is given; a run is held for at least one")
    if read_run(env, run_id).status == "held":
        return
    with locked_run(env, run_id, statuses=("landed",)) as run, write_transaction(env) as connection:
        supersede_held_runs(connection, run.feed, before=run.id)
        end_run(connection, run_id, "held", reasons=msgspec.json.encode(reasons).decode())


def supersede_held_runs(connection: Connection, feed: str, *, before: str | None = None) -> None:
    """Give the feed's held runs (earlier than `before`) the status superseded: they can no longer be released."""
    held = update(HarvestRunRow).where(HarvestRunRow.feed == feed, HarvestRunRow.status == "held")
    if before is not None:
        held = held.where(HarvestRunRow.id < before)
    connection.execute(held.values(status="superseded"))


def end_run(connection: Connection, run_id: str, status: str, **columns: Any) -> None:
    """Give a run its last status, the time of its end and other columns, and take its worker away."""
    values = {"status": status, "ended_at": now(), "worker": None, **columns}
    connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))


def _set(env: Environment, run_id: str, **columns: Any) -> None:
    with write_transaction(env) as connection:
        connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**columns))
