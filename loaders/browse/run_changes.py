"""What a staged run adds, changes and deletes: counted by facets, and in pages with the fields that differ.

The rows are Parquet in the run's staging; a page reads the columns that it narrows by, and the records that it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow.parquet as pq
from sqlalchemy import select

from loaders.browse.runs import RunSummary
from loaders.catalog import undo_log_path
from loaders.staging import OUTCOMES_FOLDER, RowsUnreadable, check_staged_files, row_files, staging_folder
from loaders.store import (
    SourceRecordRow,
    create_parquet_view,
    open_workspace,
    read_transaction,
    rows_among,
    temporary_folder,
)
from schemas import Base, Environment

MAX_COMPARED = 2_000  # changed records that are compared in one request
_MAX_SHOWN_CHARS = 400  # of a value
_TEXT_ROWS = 100  # records in memory at a time
_NOT_COMPARED = frozenset({"provenance", "key"})
_WITH_LOG = ("loaded", "undone")  # what was before such a run is in its undo log
_COLUMNS = {"codes": "VARCHAR", "row": "BIGINT"}  # which only rows with a record have


class ChangeFilter(Base, frozen=True, kw_only=True):
    """Which changes are meant; an empty value means all.

    kind: added, changed, deleted, rejected or quarantined
    field: a field of the shared record that differs
    rule: a rule that the version breaks with an error
    """

    kind: str = ""
    field: str = ""
    rule: str = ""


class Difference(NamedTuple):
    """A field that differs, with what it was and what it becomes, as text and cut where it is long."""

    field: str
    before: str
    after: str


class RunChange(Base, frozen=True, kw_only=True):
    """What a run does to a record."""

    key: str
    kind: str
    reason: str
    absent: bool
    codes: tuple[str, ...]
    title: str
    differences: tuple[Difference, ...]


class ChangeFacets(Base, frozen=True, kw_only=True):
    """How many changes there are by kind, by broken rule, and by field that differs; the most frequent first.

    compared: how many changed records the fields were counted in
    """

    kinds: list[tuple[str, int]]
    rules: list[tuple[str, int]]
    fields: list[tuple[str, int]]
    compared: int


class ChangesPage(Base, frozen=True, kw_only=True):
    """Some changes of a run, and where the next page begins; empty at the end."""

    changes: list[RunChange]
    after: str


def has_changes(env: Environment, run: RunSummary) -> bool:
    """Return whether the list of the run's changes is still kept. Raises RowsUnreadable when it is damaged."""
    folder = staging_folder(env, run.id)
    if not row_files(folder):
        return False
    check_staged_files(folder, outcomes=False)
    return True


def change_facets(env: Environment, run: RunSummary) -> ChangeFacets:
    """Count the changes of a run. Raises RowsUnreadable."""
    newest = max(path.stat().st_mtime_ns for path in row_files(staging_folder(env, run.id)))
    return _facets(env, run.id, run.status, newest)


@lru_cache(maxsize=64)
def _facets(env: Environment, run_id: str, status: str, _written: int) -> ChangeFacets:
    with _Rows(env, run_id) as rows:
        kinds = rows.execute("SELECT change, count(*) FROM changes GROUP BY change")
        rules = rows.execute(
            "SELECT code, count(*) FROM (SELECT unnest(string_split(codes, ';')) AS code FROM changes) "
            "WHERE code <> '' GROUP BY code"
        )
        changed = rows.page("change = 'changed'", [], "", MAX_COMPARED)
        fields: Counter[str] = Counter()
        for change in _compared(env, run_id, status, rows, changed):
            fields.update(each.field for each in change.differences)
    return ChangeFacets(
        kinds=_sorted(dict(kinds)), rules=_sorted(dict(rules)), fields=_sorted(fields), compared=len(changed)
    )


def run_changes(
    env: Environment, run: RunSummary, chosen: ChangeFilter, *, after: str = "", limit: int = 50
) -> ChangesPage:
    """Return the changes that the filter means, from the place `after` on. Raises RowsUnreadable.

    With a field, at most MAX_COMPARED records are compared; there may then be few on a page, and more on the next.
    """
    condition, values = _condition(chosen)
    most = MAX_COMPARED if chosen.field else limit
    with _Rows(env, run.id) as rows:
        meant = rows.page(condition, values, after, most + 1)
        shown: list[RunChange] = []
        looked_at = 0
        for change in _compared(env, run.id, run.status, rows, meant[:most]):
            looked_at += 1
            if not chosen.field or any(each.field == chosen.field for each in change.differences):
                shown.append(change)
            if len(shown) == limit:
                break
    return ChangesPage(changes=shown, after=_place(meant[looked_at - 1]) if 0 < looked_at < len(meant) else "")


def _condition(chosen: ChangeFilter) -> tuple[str, list[str]]:
    """Return the SQL of what a filter means of the rows' own columns, and its values."""
    columns = (
        (chosen.kind, "change = ?"),
        (chosen.rule, "list_contains(string_split(codes, ';'), ?)"),
    )
    parts = [part for value, part in columns if value] + (["change = 'changed'"] if chosen.field else [])
    return " AND ".join(parts) or "true", [value for value, _ in columns if value]


