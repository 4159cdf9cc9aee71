# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Load features into DuckDB, numbered, for the steps of a match."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas import FeatureFiles

MEMORY = "700MB"  # of a DuckDB connection; what it does not hold goes to disk
CONFIG: dict[str, Any] = {  # of every DuckDB connection of the matcher
    "threads": 2,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
UNSHOWN = (  # columns that say when a row is stale, and those for links between works, which are found apart
    *("record_sha256", "match_sha256", "digest"),
    *("more_identifiers", "language_bases", "version_targets", "edition_title"),
)
_UNCOMPARED = ("shown_title", "tagged_titles", "shown_contributors", *UNSHOWN)


class FeatureTables(NamedTuple):
    """Names of the tables of one catalog's features. `idx` numbers the records in both: a smaller idx is a smaller key.

    The steps of a match take the tables that they read as arguments, and return the names of those that they write.
    """

    compared: str  # the columns that pairs are found and compared by
    whole: str  # a view of every column, which reads the Arrow table or the files


def load_features(connection: duckdb.DuckDBPyConnection, rows: pa.Table | FeatureFiles | str) -> FeatureTables:
    """Load features, numbered in key order; those in files stay there, and are read by each step that needs them.

    A text is SQL for features with a column `idx`, of some records.
    """
    tables = FeatureTables("feature", "whole_feature")
    kind = "TABLE"
    if isinstance(rows, pa.Table):
        connection.register(tables.whole, _numbered(rows))
    else:
        kind = "VIEW"
        query = rows.query() if isinstance(rows, FeatureFiles) else rows
        connection.execute(f"CREATE TEMP VIEW {tables.whole} AS {query}")
    connection.execute(
        f"CREATE TEMP {kind} {tables.compared} AS SELECT COLUMNS(lambda name: name NOT IN {_UNCOMPARED}) "
        f"FROM {tables.whole}"
    )
    return tables


def _numbered(rows: pa.Table) -> pa.Table:
    """Return features in key order, with their idx."""
    keys = rows["key"]
    if len(keys) > 1 and not pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py():
        rows = rows.sort_by("key")
    return rows.add_column(0, "idx", pa.array(np.arange(1, len(keys) + 1, dtype=np.int32)))


def rows_of(features: pa.Table | FeatureFiles, keys: pa.Array, columns: Sequence[str]) -> pa.Table:
    """Return some columns of the features of the records with these keys, in key order."""
    if isinstance(features, pa.Table):
        return features.select(columns).filter(pc.is_in(features["key"], keys))
    with duckdb.connect(":memory:", config={**CONFIG}) as connection:
        connection.register("wanted", pa.table({"key": keys}))
        return connection.sql(
            f"SELECT {', '.join(columns)} FROM ({features.query()}) SEMI JOIN wanted USING (key) ORDER BY key"
        ).to_arrow_table()


def parquet_sql(path: Path, more: str = "") -> str:
    """Return SQL that reads a Parquet file; `more` are further options, such as ", file_row_number = true"."""
    return f"read_parquet({quoted(path)}{more})"


def quoted(path: Path) -> str:
    """Return a path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
