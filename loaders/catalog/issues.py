"""Findings: opened by the run that first sees them, resolved by a run that read the record and no longer does.

A run that deletes a record resolves what stood against it: nobody can mend what is gone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from more_itertools import chunked
from sqlalchemy import Connection, bindparam, insert, select, update

from loaders.catalog.undo_log import UndoLog
from loaders.staging import row_files
from loaders.store import IssueRow, Run, write_rows

_RECORDS = 500  # records whose findings are compared at a time
ISSUE_TABLE: Any = IssueRow.__table__  # a Table; typed so that bulk statements take it
_WRITTEN = 2_000  # findings written at a time
_Found = dict[str, dict[str, Any]]  # by finding


def load_findings(connection: Connection, run: Run, folder: Path, before: UndoLog) -> None:
    """Write what the record rules found in every record that this run read. A rejected record was not read."""
    for path in sorted((folder / "outcomes").glob("chunk-*.parquet")):  # not the older versions
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_RECORDS, columns=["identifier", "kind", "issues"]):
                _load_batch(connection, run, batch.to_pylist(), before)
    for path in row_files(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_RECORDS, columns=["identifier", "action"]):
                _load_gone(connection, run, batch.to_pylist(), before)


def _load_gone(connection: Connection, run: Run, rows: list[dict[str, Any]], before: UndoLog) -> None:
    keys = [f"{run.feed}:{row['identifier']}" for row in rows if row["action"] == "delete"]
    if keys:
        query = select(ISSUE_TABLE).where(ISSUE_TABLE.c.key.in_(keys), ISSUE_TABLE.c.resolved_run_id.is_(None))
        known = {row["finding"]: dict(row) for row in connection.execute(query).mappings()}
        write_findings(connection, run, {}, known, "record", before)


def _load_batch(connection: Connection, run: Run, rows: list[dict[str, Any]], before: UndoLog) -> None:
    read = [(f"{run.feed}:{row['identifier']}", row["issues"]) for row in rows if row["kind"] == "resource"]
    found = {one["finding"]: {**one, "key": key} for key, issues in read for one in issues}
    known = _known(connection, ISSUE_TABLE.c.key.in_([key for key, _ in read]), "record") if read else {}
    write_findings(connection, run, found, known, "record", before)


def load_batch_findings(connection: Connection, run: Run, folder: Path, before: UndoLog) -> None:
    """Write what the batch rules found in the feed, if they judged it in this run."""
    path = folder / "batch.parquet"
    if not path.exists():
        return
    with pq.ParquetFile(path) as file:  # pq.read_table would import pandas
        rows = file.read().to_pylist()
    found = {row["finding"]: {"key": f"{run.feed}:{row.pop('identifier')}", **row} for row in rows}
    known = known_findings(connection, ISSUE_TABLE.c.feed == run.feed, "batch", found)
    write_findings(connection, run, found, known, "batch", before)


def known_findings(connection: Connection, where: Any, scope: str, found: _Found) -> _Found:
    """What is known of the findings that stand, and of those that were found; all that ever stood may be many more."""
    known = _known(connection, where & ISSUE_TABLE.c.resolved_run_id.is_(None), scope)
    for names in chunked(found.keys() - known.keys(), _RECORDS):
        known |= _known(connection, ISSUE_TABLE.c.finding.in_(names), scope)
    return known


def _known(connection: Connection, where: Any, scope: str) -> _Found:
    query = select(ISSUE_TABLE).where(where, ISSUE_TABLE.c.scope == scope)
    return {row["finding"]: dict(row) for row in connection.execute(query).mappings()}


def write_findings(
    connection: Connection, run: Run, found: _Found, known: _Found, scope: str, before: UndoLog | None = None
) -> None:
    """Open what is found and not known, resolve what is known and not found; what stands as it is is not written."""
    new = [one for name, one in found.items() if name not in known]
    again = [one for name, one in found.items() if name in known and _differs(one, known[name])]
    gone = [name for name, one in known.items() if name not in found and one["resolved_run_id"] is None]
    touched = (*(one["finding"] for one in new), *(one["finding"] for one in again), *gone)
    if before is not None:
        before.note_issues((name, known.get(name)) for name in touched)
    fresh = {"feed": run.feed, "scope": scope, "run_id": run.id, "first_run_id": run.id, "resolved_run_id": None}
    for rows in chunked(new, _WRITTEN):
        write_rows(connection, insert(ISSUE_TABLE), [{**fresh, **one} for one in rows])
    for rows in chunked(again, _WRITTEN):
        write_rows(connection, _REOPEN, [_reopened(run, one, known[one["finding"]]) for one in rows])
    for names in chunked(gone, _WRITTEN):
        write_rows(connection, _RESOLVE, [{"of": name, "run": run.id} for name in names])


def _differs(one: dict[str, Any], known: dict[str, Any]) -> bool:
    return known["resolved_run_id"] is not None or known["severity"] != one["severity"] or known["path"] != one["path"]


def _reopened(run: Run, one: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """A finding that comes back is new again; one that only moved, or weighs otherwise, keeps its first run."""
    first = run.id if known["resolved_run_id"] is not None else known["first_run_id"]
    return {"of": one["finding"], "run": run.id, "first": first, "severe": one["severity"], "where": one["path"]}


_REOPEN = (
    update(ISSUE_TABLE)
    .where(ISSUE_TABLE.c.finding == bindparam("of"))
    .values(
        run_id=bindparam("run"),
        first_run_id=bindparam("first"),
        severity=bindparam("severe"),
        path=bindparam("where"),
        resolved_run_id=None,
    )
)
_RESOLVE = (
    update(ISSUE_TABLE)
    .where(ISSUE_TABLE.c.finding == bindparam("of"))
    .values(run_id=bindparam("run"), resolved_run_id=bindparam("run"))
)
