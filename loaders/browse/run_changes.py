"""What a staged run adds, changes and deletes: counted by facets, and in pages with the fields that differ.

The rows are Parquet in the run's staging; a page reads the columns that it narrows by, and the records that it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from more_itertools import chunked
from sqlalchemy import Connection, select

from loaders.browse.runs import RunSummary
from loaders.catalog import undo_log_path
from loaders.staging import OUTCOMES_FOLDER, check_staged_files, open_parquet, row_files, staging_folder
from loaders.store import (
    SourceRecordRow,
    create_parquet_view,
    open_workspace,
    read_kept,
    read_transaction,
    rows_among,
    temporary_folder,
)
from schemas import Base, Environment

MAX_COMPARED = 500  # changed records that are compared in one request
_MAX_SHOWN_CHARS = 400  # of a value
_TEXT_ROWS = 100  # records in memory at a time
_NOT_COMPARED = frozenset({"provenance", "key"})
_WITH_LOG = ("loaded", "undone")  # what was before such a run is in its undo log
_COLUMNS = ("identifier", "change", "reason", "absent", "codes", "row")
_NO_ROW: dict[str, Any] = {"codes": "", "row": None}  # what only rows with a record have
_ROWS_READ = 5_000  # at a time
_ROWS_COUNTED = 100_000  # at a time
_MAX_NUMBER_DIGITS = 16


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
    """Return whether the list of the run's changes is still kept."""
    return bool(row_files(staging_folder(env, run.id)))


def change_facets(env: Environment, run: RunSummary) -> ChangeFacets:
    """Count the changes of a run. Raises RowsUnreadable."""
    return _facets(env, run.id, run.status, _written(env, run))


def _written(env: Environment, run: RunSummary) -> int:
    """Return when the run's rows were last written, in nanoseconds."""
    return max((path.stat().st_mtime_ns for path in row_files(staging_folder(env, run.id))), default=0)


@lru_cache(maxsize=64)
def _facets(env: Environment, run_id: str, status: str, _written: int) -> ChangeFacets:
    staging = staging_folder(env, run_id)
    check_staged_files(staging, outcomes=False)
    kinds, rules = _counts(staging)
    changed = _rows(staging, ChangeFilter(kind="changed"), "", MAX_COMPARED)
    fields: Counter[str] = Counter()
    for change in _compared(env, run_id, status, changed):
        fields.update(each.field for each in change.differences)
    return ChangeFacets(kinds=_sorted(kinds), rules=_sorted(rules), fields=_sorted(fields), compared=len(changed))


def _counts(staging: Path) -> tuple[Counter[str], Counter[str]]:
    """Count the changes by kind, and by rule; reads these two columns only."""
    import pyarrow.compute as pc  # here, because every report imports this package

    kinds, rules = Counter[str](), Counter[str]()
    for path in row_files(staging):
        with open_parquet(path) as file:
            names = [name for name in ("change", "codes") if name in file.schema_arrow.names]
            for batch in file.iter_batches(_ROWS_COUNTED, columns=names, use_threads=False):
                changed = batch.filter(pc.not_equal(batch["change"], "unchanged"))
                kinds.update(_value_counts(changed["change"]))
                for codes, count in _value_counts(changed["codes"]).items() if "codes" in names else ():
                    rules.update(dict.fromkeys(filter(None, codes.split(";")), count))
    return kinds, rules


def _value_counts(column: Any) -> dict[str, int]:
    counted = column.drop_null().value_counts().to_pylist()
    return {each["values"]: each["counts"] for each in counted}


@contextmanager
def _workspace(env: Environment) -> Iterator[Any]:
    with temporary_folder(env.home / "web") as folder, open_workspace(folder) as duck:
        yield duck


def run_changes(
    env: Environment, run: RunSummary, chosen: ChangeFilter, *, after: str = "", limit: int = 50
) -> ChangesPage:
    """Return the changes that the filter means, from the place `after` on. Raises RowsUnreadable.

    With a field, at most MAX_COMPARED records are compared; there may then be few on a page, and more on the next.
    """
    return read_kept(env, _run_changes, env, run.id, run.status, _written(env, run), chosen, after, limit)


