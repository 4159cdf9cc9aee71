# ruff: noqa: S608  # the SQL is put together from constants of this package and the model, never from data
"""Compare the titles of scored pairs by their words: only a shared identifier outweighs a difference."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from transforms.match.blocks import JUDGED_RULE
from transforms.match.feature_rows import titles_of
from transforms.match.model import Model
from transforms.match.wording import titles_difference

BATCH = 20_000  # pairs whose titles are held as Python objects
_DIFFERENCES = pa.schema([("idx_l", pa.int32()), ("idx_r", pa.int32()), ("words_seen", pa.string())])
_SHARED = ("shared", "address shared", "shared, under unlike titles", "address shared, under unlike titles")


def compare_wordings(
    connection: duckdb.DuckDBPyConnection, model: Model, scored: str, features: str, *, everything: bool
) -> str:
    """Return a table of what tells the titles of scored pairs apart, of those that may be kept, or of `everything`.

    `features` holds the tagged titles of their records. Titles of one wording have no row.
    """
    kept = "" if everything else f"AND (match_probability >= {model.review} - 1e-6 OR match_key = {JUDGED_RULE})"
    connection.execute("CREATE OR REPLACE TEMP TABLE difference (idx_l INTEGER, idx_r INTEGER, words_seen VARCHAR)")
    pairs = connection.sql(
        "SELECT idx_l, idx_r, l.tagged_titles, r.tagged_titles "
        f"FROM {scored} JOIN {features} l ON l.idx = idx_l JOIN {features} r ON r.idx = idx_r "
        f"WHERE l.tagged_titles <> r.tagged_titles {kept}"
    ).to_arrow_table()
    for batch in pairs.to_batches(max_chunksize=BATCH):
        connection.register("compared_batch", _differences(batch))
        connection.execute("INSERT INTO difference FROM compared_batch")
        connection.unregister("compared_batch")
    return "difference"


def _differences(pairs: pa.RecordBatch) -> pa.Table:
    rows: list[dict[str, object]] = []
    for idx_l, idx_r, left, right in zip(*(column.to_pylist() for column in pairs.columns), strict=True):
        apart = titles_difference(titles_of(left), titles_of(right))
        if apart is not None:
            rows.append({"idx_l": idx_l, "idx_r": idx_r, "words_seen": apart.seen})
    return pa.Table.from_pylist(rows, schema=_DIFFERENCES)


def capped_sql(model: Model) -> str:
    """Return SQL that is true of a scored pair, joined with `difference`, that may be for review at best.

    Its titles differ and no identifier is shared.
    """
    (identifiers,) = (row for row in model.settings["comparisons"] if row["output_column_name"] == "identifiers")
    levels = [level for level in identifiers["comparison_levels"] if not level.get("is_null_level")]
    shared = [len(levels) - 1 - place for place, level in enumerate(levels) if level["label_for_charts"] in _SHARED]
    if len(shared) != len(_SHARED):
        raise ValueError(f"the comparison identifiers of the match model has not the levels {', '.join(_SHARED)}")
    return f"(words_seen IS NOT NULL AND gamma_identifiers NOT IN ({', '.join(map(str, shared))}))"
