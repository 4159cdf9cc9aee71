"""The partner's fix-it list: every standing finding in the partner's own identifiers, as CSV and JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import msgspec
from sqlalchemy import Connection, case, func, select

from loaders.files import whole_file
from loaders.models import Issue
from loaders.reports.page import Rules, rule_text, suffix

COLUMNS = ("identifier", "severity", "rule", "path", "value", "wrong", "why", "suggestion", "since")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ORDER = case({"error": 0, "warning": 1}, value=Issue.severity, else_=2)


def standing(connection: Connection, feed: str, rules: Rules) -> Iterator[dict[str, str]]:
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


def write_fix_list(
    folder: Path, feed: str, findings: Iterable[Mapping[str, str]], rules: Rules, languages: Sequence[str]
) -> list[Path]:
    """Write <feed>.fix.csv in the first language, <feed>.fix.<language>.csv in the others, and <feed>.fix.json.

    CSV is UTF-8 with its mark, so that spreadsheets read it.
    """
    names = {one: folder / f"{feed}.fix{suffix(one, languages)}.csv" for one in languages}
    data = folder / f"{feed}.fix.json"
    with ExitStack() as files:
        tables = {one: csv.writer(opened(files, path, "utf-8-sig")) for one, path in names.items()}
        objects = opened(files, data, "utf-8")
        for table in tables.values():
            table.writerow(COLUMNS)
        objects.write("[")
        for number, finding in enumerate(findings):
            for language, table in tables.items():
                table.writerow([harmless(cell) for cell in row_of(finding, rules, language)])
            objects.write((",\n" if number else "\n") + msgspec.json.encode(dict(finding)).decode())
        objects.write("\n]\n")
    return [*names.values(), data]


def opened(files: ExitStack, path: Path, encoding: str) -> TextIO:
    """A file to write to, which is there when it is whole."""
    beside = files.enter_context(whole_file(path))
    return files.enter_context(beside.open("w", encoding=encoding, newline=""))


def row_of(finding: Mapping[str, str], rules: Rules, language: str) -> list[str]:
    """A finding as cells, what is wrong and how to mend it in the partner's language."""
    said = dict(finding)
    for column, what in (("wrong", "wrong"), ("suggestion", "mend")):
        said[column] = rule_text(rules, said["rule"], what, language)[0]
    return [said[column] for column in COLUMNS]


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA) else cell


def finding_row(finding: Mapping[str, Any]) -> tuple[str, ...]:
    """A finding as a row of the complete list."""
    return tuple(finding[name] for name in ("identifier", "severity", "rule", "path", "value", "suggestion"))