def _run_changes(
    _connection: Connection,
    env: Environment,
    run_id: str,
    status: str,
    _written: int,
    chosen: ChangeFilter,
    after: str,
    limit: int,
) -> ChangesPage:
    most = MAX_COMPARED if chosen.field else limit
    meant = _rows(staging_folder(env, run_id), chosen, after, most + 1)
    shown: list[RunChange] = []
    looked_at = 0
    for change in _compared(env, run_id, status, meant[:most]):
        looked_at += 1
        if not chosen.field or any(each.field == chosen.field for each in change.differences):
            shown.append(change)
        if len(shown) == limit:
            break
    return ChangesPage(changes=shown, after=_place(meant[looked_at - 1]) if 0 < looked_at < len(meant) else "")


def _rows(staging: Path, chosen: ChangeFilter, after: str, limit: int) -> list[dict[str, Any]]:
    """Return the rows that a filter means, in the order of their files, without their records."""
    first_file, _, number = after.rpartition(":")
    start = int(number) + 1 if number.isdecimal() and len(number) < _MAX_NUMBER_DIGITS else 0
    rows: list[dict[str, Any]] = []
    for path in row_files(staging):
        if path.name >= first_file:
            matching = _rows_in(path, chosen, start if path.name == first_file else 0)
            rows.extend(islice(matching, limit - len(rows)))
        if len(rows) == limit:
            break
    return rows


def _rows_in(path: Path, chosen: ChangeFilter, start: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file from the number `start` on; row groups before it are not read."""
    with open_parquet(path) as file:
        columns = [name for name in _COLUMNS if name in file.schema_arrow.names]
        first = 0
        for group in range(file.num_row_groups):
            end = first + file.metadata.row_group(group).num_rows
            if end > start:
                for row in _rows_of_group(file, group, first, start, columns, chosen):
                    yield {**row, "file": path.name}
            first = end


def _rows_of_group(
    file: Any, group: int, first: int, start: int, columns: list[str], chosen: ChangeFilter
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a row group, of which the first has the number `first`."""
    for batch in file.iter_batches(_ROWS_READ, row_groups=[group], columns=columns, use_threads=False):
        for row in _meant(batch, first, start, chosen):
            yield {**_NO_ROW, **row}
        first += batch.num_rows


def _meant(batch: Any, first: int, start: int, chosen: ChangeFilter) -> list[dict[str, Any]]:
    """Return the rows of a batch that a filter means; `first` is the number of its first row."""
    import pyarrow.compute as pc

    numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
    mask = pc.and_(pc.not_equal(batch["change"], "unchanged"), pc.greater_equal(numbers, start))
    kind = chosen.kind or ("changed" if chosen.field else "")
    if kind:
        mask = pc.and_(mask, pc.equal(batch["change"], kind))
    if chosen.rule and "codes" not in batch.schema.names:
        return []
    if chosen.rule:
        mask = pc.and_(mask, pc.fill_null(pc.match_substring(batch["codes"], chosen.rule), False))
    rows: list[dict[str, Any]] = batch.append_column("number", numbers).filter(mask).to_pylist()
    return [row for row in rows if not chosen.rule or chosen.rule in row["codes"].split(";")]


def _logged(env: Environment, path: Path, keys: list[str]) -> dict[str, str | None]:
    """Return the records of rows of source_record in an undo log, by key."""
    with _workspace(env) as duck:
        create_parquet_view(duck, "undo_log", path)
        marks = ", ".join("?" * len(keys))
        of_records = "\"table\" = 'source_record' AND row IS NOT NULL"
        query = f"SELECT key, row FROM undo_log WHERE {of_records} AND key IN ({marks})"  # noqa: S608
        return {key: msgspec.json.decode(row)["record"] for key, row in duck.execute(query, keys).fetchall()}


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['file']}:{row['number']}"


def _compared(env: Environment, run_id: str, status: str, meant: list[dict[str, Any]]) -> Iterator[RunChange]:
    """Yield the changes of rows with the fields that differ, some rows at a time."""
    feed, staging = run_id.rpartition("-")[0], staging_folder(env, run_id)
    log = undo_log_path(env, feed, run_id)
    for some in chunked(meant, _TEXT_ROWS):
        texts = _texts(staging, some)
        keys = [f"{feed}:{row['identifier']}" for row in some]
        before = _logged(env, log, keys) if status in _WITH_LOG and log.exists() else _published(env, keys)
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
    with open_parquet(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            if any(start <= number < end for number in wanted):
                yield from _records_of_group(file, group, start, wanted)
            start = end


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
