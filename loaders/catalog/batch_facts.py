# ruff: noqa: S608  # the SQL is put together from names of this module and its files, never from data
"""Keep what the batch rules compare of each record from night to night, so that its JSON is read once.

Parquet files under ELIB_HOME/batch/<feed>. A row counts for a record with its key and sha256, in the same version of
our code; what is not there is made from the record. The files can be deleted at any time: a check reads them under
second names, and puts its own there once they are complete.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked
from sqlalchemy import Connection, select

from loaders.catalog.gate_inputs import deleted_keys, staged_records
from loaders.store import (
    MAX_BOUND_VALUES,
    SourceRecordRow,
    feed_name_of,
    link_file,
    open_workspace,
    read_transaction,
    rows_among,
    sweep,
    temporary_folder,
    undecoded,
    whole_file,
)
from schemas import Environment, arrow_array

log = logging.getLogger("elib.check")
_MEMORY = "400MB"  # of DuckDB
_READ_ROWS = 50_000
_WRITTEN_ROWS = 5_000
_MAX_FILES = 40
_MAX_STORED_SHARE = 1.5  # of the records of the feed; with more rows, one file is written of those that count
_FACTS = pa.schema(
    [
        ("key", pa.string()),
        ("record_sha256", pa.string()),
        ("digests", pa.list_(pa.field("element", pa.int64()))),  # as Parquet names it, so that a read schema is equal
        ("facts", pa.binary()),
    ]
)


class BatchFacts(NamedTuple):
    """What the batch rules know of a record; two records with something in common have a digest in common."""

    key: str
    record_sha256: str
    digests: list[int]
    facts: bytes


_Read = Callable[[Iterable[tuple[str, str | bytes]]], Iterable[BatchFacts]]  # from sha256 and JSON of records


def shared_facts(env: Environment, run_id: str, chunks: Sequence[str], read: _Read, version: str) -> list[bytes]:
    """Return the facts of the records that have a digest in common with another one, as the feed would be loaded.

    The JSON is read of what the chunks of the staging hold, and of live records that are not in the files yet. What was
    read by another `version` of the code does not count.
    """
    import duckdb

    folder = env.home / "batch" / feed_name_of(run_id)
    try:
        return _shared_facts(env, run_id, chunks, read, folder, _FACTS.with_metadata({"version": version}))
    except duckdb.Error as error:
        if not _delete_unreadable(folder):
            raise
        log.warning("%s: a file cannot be read, so its records are read from the catalog: %s", folder, error)
        return _shared_facts(env, run_id, chunks, read, folder, _FACTS.with_metadata({"version": version}))


def _shared_facts(
    env: Environment, run_id: str, chunks: Sequence[str], read: _Read, folder: Path, schema: pa.Schema
) -> list[bytes]:
    sweep(folder)
    with temporary_folder(env.home / "batch") as scratch, open_workspace(scratch, memory=_MEMORY) as duck:
        staged, made = (scratch / f"{run_id}-{name}.parquet" for name in ("staged", "made"))
        stored = _link_usable(folder, schema, scratch, {staged.name, made.name})
        _write(staged, schema, read(staged_records(env, chunks)))
        duck.execute(
            "CREATE TABLE staged AS SELECT key, max(file_row_number) AS row "  # of an older and a newer version, this
            f"FROM {_parquet([staged], numbered=True)} GROUP BY key"
        )
        with read_transaction(env) as connection:
            _create_rest(duck, connection, feed_name_of(run_id), deleted_keys(env, run_id))
            _create_kept(duck, stored)
            _write(made, schema, read(_missing_records(duck, connection)))
        duck.execute(f"CREATE VIEW counting AS {_counting(staged, made, stored)}")
        duck.execute(
            "CREATE TABLE shared AS SELECT digest FROM (SELECT unnest(digests) AS digest FROM counting) "
            "GROUP BY digest HAVING count(*) > 1"
        )
        duck.execute(
            "CREATE TABLE sharing AS SELECT DISTINCT key FROM (SELECT key, unnest(digests) AS digest FROM counting) "
            "SEMI JOIN shared USING (digest)"
        )
        chosen = duck.execute("SELECT facts FROM counting SEMI JOIN sharing USING (key) ORDER BY key").fetchall()
        _keep(duck, folder, run_id, schema, written=[staged, made], stored=stored)
    return [facts for (facts,) in chosen]


def forget_batch_facts(env: Environment, feed: str) -> None:
    """Delete what is kept of a feed's records, and what killed processes have left of any feed's."""
    shutil.rmtree(env.home / "batch" / feed, ignore_errors=True)
    sweep(env.home / "batch")


def _link_usable(folder: Path, schema: pa.Schema, scratch: Path, replaced: set[str]) -> list[Path]:
    """Give the files of this schema and version second names in `scratch`, and return these; the others are deleted.

    Left out are those of the names `replaced`. Another process may check the same run, where Airflow took a task for
    dead that goes on, and each of the two deletes the files in whose place it puts one.
    """
    usable = []
    for path in sorted(folder.glob("*.parquet")):
        if path.name in replaced:
            continue
        linked = scratch / path.name
        with suppress(FileNotFoundError):  # it was deleted just now
            link_file(path, linked)
            if _is_of_schema(linked, schema):
                usable.append(linked)
            else:
                path.unlink()
    return usable


def _is_of_schema(path: Path, schema: pa.Schema) -> bool:
    try:
        stored = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return False
    return bool(stored.equals(schema, check_metadata=True))


def _delete_unreadable(folder: Path) -> bool:
    """Delete the files that cannot be read to their end; return whether there was one."""
    damaged = [path for path in sorted(folder.glob("*.parquet")) if not _is_readable(path)]
    for path in damaged:
        path.unlink(missing_ok=True)
    return bool(damaged)


def _is_readable(path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_WRITTEN_ROWS):
                batch.validate(full=True)
    except (pa.ArrowException, OSError):
        return False
    return True


def _write(path: Path, schema: pa.Schema, rows: Iterable[BatchFacts]) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in chunked(rows, _WRITTEN_ROWS):
            columns = zip(zip(*batch, strict=True), schema, strict=True)
            arrays = [arrow_array(column, field.type) for column, field in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _create_rest(duck: Any, connection: Connection, feed: str, deleted: set[str]) -> None:
    """Create `rest`: key and sha256 of every live record that the run neither stages nor deletes."""
    duck.execute("CREATE TABLE live (key VARCHAR, record_sha256 VARCHAR)")
    query = select(SourceRecordRow.key, SourceRecordRow.record_sha256).where(
        SourceRecordRow.feed == feed, SourceRecordRow.status == "live", SourceRecordRow.record.is_not(None)
    )
    rows = connection.execute(query, execution_options={"stream_results": True, "yield_per": _READ_ROWS})
    for batch in rows.partitions(_READ_ROWS):
        keys, digests = zip(*batch, strict=True)
        arrays = {"key": arrow_array(keys, pa.string()), "sha256": arrow_array(digests, pa.string())}
        duck.register("read", pa.table(arrays))
        duck.execute("INSERT INTO live SELECT key, coalesce(sha256, '') FROM read")
        duck.unregister("read")
    duck.register("gone", pa.table({"key": arrow_array(sorted(deleted), pa.string())}))
    duck.execute("CREATE TABLE rest AS FROM live ANTI JOIN staged USING (key) ANTI JOIN gone USING (key)")
    duck.unregister("gone")
    duck.execute("DROP TABLE live")


def _create_kept(duck: Any, stored: Sequence[Path]) -> None:
    """Create `kept`: of every record of `rest` that the files have, the place of one of its rows."""
    if not stored:
        duck.execute("CREATE TABLE kept (key VARCHAR, place BIGINT)")
        return
    duck.execute(
        f"CREATE TABLE kept AS SELECT key, min(place) AS place FROM ({_placed(stored)}) "
        "SEMI JOIN rest USING (key, record_sha256) GROUP BY key"
    )


def _missing_records(duck: Any, connection: Connection) -> Iterator[tuple[str, str | bytes]]:
    """Yield sha256 and JSON of the records of `rest` that are not kept."""
    query = select(SourceRecordRow.record_sha256, undecoded(connection, SourceRecordRow.record))
    missing = duck.cursor().execute("SELECT key FROM rest ANTI JOIN kept USING (key) ORDER BY key")
    while keys := [key for (key,) in missing.fetchmany(MAX_BOUND_VALUES)]:
        for sha256, record in rows_among(connection, query, SourceRecordRow.key, keys):
            yield sha256 or "", record


def _counting(staged: Path, made: Path, stored: Sequence[Path]) -> str:
    """Return SQL for one row of each record of the feed, as it would be after the load."""
    columns = ", ".join(_FACTS.names)
    parts = [
        f"SELECT {columns} FROM {_parquet([staged], numbered=True)} f "
        "SEMI JOIN staged s ON f.key = s.key AND f.file_row_number = s.row",
        f"SELECT {columns} FROM {_parquet([made])}",
    ]
    if stored:
        parts.append(f"SELECT {columns} FROM ({_placed(stored)}) SEMI JOIN kept USING (place)")
    return " UNION ALL ".join(parts)


def _keep(
    duck: Any, folder: Path, run_id: str, schema: pa.Schema, *, written: Sequence[Path], stored: Sequence[Path]
) -> None:
    """Put what was written beside the files of earlier runs.

    One file of what counts is put in place of them all when they are many, or most of their rows do not count.
    """
    files = [*written, *stored]
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    ((counting,),) = duck.execute("SELECT count(*) FROM counting").fetchall()
    if len(files) <= _MAX_FILES and rows <= _MAX_STORED_SHARE * counting + _READ_ROWS:
        for path in written:
            with whole_file(folder / path.name) as temporary:
                path.replace(temporary)
        return
    whole = folder / f"{run_id}-whole.parquet"
    with whole_file(whole) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in duck.sql("FROM counting").to_arrow_reader(_WRITTEN_ROWS):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
    for path in files:
        if path.name != whole.name:
            (folder / path.name).unlink(missing_ok=True)


def _placed(files: Sequence[Path]) -> str:
    """Return SQL for the rows of files, each with a place of its own."""
    numbers = ", ".join(f"({_quoted(path)}, {number})" for number, path in enumerate(files))
    return (
        f"SELECT * EXCLUDE (filename, file_row_number, name, number), number * {2**32} + file_row_number AS place "
        f"FROM {_parquet(files, numbered=True)} JOIN (VALUES {numbers}) file (name, number) ON filename = name"
    )


def _parquet(files: Sequence[Path], *, numbered: bool = False) -> str:
    more = ", filename = true, file_row_number = true" if numbered else ""
    return f"read_parquet([{', '.join(map(_quoted, files))}]{more})"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
