"""Keep the issues over the whole catalog beside the match, and write them as rows of `issue` when it is published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from loaders.catalog import ISSUE_TABLE, known_issues, write_issues
from loaders.publication.match_state import NothingMatched
from loaders.publication.unchanged import note_complete
from loaders.staging import issue_id, without_nul
from loaders.store import HarvestRunRow, SourceRecordRow, read_run, rows_among, whole_file, write_transaction
from schemas import Environment, Issue

_FILE = "across.json"
_SCOPE = "catalog"  # of the issues written here


def keep_catalog_issues(folder: Path, issues: Iterable[Issue]) -> None:
    """Write the issues into the folder of the match in which they were found."""
    with whole_file(folder / _FILE) as temporary:
        temporary.write_bytes(msgspec.json.encode(list(issues)))


def read_catalog_issues(folder: Path) -> list[Issue]:
    """Read the issues of a match. Raises NothingMatched when it is published already."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=list[Issue])
    except FileNotFoundError as error:
        raise NothingMatched(f"{folder.name}: nothing was matched, or it is published already; match again") from error


def write_catalog_issues(
    env: Environment, run_id: str, issues: list[Issue], codes: Iterable[str], inputs: str | None = None
) -> None:
    """Open these issues about live records, and resolve all other open issues with these codes.

    This is the last that a publication writes: with `inputs`, the digest of what it depended on besides the catalog,
    the next one need do nothing when nothing has changed by then.
    """
    run = read_run(env, run_id)
    with write_transaction(env) as connection:
        live = _live_keys(connection, [issue.key for issue in issues])
        rows = {row["finding"]: row for row in (_issue_row(issue) for issue in issues if issue.key in live)}
        feeds = connection.scalars(select(HarvestRunRow.feed).where(HarvestRunRow.feed.is_not(None)).distinct()).all()
        where = ISSUE_TABLE.c.feed.in_(feeds) & ISSUE_TABLE.c.code.in_(list(codes))  # by the index of both
        write_issues(connection, run, rows, known_issues(connection, where, _SCOPE, rows), _SCOPE)
        if inputs is not None:
            note_complete(connection, inputs)


def _issue_row(issue: Issue) -> dict[str, str]:
    path, value = without_nul(issue.path), without_nul(issue.value)
    return {
        "finding": issue_id(issue.key, issue.code, path, value),
        "key": issue.key,
        "feed": issue.key.partition(":")[0],
        "code": issue.code,
        "severity": issue.severity,
        "path": path,
        "value": value,
    }


def _live_keys(connection: Connection, keys: list[str]) -> set[str]:
    query = select(SourceRecordRow.key).where(SourceRecordRow.status == "live")
    return {key for (key,) in rows_among(connection, query, SourceRecordRow.key, keys)}
