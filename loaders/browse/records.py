"""One record or resource with everything about it: findings, versions, decisions, members. Found by indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import pyarrow.parquet as pq
from sqlalchemy import Connection, func, or_, select

from loaders.browse.run_changes import Difference, differences_of, shown_value
from loaders.catalog import undo_log_path
from loaders.landing import read_payload
from loaders.store import (
    CurationRow,
    IssueRow,
    JudgementRow,
    RedirectRow,
    ResourceRow,
    ResourceVersionRow,
    SourceRecordRow,
    TermMappingRow,
    rows_among,
)
from schemas import Base, Environment, Resource

MAX_LISTED = 100  # findings, versions, decisions or members on a page
_RECORDS: Any = SourceRecordRow.__table__
_ISSUES: Any = IssueRow.__table__
_CURATIONS: Any = CurationRow.__table__
_JUDGEMENTS: Any = JudgementRow.__table__
_MAPPINGS: Any = TermMappingRow.__table__
_REASONS_READ = 500  # decisions of everybody, of each table
_VERSIONS: Any = ResourceVersionRow.__table__
_FROM_TO = ("from", "to")


class Version(Base, frozen=True, kw_only=True):
    """A version of a resource: its number, the publication that made it, and what it changed.

    event: `created`, `withdrawn`, `redirected` or empty; target: the id that it is redirected to
    """

    number: int
    run_id: str
    changed_at: str
    event: str
    target: str
    differences: tuple[Difference, ...]


class Decision(Base, frozen=True, kw_only=True):
    """A decision on a record or resource.

    action: that of a curation, or the verdict of a judgement; about: what it is about besides the record
    undo: what takes it back: the id of its batch, or `curation:` and its number; empty where nothing does
    together: how many decisions are taken back with it
    """

    action: str
    about: str
    value: str
    by: str
    at: str
    reason: str
    undo: str
    together: int
    undone_at: str | None
    undone_by: str | None


class RecordVersion(NamedTuple):
    """A version of a record: the run that brought it and when, its status then, and what differs from the one before.

    is_first: whether nothing before it is known
    """

    key: str
    run_id: str
    at: str
    status: str
    differences: tuple[Difference, ...]
    is_first: bool


class Member(Base, frozen=True, kw_only=True):
    """A record of a resource."""

    key: str
    feed: str
    status: str
    title: str


def read_record_row(connection: Connection, key: str) -> dict[str, Any] | None:
    """Return the row of source_record with `record` and `pending_record` decoded; None when there is none."""
    row = connection.execute(select(_RECORDS).where(_RECORDS.c.key == key)).mappings().one_or_none()
    return None if row is None else {**row, **{name: _decode(row[name]) for name in ("record", "pending_record")}}


def read_resource_row(connection: Connection, resource_id: str) -> dict[str, Any] | None:
    """Return the row of a resource with its record decoded; None when there is none."""
    row = (
        connection.execute(select(ResourceRow.__table__).where(ResourceRow.id == resource_id)).mappings().one_or_none()
    )
    return None if row is None else {**row, "record": _decode(row["record"])}


def read_source(env: Environment, row: Any) -> str | None:
    """Return what the partner sent of a record's newest version; None when it is not in landing's index."""
    sha256 = row["pending_sha256"] or row["payload_sha256"]
    return read_payload(env.landing / row["feed"], row["identifier"], sha256) if sha256 else None


def record_versions(env: Environment, row: Mapping[str, Any], most: int = 10) -> list[RecordVersion]:
    """Return the versions that runs gave a record, newest first, from its row and the undo logs of its runs.

    At most `most`, and those before the oldest undo log that is kept are not known.
    """
    versions: list[RecordVersion] = []
    after: Mapping[str, Any] | None = row
    while after is not None and len(versions) < most:
        before = _row_before(env, after)
        old, new = ((_raw(each) if each else {}) for each in (before, after))
        differences = tuple(differences_of(old, new)) if old and new else ()
        at = _run_time(after["run_id"])
        status = after["pending_status"] or after["status"]
        versions.append(RecordVersion(after["key"], after["run_id"], at, status, differences, before is None))
        after = before
    return versions


def _row_before(env: Environment, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the row of a record as it was before the run that last changed it; None where that is not known."""
    path = undo_log_path(env, row["feed"], row["run_id"])
    if not path.exists():
        return None
    filters = [("table", "=", "source_record"), ("key", "=", row["key"])]
    logged = pq.read_table(path, columns=["row"], filters=filters)["row"].to_pylist()
    before: dict[str, Any] | None = msgspec.json.decode(logged[0]) if logged and logged[0] else None
    return None if before is None or before["run_id"] >= row["run_id"] else before


