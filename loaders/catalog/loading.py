"""The load: a staged run becomes the catalog's state, in one transaction or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Insert, Update, bindparam, delete, exists, select, update

from loaders.catalog.issues import load_batch_issues, load_issues
from loaders.catalog.reprocessed import note_findings
from loaders.catalog.staged import LOAD_BATCH_ROWS, STAGE_AGAIN, staged_batches, told_unreadable
from loaders.catalog.uncoded_terms import recount_uncoded_terms
from loaders.catalog.undo_log import UndoLog
from loaders.staging import (
    ROWS_FOLDER,
    parquet_batches,
    remove_staging,
    staging_folder,
)
from loaders.store import (
    RefusedRow,
    RestoredMemberRow,
    Run,
    SourceRecordRow,
    WrongRunState,
    base_run,
    end_run,
    feed_name_of,
    locked_run,
    now,
    read_run,
    supersede_held_runs,
    upsert,
    write_rows,
    write_transaction,
)
from schemas import Environment, sentence

_WRITTEN_CHANGES = ("added", "changed", "deleted", "rejected", "quarantined")  # of which every record has a row
PENDING_COLUMNS = ("pending_sha256", "pending_record", "pending_record_sha256", "pending_reason", "pending_status")
_STAGED_COLUMNS = (  # those of source_record that a staged row fills under the same name
    "record",
    "record_sha256",
    "score",
    "has_title",
    "has_language",
    "has_license",
    "license_open",
    "format",
    "datestamp",
)
_ACCEPTED_COLUMNS = (*_STAGED_COLUMNS, "unmapped", "payload_sha256", "status", "deleted_reason", "run_id")
_RECORDS: Any = SourceRecordRow.__table__  # a Table; Any because bulk statements do not take a FromClause


def load(
    env: Environment, run_id: str, *, by: str | None = None, reason: str | None = None, ungated: bool = False
) -> dict[str, int]:
    """Load a staged run, whole or not at all, and return its counts. A run that is loaded already stays as it is.

    `by` and `reason` are those of the steward who releases a held run or, with `ungated`, of the person who loads a
    run without the gate. Older held runs of the feed are superseded. Raises WrongRunState when the run is not staged,
    or another run of the feed was loaded since.
    """
    run = read_run(env, run_id)
    if run.status == "loaded":
        return run.counts
    with locked_run(env, run_id, statuses=("landed", "held")) as run:
        undo_log = UndoLog(env, run)
        with told_unreadable(run_id), write_transaction(env) as connection:
            _check_base(connection, run)
            _write(env, connection, run, undo_log)
            supersede_held_runs(connection, run.feed, before=run.id)
            decision = {"ungated_by": by} if ungated else {"decided_by": by, "decided_at": by and now()}
            end_run(connection, run_id, "loaded", decision_reason=reason, **decision)
            undo_log.keep()
        _remove_older_stagings(env, run)
    return run.counts


def _check_base(connection: Connection, run: Run) -> None:
    newest = base_run(connection, run.feed)
    if newest is not None and newest > run.id:
        raise WrongRunState(
            sentence("%(run)s is superseded: the feed was loaded by %(newest)s", run=str(run.id), newest=newest)
        )
    if newest != run.base_run_id:
        raise WrongRunState(
            sentence(
                "%(run)s was staged on %(base_run_id)s, and the feed is now at %(newest)s: run the feed again",
                run=str(run.id),
                base_run_id=str(run.base_run_id or "nothing"),
                newest=str(newest or "nothing"),
            )
        )


def _remove_older_stagings(env: Environment, run: Run) -> None:
    for folder in env.staging.glob(f"{run.feed}-*"):
        if feed_name_of(folder.name) == run.feed and folder.name < run.id:
            remove_staging(env, folder.name)


def _write(env: Environment, connection: Connection, run: Run, undo_log: UndoLog) -> None:
    folder = staging_folder(env, run.id)
    wrote = False
    changes: Counter[str] = Counter()
    for rows in staged_batches(env, run.id):
        wrote = True
        changes.update(row["change"] for row in rows if row["action"] != "restore_older")  # counted by the newest
        rows.sort(key=itemgetter("identifier"))  # publication reads by key, so neighbours are stored together
        undo_log.add_records(connection, [_key(run, row) for row in rows])
        for action, parameters in _by_action(run, rows).items():
            write_rows(connection, action_statement(connection, action), parameters)
    _check_counts(run, folder, changes)
    load_issues(connection, run, folder, undo_log)
    load_batch_issues(connection, run, folder, undo_log)
    note_findings(connection, run)
    unrefused = folder / "unrefused.parquet"
    if unrefused.exists():
        forget = delete(RefusedRow).where(RefusedRow.key == bindparam("k"), RefusedRow.sha256 == bindparam("s"))
        for rows in parquet_batches(unrefused, LOAD_BATCH_ROWS):
            write_rows(connection, forget, [{"k": _key(run, row), "s": row["sha256"]} for row in rows])
    if wrote:
        _rejoin_resources(connection, run.feed)
        recount_uncoded_terms(connection, run.feed, run.started_at, folder)


def _check_counts(run: Run, folder: Path, changes: Mapping[str, int]) -> None:
    """Raise WrongRunState when the rows are not those that the run's counts were made from."""
    for name in _WRITTEN_CHANGES:
        if changes.get(name, 0) != run.counts[name]:
            raise WrongRunState(
                sentence(
                    "%(run)s: %(rows_folder)s has %(name)s %(name2)s records, and %(name3)s were staged, so "
                    "nothing is loaded; %(stage_again)s",
                    run=str(run.id),
                    rows_folder=str(folder / ROWS_FOLDER),
                    name=str(changes.get(name, 0)),
                    name2=name,
                    name3=str(run.counts[name]),
                    stage_again=str(STAGE_AGAIN),
                )
            )


