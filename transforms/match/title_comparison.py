# ruff: noqa: S608  # the SQL is put together from constants of this package and the model, never from data
"""Compare the titles of scored pairs by their words: only a shared identifier outweighs a difference."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from transforms.match.blocks import JUDGED_RULE
from transforms.match.feature_rows import titles_of
from transforms.match.model import Model
from transforms.match.wording import Title, titles_difference
from transforms.spelling import fold

BATCH = 20_000  # pairs whose titles are held as Python objects
_DIFFERENCES = pa.schema(
    [("idx_l", pa.int64()), ("idx_r", pa.int64()), ("words_seen", pa.string()), ("misspelled", pa.bool_())]
)
_SHARED = ("shared", "address shared", "shared, under unlike titles", "address shared, under unlike titles")


def compare_wordings(
    connection: duckdb.DuckDBPyConnection, model: Model, scored: str, features: str, *, everything: bool
) -> str:
    """Return a table of what tells the titles of scored pairs apart, of those that may be kept, or of `everything`.

    `features` holds the tagged titles of their records. Titles of one wording have no row. `misspelled` is true where
    the difference is a letter inside one word, and the one description of both records has the title of one of them.
    """
    kept = "" if everything else f"AND (match_probability >= {model.review} - 1e-6 OR match_key = {JUDGED_RULE})"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE difference (idx_l BIGINT, idx_r BIGINT, words_seen VARCHAR, misspelled BOOLEAN)"
    )
    pairs = connection.sql(
        "SELECT idx_l, idx_r, l.tagged_titles, r.tagged_titles, "
        "if(l.description_hash = r.description_hash, l.description_start, NULL) "
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
    for idx_l, idx_r, left, right, description in zip(*(column.to_pylist() for column in pairs.columns), strict=True):
        mine, theirs = titles_of(left), titles_of(right)
        apart = titles_difference(mine, theirs)
        if apart is not None:
            misspelled = not apart.whole and _names_one(description, mine[0], theirs[0])
            rows.append({"idx_l": idx_l, "idx_r": idx_r, "words_seen": apart.seen, "misspelled": misspelled})
    return pa.Table.from_pylist(rows, schema=_DIFFERENCES)


def _names_one(description: str | None, left: Title, right: Title) -> bool:
    """Whether the start of a folded description has one of two titles in full and not the other."""
    words = f" {description or ''} "
    return (f" {fold(left.text)} " in words) != (f" {fold(right.text)} " in words)


def capped_sql(model: Model) -> str:
    """Return SQL that is true of a scored pair, joined with `difference`, that may be for review at best.

    No identifier is shared, and its titles differ, or the model has doubts about it, or nothing but title and makers is
    the same (a journal's article and the talk before it): no year, no publisher and no start of a description.
    """
    doubts = [
        "(words_seen IS NOT NULL AND NOT misspelled)",
        *(_at_level(model, name, *labels) for name, labels in sorted(model.doubtful.items())),
        f"(gamma_year = -1 AND NOT {_at_level(model, 'publisher', 'the same', 'alike')} "
        f"AND NOT {_at_level(model, 'description', 'the same', 'begins alike')})",
    ]
    return f"(({' OR '.join(doubts)}) AND NOT {_at_level(model, 'identifiers', *_SHARED)})"


def _at_level(model: Model, name: str, *labels: str) -> str:
    """Return SQL that is true of a scored pair at one of these levels of a comparison; splink counts from the last."""
    (comparison,) = (row for row in model.settings["comparisons"] if row["output_column_name"] == name)
    levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    places = [len(levels) - 1 - place for place, level in enumerate(levels) if level["label_for_charts"] in labels]
    if len(places) < len(labels):
        raise ValueError(f"the comparison {name} of the match model has not the levels {', '.join(labels)}")
    return f"gamma_{name} IN ({', '.join(map(str, places))})"
