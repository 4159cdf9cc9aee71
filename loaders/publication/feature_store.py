# ruff: noqa: S608  # the SQL is put together from names of this module and its files, never from data
"""Keep the match features of records that a run transformed, until a publication has taken them up.

One Parquet file per chunk under ELIB_HOME/match/features. A row counts for a live record with its key and sha256, in
the same version of the features; features that are not here are computed from the catalog. The files can be deleted at
any time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.store import whole_file
from schemas import Environment

log = logging.getLogger("elib.match")
_UNREADABLE = "%s cannot be read, so its records are read from the catalog: %s"


def write_chunk_features(env: Environment, chunk: str, features: pa.Table) -> None:
    """Write the features of a chunk's records; `chunk` is relative to ELIB_HOME."""
    path = Path(chunk)
    with whole_file(_folder(env) / f"{path.parts[1]}-{path.name}") as temporary:
        pq.write_table(features, temporary, compression="zstd")


def copy_stored_features(env: Environment, connection: Any, wanted: str, schema: pa.Schema, target: Path) -> list[str]:
    """Copy the stored features of the records of a table to a Parquet file; return the keys of those without any.

    `wanted` has the `key` of each record and the sha256 of its text, `record_sha256`. Only rows of this schema count. A
    file that cannot be read is left out, with a warning.
    """
    import duckdb

    files = [path for path in sorted(_folder(env).glob("*.parquet")) if _is_of_schema(path, schema)]
    while True:
        try:
            _copy(connection, files, wanted, schema, target)
            break
        except duckdb.Error:
            readable = [path for path in files if _is_readable(path)]
            if readable == files:
                raise
            files = readable
    rest = connection.execute(f"SELECT key FROM {wanted} ANTI JOIN picked USING (key) ORDER BY key").fetchall()
    return [key for (key,) in rest]


def _copy(connection: Any, files: Sequence[Path], wanted: str, schema: pa.Schema, target: Path) -> None:
    """Copy one row for each wanted record that some file has, and write the table `picked` of their keys."""
    if not files:
        connection.execute("CREATE OR REPLACE TABLE picked (key VARCHAR)")
        pq.write_table(schema.empty_table(), target)
        return
    numbers = ", ".join(f"({_quoted(path)}, {number})" for number, path in enumerate(files))
    names = ", ".join(map(_quoted, files))
    stored = (
        f"SELECT * EXCLUDE (filename, file_row_number, name, number), number * {2**32} + file_row_number AS place "
        f"FROM read_parquet([{names}], filename = true, file_row_number = true) "
        f"JOIN (VALUES {numbers}) file (name, number) ON filename = name"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE picked AS SELECT key, min(place) AS place FROM ({stored}) "
        f"SEMI JOIN {wanted} USING (key, record_sha256) GROUP BY key"
    )
    connection.execute(
        f"COPY (SELECT * EXCLUDE (place) FROM ({stored}) SEMI JOIN picked USING (place)) TO {_quoted(target)} "
        "(FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE 20000)"
    )


def _is_of_schema(path: Path, schema: pa.Schema) -> bool:
    try:
        stored = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        log.warning(_UNREADABLE, path, error)
        return False
    return bool(stored.equals(schema)) and stored.metadata == schema.metadata


def _is_readable(path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches(use_threads=False):
                pass
    except (pa.ArrowException, OSError) as error:
        log.warning(_UNREADABLE, path, error)
        return False
    return True


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def delete_stored_features(env: Environment, until: float) -> None:
    """Delete the files written until a time (seconds since the epoch); the match before it has read them."""
    for path in _folder(env).glob("*.parquet"):
        if path.stat().st_mtime <= until:
            path.unlink(missing_ok=True)


def _folder(env: Environment) -> Path:
    folder = env.home / "match" / "features"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
