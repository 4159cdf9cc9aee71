"""Estimate the weights of the match model: how often each level is seen in true pairs and in random ones."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import duckdb
import pyarrow as pa

from transforms.match import (
    JUDGED_RULE,
    MAX_BLOCK_RECORDS,
    MODEL_VERSION,
    FeatureTables,
    Model,
    find_vague_identifiers,
    load_features,
    score,
)

_RANDOM_PAIRS = 1_000_000
_TRUE_PAIRS = (
    "SELECT l.idx AS join_key_l, r.idx AS join_key_r FROM {feature} l JOIN works a USING (key) "
    "JOIN works b ON a.work = b.work JOIN {feature} r ON r.key = b.key WHERE l.idx < r.idx"
)
_RANDOM = (
    "SELECT DISTINCT least(a, b) AS join_key_l, greatest(a, b) AS join_key_r FROM (SELECT (1 + hash(i, 1) % {count})"
    f"::INTEGER AS a, (1 + hash(i, 2) % {{count}})::INTEGER AS b FROM range({_RANDOM_PAIRS}) t(i)) WHERE a <> b"
)
_LEAST_SHARE = 1e-6  # of random pairs: stands for a level that none of them has


def train(rows: pa.Table, work_of: dict[str, int], comparisons: list[dict[str, Any]], prior: float) -> dict[str, Any]:
    """Make splink settings with the shares of true pairs (m) and random pairs (u) of every level without a policy."""
    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "3GB"})
    works = pa.table({"key": rows["key"], "work": [work_of[key] for key in rows["key"].to_pylist()]})
    connection.register("works", works)
    features = load_features(connection, rows)
    neutral = _settings(_neutral(comparisons), prior)
    true_shares = _level_shares(connection, features, neutral, _TRUE_PAIRS.format(feature=features.compared))
    random_shares = _level_shares(connection, features, neutral, _RANDOM.format(count=rows.num_rows))
    return _settings([_weigh(comparison, true_shares, random_shares) for comparison in comparisons], prior)


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


def _is_trained(level: dict[str, Any]) -> bool:
    return not level.get("is_null_level") and "fix_m_probability" not in level


def _neutral(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the comparisons with some weight at every level, so that pairs can be counted by level."""
    copied = deepcopy(comparisons)
    levels = (level for comparison in copied for level in comparison["comparison_levels"])
    for level in filter(_is_trained, levels):
        level |= {"m_probability": 0.5, "u_probability": 0.4}
        del level["most"]
    return copied


def _level_shares(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, settings: dict[str, Any], pairs: str
) -> dict[str, dict[int, float]]:
    """Return comparison → level → its share among the pairs of an SQL query, pairs of the null level left out."""
    connection.execute(f"CREATE OR REPLACE TABLE candidate_pair AS SELECT *, {JUDGED_RULE} AS match_key FROM ({pairs})")
    model = Model(
        version=MODEL_VERSION,
        trained="",
        same=1,
        review=1,
        guards=(),
        doubtful={},
        settings=settings,
        frequencies={},
        bounds={},
    )
    sure_identifiers = find_vague_identifiers(connection, features, MAX_BLOCK_RECORDS)
    scored = score(connection, model, features, "candidate_pair", sure_identifiers)
    shares: dict[str, dict[int, float]] = {}
    for name in (comparison["output_column_name"] for comparison in settings["comparisons"]):
        counts = dict(
            connection.execute(
                f"SELECT gamma_{name}, count(*) FROM {scored} WHERE gamma_{name} >= 0 GROUP BY 1"
            ).fetchall()
        )
        total = sum(counts.values()) or 1
        shares[name] = {gamma: count / total for gamma, count in counts.items()}
    return shares


def _weigh(
    comparison: dict[str, Any], true_shares: dict[str, dict[int, float]], random_shares: dict[str, dict[int, float]]
) -> dict[str, Any]:
    """Return the comparison with m and u at each level without a policy; splink numbers levels from the weakest."""
    weighed = deepcopy(comparison)
    name = comparison["output_column_name"]
    levels = [level for level in weighed["comparison_levels"] if not level.get("is_null_level")]
    for gamma, level in zip(range(len(levels) - 1, -1, -1), levels, strict=True):
        if _is_trained(level):
            m = round(min(0.999, max(true_shares[name].get(gamma, 0), 1e-4)), 6)
            u = min(0.999, max(random_shares[name].get(gamma, 0), _LEAST_SHARE))
            level["m_probability"], level["u_probability"] = m, round(max(u, m / 2 ** level.pop("most")), 8)
    return weighed
