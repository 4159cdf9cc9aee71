"""Undo: a feed's records and findings as they were before its newest loaded run, from the rows kept in landing."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from loaders.catalog.decisions import catalog_versions, check_signature, remember_refused, versions_of, write_decision
from loaders.catalog.undo_log import read_undo_log, undo_log_path
from loaders.catalog.unmapped import recount_unmapped
from loaders.store import (
    HarvestRunRow,
    IssueRow,
    NotRunning,
    RefusedRow,
    Run,
    SourceRecordRow,
    locked_run,
    new_run_id,
    now,
    read_run,
    read_transaction,
    upsert,
    write_transaction,
)
from schemas import Environment

_RECORDS: Any = SourceRecordRow.__table__
_ISSUES: Any = IssueRow.__table__
_LOADS = ("harvest", "reprocess")  # kinds of runs that change a feed's records
_WITH = "undone with {runs}, which had changed nothing"


def undo(env: Environment, run_id: str, *, by: str, reason: str) -> str:
    """Bring back the feed's records and findings as they were before its newest loaded run; returns the undo's run id.

    What the run had brought is remembered as refused, so that the next night does not bring it back. Newer runs that
    wrote nothing are undone with it, and named in the undo's notes. Raises NotRunning when a newer run wrote something
    (undo that first), or the run is not loaded.
    """
    said = check_signature(by, reason)
    kind = read_run(env, run_id).kind
    if kind not in _LOADS:
        raise NotRunning(f"{run_id} is no run of a feed but of kind {kind}: only a harvest or a reprocess is undone")
    with locked_run(env, run_id, states=("loaded",)) as run, write_transaction(env) as connection:
        idle = _idle_since(env, connection, run)
        undoing = new_run_id(connection, run.feed)
        restored = _restore(env, connection, run, undoing, said)
        recount_unmapped(connection, run.feed, now())
        _supersede_all(connection, run.feed)
        for one in (run_id, *idle):
            write_decision(connection, one, "undone", said)
        connection.execute(
            insert(HarvestRunRow).values(
                id=undoing,
                feed=run.feed,
                kind="undo",
                status="loaded",
                started_at=now(),
                ended_at=now(),
                undid_run_id=run_id,
                landed=restored,
                changed=restored,
                decided_by=said["by"],
                decision_reason=said["reason"],
                notes=msgspec.json.encode([_WITH.format(runs=", ".join(idle))]).decode() if idle else None,
            )
        )
    return undoing


def undo_notes(env: Environment, undoing: str) -> list[str]:
    """What a steward should know of an undo: the runs that were undone with it."""
    with read_transaction(env) as connection:
        said = connection.scalar(select(HarvestRunRow.notes).where(HarvestRunRow.id == undoing))
    return msgspec.json.decode(said, type=list[str]) if said else []


def is_refusal(run: Run) -> bool:
    """Whether what a run stands for is that versions stay out: it was refused, or it undid another."""
    return run.status == "refused" or (run.kind == "undo" and run.status == "loaded")


def revoke_refusal(env: Environment, run_id: str, *, by: str, reason: str) -> int:
    """Take a refusal or an undo back: what it keeps out may be staged again. Returns how many versions that is.

    The catalog stays as it is: the partner's next whole list, or a reprocess, brings them through the gate.
    """
    said = check_signature(by, reason)
    with locked_run(env, run_id, states=("refused", "loaded")) as run, write_transaction(env) as connection:
        if not is_refusal(run):
            raise NotRunning(f"{run_id} is {run.status}, and refuses nothing")
        undid = connection.scalar(select(HarvestRunRow.undid_run_id).where(HarvestRunRow.id == run_id))
        gone = connection.execute(
            delete(RefusedRow).where(RefusedRow.feed == run.feed, RefusedRow.run_id == (undid or run_id))
        )
        write_decision(connection, run_id, "undone", said)
    return gone.rowcount


def _supersede_all(connection: Connection, feed: str) -> None:
    """No held run of the feed can be released any more: what it was staged on is another."""
    held = (HarvestRunRow.feed == feed, HarvestRunRow.status == "held")
    connection.execute(update(HarvestRunRow).where(*held).values(status="superseded"))


def _idle_since(env: Environment, connection: Connection, run: Run) -> list[str]:
    """The feed's loaded runs after this one, oldest first, all without a write. Raises NotRunning naming one with."""
    newer = connection.execute(
        select(HarvestRunRow.id, HarvestRunRow.landed, HarvestRunRow.unchanged)
        .where(
            HarvestRunRow.feed == run.feed,
            HarvestRunRow.status == "loaded",
            HarvestRunRow.kind.in_(_LOADS),
            HarvestRunRow.id > run.id,
        )
        .order_by(HarvestRunRow.id)
    ).all()
    wrote = [one.id for one in newer if one.landed != one.unchanged or undo_log_path(env, run.feed, one.id).exists()]
    if wrote:
        raise NotRunning(
            f"{run.id} is not the newest loaded run of {run.feed} that wrote anything: undo {wrote[-1]} first"
        )
    return [one.id for one in newer]


def _restore(env: Environment, connection: Connection, run: Run, undoing: str, said: dict[str, str]) -> int:
    path = undo_log_path(env, run.feed, run.id)
    if not path.exists():
        if run.counts["landed"] != run.counts["unchanged"]:
            raise NotRunning(f"{run.id} cannot be undone: landing lacks its {path.name}; restore the feed's landing")
        return 0
    restored = 0
    for batch in read_undo_log(path):
        records = {key: row for table, key, row in batch if table == "source_record"}
        brought = catalog_versions(connection, list(records))
        there = {version for row in records.values() if row is not None for version in versions_of(row)}
        remember_refused(connection, run, sorted(brought - there), said)
        restored += len(records)
        _put_back(connection, records)
        _put_back_issues(connection, {key: row for table, key, row in batch if table == "issue"}, undoing)
    return restored


def _put_back(connection: Connection, records: dict[str, dict[str, Any] | None]) -> None:
    gone = [{"k": key} for key, row in records.items() if row is None]
    there = [row for row in records.values() if row is not None]
    if gone:
        connection.execute(delete(_RECORDS).where(_RECORDS.c.key == bindparam("k")), gone)
    if there:  # the resource a record belongs to is the publication's to say
        names = tuple(name for name in _RECORDS.columns.keys() if name not in ("key", "resource_id"))  # noqa: SIM118
        connection.execute(upsert(connection, _RECORDS, names), there)


def _put_back_issues(connection: Connection, issues: dict[str, dict[str, Any] | None], undoing: str) -> None:
    new = [{"of": name, "run": undoing} for name, row in issues.items() if row is None]
    there = [row for row in issues.values() if row is not None]
    if new:  # a finding is never deleted: the undo resolves it
        resolved: dict[str, Any] = {"resolved_run_id": bindparam("run"), "run_id": bindparam("run")}
        connection.execute(update(_ISSUES).where(_ISSUES.c.finding == bindparam("of")).values(**resolved), new)
    if there:
        names = tuple(name for name in _ISSUES.columns.keys() if name != "finding")  # noqa: SIM118
        connection.execute(upsert(connection, _ISSUES, names), there)
