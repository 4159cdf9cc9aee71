"""What the catalog knows of the feed's records, written to Parquet files in the staging's folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked, peekable
from sqlalchemy import ColumnElement, Connection, Row, Select, false, func, literal, select

from loaders.store import (
    MAX_BOUND_VALUES,
    CurationRow,
    IssueRow,
    RefusedRow,
    SourceRecordRow,
    rows_among,
    whole_file,
)
from schemas import arrow_array

_BATCH_ROWS = 20_000
_Query = Select[*tuple[Any, ...]]
_STATE = pa.schema(
    [
        ("identifier", pa.string()),
        ("status", pa.string()),
        ("format", pa.string()),
        ("datestamp", pa.string()),
        ("payload_sha256", pa.string()),
        ("record_sha256", pa.string()),
        ("score", pa.int32()),
        ("has_title", pa.bool_()),
        ("has_language", pa.bool_()),
        ("has_license", pa.bool_()),
        ("license_open", pa.bool_()),
        ("pending_sha256", pa.string()),
        ("pending_record_sha256", pa.string()),
        ("pending_status", pa.string()),
        ("pending_reason", pa.string()),
    ]
)
_VERSIONS = pa.schema([("identifier", pa.string()), ("sha256", pa.string())])
_DECLARED_GONE = pa.schema([("identifier", pa.string()), ("run", pa.string())])  # and the newest run that landed then
_DECISIONS = {"accepted_by_steward": ("accept", _VERSIONS), "declared_gone": ("absent", _DECLARED_GONE)}
_ERROR = (IssueRow.key, IssueRow.code)
_ERRORS = pa.schema([("identifier", pa.string()), ("code", pa.string()), ("errors", pa.int32())])


def write_catalog_state(
    connection: Connection, feed: str, folder: Path, *, listed: Iterable[str] | None = None
) -> None:
    """Write what is known of the feed's records: their state, what stewards decided, and their open errors.

    Stewards refused or accepted a version, or declared a record to be gone. With `listed`, distinct identifiers, only
    the states of these records are written, and of those that wait or have an open error, which the gate looks at one
    by one; when nothing is listed, no states and no errors.
    """
    refused = select(RefusedRow.key, RefusedRow.sha256).where(RefusedRow.feed == feed)
    _write(_stream(connection, refused), _VERSIONS, folder / "refused.parquet", len(feed) + 1)
    for name, (action, schema) in _DECISIONS.items():
        decisions = select(CurationRow.key, CurationRow.value).where(
            CurationRow.action == action,
            CurationRow.undone_at.is_(None),
            CurationRow.key.startswith(f"{feed}:", autoescape=True),
        )
        _write(_stream(connection, decisions), schema, folder / f"{name}.parquet", len(feed) + 1)
    listed = None if listed is None else peekable(listed)
    is_nothing_listed = listed is not None and not listed
    errors = select(*_ERROR, func.count(literal(1))).where(*_open_errors(feed)).group_by(*_ERROR)
    errors = errors.where(false()) if is_nothing_listed else errors
    _write(_stream(connection, errors), _ERRORS, folder / "errors.parquet", len(feed) + 1)
    states = select(*(getattr(SourceRecordRow, name) for name in _STATE.names))
    if listed is None:
        rows = _stream(connection, states.where(SourceRecordRow.feed == feed))
    elif is_nothing_listed:
        rows = iter(())
    else:
        rows = _rows_of(connection, states, feed, listed)
    _write(rows, _STATE, folder / "state.parquet")


def _open_errors(feed: str) -> tuple[ColumnElement[bool], ...]:
    return IssueRow.feed == feed, IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None)


def _rows_of(connection: Connection, query: _Query, feed: str, listed: Iterable[str]) -> Iterator[Row[Any]]:
    """Yield the rows of the listed records, and then of the others that wait or have an open error.

    The query names no feed, or SQLite would read all of it for every few keys.
    """
    waiting = select(SourceRecordRow.key).where(
        SourceRecordRow.feed == feed, SourceRecordRow.pending_status.is_not(None)
    )
    others = {*connection.scalars(waiting), *connection.scalars(select(IssueRow.key).where(*_open_errors(feed)))}
    for identifiers in chunked(listed, MAX_BOUND_VALUES):
        keys = [f"{feed}:{identifier}" for identifier in identifiers]
        others.difference_update(keys)
        yield from rows_among(connection, query, SourceRecordRow.key, keys)
    yield from rows_among(connection, query, SourceRecordRow.key, sorted(others))


def identifiers_of_pages(connection: Connection, feed: str, pages: Set[str]) -> Iterator[str]:
    """Yield the identifiers of the feed's records that are on one of these pages: its identifier, `#` and more."""
    keys = select(SourceRecordRow.key).where(
        SourceRecordRow.key.startswith(f"{feed}:", autoescape=True), SourceRecordRow.key.contains("#")
    )
    for (key,) in _stream(connection, keys):
        identifier = key[len(feed) + 1 :]
        if any(identifier[: place.start()] in pages for place in re.finditer("#", identifier)):
            yield identifier


def _stream(connection: Connection, query: _Query) -> Iterator[Row[Any]]:
    streamed = connection.execute(query, execution_options={"stream_results": True, "yield_per": _BATCH_ROWS})
    for rows in streamed.partitions(_BATCH_ROWS):
        yield from rows


def _write(rows: Iterable[Row[Any]], schema: pa.Schema, path: Path, prefix: int = 0) -> None:
    with whole_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in chunked(rows, _BATCH_ROWS):
            columns = [list(column) for column in zip(*batch, strict=True)]
            if prefix:  # the first column is a key; the identifier is the key without its feed
                columns[0] = [key[prefix:] for key in columns[0]]
            arrays = [arrow_array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
