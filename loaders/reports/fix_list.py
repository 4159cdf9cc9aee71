"""The partner's fix-it list: records that could not be read and open issues, as CSV in each language and JSON."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TextIO

import msgspec
from more_itertools import chunked
from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from loaders.reports.page import Rules, page_suffix, rule_text
from loaders.reports.texts import LANGUAGES, messages
from loaders.store import IssueRow, SourceRecordRow, whole_files
from schemas import harmless

LIST_COLUMNS = ("since", "fixed", "identifier", "severity", "rule", "path", "value", "suggestion")
_CSV_COLUMNS = ("identifier", "severity", "rule", "path", "value", "wrong", "why", "suggestion", "since")
_FETCH_ROWS = 5_000
_BATCH_ITEMS = 1_000  # held in memory at a time
_RUN_DATE = re.compile(r"-(\d{4})(\d{2})(\d{2})T\d+$")
UNREADABLE = "unreadable"  # instead of a rule's code: no rule could check the record
_ERRORS_FIRST = case({"error": 0, "warning": 1}, value=IssueRow.severity, else_=2)


class FixItem(NamedTuple):
    """One thing for the partner to fix; `since` and `fixed` are dates, `fixed` is empty while the issue is open."""

    identifier: str
    severity: str
    rule: str
    path: str
    value: str
    since: str
    fixed: str


def open_fix_items(connection: Connection, feed: str) -> Iterator[FixItem]:
    """Yield every record of a feed that could not be read, then every open issue, while the rows are read."""
    yield from _unreadable_records(connection, feed)
    yield from _issues(connection, feed, IssueRow.resolved_run_id.is_(None))


def last_fixed(connection: Connection, feed: str) -> Iterator[FixItem]:
    """Yield the issues that were fixed by the last run that fixed any."""
    return _issues(connection, feed, IssueRow.resolved_run_id == _last_fixing_run(connection, feed))


def count_fix_items(connection: Connection, feed: str) -> int:
    """Count the rows of the complete list: open_fix_items and last_fixed."""
    listed = or_(IssueRow.resolved_run_id.is_(None), IssueRow.resolved_run_id == _last_fixing_run(connection, feed))
    issues = connection.scalar(select(func.count()).select_from(IssueRow).where(IssueRow.feed == feed, listed)) or 0
    unreadable = (SourceRecordRow.feed == feed, SourceRecordRow.pending_status == "rejected")
    return issues + (connection.scalar(select(func.count()).select_from(SourceRecordRow).where(*unreadable)) or 0)


def list_rows(items: Iterable[FixItem], rules: Rules) -> Iterator[tuple[str, ...]]:
    """Yield items as rows of the complete list, in the order of LIST_COLUMNS."""
    suggestions = {code: texts.get("mend", "") for code, texts in rules.items()}
    for identifier, severity, rule, path, value, since, fixed in items:
        yield (since, fixed, identifier, severity, rule, path, value, suggestions.get(rule, ""))


def unreadable_texts() -> dict[str, str]:
    """Return, in the form of a rule's texts, what is wrong with a record that could not be read."""
    texts = {"wrong": messages("en")["unreadable"], "why": "", "mend": messages("en")["unreadable_mend"]}
    for language in LANGUAGES:
        texts[f"wrong.{language}"] = messages(language)["unreadable"]
        texts[f"mend.{language}"] = messages(language)["unreadable_mend"]
    return texts


def _unreadable_records(connection: Connection, feed: str) -> Iterator[FixItem]:
    query = (
        select(SourceRecordRow.identifier, SourceRecordRow.pending_reason, SourceRecordRow.run_id)
        .where(SourceRecordRow.feed == feed, SourceRecordRow.pending_status == "rejected")
        .order_by(SourceRecordRow.identifier)
    )
    for identifier, reason, run_id in connection.execute(query.execution_options(yield_per=_FETCH_ROWS)):
        yield FixItem(identifier, "error", UNREADABLE, "", reason or "", _run_date(run_id), "")


def _issues(connection: Connection, feed: str, where: ColumnElement[bool]) -> Iterator[FixItem]:
    """Yield issues of a feed, errors first, then by rule and identifier."""
    query = (
        select(
            IssueRow.key,
            IssueRow.severity,
            IssueRow.code,
            IssueRow.path,
            IssueRow.value,
            IssueRow.first_run_id,
            IssueRow.resolved_run_id,
        )
        .where(IssueRow.feed == feed, where)
        .order_by(_ERRORS_FIRST, IssueRow.code, IssueRow.key, IssueRow.finding)
    )
    prefix = len(feed) + 1  # a key is feed:identifier
    for key, severity, code, path, value, first, resolved in connection.execute(
        query.execution_options(yield_per=_FETCH_ROWS)
    ):
        yield FixItem(key[prefix:], severity, code, path, value, _run_date(first), _run_date(resolved or ""))


