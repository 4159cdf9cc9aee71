"""Undo: restore a feed's records and issues to what they were before its newest loaded run, from the undo log."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from loaders.catalog.decisions import catalog_versions, check_signature, remember_refused, versions_of, write_decision
from loaders.catalog.uncoded_terms import recount_uncoded_terms
from loaders.catalog.undo_log import read_undo_log, undo_log_path
from loaders.store import (
    HarvestRunRow,
    IssueRow,
    RefusedRow,
    Run,
    SourceRecordRow,
    WrongRunState,
    locked_run,
    new_run_id,
    now,
    read_run,
    read_transaction,
    supersede_held_runs,
    upsert,
    write_rows,
    write_transaction,
)
from schemas import Environment, sentence

_RECORDS: Any = SourceRecordRow.__table__
_ISSUES: Any = IssueRow.__table__
_UNDOABLE_KINDS = ("harvest", "reprocess")  # of runs that change a feed's records


def undo(env: Environment, run_id: str, *, by: str, reason: str) -> str:
    """Restore the feed's records and issues as they were before its newest loaded run; return the undo's run id.

    The versions that the run brought are remembered as refused, so that the next night does not load them again.
    Newer runs that wrote nothing are undone with it and named in the undo's notes. Raises WrongRunState when a newer
    run wrote something (undo that one first), or the run is not loaded.
    """
    signature = check_signature(by, reason)
    kind = read_run(env, run_id).kind
    if kind not in _UNDOABLE_KINDS:
        raise WrongRunState(
            sentence(
                "%(run)s is a run of kind %(kind)s: only a harvest or a reprocess can be undone", run=run_id, kind=kind
            )
        )
    with locked_run(env, run_id, statuses=("loaded",)) as run, write_transaction(env) as connection:
        newer_runs = _newer_runs(env, connection, run)
        undo_id = new_run_id(connection, run.feed)
        restored = _restore(env, connection, run, undo_id, signature)
        recount_uncoded_terms(connection, run.feed, now())
        supersede_held_runs(connection, run.feed)
        for undone in (run_id, *newer_runs):
            write_decision(connection, undone, "undone", signature)
        notes = [f"undone with {', '.join(newer_runs)}, which had changed nothing"] if newer_runs else None
        connection.execute(
            insert(HarvestRunRow).values(
                id=undo_id,
                feed=run.feed,
                kind="undo",
                status="loaded",
                started_at=now(),
                ended_at=now(),
                undid_run_id=run_id,
                landed=restored,
                changed=restored,
                decided_by=signature["by"],
                decision_reason=signature["reason"],
                notes=msgspec.json.encode(notes).decode() if notes else None,
            )
        )
    return undo_id


def undo_notes(env: Environment, undo_id: str) -> list[str]:
    """Return the notes of an undo: which runs were undone with it."""
    with read_transaction(env) as connection:
        notes = connection.scalar(select(HarvestRunRow.notes).where(HarvestRunRow.id == undo_id))
    return msgspec.json.decode(notes, type=list[str]) if notes else []


def is_refusal(run: Run) -> bool:
    """Return whether a run keeps versions out: it was refused, or it undid another run."""
    return run.status == "refused" or (run.kind == "undo" and run.status == "loaded")


def revoke_refusal(env: Environment, run_id: str, *, by: str, reason: str) -> int:
    """Revoke a refusal or an undo, so that its versions may be staged again; return how many versions that is.

    The catalog stays as it is: the partner's next complete list, or a reprocess, takes the versions to the gate.
    """
    signature = check_signature(by, reason)
    with locked_run(env, run_id, statuses=("refused", "loaded")) as run, write_transaction(env) as connection:
        if not is_refusal(run):
            raise WrongRunState(sentence("%(run)s is %(status)s, and refuses nothing", run=run_id, status=run.status))
        undid = connection.scalar(select(HarvestRunRow.undid_run_id).where(HarvestRunRow.id == run_id))
        versions = delete(RefusedRow).where(RefusedRow.feed == run.feed, RefusedRow.run_id == (undid or run_id))
        count = connection.execute(versions).rowcount
        write_decision(connection, run_id, "undone", signature)
    return count


def _newer_runs(env: Environment, connection: Connection, run: Run) -> list[str]:
    """Return the feed's later loaded runs, oldest first. Raises WrongRunState when one of them wrote something."""
    newer = connection.execute(
        select(HarvestRunRow.id, HarvestRunRow.landed, HarvestRunRow.unchanged)
        .where(
            HarvestRunRow.feed == run.feed,
            HarvestRunRow.status == "loaded",
            HarvestRunRow.kind.in_(_UNDOABLE_KINDS),
            HarvestRunRow.id > run.id,
        )
        .order_by(HarvestRunRow.id)
    ).all()
    wrote = [row.id for row in newer if row.landed != row.unchanged or undo_log_path(env, run.feed, row.id).exists()]
    if wrote:
        raise WrongRunState(
            sentence(
                "%(run)s is not the newest loaded run of %(feed)s that wrote anything: undo %(newer)s first",
                run=run.id,
                feed=run.feed,
                newer=wrote[-1],
            )
        )
    return [row.id for row in newer]


