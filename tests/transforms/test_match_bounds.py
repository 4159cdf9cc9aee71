"""What the match model declares of its levels beforehand, from numbers and hashes alone, is true of every pair."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import msgspec
import pytest

from bench.made_catalog import MadeCatalog
from bench.match_model import BOUNDS, COMPARISONS
from transforms.match import MAX_BLOCK_RECORDS, MODEL_PATH, LevelBound, features, load_features, read_model
from transforms.match.blocks import split_blocks, write_blocks, write_pairs
from transforms.match.compared_records import write_compared
from transforms.match.vague_identifiers import find_vague_identifiers

IMPOSSIBLE = {  # SQL that no pair meets; `level` and `bound` are what the level and its bound say
    "exact": "level <> bound",
    "necessary": "level AND NOT bound",
    "sufficient": "bound AND NOT level",
}
LEVELS = [
    (comparison["output_column_name"], place, level["sql_condition"], bound)
    for comparison in read_model().settings["comparisons"]
    for place, (level, bound) in enumerate(
        zip(comparison["comparison_levels"], read_model().bounds[comparison["output_column_name"]], strict=True)
    )
    if level["sql_condition"] != "ELSE" and bound.kind != "unknown"
]


@pytest.fixture(scope="module")
def pairs() -> Iterator[duckdb.DuckDBPyConnection]:
    """Candidate pairs of a made catalog, with what is compared of both sides: in full, and by numbers alone."""
    connection = duckdb.connect()
    tables = load_features(connection, features(live for live, _ in MadeCatalog(3).records(2000)))
    write_blocks(connection, tables.compared, "block")
    split_blocks(connection, "block", tables.compared, MAX_BLOCK_RECORDS)
    candidates = write_pairs(connection, "block", None)
    sure_identifiers = find_vague_identifiers(connection, tables, MAX_BLOCK_RECORDS)
    for name, narrow in (("full", False), ("numbers", True)):
        records = write_compared(connection, tables.compared, sure_identifiers, candidates, narrow=narrow)
        columns = [column for column, *_ in connection.execute(f"DESCRIBE {records}").fetchall()]
        sides = ", ".join(f"l.{column} AS {column}_l, r.{column} AS {column}_r" for column in columns)
        connection.execute(
            f"CREATE TABLE {name}_pair AS SELECT {sides} FROM {candidates} JOIN {records} l ON l.idx = join_key_l "
            f"JOIN {records} r ON r.idx = join_key_r"
        )
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("condition", "bound"),
    [pytest.param(condition, bound, id=f"{name}-{place}") for name, place, condition, bound in LEVELS],
)
def test_what_is_declared_of_a_level_holds_for_every_pair(
    pairs: duckdb.DuckDBPyConnection, condition: str, bound: LevelBound
) -> None:
    declared = bound.condition or condition
    ((compared, mistaken),) = pairs.execute(
        f"SELECT count(*), count(*) FILTER ({IMPOSSIBLE[bound.kind]}) FROM "
        f"(SELECT idx_l, idx_r, coalesce({condition}, false) AS level FROM full_pair) JOIN "
        f"(SELECT idx_l, idx_r, coalesce({declared}, false) AS bound FROM numbers_pair) USING (idx_l, idx_r)"
    ).fetchall()
    assert compared > 500
    assert mistaken == 0


def test_the_model_file_holds_what_the_comparisons_declare() -> None:
    model = json.loads(MODEL_PATH.read_text(encoding="utf-8"))
    assert model["bounds"] == msgspec.to_builtins(BOUNDS)
    shipped = [
        [level["sql_condition"] for level in comparison["comparison_levels"]]
        for comparison in model["settings"]["comparisons"]
    ]
    assert shipped == [[level["sql_condition"] for level in row["comparison_levels"]] for row in COMPARISONS]
