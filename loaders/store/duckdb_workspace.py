"""A DuckDB database in a folder, with a fixed amount of memory: it spills to disk rather than grow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loaders.store.whole_files import make_folder, whole_file

_MEMORY_LIMIT = "160MB"
_THREADS = 2


@contextmanager
def open_workspace(folder: Path, memory: str = _MEMORY_LIMIT) -> Iterator[Any]:
    """Open a DuckDB connection whose tables and spill files are in the folder, and are removed at the end."""
    import duckdb

    make_folder(folder)
    path = folder / "work.duckdb"
    _remove(folder, path)
    connection = duckdb.connect(str(path))
    try:
        for setting in (
            f"memory_limit = '{memory}'",
            f"threads = {_THREADS}",
            f"temp_directory = '{_escape(folder / 'spill')}'",
            "preserve_insertion_order = false",
            "enable_progress_bar = false",
        ):
            connection.execute(f"SET {setting}")
        yield connection
    finally:
        connection.close()
        _remove(folder, path)


def create_parquet_view(connection: Any, name: str, *paths: Path, more: str = "") -> None:
    """Create a view of Parquet files; `more` are further options of read_parquet, such as ", filename = true"."""
    files = ", ".join(f"'{_escape(path)}'" for path in paths)
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{files}]{more})")  # noqa: S608 (our names)


def write_parquet(connection: Any, name: str, path: Path) -> None:
    """Write the rows of a table, a view or a query in parentheses as one whole Parquet file."""
    with whole_file(path) as temporary:
        connection.execute(
            f"COPY {name} TO '{_escape(temporary)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10000)"
        )


def _escape(path: Path) -> str:
    return str(path).replace("'", "''")


def _remove(folder: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    shutil.rmtree(folder / "spill", ignore_errors=True)