def _restore(env: Environment, connection: Connection, run: Run, undo_id: str, signature: dict[str, str]) -> int:
    """Write the rows of the undo log back, remember the versions that they replace, and return how many records."""
    path = undo_log_path(env, run.feed, run.id)
    if not path.exists():
        if run.counts["landed"] != run.counts["unchanged"]:
            raise WrongRunState(
                sentence(
                    "%(run)s cannot be undone: landing lacks its %(file)s; restore the feed's landing",
                    run=run.id,
                    file=path.name,
                )
            )
        return 0
    restored = 0
    for batch in read_undo_log(path):
        records = {key: row for table, key, row in batch if table == "source_record"}
        restored += len(records)
        remember_refused(connection, run, _brought_versions(connection, records), signature)
        _restore_records(connection, records)
        _restore_issues(connection, {key: row for table, key, row in batch if table == "issue"}, undo_id)
    return restored


def _brought_versions(connection: Connection, records: dict[str, dict[str, Any] | None]) -> list[tuple[str, str]]:
    """Return the versions in the catalog that the earlier rows of these records do not have."""
    before = {version for row in records.values() if row is not None for version in versions_of(row)}
    return sorted(catalog_versions(connection, list(records)) - before)


def _restore_records(connection: Connection, records: dict[str, dict[str, Any] | None]) -> None:
    new = delete(_RECORDS).where(_RECORDS.c.key == bindparam("k"))
    write_rows(connection, new, [{"k": key} for key, row in records.items() if row is None])
    names = _column_names(_RECORDS, "key", "resource_id")  # only a publication decides a record's resource
    write_rows(connection, upsert(connection, _RECORDS, names), _known_rows(_RECORDS, records))


def _restore_issues(connection: Connection, issues: dict[str, dict[str, Any] | None], undo_id: str) -> None:
    resolved: dict[str, Any] = {"resolved_run_id": bindparam("run"), "run_id": bindparam("run")}
    new = update(_ISSUES).where(_ISSUES.c.finding == bindparam("of")).values(**resolved)  # never deleted
    write_rows(connection, new, [{"of": name, "run": undo_id} for name, row in issues.items() if row is None])
    names = _column_names(_ISSUES, "finding")
    write_rows(connection, upsert(connection, _ISSUES, names), _known_rows(_ISSUES, issues))


def _known_rows(table: Any, rows: dict[str, dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Return the rows that there were; a log that is older than a column has the column's default."""
    defaults = {column.name: column.default.arg if column.default is not None else None for column in table.columns}
    return [{**defaults, **row} for row in rows.values() if row is not None]


def _column_names(table: Any, *without: str) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in without)
