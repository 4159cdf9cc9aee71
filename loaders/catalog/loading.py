"""The load: a staged run becomes the catalog's state, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert, Update, bindparam, delete, exists, select, update

from loaders.catalog.issues import load_batch_findings, load_findings
from loaders.catalog.undo_log import UndoLog
from loaders.catalog.unmapped import recount_unmapped
from loaders.staging import RowsUnreadable, parquet_batches, remove_staging, row_batches, row_files, staging_folder
from loaders.store import (
    NotRunning,
    RefusedRow,
    RestoredMemberRow,
    Run,
    SourceRecordRow,
    base_run,
    end_run,
    feed_of,
    locked_run,
    now,
    read_run,
    supersede_held_runs,
    upsert,
    write_rows,
    write_transaction,
)
from schemas import Environment

LOAD_BATCH_ROWS = 2_000
_STAGED_ANEW = "run the feed again, which stages it anew"
PENDING_COLUMNS = ("pending_sha256", "pending_record", "pending_record_sha256", "pending_reason", "pending_status")
_ACCEPTED = ("payload_sha256", "record", "record_sha256", "score", "has_title", "has_language", "has_license")
_ACCEPTED_TOO = ("license_open", "unmapped", "format", "datestamp", "status", "deleted_reason", "run_id")
_TABLE: Any = SourceRecordRow.__table__  # a Table; typed so that bulk statements take it


def load(
    env: Environment, run_id: str, *, by: str | None = None, reason: str | None = None, ungated: bool = False
) -> dict[str, int]:
    """Load a staged run, whole or not at all, and return its funnel. A run that is loaded already is left as it is.

    `by` and `reason` are a steward's who releases a held run, or (`ungated`) who loads past the gate. Older held runs
    of the feed are superseded. Raises catalog_run.NotRunning when the run is not staged, or the feed has since been
    loaded by another run.
    """
    run = read_run(env, run_id)
    if run.status == "loaded":
        return run.counts
    with locked_run(env, run_id, states=("landed", "held")) as run:
        before = UndoLog(env, run)
        with write_transaction(env) as connection:
            _still_newest(connection, run)
            _write(env, connection, run, before)
            supersede_held_runs(connection, run)
            said = {"ungated_by": by} if ungated else {"decided_by": by, "decided_at": by and now()}
            end_run(connection, run_id, "loaded", decision_reason=reason, **said)
            before.keep()
        _tidy(env, run)
    return run.counts


def _tidy(env: Environment, run: Run) -> None:
    """The stagings of the feed's runs before this one have served: landing can make them again."""
    for folder in env.staging.glob(f"{run.feed}-*"):
        if feed_of(folder.name) == run.feed and folder.name < run.id:
            remove_staging(env, folder.name)


def _still_newest(connection: Connection, run: Run) -> None:
    newest = base_run(connection, run.feed)
    if newest is not None and newest > run.id:
        raise NotRunning(f"{run.id} is superseded: the feed was loaded by {newest}")
    if newest != run.base_run_id:
        raise NotRunning(
            f"{run.id} was staged on {run.base_run_id or 'nothing'}, and the feed now stands at {newest or 'nothing'}: "
            "run the feed again"
        )


def _write(env: Environment, connection: Connection, run: Run, before: UndoLog) -> None:
    folder = staging_folder(env, run.id)
    wrote = False
    for rows in staged_batches(env, run.id):
        wrote = True
        rows.sort(key=itemgetter("identifier"))  # neighbours by key lie together: publication reads by key
        before.note_records(connection, [f"{run.feed}:{row['identifier']}" for row in rows])
        for action, values in _by_action(run, rows).items():
            write_rows(connection, action_statement(connection, action), values)
    load_findings(connection, run, folder, before)
    load_batch_findings(connection, run, folder, before)
    unrefused = folder / "unrefused.parquet"
    if unrefused.exists():
        gone = delete(RefusedRow).where(RefusedRow.key == bindparam("k"), RefusedRow.sha256 == bindparam("s"))
        for rows in parquet_batches(unrefused, LOAD_BATCH_ROWS):
            versions = [{"k": f"{run.feed}:{row['identifier']}", "s": row["sha256"]} for row in rows]
            write_rows(connection, gone, versions)
    if wrote:
        _rejoin(connection, run.feed)
        recount_unmapped(connection, run.feed, run.started_at, folder)


