"""Estimates the weights of the match model: how often each level is seen in true pairs and in random ones."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import duckdb
import pyarrow as pa

from transforms.match import JUDGED_RULE, MAX_BLOCK_RECORDS, MODEL_VERSION, Model, find_vague_identifiers, score

_RANDOM_PAIRS = 1_000_000
_TRUE_PAIRS = (
    "SELECT l.idx AS join_key_l, r.idx AS join_key_r FROM feature l JOIN works a USING (key) "
    "JOIN works b ON a.work = b.work JOIN feature r ON r.key = b.key WHERE l.idx < r.idx"
)
_RANDOM = (
    "SELECT DISTINCT least(a, b) AS join_key_l, greatest(a, b) AS join_key_r FROM (SELECT (1 + hash(i, 1) % {count})"
    f"::INTEGER AS a, (1 + hash(i, 2) % {{count}})::INTEGER AS b FROM range({_RANDOM_PAIRS}) t(i)) WHERE a <> b"
)
_SMALLEST = 1e-6  # a share that is not seen at all is taken for this


def trained(rows: pa.Table, work_of: dict[str, int], comparisons: list[dict[str, Any]], prior: float) -> dict[str, Any]:
    """Splink settings with the shares of true pairs (m) and random pairs (u) of every level that policy leaves open."""
    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "3GB"})
    works = pa.table({"key": rows["key"], "work": [work_of[key] for key in rows["key"].to_pylist()]})
    connection.register("works", works)
    connection.register("rows", rows)
    connection.execute("CREATE TABLE feature AS SELECT (row_number() OVER (ORDER BY key))::INTEGER AS idx, * FROM rows")
    connection.execute("CREATE VIEW arrived AS FROM feature")
    neutral = _settings(_neutral(comparisons), prior)
    seen_true = _levels(
        connection,
        neutral,
        _TRUE_PAIRS,
    )
    (count,) = connection.execute("SELECT count(*) FROM feature").fetchone() or (0,)
    seen_random = _levels(
        connection,
        neutral,
        _RANDOM.format(count=count),
    )
    return _settings([_weighed(one, seen_true, seen_random) for one in comparisons], prior)


def _settings(comparisons: list[dict[str, Any]], prior: float) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "idx",
        "probability_two_random_records_match": prior,
        "blocking_rules_to_generate_predictions": [],
        "comparisons": comparisons,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "linker_uid": "elibrary",
        "sql_dialect": "duckdb",
    }


def _open(level: dict[str, Any]) -> bool:
    return not level.get("is_null_level") and "fix_m_probability" not in level


def _neutral(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The comparisons with some weight everywhere, to have their levels counted."""
    copied = deepcopy(comparisons)
    for level in (level for one in copied for level in one["comparison_levels"] if _open(level)):
        level |= {"m_probability": 0.5, "u_probability": 0.4}
        del level["most"]
    return copied


def _levels(connection: duckdb.DuckDBPyConnection, settings: dict[str, Any], pairs: str) -> dict[str, dict[int, float]]:
    """The share of each level of each comparison among some pairs, those apart of which nothing is told."""
    connection.execute(f"CREATE OR REPLACE TABLE candidate_pair AS SELECT *, {JUDGED_RULE} AS match_key FROM ({pairs})")
    find_vague_identifiers(connection, MAX_BLOCK_RECORDS)
    model = Model(
        version=MODEL_VERSION, trained="", same=1, review=1, guards=(), settings=settings, frequencies={}, bounds={}
    )
    score(connection, model, None)
    shares: dict[str, dict[int, float]] = {}
    for name in (one["output_column_name"] for one in settings["comparisons"]):
        counts = dict(
            connection.execute(
                f"SELECT gamma_{name}, count(*) FROM scored WHERE gamma_{name} >= 0 GROUP BY 1"
            ).fetchall()
        )
        whole = sum(counts.values()) or 1
        shares[name] = {gamma: count / whole for gamma, count in counts.items()}
    return shares


def _weighed(
    comparison: dict[str, Any], true: dict[str, dict[int, float]], random: dict[str, dict[int, float]]
) -> dict[str, Any]:
    weighed = deepcopy(comparison)
    name = comparison["output_column_name"]
    levels = [one for one in weighed["comparison_levels"] if not one.get("is_null_level")]
    for gamma, level in zip(range(len(levels) - 1, -1, -1), levels, strict=True):
        if _open(level):
            m = round(min(0.999, max(true[name].get(gamma, 0), 1e-4)), 6)
            u = min(0.999, max(random[name].get(gamma, 0), _SMALLEST))
            level["m_probability"], level["u_probability"] = m, round(max(u, m / 2 ** level.pop("most")), 8)
    return weighed
