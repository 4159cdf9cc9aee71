"""The rows as they were before a run changed them, kept in its landing so that the run can be undone exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked
from sqlalchemy import Connection, select

from loaders.store import MAX_BOUND_VALUES, Run, SourceRecordRow, whole_file
from schemas import Environment, arrow_array

_FILE_NAME = "before.parquet"
_SCHEMA = pa.schema([("table", pa.string()), ("key", pa.string()), ("row", pa.string())])
_RECORDS: Any = SourceRecordRow.__table__
_Row = dict[str, Any] | None  # None: there was no such row


def undo_log_path(env: Environment, feed: str, run_id: str) -> Path:
    """Return the path of a run's undo log, which is in landing because landing is backed up."""
    return env.landing / feed / run_id / _FILE_NAME


class UndoLog:
    """Collects the rows that a load is about to change, or that they do not exist yet."""

    def __init__(self, env: Environment, run: Run) -> None:
        self._path = undo_log_path(env, run.feed, run.id)
        self._temporary = self._path.with_name(f".{_FILE_NAME}.tmp")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = None

    def add_records(self, connection: Connection, keys: Sequence[str]) -> None:
        """Add the rows of source_record with these keys."""
        for some in chunked(keys, MAX_BOUND_VALUES):
            rows = connection.execute(select(_RECORDS).where(_RECORDS.c.key.in_(some))).mappings()
            known = {row["key"]: dict(row) for row in rows}
            self._add("source_record", [(key, known.get(key)) for key in some])

    def add_issues(self, rows: Iterable[tuple[str, _Row]]) -> None:
        """Add issues by name with their rows, as the load has just read them."""
        self._add("issue", list(rows))

    def keep(self) -> None:
        """Make the log durable. Call it before the commit: a log without a load does no harm."""
        if self._writer is None:
            return
        self._writer.close()
        with whole_file(self._path) as temporary:
            self._temporary.replace(temporary)

    def _add(self, table: str, rows: Sequence[tuple[str, _Row]]) -> None:
        if not rows:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._temporary, _SCHEMA, compression="zstd")
        texts = [None if row is None else msgspec.json.encode(row).decode() for _, row in rows]
        columns = ([table] * len(rows), [key for key, _ in rows], texts)
        arrays = [arrow_array(column, pa.string()) for column in columns]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))


def read_undo_log(path: Path, size: int = MAX_BOUND_VALUES) -> Iterator[list[tuple[str, str, _Row]]]:
    """Yield the rows of a log in batches: (table, key, the row or None when there was none)."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size):
            yield [
                (entry["table"], entry["key"], None if entry["row"] is None else msgspec.json.decode(entry["row"]))
                for entry in batch.to_pylist()
            ]