class _Rows:
    """The rows of a run's staging as a DuckDB view `changes`, in the order of their files."""

    def __init__(self, env: Environment, run_id: str) -> None:
        self._folder = temporary_folder(env.home / "web")
        self.staging = staging_folder(env, run_id)

    def __enter__(self) -> _Rows:
        self._workspace = open_workspace(self._folder.__enter__())
        self._duck = self._workspace.__enter__()
        more = ", union_by_name = true, filename = true, file_row_number = true"
        create_parquet_view(self._duck, "staged_rows", *row_files(self.staging), more=more)
        known = {row[0] for row in self._duck.execute("DESCRIBE staged_rows").fetchall()}
        missing = "".join(f", NULL::{kind} AS {name}" for name, kind in _COLUMNS.items() if name not in known)
        self._duck.execute(
            f"CREATE VIEW changes AS SELECT *{missing}, parse_filename(filename) AS file FROM staged_rows "  # noqa: S608
            "WHERE change <> 'unchanged'"
        )
        return self

    def __exit__(self, *trouble: Any) -> None:
        self._workspace.__exit__(*trouble)
        self._folder.__exit__(*trouble)

    def execute(self, query: str, values: list[Any] | None = None) -> list[Any]:
        rows: list[Any] = self._duck.execute(query, values or []).fetchall()
        return rows

    def page(self, condition: str, values: list[str], after: str, limit: int) -> list[dict[str, Any]]:
        """Return rows from the place on, without their records."""
        names = ("identifier", "change", "reason", "absent", "codes", "row", "file", "file_row_number")
        file, _, number = after.rpartition(":")
        query = (
            f"SELECT {', '.join(names)} FROM changes WHERE {condition} AND (file, file_row_number) > (?, ?) "  # noqa: S608
            "ORDER BY file, file_row_number LIMIT ?"
        )
        place = [file, int(number) if number.isdecimal() and len(number) < 16 else -1, limit]
        return [dict(zip(names, row, strict=True)) for row in self.execute(query, [*values, *place])]

    def logged(self, path: Path, keys: list[str]) -> dict[str, dict[str, Any]]:
        """Return the rows of source_record in an undo log, by key."""
        create_parquet_view(self._duck, "undo_log", path)
        marks = ", ".join("?" * len(keys))
        query = (
            f"SELECT key, row FROM undo_log WHERE \"table\" = 'source_record' AND row IS NOT NULL AND key IN ({marks})"  # noqa: S608
        )
        return {key: msgspec.json.decode(row) for key, row in self.execute(query, keys)}


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['file']}:{row['file_row_number']}"


def _compared(
    env: Environment, run_id: str, status: str, rows: _Rows, meant: list[dict[str, Any]]
) -> Iterator[RunChange]:
    """Yield the changes of rows with the fields that differ, some rows at a time."""
    feed = run_id.rpartition("-")[0]
    for start in range(0, len(meant), _TEXT_ROWS):
        some = meant[start : start + _TEXT_ROWS]
        texts = _texts(rows.staging, some)
        keys = [f"{feed}:{row['identifier']}" for row in some]
        log = undo_log_path(env, feed, run_id)
        if status in _WITH_LOG and log.exists():
            before = {key: row["record"] for key, row in rows.logged(log, keys).items()}
        else:
            before = _published(env, keys)
        for key, row in zip(keys, some, strict=True):
            yield _change(key, row, before.get(key), texts.get(_place(row)))


def _published(env: Environment, keys: list[str]) -> dict[str, str | None]:
    query = select(SourceRecordRow.key, SourceRecordRow.record)
    with read_transaction(env) as connection:
        return dict(tuple(row) for row in rows_among(connection, query, SourceRecordRow.key, keys))


def _texts(staging: Path, rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the records of rows by their places; reads only the row groups of the outcomes that they are in."""
    texts: dict[str, str] = {}
    with_record = [row for row in rows if row["row"] is not None]
    for file, group in groupby(with_record, key=lambda row: str(row["file"])):
        wanted = {int(row["row"]): _place(row) for row in group}
        for number, record in _records(staging / OUTCOMES_FOLDER / file, wanted):
            texts[wanted[number]] = record
    return texts


def _records(path: Path, wanted: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """Yield the records at these rows of a file, with their numbers."""
    try:
        with pq.ParquetFile(path) as file:
            start = 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                if any(start <= number < end for number in wanted):
                    yield from _records_of_group(file, group, start, wanted)
                start = end
    except FileNotFoundError as error:
        raise RowsUnreadable(f"{path} is gone") from error


def _records_of_group(file: Any, group: int, start: int, wanted: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    for batch in file.iter_batches(_TEXT_ROWS, row_groups=[group], columns=["record"]):
        here = (number for number in range(start, start + batch.num_rows) if number in wanted)
        records = ((number, batch.column(0)[number - start].as_py()) for number in here)
        yield from ((number, record) for number, record in records if record is not None)
        start += batch.num_rows


def _change(key: str, row: Mapping[str, Any], before: str | None, after: str | None) -> RunChange:
    old, new = (msgspec.json.decode(text) if text else {} for text in (before, after))
    title = (new or old).get("title") or {}
    differences = differences_of(old, new) if row["change"] == "changed" and old and new else ()
    return RunChange(
        key=key,
        kind=row["change"],
        reason=row["reason"] or "",
        absent=bool(row["absent"]),
        codes=tuple(filter(None, (row["codes"] or "").split(";"))),
        title=next(iter(title.values()), "")[:_MAX_SHOWN_CHARS],
        differences=tuple(differences),
    )


def differences_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the fields in which two records, as their JSON has them, differ."""
    for field in sorted({*before, *after} - _NOT_COMPARED):
        if before.get(field) != after.get(field):
            yield Difference(field, shown_value(before.get(field)), shown_value(after.get(field)))


def shown_value(value: Any) -> str:
    """Return a value of a record's JSON as text for people; long ones are cut."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = value
    elif isinstance(value, dict) and value and all(isinstance(each, str) for each in value.values()):
        text = " / ".join(f"{tag}: {each}" for tag, each in value.items())
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"


def _sorted(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
