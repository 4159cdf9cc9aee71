"""The rows as they were before a run changed them, kept with its landing, so that the run can be undone exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, select

from loaders.store import Run, SourceRecordRow, whole_file
from schemas import Environment

_NAME = "before.parquet"
_SCHEMA = pa.schema([("table", pa.string()), ("key", pa.string()), ("row", pa.string())])
_LOOKUP = 500
_RECORDS: Any = SourceRecordRow.__table__


def undo_log_path(env: Environment, feed: str, run_id: str) -> Path:
    """Where a run's rows-before lie: in landing, which is backed up."""
    return env.landing / feed / run_id / _NAME


class UndoLog:
    """Gathers the rows that a load is about to change; a row that is not there yet is noted as missing."""

    def __init__(self, env: Environment, run: Run) -> None:
        self._path = undo_log_path(env, run.feed, run.id)
        self._beside = self._path.with_name(f".{_NAME}.tmp")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = None

    def note_records(self, connection: Connection, keys: Sequence[str]) -> None:
        """Note the rows of source_record with these keys."""
        for start in range(0, len(keys), _LOOKUP):
            asked = keys[start : start + _LOOKUP]
            rows = connection.execute(select(_RECORDS).where(_RECORDS.c.key.in_(asked))).mappings()
            found = {row["key"]: dict(row) for row in rows}
            self._note("source_record", [(key, found.get(key)) for key in asked])

    def note_issues(self, rows: Iterable[tuple[str, dict[str, Any] | None]]) -> None:
        """Note findings with their rows, as the load has just read them."""
        self._note("issue", list(rows))

    def keep(self) -> None:
        """Make what was noted durable. Called before the commit: rows-before without a load do no harm."""
        if self._writer is None:
            return
        self._writer.close()
        with whole_file(self._path) as beside:
            self._beside.replace(beside)

    def _note(self, name: str, rows: Sequence[tuple[str, dict[str, Any] | None]]) -> None:
        if not rows:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._beside, _SCHEMA, compression="zstd")
        said = [None if row is None else msgspec.json.encode(row).decode() for _, row in rows]
        columns = (_texts([name] * len(rows)), _texts([key for key, _ in rows]), _texts(said))
        self._writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))


def _texts(values: Sequence[str | None]) -> Any:
    """An Arrow array of texts. pyarrow.array would import pandas, which takes longer than a small load."""
    built = pa.lib.StringBuilder()
    built.append_values(values)
    return built.finish()


def read_undo_log(path: Path, size: int = _LOOKUP) -> Iterator[list[tuple[str, str, dict[str, Any] | None]]]:
    """What was noted, some at a time: (table, key, the row or None when there was none)."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size):
            yield [
                (one["table"], one["key"], None if one["row"] is None else msgspec.json.decode(one["row"]))
                for one in batch.to_pylist()
            ]
