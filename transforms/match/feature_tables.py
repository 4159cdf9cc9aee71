# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Load features into DuckDB, numbered, for the steps of a match."""

from __future__ import annotations

from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_UNCOMPARED = (
    *("shown_title", "tagged_titles", "shown_contributors", "record_sha256", "match_sha256", "digest"),
    *(
        "more_identifiers",
        "language_bases",
        "version_targets",
        "edition_title",
    ),  # for links between works, which are found apart
)


class FeatureTables(NamedTuple):
    """Names of the tables of one catalog's features. `idx` numbers the records in both: a smaller idx is a smaller key.

    The steps of a match take the tables that they read as arguments, and return the names of those that they write.
    """

    compared: str  # the columns that pairs are found and compared by
    whole: str  # a view of every column, which reads the Arrow table


def load_features(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> FeatureTables:
    """Load features, numbered in key order."""
    keys = rows["key"]
    if len(keys) > 1 and not pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py():
        rows = rows.sort_by("key")
    tables = FeatureTables("feature", "whole_feature")
    numbers = pa.array(np.arange(1, len(keys) + 1, dtype=np.int32))
    connection.register(tables.whole, rows.add_column(0, "idx", numbers))
    connection.execute(
        f"CREATE TEMP TABLE {tables.compared} AS SELECT * EXCLUDE ({', '.join(_UNCOMPARED)}) FROM {tables.whole}"
    )
    return tables
