"""Issues: opened by the run that first finds them, and resolved by a run that reads the record and no longer does.

A run that deletes a record resolves its issues, because nobody can correct a record that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from more_itertools import chunked
from sqlalchemy import Connection, bindparam, insert, select, update

from loaders.catalog.undo_log import UndoLog
from loaders.staging import OUTCOMES_FOLDER, parquet_batches, row_files
from loaders.store import IssueRow, Run, write_rows

ISSUE_TABLE: Any = IssueRow.__table__  # a Table; Any because bulk statements do not take a FromClause
_COMPARED_RECORDS = 500  # records whose issues are compared at a time
_WRITTEN_ISSUES = 2_000  # issues written at a time
_Issues = dict[str, dict[str, Any]]  # rows by the name of the issue


def load_issues(connection: Connection, run: Run, folder: Path, undo_log: UndoLog) -> None:
    """Write the issues of the record rules in every record that this run read. A rejected record was not read."""
    for path in sorted((folder / OUTCOMES_FOLDER).glob("chunk-*.parquet")):  # without the older versions
        for rows in parquet_batches(path, _COMPARED_RECORDS, columns=["identifier", "kind", "issues"]):
            _load_record_issues(connection, run, rows, undo_log)
    for path in row_files(folder):
        for rows in parquet_batches(path, _COMPARED_RECORDS, columns=["identifier", "action"]):
            _resolve_deleted(connection, run, rows, undo_log)


def _load_record_issues(connection: Connection, run: Run, rows: list[dict[str, Any]], undo_log: UndoLog) -> None:
    read = [(f"{run.feed}:{row['identifier']}", row["issues"]) for row in rows if row["kind"] == "resource"]
    issues = {issue["finding"]: {**issue, "key": key} for key, its_issues in read for issue in its_issues}
    known = _read_known(connection, ISSUE_TABLE.c.key.in_([key for key, _ in read]), "record") if read else {}
    write_issues(connection, run, issues, known, "record", undo_log)


def _resolve_deleted(connection: Connection, run: Run, rows: list[dict[str, Any]], undo_log: UndoLog) -> None:
    keys = [f"{run.feed}:{row['identifier']}" for row in rows if row["action"] == "delete"]
    if keys:
        query = select(ISSUE_TABLE).where(ISSUE_TABLE.c.key.in_(keys), ISSUE_TABLE.c.resolved_run_id.is_(None))
        known = {row["finding"]: dict(row) for row in connection.execute(query).mappings()}
        write_issues(connection, run, {}, known, "record", undo_log)


def load_batch_issues(connection: Connection, run: Run, folder: Path, undo_log: UndoLog) -> None:
    """Write the issues of the batch rules, if they judged the feed in this run."""
    path = folder / "batch.parquet"
    if not path.exists():
        return
    rows = [row for batch in parquet_batches(path, _WRITTEN_ISSUES) for row in batch]
    issues = {row["finding"]: {"key": f"{run.feed}:{row.pop('identifier')}", **row} for row in rows}
    known = known_issues(connection, ISSUE_TABLE.c.feed == run.feed, "batch", issues)
    write_issues(connection, run, issues, known, "batch", undo_log)


def known_issues(connection: Connection, where: Any, scope: str, issues: _Issues) -> _Issues:
    """Return the catalog's rows of the open issues under `where`, and of those in `issues`, open or resolved.

    All the resolved issues of a feed may be many more, so they are not read.
    """
    known = _read_known(connection, where & ISSUE_TABLE.c.resolved_run_id.is_(None), scope)
    for names in chunked(issues.keys() - known.keys(), _COMPARED_RECORDS):
        known |= _read_known(connection, ISSUE_TABLE.c.finding.in_(names), scope)
    return known


def _read_known(connection: Connection, where: Any, scope: str) -> _Issues:
    query = select(ISSUE_TABLE).where(where, ISSUE_TABLE.c.scope == scope)
    return {row["finding"]: dict(row) for row in connection.execute(query).mappings()}


def write_issues(
    connection: Connection,
    run: Run,
    issues: _Issues,
    known: _Issues,
    scope: str,
    undo_log: UndoLog | None = None,
) -> None:
    """Open the issues that are not known, and resolve those that were not found; write nothing of the others."""
    new, changed, gone = _compare(issues, known)
    if undo_log is not None:
        undo_log.add_issues((name, known.get(name)) for name in (*new, *changed, *gone))
    columns = {"feed": run.feed, "scope": scope, "run_id": run.id, "first_run_id": run.id, "resolved_run_id": None}
    _write_batches(connection, insert(ISSUE_TABLE), ({**columns, **issues[name]} for name in new))
    _write_batches(connection, _REOPEN, (_reopened(run, issues[name], known[name]) for name in changed))
    _write_batches(connection, _RESOLVE, ({"of": name, "run": run.id} for name in gone))


def _compare(issues: _Issues, known: _Issues) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the issues that are new, those that changed, and the open ones that are gone."""
    new = [name for name in issues if name not in known]
    changed = [name for name in issues if name in known and _differs(issues[name], known[name])]
    gone = [name for name in known if name not in issues and known[name]["resolved_run_id"] is None]
    return new, changed, gone


def _write_batches(connection: Connection, statement: Any, rows: Iterable[dict[str, Any]]) -> None:
    for batch in chunked(rows, _WRITTEN_ISSUES):
        write_rows(connection, statement, batch)


def _differs(issue: dict[str, Any], row: dict[str, Any]) -> bool:
    changed = row["severity"] != issue["severity"] or row["path"] != issue["path"]
    return changed or row["resolved_run_id"] is not None


def _reopened(run: Run, issue: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of _REOPEN. A resolved issue came back and starts anew; a changed one keeps its run."""
    is_resolved = row["resolved_run_id"] is not None
    return {
        "of": issue["finding"],
        "run": run.id,
        "first": run.id if is_resolved else row["first_run_id"],
        "is_back": is_resolved or row["came_back"],
        "new_severity": issue["severity"],
        "new_path": issue["path"],
    }


_REOPEN = (
    update(ISSUE_TABLE)
    .where(ISSUE_TABLE.c.finding == bindparam("of"))
    .values(
        run_id=bindparam("run"),
        first_run_id=bindparam("first"),
        came_back=bindparam("is_back"),
        severity=bindparam("new_severity"),
        path=bindparam("new_path"),
        resolved_run_id=None,
    )
)
_RESOLVE = (
    update(ISSUE_TABLE)
    .where(ISSUE_TABLE.c.finding == bindparam("of"))
    .values(run_id=bindparam("run"), resolved_run_id=bindparam("run"))
)