def _last_fixing_run(connection: Connection, feed: str) -> str:
    """Return the feed's last run that resolved an issue, or an empty text. Publications belong to no feed."""
    own = IssueRow.resolved_run_id.startswith(f"{feed}-", autoescape=True)
    return connection.scalar(select(func.max(IssueRow.resolved_run_id)).where(IssueRow.feed == feed, own)) or ""


@lru_cache(maxsize=1_024)
def _run_date(run_id: str) -> str:
    """Return the date in a run id, or an empty text."""
    match = _RUN_DATE.search(run_id)
    return "-".join(match.groups()) if match else ""


class FixListFiles:
    """Write <feed>.fix.csv in the first language, <feed>.fix.<language>.csv in the others, and <feed>.fix.json.

    Used as a context manager; the files are replaced when it ends without an error. The CSV files are UTF-8 with a byte
    order mark, which spreadsheets need.
    """

    def __init__(self, folder: Path, feed: str, rules: Rules, languages: Sequence[str]) -> None:
        self._csv_paths = {
            language: folder / f"{feed}.fix{page_suffix(language, languages)}.csv" for language in languages
        }
        self._json_path = folder / f"{feed}.fix.json"
        self._rules = rules
        self._rule_cells: dict[tuple[str, str], str] = {}  # by language and rule
        self._files = ExitStack()
        self._written = 0
        self.paths = [*self._csv_paths.values(), self._json_path]

    def __enter__(self) -> FixListFiles:
        with ExitStack() as files:  # closes those already open when one of them cannot be opened
            temporary_for = files.enter_context(whole_files())

            def opened(path: Path, encoding: str) -> TextIO:
                return files.enter_context(temporary_for(path).open("w", encoding=encoding, newline=""))

            self._csv = {language: opened(path, "utf-8-sig") for language, path in self._csv_paths.items()}
            self._json = opened(self._json_path, "utf-8")
            self._files = files.pop_all()
        for file in self._csv.values():
            file.write(f"{_cells(_CSV_COLUMNS)}\r\n")
        self._json.write("[")
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._json.write("\n]\n")
        self._files.__exit__(*error)  # type: ignore[arg-type]

    def write(self, items: Iterable[FixItem]) -> Iterator[FixItem]:
        """Write the items to the files and yield each one when it is written."""
        for batch in chunked(items, _BATCH_ITEMS):
            self._write(batch)
            yield from batch

    def _write(self, batch: Sequence[FixItem]) -> None:
        # The cells that are the same in every language are made once.
        rows = [(item.rule, ",".join(map(_cell, item[:5])), _cells((item.since,))) for item in batch]
        for language, file in self._csv.items():
            rule_cells = {rule: self._cells_of(language, rule) for rule in {item.rule for item in batch}}
            file.write("".join(f"{first},{rule_cells[rule]},{since}\r\n" for rule, first, since in rows))
        objects = [msgspec.json.encode(self._json_object(item)).decode() for item in batch]
        self._json.write((",\n" if self._written else "\n") + ",\n".join(objects))
        self._written += len(batch)

    def _cells_of(self, language: str, rule: str) -> str:
        """Return a rule's texts as cells: what is wrong, why, and how to fix it, translated where possible."""
        cells = self._rule_cells.get((language, rule))
        if cells is None:
            wrong, mend = (rule_text(self._rules, rule, part, language)[0] for part in ("wrong", "mend"))
            cells = _cells((wrong, self._rules.get(rule, {}).get("why", ""), mend))
            self._rule_cells[language, rule] = cells
        return cells

    def _json_object(self, item: FixItem) -> dict[str, str]:
        texts = self._rules.get(item.rule, {})
        return {
            "identifier": item.identifier,
            "severity": item.severity,
            "rule": item.rule,
            "path": item.path,
            "value": item.value,
            "wrong": texts.get("wrong", ""),
            "why": texts.get("why", ""),
            "suggestion": texts.get("mend", ""),
            "since": item.since,
            "fixed": item.fixed,
        }


class _ReturnedLine:
    """A file for csv.writer that makes writerow return the line."""

    def write(self, text: str) -> str:
        return text


_CSV_WRITER = csv.writer(_ReturnedLine())


@lru_cache(maxsize=10_000)
def _cell(text: str) -> str:
    """Return a text as one of several cells of a line."""
    return _cells((text, "")).removesuffix(",")


def _cells(texts: Iterable[str]) -> str:
    """Return texts as harmless CSV cells separated by commas, without the end of line."""
    return str(_CSV_WRITER.writerow([harmless(text) for text in texts])).removesuffix("\r\n")
