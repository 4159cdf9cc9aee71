"""Read what the load of a staging writes: one row per record, joined with the texts in its outcomes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.staging.folder import OUTCOMES_FOLDER, ROWS_FOLDER
from loaders.store import whole_file
from schemas import sentence

_CHECKED_COLUMNS = ("record_sha256", "codes")  # a row and its outcome must agree on the record and its errors
_TEXT_COLUMNS = ["record", "uncoded_terms", *_CHECKED_COLUMNS]  # of the outcome with the row's number


_STAGED_FILE = "staged.json"
# what else the load reads, where the run has it
_OTHER_FILES = ("batch.parquet", "unrefused.parquet")


class RowsUnreadable(ValueError):
    """A file of a staging is gone, is damaged, or is not the one that was staged; the message names it."""


def note_staged_files(folder: Path) -> None:
    """Write down how many rows each file of a staging has that the load will read."""
    paths = [*row_files(folder), *sorted((folder / OUTCOMES_FOLDER).glob("*.parquet"))]
    paths += [folder / name for name in _OTHER_FILES if (folder / name).exists()]
    rows = {path.relative_to(folder).as_posix(): _count_rows(path) for path in paths}
    with whole_file(folder / _STAGED_FILE) as temporary:
        temporary.write_bytes(msgspec.json.encode(rows))


def check_staged_files(folder: Path, *, outcomes: bool = True) -> None:
    """Raise RowsUnreadable unless every file that was staged (with or without outcomes) is there with as many rows.

    Nothing is checked in a staging of an earlier version, which has no note of its files.
    """
    path = folder / _STAGED_FILE
    if not path.exists():
        return
    try:
        staged = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except msgspec.DecodeError as error:
        raise RowsUnreadable(sentence("%(path)s is damaged: %(why)s", path=str(path), why=str(error))) from error
    for name, rows in staged.items():
        if not outcomes and name.startswith(f"{OUTCOMES_FOLDER}/"):
            continue
        row_count = _count_rows(folder / name)
        if row_count != rows:
            raise RowsUnreadable(
                sentence(
                    "%(name)s has %(row_count)s rows, and %(rows)s were staged",
                    name=str(folder / name),
                    row_count=str(row_count),
                    rows=str(rows),
                )
            )
    more = {file.relative_to(folder).as_posix() for file in row_files(folder)} - staged.keys()
    if more:
        raise RowsUnreadable(sentence("%(more)s was not staged", more=str(folder / min(more))))


def _count_rows(path: Path) -> int:
    with open_parquet(path) as file:
        return int(file.metadata.num_rows)


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file of a staging. Raises RowsUnreadable, also for what is found to be damaged while it is read."""
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError as error:
        raise RowsUnreadable(sentence("%(path)s is gone", path=str(path))) from error
    except (pa.ArrowException, OSError) as error:
        raise RowsUnreadable(sentence("%(path)s is damaged: %(why)s", path=str(path), why=str(error))) from error


def row_files(folder: Path) -> list[Path]:
    """Return the files of the rows to load; none when the run is not staged."""
    return sorted((folder / ROWS_FOLDER).glob("*.parquet"))


def row_batches(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a file in batches of at most `size`, each row with its record.

    Reads only the row groups of the outcomes that a row is in. Raises RowsUnreadable.
    """
    with open_parquet(path) as file:
        rows = file.read() if "row" in file.schema_arrow.names else None  # rows without a record have no number
    outcomes = path.parent.parent / OUTCOMES_FOLDER / path.name
    yield from parquet_batches(path, size) if rows is None else _with_texts(rows, outcomes, size)


def parquet_batches(path: Path, size: int, *, columns: list[str] | None = None) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a Parquet file in batches of at most `size`."""
    with open_parquet(path) as file:
        for batch in file.iter_batches(size, columns=columns):
            yield batch.to_pylist()


def _with_texts(rows: pa.Table, outcomes: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    numbers: list[int] = rows["row"].to_pylist()
    if not numbers:
        return
    with open_parquet(outcomes) as file:
        if numbers != sorted(numbers) or numbers[-1] >= file.metadata.num_rows:
            raise RowsUnreadable(
                sentence(
                    "%(outcomes)s has %(num_rows)s records, and %(numbers)s was staged of it",
                    outcomes=str(outcomes),
                    num_rows=str(file.metadata.num_rows),
                    numbers=str(numbers[-1]),
                )
            )
        first = 0
        for start, texts in _read_texts(file, numbers, size):
            last = bisect_left(numbers, start + len(texts), first)
            if last > first:
                batch = rows.slice(first, last - first).to_pylist()
                yield [_join(row, texts[row["row"] - start], outcomes) for row in batch]
            first = last


def _read_texts(file: pq.ParquetFile, numbers: list[int], size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the texts of the row groups that contain one of the numbers, in batches with the number of the first."""
    start = 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        if bisect_left(numbers, start) < bisect_left(numbers, end):
            number = start
            for batch in file.iter_batches(size, row_groups=[group], columns=_TEXT_COLUMNS):
                yield number, batch.to_pylist()
                number += batch.num_rows
        start = end


def _join(row: dict[str, Any], texts: dict[str, Any], outcomes: Path) -> dict[str, Any]:
    if any(row[name] != texts[name] for name in _CHECKED_COLUMNS):
        raise RowsUnreadable(
            sentence(
                "%(outcomes)s was written anew since %(identifier)s was staged of it",
                outcomes=str(outcomes),
                identifier=repr(row["identifier"]),
            )
        )
    return {**row, **texts}
