"""The partner's fix-it list: what could not be read and every standing finding, in the partner's own identifiers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from loaders.files import whole_file
from loaders.models import Issue, SourceRecord
from loaders.reports.page import Rules, rule_text, suffix

COLUMNS = ("identifier", "severity", "rule", "path", "value", "wrong", "why", "suggestion", "since")
ROW = ("since", "fixed", "identifier", "severity", "rule", "path", "value", "suggestion")  # of the complete list
STAMP = re.compile(r"-(\d{4})(\d{2})(\d{2})T\d+$")
UNREADABLE = "unreadable"  # in place of a rule: no rule ever saw the record
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ORDER = case({"error": 0, "warning": 1}, value=Issue.severity, else_=2)


def to_mend(connection: Connection, feed: str, rules: Rules) -> Iterator[dict[str, str]]:
    """Every record of a feed that could not be read, then every finding that stands; read as they are used."""
    yield from unread(connection, feed, rules)
    yield from findings(connection, feed, rules, Issue.resolved_run_id.is_(None))


def unread(connection: Connection, feed: str, rules: Rules) -> Iterator[dict[str, str]]:
    """The records whose newest version could not be read, with the reason."""
    query = (
        select(SourceRecord.identifier, SourceRecord.pending_reason, SourceRecord.run_id)
        .where(SourceRecord.feed == feed, SourceRecord.pending_status == "rejected")
        .order_by(SourceRecord.identifier)
    )
    for row in connection.execute(query.execution_options(yield_per=5_000)):
        yield told(row.identifier, "error", UNREADABLE, "", row.pending_reason or "", day_of(row.run_id), rules)


def findings(connection: Connection, feed: str, rules: Rules, where: ColumnElement[bool]) -> Iterator[dict[str, str]]:
    """Findings of a feed, errors first, then by rule and identifier; read as they are used."""
    query = (
        select(
            Issue.key, Issue.severity, Issue.code, Issue.path, Issue.value, Issue.first_run_id, Issue.resolved_run_id
        )
        .where(Issue.feed == feed, where)
        .order_by(ORDER, Issue.code, Issue.key, Issue.finding)
    )
    for row in connection.execute(query.execution_options(yield_per=5_000)):
        identifier = row.key.removeprefix(f"{feed}:")
        since, fixed = day_of(row.first_run_id), day_of(row.resolved_run_id or "")
        yield told(identifier, row.severity, row.code, row.path, row.value, since, rules) | {"fixed": fixed}


def told(identifier: str, severity: str, code: str, path: str, value: str, since: str, rules: Rules) -> dict[str, str]:
    """One thing to mend, as the columns of the list."""
    rule = rules.get(code, {})
    said = {"wrong": rule.get("wrong", ""), "why": rule.get("why", ""), "suggestion": rule.get("mend", "")}
    about = {"identifier": identifier, "severity": severity, "rule": code, "path": path, "value": value}
    return {**about, **said, "since": since, "fixed": ""}


def day_of(run: str) -> str:
    """The date on which a run began; empty for none."""
    stamp = STAMP.search(run)
    return "-".join(stamp.groups()) if stamp else ""


def rows(connection: Connection, feed: str, rules: Rules) -> Iterator[tuple[str, ...]]:
    """The complete list: what stands with the date since when, then what the last run that fixed anything fixed."""
    last = last_fixing(connection, feed)
    yield from (tuple(one[name] for name in ROW) for one in to_mend(connection, feed, rules))
    for one in findings(connection, feed, rules, Issue.resolved_run_id == last):
        yield tuple(one[name] for name in ROW)


def last_fixing(connection: Connection, feed: str) -> str:
    """The last run of a feed that resolved a finding; empty when none did."""
    return connection.scalar(select(func.max(Issue.resolved_run_id)).where(Issue.feed == feed)) or ""


def count(connection: Connection, feed: str) -> int:
    """How many rows the complete list has."""
    shown = or_(Issue.resolved_run_id.is_(None), Issue.resolved_run_id == last_fixing(connection, feed))
    found = connection.scalar(select(func.count()).select_from(Issue).where(Issue.feed == feed, shown)) or 0
    where = (SourceRecord.feed == feed, SourceRecord.pending_status == "rejected")
    return found + (connection.scalar(select(func.count()).select_from(SourceRecord).where(*where)) or 0)


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
