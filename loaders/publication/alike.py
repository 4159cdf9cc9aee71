"""Look up which records of the catalog have an identifier or a title, in the features of the last match.

Nothing is compared or scored: this is what a preview expects, before a match is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select

from loaders.publication.match_state import features_file
from loaders.store import SourceRecordRow, read_transaction, rows_among
from schemas import Environment

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
    path = features_file(env)
    wanted = {
        "identifiers": pa.array(sorted(identifiers), pa.string()),
        "titles": pa.array(sorted(titles), pa.string()),
    }
    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.metadata is None or file.schema_arrow.metadata != schema.metadata:
                raise NoFeatures(f"{path} holds features of another version")
            for batch in file.iter_batches(_BATCH_ROWS, columns=["key", *_COLUMNS], use_threads=False):
                for column in _COLUMNS:
                    yield from _among(batch, column, wanted[column])
    except FileNotFoundError as error:
        raise NoFeatures("no match has been made yet") from error
    except (pa.ArrowException, OSError) as error:
        raise NoFeatures(f"{path} cannot be read: {error}") from error


def _among(batch: pa.RecordBatch, column: str, wanted: pa.Array) -> Iterator[Alike]:
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
