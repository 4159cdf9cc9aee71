"""What the load writes, as a staging says it: a row a record, whose text is read from the outcomes that it lies in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.staging_outcome import OUTCOMES_FOLDER

ROWS = "rows"
SHA256 = "record_sha256"
TEXTS = ["record", "unmapped", SHA256]  # columns of the outcomes that belong to the row of the same number


class RowsUnreadable(ValueError):
    """Rows that do not fit the outcomes beside them."""


def row_files(folder: Path) -> list[Path]:
    """The files that say what the load of a staging writes; none when it is not staged."""
    return sorted((folder / ROWS).glob("*.parquet"))


def row_batches(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of such a file, some at a time, each with its record: about `size` records are in memory.

    Raises RowsUnreadable when the outcomes lack a row, and FileNotFoundError when they are gone.
    """
    with pq.ParquetFile(path) as file:
        rows = file.read() if "row" in file.schema_arrow.names else None  # rows of what has no record have no number
    outcomes = path.parent.parent / OUTCOMES_FOLDER / path.name
    yield from batches(path, size) if rows is None else _with_texts(rows, outcomes, size)


def batches(path: Path, size: int, columns: list[str] | None = None) -> Iterator[list[dict[str, Any]]]:
    """The rows of a Parquet file, some at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size, columns=columns):
            yield batch.to_pylist()


def _with_texts(rows: pa.Table, outcomes: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    numbers: list[int] = rows["row"].to_pylist()
    if numbers != sorted(numbers):
        raise RowsUnreadable(f"the rows of {outcomes.name} are not in the order of {outcomes}")
    start = given = 0
    for texts in batches(outcomes, size, TEXTS):
        first, last = (bisect_left(numbers, number, given) for number in (start, start + len(texts)))
        if last > first:
            found = rows.slice(first, last - first).to_pylist()
            yield [_joined(row, texts[row["row"] - start], outcomes) for row in found]
        start, given = start + len(texts), last
    if given != len(numbers):
        raise RowsUnreadable(f"{outcomes} has {start} records, and the staging names one of number {numbers[given]}")


def _joined(row: dict[str, Any], texts: dict[str, Any], outcomes: Path) -> dict[str, Any]:
    if row[SHA256] != texts[SHA256]:
        raise RowsUnreadable(f"{outcomes} was written anew since {row['identifier']!r} was staged: stage the run again")
    return {**row, **texts}
