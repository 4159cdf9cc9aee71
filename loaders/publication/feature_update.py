# ruff: noqa: S608  # the SQL is put together from names of this module, never from data
"""Bring the match features up to the catalog: in files, without rewriting those of the records that did not change."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from loaders.publication.feature_store import copy_stored_features
from loaders.store import SourceRecordRow, open_workspace, read_transaction, temporary_folder
from schemas import PLACES_BETWEEN, Environment, FeatureFiles, arrow_array

_MEMORY = "500MB"  # of DuckDB
_READ_ROWS = 50_000
_WRITTEN_ROWS = 50_000  # of a row group
_MAX_CHANGED_SHARE = 0.1  # of the base: with more, a new base is written
_MAX_COMPARED_SHARE = 0.2  # of the records: with more changed ones, all are compared again
_Make = Callable[[list[str]], Iterator[pa.Table]]


class Sums(NamedTuple):
    """Digest of the keys and texts of some records, which does not depend on their order: their number, two sums."""

    records: int
    low: int  # of half of a hash of each
    high: int


class FeatureUpdate(NamedTuple):
    """The features of all live records, and how those that were given differ from them."""

    features: FeatureFiles
    sums: Sums
    fresh: pa.ChunkedArray | None  # keys of the features that are new or not what they were; None where most are
    gone: pa.Table | None  # features as they were of what changed or went


def update_features(
    env: Environment,
    kept: FeatureFiles | None,
    kept_sums: Sums | None,
    folder: Path,
    schema: pa.Schema,
    make: _Make,
    *,
    whole: bool = False,
) -> FeatureUpdate:
    """Return the features of all live records; what is written of them is in `folder`.

    `kept` are those of another night, which are used for the records whose text is the same. The others are those that
    transform has stored, or that `make` makes of the records with some keys, in tables of `schema`. With `whole` they
    are in one file. Memory does not grow with the catalog.
    """
    with temporary_folder(folder) as scratch, open_workspace(scratch, memory=_MEMORY) as connection:
        _write_live(env, connection)
        connection.execute(f"CREATE VIEW known AS {_known_sql(kept, schema)}")
        connection.execute("CREATE TABLE stale AS FROM live ANTI JOIN known USING (key, record_sha256)")
        connection.execute(
            "CREATE TABLE dropped AS SELECT key, record_sha256, digest, row FROM known "
            "ANTI JOIN live USING (key, record_sha256)"
        )
        sums = _sums(connection, "known") if kept_sums is None else kept_sums
        is_same = _count(connection, "stale") + _count(connection, "dropped") == 0
        if kept and is_same and not (whole and kept.changed):
            none = connection.sql("SELECT * EXCLUDE (row) FROM known LIMIT 0").to_arrow_table()
            return FeatureUpdate(kept, sums, none["key"], none)
        _write_fresh(env, connection, scratch, schema, make)
        added, removed = _sums(connection, "fresh"), _sums(connection, "dropped")
        sums = Sums(*(now + more - less for now, more, less in zip(sums, added, removed, strict=True)))
        differing, parted = _changes(connection, sums.records)
        features = _write_update(connection, kept, folder, schema, whole=whole)
    return FeatureUpdate(features, sums, differing, parted)


def _known_sql(kept: FeatureFiles | None, schema: pa.Schema) -> str:
    """Return SQL for features, with the number of their row in the base, null of those that are not in the base."""
    if kept is None:
        names = ("key", "record_sha256", "digest")
        return f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in names)}, NULL::BIGINT AS row LIMIT 0"
    base = f"SELECT * RENAME (file_row_number AS row) FROM {_parquet(kept.base, ', file_row_number = true')}"
    if kept.changed is None or kept.gone is None:
        return base
    return (
        f"FROM ({base}) ANTI JOIN {_parquet(kept.gone)} USING (row) UNION ALL BY NAME "
        f"SELECT * EXCLUDE (idx), NULL::BIGINT AS row FROM {_parquet(kept.changed)}"
    )


def _write_live(env: Environment, connection: Any) -> None:
    """Write the key of every live accepted record, with the sha256 of its JSON."""
    connection.execute("CREATE TABLE live (key VARCHAR, record_sha256 VARCHAR)")
    query = select(SourceRecordRow.key, SourceRecordRow.record_sha256).where(
        SourceRecordRow.status == "live", SourceRecordRow.record.is_not(None)
    )
    with read_transaction(env) as catalog:
        rows = catalog.execute(query, execution_options={"stream_results": True, "yield_per": _READ_ROWS})
        for some in rows.partitions(_READ_ROWS):
            keys, digests = zip(*some, strict=True)
            batch = {"key": arrow_array(keys, pa.string()), "record_sha256": arrow_array(digests, pa.string())}
            connection.register("batch", pa.table(batch))
            connection.execute("INSERT INTO live SELECT key, coalesce(record_sha256, '') FROM batch")
            connection.unregister("batch")


def _write_fresh(env: Environment, connection: Any, folder: Path, schema: pa.Schema, make: _Make) -> None:
    """Make `fresh`, a view of the features of the records of `stale`, in no order."""
    stored, made = folder / "stored.parquet", folder / "made.parquet"
    missing = copy_stored_features(env, connection, "stale", schema, stored)
    with pq.ParquetWriter(made, schema, compression="lz4") as file:
        for table in make(missing) if missing else ():
            file.write_table(table)
    connection.execute(f"CREATE VIEW fresh AS FROM {_parquet(stored)} UNION ALL BY NAME FROM {_parquet(made)}")


def _changes(connection: Any, records: int) -> tuple[pa.ChunkedArray | None, pa.Table | None]:
    """Return the keys of what is new or differs, and what went as it was; None twice where they are too many."""
    connection.execute(
        "CREATE TABLE differing AS SELECT coalesce(dropped.key, fresh.key) AS key, dropped.key IS NOT NULL AS was, "
        "fresh.key IS NOT NULL AS is_now FROM dropped FULL JOIN (SELECT key, digest FROM fresh) fresh USING (key) "
        "WHERE dropped.digest IS DISTINCT FROM fresh.digest"
    )
    if _count(connection, "differing") > _MAX_COMPARED_SHARE * records:
        return None, None
    return (
        connection.sql("SELECT key FROM differing WHERE is_now ORDER BY key").to_arrow_table()["key"],
        connection.sql(
            "SELECT * EXCLUDE (row) FROM known SEMI JOIN (FROM differing WHERE was) USING (key)"
        ).to_arrow_table(),
    )


def _write_update(
    connection: Any, kept: FeatureFiles | None, folder: Path, schema: pa.Schema, *, whole: bool
) -> FeatureFiles:
    """Write the features that replace or follow those of the base; a new base where they would be too many."""
    if kept is None:
        return FeatureFiles(_write_sorted(connection, "FROM fresh ORDER BY key", folder, "features", schema))
    fresh, gone = "FROM fresh", "SELECT row FROM dropped WHERE row IS NOT NULL"
    if kept.changed and kept.gone:
        earlier = _parquet(kept.changed)
        fresh = f"SELECT * EXCLUDE (idx) FROM {earlier} ANTI JOIN dropped USING (key) UNION ALL BY NAME FROM fresh"
        gone += f" UNION FROM {_parquet(kept.gone)}"
    connection.execute(f"CREATE TABLE changed AS {fresh}")
    connection.execute(f"CREATE TABLE gone AS {gone}")
    limit = _MAX_CHANGED_SHARE * pq.read_metadata(kept.base).num_rows
    if whole or max(_count(connection, "changed"), _count(connection, "gone")) > limit:
        rest = "SELECT * EXCLUDE (row) FROM known ANTI JOIN dropped USING (key)"
        query = f"FROM ({rest} UNION ALL BY NAME FROM fresh) ORDER BY key"
        return FeatureFiles(_write_sorted(connection, query, folder, "features", schema))
    base = f"(SELECT key, file_row_number AS row FROM {_parquet(kept.base, ', file_row_number = true')})"
    placed = (
        f"SELECT * EXCLUDE (row, own), (row + 1) * {PLACES_BETWEEN} + if(own, 0, row_number() OVER "
        "(PARTITION BY row, own ORDER BY key)) AS idx FROM (SELECT c.*, coalesce(b.row, -1) AS row, "
        f"coalesce(b.key = c.key, false) AS own FROM changed c ASOF LEFT JOIN {base} b ON c.key >= b.key) ORDER BY key"
    )
    with_idx = schema.append(pa.field("idx", pa.int64()))
    changed = _write_sorted(connection, placed, folder, "changed", with_idx)
    rows = pa.schema([("row", pa.int64())])
    return FeatureFiles(kept.base, changed, _write_sorted(connection, "FROM gone ORDER BY row", folder, "gone", rows))


def _write_sorted(connection: Any, query: str, folder: Path, name: str, schema: pa.Schema) -> Path:
    """Write the rows of a query into a file whose name no other has."""
    path = folder / f"{name}-{secrets.token_hex(8)}.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in connection.sql(query).to_arrow_reader(_WRITTEN_ROWS):
            table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
            file.write_table(table, row_group_size=_WRITTEN_ROWS)
    return path


def _sums(connection: Any, table: str) -> Sums:
    hashed = "key || chr(0) || record_sha256"
    query = f"count(*), coalesce(sum(md5_number_lower({hashed})), 0), coalesce(sum(md5_number_upper({hashed})), 0)"
    (sums,) = connection.execute(f"SELECT {query} FROM {table}").fetchall()
    return Sums(*map(int, sums))


def _count(connection: Any, table: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(count)


def _parquet(path: Path, more: str = "") -> str:
    return "read_parquet('" + str(path).replace("'", "''") + f"'{more})"
