"""Keep the findings over the whole catalog beside the match, and write them as rows of `issue` when it is published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from loaders.catalog import ISSUE_TABLE, known_findings, write_findings
from loaders.publication.match_state import NothingMatched
from loaders.staging import finding_name, without_nul
from loaders.store import HarvestRunRow, SourceRecordRow, read_run, rows_among, whole_file, write_transaction
from schemas import Environment, Issue

_FILE = "across.json"
_SCOPE = "catalog"  # of the issues written here


def keep_catalog_findings(folder: Path, findings: Iterable[Issue]) -> None:
    """Write the findings into the folder of the match in which they were found."""
    with whole_file(folder / _FILE) as beside:
        beside.write_bytes(msgspec.json.encode(list(findings)))


def read_catalog_findings(folder: Path) -> list[Issue]:
    """Read the findings of a match. Raises NothingMatched when it is published already."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=list[Issue])
    except FileNotFoundError as error:
        raise NothingMatched(f"{folder.name}: nothing was matched, or it is published already; match again") from error


def write_catalog_findings(env: Environment, run_id: str, findings: list[Issue], codes: Iterable[str]) -> None:
    """Open these findings about live records, and resolve all other open findings with these codes."""
    run = read_run(env, run_id)
    with write_transaction(env) as connection:
        live = _live_keys(connection, [finding.key for finding in findings])
        rows = {row["finding"]: row for row in (_issue_row(finding) for finding in findings if finding.key in live)}
        feeds = connection.scalars(select(HarvestRunRow.feed).where(HarvestRunRow.feed.is_not(None)).distinct()).all()
        where = ISSUE_TABLE.c.feed.in_(feeds) & ISSUE_TABLE.c.code.in_(list(codes))  # by the index of both
        write_findings(connection, run, rows, known_findings(connection, where, _SCOPE, rows), _SCOPE)


def _issue_row(finding: Issue) -> dict[str, str]:
    path, value = without_nul(finding.path), without_nul(finding.value)
    return {
        "finding": finding_name(finding.key, finding.code, path, value),
        "key": finding.key,
        "feed": finding.key.partition(":")[0],
        "code": finding.code,
        "severity": finding.severity,
        "path": path,
        "value": value,
    }


def _live_keys(connection: Connection, keys: list[str]) -> set[str]:
    query = select(SourceRecordRow.key).where(SourceRecordRow.status == "live")
    return {key for (key,) in rows_among(connection, query, SourceRecordRow.key, keys)}
