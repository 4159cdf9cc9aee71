"""Keep which fields each live record of a feed has, so that a night reads the records that changed.

A SQLite file beside the feed's report: <feed>.fields.db. What is not known for certain is read from all records: after
an undone run, a restored catalog or a change of what counts as a field. The file can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, exists, func, select

from loaders.reports.completeness import FIELDS, Shares, counted_shares, filled_fields
from loaders.store import CurationRow, HarvestRunRow, SourceRecordRow, make_folder, rows_among, undecoded

log = logging.getLogger("elib.report")
_VERSION = f"1 {' '.join(FIELDS)}"  # another one makes all records be read again
_MAX_CHANGED_RECORDS = 100_000  # with more, all are read: their keys are held in memory
_READ_ROWS = 1_000
_BUSY_SECONDS = 600
_TABLES = """
CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, fields INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, state TEXT NOT NULL);
"""


class _State(NamedTuple):
    """What the kept fields were read from."""

    version: str
    last_run: str  # the newest run that wrote records
    last_undo: str
    records: int  # live ones


_STATE = msgspec.json.Decoder(_State)


def read_field_shares(connection: Connection, path: Path, feed: str) -> Shares:
    """Return the share of the feed's live records that have each field, and keep in `path` which each of them has."""
    state = _current_state(connection, feed)
    try:
        return _read_field_shares(connection, path, feed, state)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # the disk is full, or another process writes it for long
            raise
        log.warning("%s: the file cannot be read, so all records of the feed are read: %s", path, error)
        for file in (path, path.with_name(f"{path.name}-journal")):
            file.unlink(missing_ok=True)
        return _read_field_shares(connection, path, feed, state)


def _read_field_shares(connection: Connection, path: Path, feed: str, state: _State) -> Shares:
    with _opened(path) as kept:
        changed = _changed_keys(connection, feed, _kept_state(kept), state)
        if changed is not None:
            _forget(kept, changed)
            _keep(kept, _live_among(connection, feed, changed))
        counts = _count(kept)
        if changed is None or sum(counts.values()) != state.records:
            kept.execute("DELETE FROM record")
            _keep(kept, _live_records(connection, feed))
            counts = _count(kept)
        kept.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", [msgspec.json.encode(state).decode()])
        return counted_shares(counts)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file in a transaction, which an exception undoes."""
    make_folder(path.parent)
    with contextlib.closing(sqlite3.connect(path, _BUSY_SECONDS, isolation_level=None)) as kept:
        kept.executescript(_TABLES)
        kept.execute("BEGIN IMMEDIATE")
        try:
            yield kept
        except BaseException:
            kept.rollback()
            raise
        kept.commit()


def _current_state(connection: Connection, feed: str) -> _State:
    wrote_records = exists().where(SourceRecordRow.run_id == HarvestRunRow.id)
    newest = select(func.max(HarvestRunRow.id)).where(HarvestRunRow.feed == feed)
    records = select(func.count()).select_from(SourceRecordRow).where(*_live(feed))
    return _State(
        _VERSION,
        connection.scalar(newest.where(wrote_records)) or "",
        connection.scalar(newest.where(HarvestRunRow.kind == "undo")) or "",
        connection.scalar(records) or 0,
    )


def _live(feed: str) -> tuple[Any, ...]:
    return (SourceRecordRow.feed == feed, SourceRecordRow.status == "live")


def _kept_state(kept: sqlite3.Connection) -> _State | None:
    row = kept.execute("SELECT state FROM state").fetchone()
    try:
        return _STATE.decode(row[0]) if row else None
    except msgspec.DecodeError:
        return None


def _changed_keys(connection: Connection, feed: str, earlier: _State | None, state: _State) -> list[str] | None:
    """Return the keys of the records that may have changed since an earlier state; None when that is not known.

    Runs change records, and so do stewards, of a record or of the resource that it is in.
    """
    is_known = earlier is not None and (earlier.version, earlier.last_undo) == (state.version, state.last_undo)
    if earlier is None or not is_known or earlier.last_run > state.last_run:
        return None
    runs = select(HarvestRunRow.id).where(HarvestRunRow.feed == feed, HarvestRunRow.id > earlier.last_run)
    by_run = select(SourceRecordRow.key).where(SourceRecordRow.run_id.in_(runs))
    curated = select(CurationRow.key).where(CurationRow.key.startswith(f"{feed}:", autoescape=True)).distinct()
    resources = select(CurationRow.resource_id).where(CurationRow.resource_id.is_not(None))
    in_curated = select(SourceRecordRow.key).where(
        SourceRecordRow.resource_id.is_not(None), SourceRecordRow.resource_id.in_(resources)
    )
    queries = (query.limit(_MAX_CHANGED_RECORDS + 1) for query in (by_run, curated, in_curated))
    keys = {key for key in chain.from_iterable(connection.scalars(query) for query in queries) if key is not None}
    return sorted(keys) if len(keys) <= _MAX_CHANGED_RECORDS else None


def _live_records(connection: Connection, feed: str) -> Iterable[tuple[str, str | bytes]]:
    """Yield key and JSON of every live record of the feed."""
    query = select(SourceRecordRow.key, undecoded(connection, SourceRecordRow.record)).where(
        *_live(feed), SourceRecordRow.record.is_not(None)
    )
    return connection.execute(query.execution_options(yield_per=_READ_ROWS))


def _live_among(connection: Connection, feed: str, keys: list[str]) -> Iterator[tuple[str, str | bytes]]:
    """Yield key and JSON of the feed's live records among these.

    The database is asked for the keys only: with more conditions SQLite reads the whole feed for each batch of them.
    """
    columns = (SourceRecordRow.feed, SourceRecordRow.status, undecoded(connection, SourceRecordRow.record))
    for key, of_feed, status, record in rows_among(
        connection, select(SourceRecordRow.key, *columns), SourceRecordRow.key, keys
    ):
        if of_feed == feed and status == "live" and record is not None:
            yield key, record


def _forget(kept: sqlite3.Connection, keys: Iterable[str]) -> None:
    kept.executemany("DELETE FROM record WHERE key = ?", ([key] for key in keys))


def _keep(kept: sqlite3.Connection, records: Iterable[tuple[str, str | bytes]]) -> None:
    for some in chunked(records, _READ_ROWS):
        rows = [(key, filled_fields(record)) for key, record in some]
        kept.executemany("INSERT OR REPLACE INTO record VALUES (?, ?)", rows)


def _count(kept: sqlite3.Connection) -> dict[int, int]:
    """Count the records by the fields that they have."""
    return dict(kept.execute("SELECT fields, count(*) FROM record GROUP BY fields"))
