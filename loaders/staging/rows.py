"""What the load writes, as a staging says it: a row a record, whose text is read from the outcomes that it lies in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.staging.outcomes import OUTCOMES_FOLDER

ROWS = "rows"
_SAME = ("record_sha256", "codes")  # what a row and its outcome must agree on: the record, and the errors in it
_TEXTS = ["record", "unmapped", *_SAME]  # columns of the outcomes that belong to the row of the same number


class RowsUnreadable(ValueError):
    """Rows that do not fit the outcomes beside them."""


def row_files(folder: Path) -> list[Path]:
    """The files that say what the load of a staging writes; none when it is not staged."""
    return sorted((folder / ROWS).glob("*.parquet"))


def row_batches(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of such a file, some at a time, each with its record: at most `size` records are in memory.

    Only the row groups of the outcomes in which a row lies are read. Raises RowsUnreadable when the outcomes are not
    those that were staged, or are gone.
    """
    with pq.ParquetFile(path) as file:
        rows = file.read() if "row" in file.schema_arrow.names else None  # rows of what has no record have no number
    outcomes = path.parent.parent / OUTCOMES_FOLDER / path.name
    yield from parquet_batches(path, size) if rows is None else _with_texts(rows, outcomes, size)


def parquet_batches(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of a Parquet file, some at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size):
            yield batch.to_pylist()


def _with_texts(rows: pa.Table, outcomes: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    numbers: list[int] = rows["row"].to_pylist()
    if not numbers:
        return
    if not outcomes.exists():
        raise RowsUnreadable(f"{outcomes} is gone")
    with pq.ParquetFile(outcomes) as file:
        if numbers != sorted(numbers) or numbers[-1] >= file.metadata.num_rows:
            raise RowsUnreadable(f"{outcomes} has {file.metadata.num_rows} records, and {numbers[-1]} was staged of it")
        first = 0
        for start, texts in _texts(file, numbers, size):
            last = bisect_left(numbers, start + len(texts), first)
            if last > first:
                found = rows.slice(first, last - first).to_pylist()
                yield [_joined(row, texts[row["row"] - start], outcomes) for row in found]
            first = last


def _texts(file: pq.ParquetFile, numbers: list[int], size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The texts of the row groups in which a number lies, some at a time, with the number of the first."""
    start = 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        if bisect_left(numbers, start) < bisect_left(numbers, end):
            number = start
            for batch in file.iter_batches(size, row_groups=[group], columns=_TEXTS):
                yield number, batch.to_pylist()
                number += batch.num_rows
        start = end


def _joined(row: dict[str, Any], texts: dict[str, Any], outcomes: Path) -> dict[str, Any]:
    if any(row[name] != texts[name] for name in _SAME):
        raise RowsUnreadable(f"{outcomes} was written anew since {row['identifier']!r} was staged of it")
    return {**row, **texts}