def _rejoin(connection: Connection, feed: str) -> None:
    """After a restore: records that are loaded again belong to the resource that they belonged to."""
    mine = RestoredMemberRow.key == _TABLE.c.key
    known = select(RestoredMemberRow.resource_id).where(mine)
    back = update(_TABLE).where(_TABLE.c.feed == feed, _TABLE.c.resource_id.is_(None), exists(known))
    if connection.scalar(select(RestoredMemberRow.key).limit(1)) is not None:
        connection.execute(back.values(resource_id=known.scalar_subquery()))


def staged_batches(env: Environment, run_id: str, *, records: bool = True) -> Iterator[list[dict[str, Any]]]:
    """What a staged run writes, some rows at a time, with their records or without.

    Raises NotRunning when its staging is gone, or is no longer what was staged.
    """
    files = row_files(staging_folder(env, run_id))
    if not files:
        raise NotRunning(f"{run_id}: its staging is gone; {_STAGED_ANEW}")
    try:
        for path in files:
            yield from row_batches(path, LOAD_BATCH_ROWS) if records else parquet_batches(path, LOAD_BATCH_ROWS)
    except RowsUnreadable as error:
        raise NotRunning(f"{run_id}: {error}; {_STAGED_ANEW}") from error


def _by_action(run: Run, rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["action"], []).append(_ACTIONS[row["action"]](run, row))
    return groups


def _who(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    key = f"{run.feed}:{row['identifier']}"
    return {"key": key, "feed": run.feed, "identifier": row["identifier"], "run_id": run.id}


def _accept(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    said = {name: row[name] for name in (*_ACCEPTED[1:], "license_open", "unmapped", "format", "datestamp")}
    state = {"status": "live", "deleted_reason": None, "payload_sha256": row["sha256"]}
    return {**_who(run, row), **said, **state, **dict.fromkeys(PENDING_COLUMNS)}


def _settle(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    said = {f"new_{name}": row[name] for name in ("datestamp", "format", "score")}
    return {"of": f"{run.feed}:{row['identifier']}", "new_payload_sha256": row["sha256"], **said}


def _restamp(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {"of": f"{run.feed}:{row['identifier']}", "new_datestamp": row["datestamp"]}


def _unpend(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    return {"of": f"{run.feed}:{row['identifier']}"}


def _pend(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    said = {
        "pending_sha256": row["sha256"],
        "pending_record": row["record"],
        "pending_record_sha256": row["record_sha256"],
        "pending_reason": row["reason"],
        "pending_status": row["ending"],
    }
    return {**_who(run, row), **said, "format": row["format"], "datestamp": row["datestamp"], "status": row["ending"]}


def _delete(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    said = {"status": "deleted", "deleted_reason": row["reason"] or ("absent" if row["absent"] else "deleted")}
    return {
        **_who(run, row),
        **said,
        "format": row["format"],
        "datestamp": row["datestamp"],
        **dict.fromkeys(PENDING_COLUMNS),
    }


_ACTIONS = {
    "accept": _accept,
    "refind": _accept,
    "settle": _settle,
    "restamp": _restamp,
    "unpend": _unpend,
    "pend": _pend,
    "delete": _delete,
}


def action_statement(connection: Connection, action: str) -> Insert | Update:
    """The one statement of an action, for a batch of rows."""
    if action == "unpend":  # a record that has no other version goes back to the one that it had, or to none
        return update(_TABLE).where(_TABLE.c.key == bindparam("of")).values(**dict.fromkeys(PENDING_COLUMNS))
    if action in ("settle", "restamp"):
        names = ("datestamp",) if action == "restamp" else ("datestamp", "format", "score", "payload_sha256")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        if action == "settle":
            values |= dict.fromkeys(PENDING_COLUMNS)
        return update(_TABLE).where(_TABLE.c.key == bindparam("of")).values(**values)
    if action == "accept":
        return upsert(connection, _TABLE, (*_ACCEPTED, *_ACCEPTED_TOO, *PENDING_COLUMNS))
    if action == "refind":  # the version before one that waits: what waits stays
        return upsert(connection, _TABLE, (*_ACCEPTED, *_ACCEPTED_TOO))
    if action == "delete":
        return upsert(connection, _TABLE, ("status", "deleted_reason", "datestamp", "run_id", *PENDING_COLUMNS))
    return upsert(connection, _TABLE, (*PENDING_COLUMNS, "datestamp", "run_id"), waits=True)
