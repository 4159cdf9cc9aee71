"""The rows as they were before a run changed them, kept with its landing, so that the run can be undone exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, select

from loaders.catalog_run import Run
from loaders.files import whole_file
from loaders.models import Issue, SourceRecord
from schemas.environment import Environment

NAME = "before.parquet"
SCHEMA = pa.schema([("table", pa.string()), ("key", pa.string()), ("row", pa.string())])
LOOKUP = 500
TABLES: dict[str, Any] = {"source_record": SourceRecord.__table__, "issue": Issue.__table__}
KEYS = {"source_record": "key", "issue": "finding"}


def before_path(env: Environment, feed: str, run_id: str) -> Path:
    """Where a run's rows-before lie: in landing, which is backed up."""
    return env.landing / feed / run_id / NAME


class Before:
    """Gathers the rows that a load is about to change; a row that is not there yet is noted as missing."""

    def __init__(self, env: Environment, run: Run) -> None:
        self._path = before_path(env, run.feed, run.id)
        self._beside = self._path.with_name(f".{NAME}.tmp")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = None

    def note_records(self, connection: Connection, keys: Sequence[str]) -> None:
        """Note the rows of source_record with these keys."""
        self._note(connection, "source_record", keys)

    def note_issues(self, connection: Connection, findings: Sequence[str]) -> None:
        """Note the rows of issue with these findings."""
        self._note(connection, "issue", findings)

    def keep(self) -> None:
        """Make what was noted durable. Called before the commit: rows-before without a load do no harm."""
        if self._writer is None:
            return
        self._writer.close()
        with whole_file(self._path) as beside:
            self._beside.replace(beside)

    def _note(self, connection: Connection, name: str, keys: Sequence[str]) -> None:
        if not keys:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._beside, SCHEMA, compression="zstd")
        table, column = TABLES[name], TABLES[name].c[KEYS[name]]
        for start in range(0, len(keys), LOOKUP):
            asked = keys[start : start + LOOKUP]
            found = {
                row[KEYS[name]]: msgspec.json.encode(dict(row)).decode()
                for row in connection.execute(select(table).where(column.in_(asked))).mappings()
            }
            rows = [found.get(key) for key in asked]
            self._writer.write_table(
                pa.table({"table": [name] * len(asked), "key": list(asked), "row": rows}, schema=SCHEMA)
            )


def read_before(path: Path, size: int = LOOKUP) -> Iterator[list[tuple[str, str, dict[str, Any] | None]]]:
    """What was noted, some at a time: (table, key, the row or None when there was none)."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size):
            yield [
                (one["table"], one["key"], None if one["row"] is None else msgspec.json.decode(one["row"]))
                for one in batch.to_pylist()
            ]