def _rejoin_resources(connection: Connection, feed: str) -> None:
    """After a restore, give records that are loaded again the resource that they belonged to."""
    resource_id = select(RestoredMemberRow.resource_id).where(RestoredMemberRow.key == _RECORDS.c.key)
    records = update(_RECORDS).where(_RECORDS.c.feed == feed, _RECORDS.c.resource_id.is_(None), exists(resource_id))
    if connection.scalar(select(RestoredMemberRow.key).limit(1)) is not None:
        connection.execute(records.values(resource_id=resource_id.scalar_subquery()))


def _by_action(run: Run, rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the parameters of each action's statement."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["action"], []).append(_PARAMETERS[row["action"]](run, row))
    return groups


def _key(run: Run, row: dict[str, Any]) -> str:
    return f"{run.feed}:{row['identifier']}"


def _identity(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {"key": _key(run, row), "feed": run.feed, "identifier": row["identifier"], "run_id": run.id}


def _accept(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **_identity(run, row),
        **{name: row[name] for name in _STAGED_COLUMNS},
        "unmapped": row["uncoded_terms"],
        "status": "live",
        "deleted_reason": None,
        "payload_sha256": row["sha256"],
        **dict.fromkeys(PENDING_COLUMNS),
    }


def _update_payload(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    changed = {f"new_{name}": row[name] for name in ("datestamp", "format", "score")}
    return {"of": _key(run, row), "new_payload_sha256": row["sha256"], **changed}


def _restamp(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {"of": _key(run, row), "new_datestamp": row["datestamp"]}


def _clear_pending(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {"of": _key(run, row)}


def _set_pending(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **_identity(run, row),
        "format": row["format"],
        "datestamp": row["datestamp"],
        "status": row["version_status"],
        "pending_sha256": row["sha256"],
        "pending_record": row["record"],
        "pending_record_sha256": row["record_sha256"],
        "pending_reason": row["reason"],
        "pending_status": row["version_status"],
    }


def _delete(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **_identity(run, row),
        "format": row["format"],
        "datestamp": row["datestamp"],
        "status": "deleted",
        "deleted_reason": row["reason"] or ("absent" if row["absent"] else "deleted"),
        **dict.fromkeys(PENDING_COLUMNS),
    }


_PARAMETERS = {
    "accept": _accept,
    "restore_older": _accept,
    "update_payload": _update_payload,
    "restamp": _restamp,
    "clear_pending": _clear_pending,
    "set_pending": _set_pending,
    "delete": _delete,
}


_record = update(_RECORDS).where(_RECORDS.c.key == bindparam("of"))
_UPDATED_COLUMNS: dict[str, Any] = {
    name: bindparam(f"new_{name}") for name in ("datestamp", "format", "score", "payload_sha256")
}
_UPDATES = {
    "update_payload": _record.values(**_UPDATED_COLUMNS, **dict.fromkeys(PENDING_COLUMNS)),
    "restamp": _record.values(datestamp=bindparam("new_datestamp")),
    "clear_pending": _record.values(**dict.fromkeys(PENDING_COLUMNS)),
}
_UPSERTED_COLUMNS = {
    "accept": (*_ACCEPTED_COLUMNS, *PENDING_COLUMNS),
    # an older version is accepted; the version that waits stays, with its datestamp
    "restore_older": tuple(name for name in _ACCEPTED_COLUMNS if name != "datestamp"),
    "set_pending": (*PENDING_COLUMNS, "datestamp", "run_id"),
    "delete": ("status", "deleted_reason", "datestamp", "run_id", *PENDING_COLUMNS),
}


def action_statement(connection: Connection, action: str) -> Insert | Update:
    """Return the statement that an action executes once per row; comparison.sql says what each action does."""
    if action in _UPDATES:
        return _UPDATES[action]
    return upsert(connection, _RECORDS, _UPSERTED_COLUMNS[action], keep_live=action == "set_pending")
