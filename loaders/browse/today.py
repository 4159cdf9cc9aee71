"""What needs a person today: counts by cause and feed, since when, and who has taken or put off what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, func, select

from loaders.browse.links import count_ending_certificates
from loaders.browse.pairs import count_pairs
from loaders.store import (
    ApplicationRow,
    HarvestRunRow,
    IssueRow,
    ReaderReportRow,
    ResourceRow,
    SourceRecordRow,
    TaskNoteRow,
    UnmappedValueRow,
    decode_reasons,
    failed_upkeep,
    now,
    read_kept,
    read_transaction,
)
from schemas import Base, Environment, Reason

Cause = Literal[
    "takedowns",
    "held",
    "failed",
    "links",
    "downloads",
    "narrowed",
    "quarantined",
    "rejected",
    "reader_reports",
    "dead_links",
    "certificates",
    "pairs",
    "clusters",
    "terms",
    "applications",
    "asked",
]
ASKED = "asked:"  # begins the names of what a partner was asked: then `record:` and its key, or `term:`, feed, field
_RUNS: Any = HarvestRunRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_ISSUES: Any = IssueRow.__table__
_NOTES: Any = TaskNoteRow.__table__
_REPORTS: Any = ReaderReportRow.__table__
_NARROWED = "license_narrowed"


class Note(Base, frozen=True, kw_only=True):
    """Who took, put off or remarked on something, until when, and why."""

    kind: str
    who: str
    at: str
    until: str | None
    note: str | None


class Need(Base, frozen=True, kw_only=True):
    """Something that needs a person.

    name: cause and what it is about, such as `quarantined:books`; notes are kept by it
    since: when the run began by which it came up; None where that is not known
    kind: of what readers report; due: by when the first of it should be decided
    """

    cause: Cause
    name: str
    count: int
    feed: str | None = None
    run: str | None = None
    since: str | None = None
    reasons: tuple[Reason | str, ...] = ()
    error: str | None = None
    kind: str | None = None
    due: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def taken_by(self) -> str | None:
        return next((note.who for note in reversed(self.notes) if note.kind == "taken"), None)

    @property
    def snoozed_until(self) -> str | None:
        return next((note.until for note in reversed(self.notes) if note.kind == "snoozed"), None)


def todays_needs(env: Environment) -> list[Need]:
    """Return what needs a person, by cause, the most urgent first; what is snoozed is among it."""
    with read_transaction(env) as connection:
        notes = _notes(connection)
    needs = read_kept(env, _needs)
    return [msgspec.structs.replace(need, notes=tuple(notes.get(need.name, ()))) for need in needs]


def _needs(connection: Connection) -> list[Need]:
    reported = list(_reader_reports(connection))
    return [
        *(need for need in reported if need.cause == "takedowns"),
        *_held_runs(connection),
        *_failed_runs(connection),
        *_failed_upkeep(connection),
        *_waiting(connection),
        *(need for need in reported if need.cause != "takedowns"),
        *_dead_links(connection),
        *_whole_catalog(connection),
        *_asked(connection),
    ]


def _asked(connection: Connection) -> Iterator[Need]:
    """Yield what partners were asked and have not answered."""
    is_unanswered = (_NOTES.c.object.startswith(ASKED, autoescape=True), _NOTES.c.ended_at.is_(None))
    query = select(_NOTES.c.object, func.min(_NOTES.c.at)).where(*is_unanswered).group_by(_NOTES.c.object)
    for name, at in connection.execute(query.order_by(func.min(_NOTES.c.at))):
        feed = name.removeprefix(ASKED).partition(":")[2].partition(":")[0]
        yield Need(cause="asked", name=name, count=1, feed=feed, since=at)


def _reader_reports(connection: Connection) -> Iterator[Need]:
    """Yield what readers reported and nobody has decided, by kind, the oldest first."""
    times = (func.min(_REPORTS.c.first_at), func.min(_REPORTS.c.due_at))
    is_open = _REPORTS.c.decision_id.is_(None)
    query = select(_REPORTS.c.kind, func.count(), *times).where(is_open).group_by(_REPORTS.c.kind).order_by(times[0])
    for kind, count, since, due in connection.execute(query):
        cause: Cause = "takedowns" if kind == "takedown" else "reader_reports"
        yield Need(cause=cause, name=f"{cause}:{kind}", count=count, since=since, kind=kind, due=due)


def _held_runs(connection: Connection) -> Iterator[Need]:
    query = select(_RUNS.c.id, _RUNS.c.feed, _RUNS.c.started_at, _RUNS.c.reasons).where(_RUNS.c.status == "held")
    for run, feed, started_at, reasons in connection.execute(query.order_by(_RUNS.c.id)):
        yield Need(
            cause="held",
            name=f"held:{run}",
            count=1,
            feed=feed,
            run=run,
            since=started_at,
            reasons=tuple(decode_reasons(reasons)),
        )


def _failed_runs(connection: Connection) -> Iterator[Need]:
    """Yield the feeds whose newest run failed."""
    newest = select(func.max(_RUNS.c.id)).where(_RUNS.c.feed.is_not(None)).group_by(_RUNS.c.feed)
    query = select(_RUNS).where(_RUNS.c.id.in_(newest), _RUNS.c.status == "failed").order_by(_RUNS.c.id)
    for row in connection.execute(query).mappings():
        error = ": ".join(text for text in (row["cause"], row["error"]) if text)
        yield Need(
            cause="failed",
            name=f"failed:{row['feed']}",
            count=1,
            feed=row["feed"],
            run=row["id"],
            since=row["started_at"],
            error=error,
        )


def _failed_upkeep(connection: Connection) -> Iterator[Need]:
    """Yield that the links could not be checked, or the downloads not written, the last time."""
    for run in failed_upkeep(connection):
        kind: Cause = "links" if run["kind"] == "links" else "downloads"
        error = f"{run['cause']}: {run['error']}"
        yield Need(cause=kind, name=f"{kind}:failed", count=1, run=run["id"], since=run["started_at"], error=error)


def _waiting(connection: Connection) -> Iterator[Need]:
    """Yield the feeds of which versions wait, apart by whether they are unreadable or only their licence narrowed."""
    is_narrowed = _RECORDS.c.pending_reason.contains(_NARROWED, autoescape=True)
    query = (
        select(_RECORDS.c.feed, _RECORDS.c.pending_status, is_narrowed, func.count(), func.min(_RECORDS.c.run_id))
        .where(_RECORDS.c.pending_status.is_not(None))
        .group_by(_RECORDS.c.feed, _RECORDS.c.pending_status, is_narrowed)
    )
    rows = sorted(connection.execute(query), key=lambda row: (row[1], -row[3]))
    started = _started(connection, [row[4] for row in rows])
    for feed, status, narrowed, count, run in rows:
        cause: Cause = "rejected" if status == "rejected" else "narrowed" if narrowed else "quarantined"
        yield Need(cause=cause, name=f"{cause}:{feed}", count=count, feed=feed, since=started.get(run))


def _dead_links(connection: Connection) -> Iterator[Need]:
    """Yield the feeds of which addresses are dead, and that certificates end; each is counted from an index."""
    feeds = connection.scalars(select(_RUNS.c.feed).where(_RUNS.c.feed.is_not(None)).distinct()).all()
    is_open = (_ISSUES.c.feed.in_(feeds), _ISSUES.c.code == "address_dead", _ISSUES.c.resolved_run_id.is_(None))
    query = select(_ISSUES.c.feed, func.count(), func.min(_ISSUES.c.first_run_id)).where(*is_open)
    rows = sorted(connection.execute(query.group_by(_ISSUES.c.feed)), key=lambda row: (-row[1], row[0]))
    started = _started(connection, [row[2] for row in rows])
    for feed, count, run in rows:
        yield Need(cause="dead_links", name=f"dead_links:{feed}", count=count, feed=feed, since=started.get(run))
    if hosts := count_ending_certificates(connection):
        yield Need(cause="certificates", name="certificates", count=hosts)


def _whole_catalog(connection: Connection) -> Iterator[Need]:
    """Yield what is of no single feed: pairs, clusters that contradict each other, terms and applications."""
    counts: dict[Cause, Any] = {
        "clusters": select(func.count()).where(ResourceRow.review.is_not(None), ResourceRow.withdrawn_at.is_(None)),
        "terms": select(func.count()).where(UnmappedValueRow.mapped_to.is_(None), UnmappedValueRow.count > 0),
        "applications": select(func.count()).where(ApplicationRow.status == "submitted"),
    }
    numbers: dict[Cause, int] = {"pairs": count_pairs(connection)}
    numbers |= {cause: connection.scalar(query) or 0 for cause, query in counts.items()}
    for cause, count in numbers.items():
        if count:
            yield Need(cause=cause, name=cause, count=count)


def _started(connection: Connection, runs: list[str]) -> dict[str, str]:
    query = select(_RUNS.c.id, _RUNS.c.started_at).where(_RUNS.c.id.in_(runs))
    return {row.id: row.started_at for row in connection.execute(query)} if runs else {}


def _notes(connection: Connection) -> dict[str, list[Note]]:
    """Return the notes that hold, by what they are about, oldest first."""
    holds = (_NOTES.c.ended_at.is_(None), _NOTES.c.until.is_(None) | (_NOTES.c.until > now()))
    notes: dict[str, list[Note]] = {}
    for row in connection.execute(select(_NOTES).where(*holds).order_by(_NOTES.c.id)).mappings():
        note = Note(kind=row["kind"], who=row["who"], at=row["at"], until=row["until"], note=row["note"])
        notes.setdefault(row["object"], []).append(note)
    return notes


def notes_on(connection: Connection, name: str) -> list[Note]:
    """Return the notes on something that hold, oldest first."""
    holds = (_NOTES.c.object == name, _NOTES.c.ended_at.is_(None), _NOTES.c.until.is_(None) | (_NOTES.c.until > now()))
    rows = connection.execute(select(_NOTES).where(*holds).order_by(_NOTES.c.id)).mappings()
    return [Note(kind=row["kind"], who=row["who"], at=row["at"], until=row["until"], note=row["note"]) for row in rows]


def open_questions(connection: Connection) -> dict[str, list[Note]]:
    """Return what partners were asked and have not answered, by name."""
    return {name: notes for name, notes in _notes(connection).items() if name.startswith(ASKED)}
