"""Publish the waiting versions whose errors corrections mend, and let those wait again whose correction was undone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import msgspec
import pyarrow.parquet as pq
from sqlalchemy import Connection, select, update

from loaders.catalog import PENDING_COLUMNS, recount_uncoded_terms, standing_corrections, undo_log_path
from loaders.curation.curation import accepted_columns
from loaders.store import CurationRow, IssueRow, SourceRecordRow, now, read_transaction, rows_among, write_transaction
from schemas import Correction, Environment, Resource

_RECORDS: Any = SourceRecordRow.__table__
ErrorsLeft = Callable[[Resource, list[tuple[str, str]], tuple[Correction, ...]], tuple[str, ...]]


class Settled(NamedTuple):
    """The records whose versions were published, and those whose versions wait again."""

    published: tuple[str, ...] = ()
    waiting_again: tuple[str, ...] = ()


def settle_corrections(env: Environment, errors_left: ErrorsLeft) -> Settled:
    """Bring what is accepted and what waits into line with the corrections in force, before a publication.

    `errors_left` returns the codes of the errors that a record still has with its corrections. A version whose errors
    are all mended becomes the accepted one; an accepted version that only an undone correction had mended waits again,
    and the version before it is back. Writes nothing when there is nothing to do.
    """
    with read_transaction(env) as connection:
        if not _unsettled(connection, errors_left):
            return Settled()
    with write_transaction(env) as connection:
        unsettled = _unsettled(connection, errors_left)
        for row, left in unsettled:
            values = accepted_columns(row) if not left else _waiting_again(env, row, left, errors_left)
            connection.execute(update(_RECORDS).where(_RECORDS.c.key == row["key"]).values(**values))
        for feed in sorted({row["feed"] for row, _ in unsettled}):
            recount_uncoded_terms(connection, feed, now())
    published = tuple(row["key"] for row, left in unsettled if not left)
    return Settled(published, tuple(row["key"] for row, left in unsettled if left))


def errors_of_waiting(env: Environment, target: str, errors_left: ErrorsLeft) -> dict[str, tuple[str, ...]]:
    """Return the errors that corrections leave in the waiting versions of a record or resource, by record key."""
    with read_transaction(env) as connection:
        corrections = standing_corrections(connection)
        about = (_RECORDS.c.key == target) | (_RECORDS.c.resource_id == target)
        rows = connection.execute(select(_RECORDS).where(about, _RECORDS.c.pending_status == "quarantined")).mappings()
        waiting = {row["key"]: row["pending_record"] for row in rows}
        errors = _open_errors(connection, waiting.keys())
    return {
        key: errors_left(_decode(record), errors.get(key, []), corrections.get(key, ()))
        for key, record in waiting.items()
    }


def _unsettled(connection: Connection, errors_left: ErrorsLeft) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """Return the rows to change, each with the errors left: of a waiting version none, of an accepted one some."""
    in_force, undone = standing_corrections(connection), standing_corrections(connection, undone=True)
    keys = sorted(in_force.keys() | undone.keys())
    errors = _open_errors(connection, keys)
    rows = [dict(row._mapping) for row in rows_among(connection, select(_RECORDS), _RECORDS.c.key, keys)]
    accepted = _accepted_versions(connection, keys)
    unsettled = []
    for row in filter(_has_judged_version, rows):
        key = row["key"]
        record = row["pending_record"] if row["pending_status"] else row["record"]
        left = errors_left(_decode(record), errors.get(key, []), in_force.get(key, ())) if key in errors else ()
        if _is_unsettled(row, bool(left), key in errors, key in undone and _was_mended(row, accepted)):
            unsettled.append((row, left))
    return unsettled


def _is_unsettled(row: dict[str, Any], has_errors_left: bool, had_errors: bool, was_mended: bool) -> bool:
    """Return whether the waiting version is mended, or the accepted one no longer is."""
    if row["pending_status"]:
        return had_errors and not has_errors_left
    return has_errors_left and was_mended


def _has_judged_version(row: dict[str, Any]) -> bool:
    """Return whether the newest version of the record could be read."""
    return bool(row["pending_record"]) if row["pending_status"] else bool(row["record"])


def _was_mended(row: dict[str, Any], accepted: Collection[tuple[str, str]]) -> bool:
    """Return whether the accepted version has errors that no steward accepted, and none waits."""
    return row["status"] == "live" and not row["pending_status"] and (row["key"], row["payload_sha256"]) not in accepted


def _waiting_again(
    env: Environment, row: dict[str, Any], codes: tuple[str, ...], errors_left: ErrorsLeft
) -> dict[str, Any]:
    """Return the columns of a row whose accepted version waits again, with the version before it, if there is one."""
    waiting = {
        "pending_sha256": row["payload_sha256"],
        "pending_record": row["record"],
        "pending_record_sha256": row["record_sha256"],
        "pending_reason": f"errors: {';'.join(codes)}",
        "pending_status": "quarantined",
    }
    before = next(_versions_before(env, row, errors_left), None)
    if before is not None:
        kept = ("key", "datestamp", "run_id", "resource_id", *PENDING_COLUMNS)
        return {**{name: value for name, value in before.items() if name not in kept}, **waiting}
    emptied = dict.fromkeys(("payload_sha256", "record", "record_sha256", "score", "license_open", "unmapped"))
    flags = dict.fromkeys(("has_title", "has_language", "has_license"), False)
    return {**emptied, **flags, **waiting, "status": "quarantined"}


def _versions_before(env: Environment, row: dict[str, Any], errors_left: ErrorsLeft) -> Iterator[dict[str, Any]]:
    """Yield the earlier accepted versions of a record that have no error, newest first, from the undo logs."""
    run_id: str | None = row["run_id"]
    while run_id is not None:
        path = undo_log_path(env, row["feed"], run_id)
        if not path.exists():
            return
        filters = [("table", "=", "source_record"), ("key", "=", row["key"])]
        logged = pq.read_table(path, filters=filters)["row"].to_pylist()
        before = msgspec.json.decode(logged[0]) if logged and logged[0] else None
        if before is None:
            return
        if before["status"] == "live" and before["record"] and not errors_left(_decode(before["record"]), [], ()):
            yield before
        run_id = before["run_id"] if before["run_id"] < run_id else None


def _accepted_versions(connection: Connection, keys: list[str]) -> set[tuple[str, str]]:
    query = select(CurationRow.key, CurationRow.value).where(
        CurationRow.action == "accept", CurationRow.undone_at.is_(None)
    )
    return {(key, sha256) for key, sha256 in rows_among(connection, query, CurationRow.key, keys)}


def _open_errors(connection: Connection, keys: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Return code and path of the open errors of these records, by key."""
    query = select(IssueRow.key, IssueRow.code, IssueRow.path)
    query = query.where(IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None))
    errors: dict[str, list[tuple[str, str]]] = {}
    for key, code, path in rows_among(connection, query, IssueRow.key, sorted(keys)):
        errors.setdefault(key, []).append((code, path))
    return errors


def _decode(record: str) -> Resource:
    return msgspec.json.decode(record, type=Resource)
