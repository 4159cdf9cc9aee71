"""A DuckDB that works in a folder with a fixed amount of memory, and spills to disk rather than grow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MEMORY = "160MB"
_THREADS = 2


@contextmanager
def open_workspace(folder: Path) -> Iterator[Any]:
    """A DuckDB connection whose tables lie in the folder while it is open; it spills rather than grow."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "work.duckdb"
    _remove(folder, path)
    connection = duckdb.connect(str(path))
    try:
        for said in (
            f"memory_limit = '{_MEMORY}'",
            f"threads = {_THREADS}",
            f"temp_directory = '{_quoted(folder / 'spill')}'",
            "preserve_insertion_order = false",
            "enable_progress_bar = false",
        ):
            connection.execute(f"SET {said}")
        yield connection
    finally:
        connection.close()
        _remove(folder, path)


def create_parquet_view(connection: Any, name: str, *paths: Path, more: str = "") -> None:
    """Make a view of Parquet files."""
    listed = ", ".join(f"'{_quoted(path)}'" for path in paths)
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{listed}]{more})")  # noqa: S608 (our names)


def write_parquet(connection: Any, name: str, path: Path) -> None:
    """Write the rows of a table or view as one Parquet file."""
    connection.execute(f"COPY {name} TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10000)")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _remove(folder: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    shutil.rmtree(folder / "spill", ignore_errors=True)