def _raw(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the newest record of a row as JSON has it; empty without any."""
    record = row["pending_record"] or row["record"]
    if isinstance(record, Resource):
        record = msgspec.json.encode(record)
    decoded: dict[str, Any] = msgspec.json.decode(record) if record else {}
    return decoded


def _run_time(run_id: str) -> str:
    """Return when a run began, as its id says."""
    began = datetime.strptime(run_id.rpartition("-")[2], "%Y%m%dT%H%M%S%f")
    return began.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def live_members(connection: Connection, resource_id: str, most: int) -> list[str]:
    """Return the keys of the live records of a resource, in order; at most `most`."""
    query = select(_RECORDS.c.key).where(_RECORDS.c.resource_id == resource_id, _RECORDS.c.status == "live")
    return list(connection.scalars(query.order_by(_RECORDS.c.key).limit(most)))


def last_reasons(connection: Connection, by: str, most: int = 8) -> tuple[str, ...]:
    """Return the reasons that a person gave last, each once, of the newest decisions of everybody."""
    reasons: dict[str, None] = {}
    for table in (_CURATIONS, _JUDGEMENTS, _MAPPINGS):
        newest = (
            select(table.c.by, table.c.reason, table.c.id).order_by(table.c.id.desc()).limit(_REASONS_READ).subquery()
        )
        query = select(newest.c.reason).where(newest.c.by == by).order_by(newest.c.id.desc())
        reasons |= dict.fromkeys(connection.scalars(query))
    return tuple(reasons)[:most]


def findings_of(connection: Connection, key: str) -> list[Any]:
    """Return the findings of a record, open ones first and the worst of them first; at most MAX_LISTED."""
    order = (_ISSUES.c.resolved_run_id.is_not(None), _ISSUES.c.severity, _ISSUES.c.code, _ISSUES.c.finding)
    query = select(_ISSUES).where(_ISSUES.c.key == key).order_by(*order).limit(MAX_LISTED)
    return list(connection.execute(query).mappings())


def versions_of_resource(connection: Connection, resource_id: str) -> list[Version]:
    """Return the versions of a resource, newest first; at most MAX_LISTED."""
    query = select(_VERSIONS).where(_VERSIONS.c.resource_id == resource_id)
    rows = connection.execute(query.order_by(_VERSIONS.c.version.desc()).limit(MAX_LISTED)).mappings()
    return [_version(row) for row in rows]


def _version(row: Any) -> Version:
    changes = msgspec.json.decode(row["changes"])
    event = next((name for name in ("created", "withdrawn", "redirected") if name in changes), "")
    return Version(
        number=row["version"],
        run_id=row["run_id"],
        changed_at=row["changed_at"],
        event=event,
        target=changes["redirected"] if event == "redirected" else "",
        differences=tuple(_difference(name, each) for name, each in changes.items() if name != event),
    )


def _difference(field: str, change: Any) -> Difference:
    before, after = (change.get(side) for side in _FROM_TO) if isinstance(change, dict) else (None, None)
    return Difference(field, shown_value(before), shown_value(after))


def members_of(connection: Connection, resource_id: str) -> list[Member]:
    """Return the records of a resource by key; at most MAX_LISTED."""
    rows = connection.execute(_MEMBERS.where(_RECORDS.c.resource_id == resource_id).limit(MAX_LISTED))
    return [_member(row) for row in rows]


def record_titles(connection: Connection, keys: Sequence[str]) -> list[Member]:
    """Return the records that have one of the keys; at most MAX_LISTED."""
    return [_member(row) for row in islice(rows_among(connection, _MEMBERS, _RECORDS.c.key, keys), MAX_LISTED)]


_MEMBERS: Any = select(_RECORDS.c.key, _RECORDS.c.feed, _RECORDS.c.status, _RECORDS.c.record).order_by(_RECORDS.c.key)


def _member(row: Any) -> Member:
    return Member(key=row.key, feed=row.feed, status=row.status, title=_first_title(row.record))


def old_ids(connection: Connection, resource_id: str) -> list[str]:
    """Return the ids that lead to a resource; at most MAX_LISTED."""
    query = select(RedirectRow.old_id).where(RedirectRow.id == resource_id).order_by(RedirectRow.old_id)
    return list(connection.scalars(query.limit(MAX_LISTED)))


def redirect_of(connection: Connection, resource_id: str) -> str | None:
    """Return the id that replaces a resource's id; None when nothing does."""
    return connection.scalar(select(RedirectRow.id).where(RedirectRow.old_id == resource_id))


def decisions_on(connection: Connection, key: str | None, resource_id: str | None) -> list[Decision]:
    """Return the decisions on a record and its resource, newest first; at most MAX_LISTED of each kind."""
    about = [
        column == value for column, value in ((_CURATIONS.c.key, key), (_CURATIONS.c.resource_id, resource_id)) if value
    ]
    query = select(_CURATIONS).where(or_(*about)).order_by(_CURATIONS.c.id.desc()).limit(MAX_LISTED)
    curations = list(connection.execute(query).mappings())
    judgements: list[Any] = []
    if key:
        sides = or_(_JUDGEMENTS.c.left_key == key, _JUDGEMENTS.c.right_key == key)
        query = select(_JUDGEMENTS).where(sides).order_by(_JUDGEMENTS.c.id.desc()).limit(MAX_LISTED)
        judgements = list(connection.execute(query).mappings())
    together = _batch_sizes(connection, [row["batch_id"] for row in (*curations, *judgements) if row["batch_id"]])
    decisions = [_curation(row, together) for row in curations] + [_judgement(row, key, together) for row in judgements]
    return sorted(decisions, key=lambda each: each.at, reverse=True)


def _batch_sizes(connection: Connection, batches: list[str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for table in (_CURATIONS, _JUDGEMENTS):
        in_force = (table.c.batch_id.in_(batches), table.c.undone_at.is_(None))
        query = select(table.c.batch_id, func.count()).where(*in_force).group_by(table.c.batch_id)
        for batch, count in connection.execute(query) if batches else ():
            sizes[batch] = sizes.get(batch, 0) + count
    return sizes


def _curation(row: Any, together: Mapping[str, int]) -> Decision:
    is_value = row["action"] == "set"
    undo = row["batch_id"] or f"curation:{row['id']}"
    return Decision(
        action=row["action"],
        about=row["path"] or "",
        value=shown_value(msgspec.json.decode(row["value"])) if is_value and row["value"] else "",
        undo="" if row["undone_at"] else undo,
        together=together.get(undo, 1),
        **_signature(row),
    )


def _judgement(row: Any, key: str | None, together: Mapping[str, int]) -> Decision:
    batch = row["batch_id"] or ""
    return Decision(
        action=row["verdict"],
        about=row["right_key"] if row["left_key"] == key else row["left_key"],
        value="",
        undo="" if row["undone_at"] else batch,
        together=together.get(batch, 1),
        **_signature(row),
    )


def _signature(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("by", "at", "reason", "undone_at", "undone_by")}


def _decode(text: str | None) -> Resource | None:
    return None if text is None else msgspec.json.decode(text, type=Resource)


def _first_title(record: str | None) -> str:
    titles = msgspec.json.decode(record).get("title") if record else None
    return shown_value(next(iter(titles.values()), "")) if titles else ""
