"""Look up which records of the catalog have an identifier or a title, in the features of the last match.

Nothing is compared or scored: this is what a preview expects, before a match is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from loaders.publication.match_state import StateUnreadable, kept_features
from loaders.store import SourceRecordRow, read_transaction, rows_among
from schemas import Environment, FeatureFiles

_BATCH_ROWS = 50_000
_COLUMNS = ("identifiers", "titles")


class Alike(NamedTuple):
    """A record of the catalog, and the identifier or folded title that it has in common."""

    key: str
    column: str  # identifiers or titles
    value: str


class NoFeatures(Exception):
    """There are no features of a match, or only of another version of them: nothing can be looked up."""


def records_alike(
    env: Environment, identifiers: Collection[str], titles: Collection[str], schema: pa.Schema
) -> Iterator[Alike]:
    """Yield the records that have one of the identifiers or folded titles, as the columns of features hold them.

    `schema` is that of the features. Reads the file in batches. Raises NoFeatures.
    """
    wanted = {
        "identifiers": pa.array(sorted(identifiers), pa.string()),
        "titles": pa.array(sorted(titles), pa.string()),
    }
    try:
        files = kept_features(env)
        if files is None:
            raise NoFeatures("no match has been made yet")
        for batch in _read(files, schema):
            for column in _COLUMNS:
                yield from _among(batch, column, wanted[column])
    except FileNotFoundError as error:
        raise NoFeatures("a match was published meanwhile; try again") from error
    except (StateUnreadable, pa.ArrowException, OSError) as error:
        raise NoFeatures(f"the features cannot be read: {error}") from error


def _read(files: FeatureFiles, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the keys, identifiers and titles of all features: of the base but for what is gone, then what changed."""
    gone = np.array([], dtype=np.int64)
    if files.gone is not None:
        gone = pq.read_table(files.gone)["row"].to_numpy()
    first = 0
    for batch in _batches(files.base, schema):
        rows = np.arange(first, first + batch.num_rows)
        first += batch.num_rows
        yield batch.filter(pa.array(~np.isin(rows, gone))) if len(gone) else batch
    if files.changed is not None:
        yield from _batches(files.changed, schema)


def _batches(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        if file.schema_arrow.metadata is None or file.schema_arrow.metadata != schema.metadata:
            raise NoFeatures(f"{path} holds features of another version")
        yield from file.iter_batches(_BATCH_ROWS, columns=["key", *_COLUMNS], use_threads=False)


def _among(batch: pa.RecordBatch, column: str, wanted: pa.Array) -> Iterator[Alike]:
    import pyarrow.compute as pc  # here, because every publication imports this module

    lists = batch.column(column)
    values = pc.list_flatten(lists)
    mask = pc.is_in(values, value_set=wanted)
    if not pc.any(mask).as_py():
        return
    rows = pc.list_parent_indices(lists).filter(mask)
    keys = batch.column("key").take(rows)
    for key, value in zip(keys.to_pylist(), values.filter(mask).to_pylist(), strict=True):
        yield Alike(key, column, value)


def resource_ids(env: Environment, keys: Collection[str]) -> dict[str, str | None]:
    """Return the resource that each record is published in, of the records that the catalog has."""
    columns: Any = (SourceRecordRow.key, SourceRecordRow.resource_id)
    with read_transaction(env) as connection:
        rows = rows_among(connection, select(*columns), SourceRecordRow.key, sorted(keys))
        return dict(map(tuple, rows))
