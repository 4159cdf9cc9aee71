"""The partner's fix-it list: every standing finding in the partner's own identifiers, as CSV and JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, case, func, select

from loaders.files import whole_file
from loaders.models import Issue

COLUMNS = ("identifier", "severity", "rule", "path", "value", "wrong", "why", "suggestion", "since")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ORDER = case({"error": 0, "warning": 1}, value=Issue.severity, else_=2)


def standing(connection: Connection, feed: str, rules: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """Every finding of a feed that stands, errors first, then by rule and identifier; read as it is used."""
    query = (
        select(Issue.key, Issue.severity, Issue.code, Issue.path, Issue.value, Issue.first_run_id)
        .where(Issue.feed == feed, Issue.resolved_run_id.is_(None))
        .order_by(ORDER, Issue.code, Issue.key, Issue.finding)
    )
    for row in connection.execute(query.execution_options(yield_per=5_000)):
        rule = rules.get(row.code, {})
        yield {
            "identifier": row.key.removeprefix(f"{feed}:"),
            "severity": row.severity,
            "rule": row.code,
            "path": row.path,
            "value": row.value,
            "wrong": rule.get("wrong", ""),
            "why": rule.get("why", ""),
            "suggestion": rule.get("mend", ""),
            "since": row.first_run_id,
        }


def count_standing(connection: Connection, feed: str) -> int:
    where = (Issue.feed == feed, Issue.resolved_run_id.is_(None))
    return connection.scalar(select(func.count()).select_from(Issue).where(*where)) or 0


def write_fix_list(folder: Path, feed: str, findings: Iterable[Mapping[str, str]]) -> list[Path]:
    """Write <feed>.fix.csv (UTF-8 with its mark, so that spreadsheets read it) and the same as <feed>.fix.json."""
    table, data = folder / f"{feed}.fix.csv", folder / f"{feed}.fix.json"
    with (
        whole_file(table) as one,
        whole_file(data) as other,
        one.open("w", encoding="utf-8-sig", newline="") as cells,
        other.open("wb") as objects,
    ):
        rows = csv.writer(cells)
        rows.writerow(COLUMNS)
        objects.write(b"[")
        for number, finding in enumerate(findings):
            rows.writerow([harmless(finding[column]) for column in COLUMNS])
            objects.write((b",\n" if number else b"\n") + msgspec.json.encode(dict(finding)))
        objects.write(b"\n]\n")
    return [table, data]


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA) else cell


def finding_row(finding: Mapping[str, Any]) -> tuple[str, ...]:
    """A finding as a row of the complete list."""
    return tuple(finding[name] for name in ("identifier", "severity", "rule", "path", "value", "suggestion"))
