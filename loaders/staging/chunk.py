"""A chunk: some thousand records to transform; and what came of them, written beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from loaders.staging.outcomes import OUTCOMES_FOLDER, read_assessments, write_assessments
from loaders.store import feed_of
from schemas import Assessment, Environment, SourceRecord

_READ = 500  # records


def read_chunk(env: Environment, chunk: str) -> Iterator[SourceRecord]:
    """The records of a chunk (a path relative to ELIB_HOME), each with its payload, wherever in landing that lies."""
    path = env.home / chunk
    feed = feed_of(path.parent.parent.name)
    rows = _read(path).to_pylist()
    for part, group in groupby(rows, key=lambda row: row["part"]):
        wanted = list(group)
        columns = ["payload", "sets", "harvested_at"]
        table = _read(env.landing / feed / part, columns).take([row["row"] for row in wanted])
        for start in range(0, len(wanted), _READ):  # a few at a time: as Python objects they take four times the room
            for row, kept in zip(wanted[start : start + _READ], table.slice(start, _READ).to_pylist(), strict=True):
                yield _source_record(feed, row, kept)


def _read(path: Path, columns: list[str] | None = None) -> Any:
    """A Parquet file as a table, without pyarrow's data set machinery, which costs 50 MB."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=columns, use_threads=False)


def _source_record(feed: str, row: dict[str, Any], kept: dict[str, Any]) -> SourceRecord:
    return SourceRecord(
        feed=feed,
        identifier=row["identifier"],
        format=row["format"],
        datestamp=row["datestamp"],
        sets=tuple(kept["sets"] or ()),
        payload=kept["payload"],
        sha256=row["sha256"],
        harvested_at=kept["harvested_at"] or "",
    )


def outcome_path(env: Environment, chunk: str) -> Path:
    """Where the outcomes of a chunk lie."""
    path = env.home / chunk
    return path.parent.parent / OUTCOMES_FOLDER / path.name


def write_outcomes(env: Environment, chunk: str, assessments: Iterable[Assessment]) -> int:
    """Write what came of a chunk's records, as one whole file; returns how many. Memory does not grow with them."""
    return write_assessments(outcome_path(env, chunk), assessments)


def read_outcomes(env: Environment, chunk: str) -> Iterator[Assessment]:
    """The assessments that were written for a chunk."""
    path = outcome_path(env, chunk)
    yield from read_assessments(path, feed_of(path.parent.parent.name))
