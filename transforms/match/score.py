# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Scores candidate pairs with splink over DuckDB and puts in words what was seen of each."""

from __future__ import annotations

import math
import warnings
from typing import Any

import duckdb

from transforms.match.blocks import RULES
from transforms.match.model import Model

PLACES = 6
FORCED = len(RULES)  # the "rule" of a pair that is compared because a steward decided it
MANY = 300_000  # records that are scanned by more than one thread, and too large to be held beside all pairs
DISAGREE = 3  # unlike titles under one identifier, from which it identifies nothing
SHOWN: dict[str, str] = {  # what a comparison shows of a side, as SQL
    "title": "coalesce({0}.said, '')",
    "contributors": "coalesce({0}.names, '')",
    "year": "coalesce({0}.year::VARCHAR, '')",
    "publisher": "coalesce({0}.publisher, '')",
    "description": "coalesce(left({0}.description, 40), '')",
    "level": "array_to_string({0}.levels, ', ')",
    "type": "array_to_string({0}.types, ', ')",
    "feed": "{0}.feed",
    "language": "array_to_string({0}.languages, ', ')",
    "numbers": "{0}.numbers",
    "edition": "{0}.edition",
    "identifiers": "array_to_string({0}.identifiers, ', ')",
}


def prepare(connection: duckdb.DuckDBPyConnection, limit: int) -> None:
    """Write the table `candidate`: features of the records that stand in a pair, less identifiers that tell nothing."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE named AS SELECT idx, unnest(identifiers) AS identifier, left(title, 8) AS start "
        "FROM feature WHERE len(identifiers) > 0"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE kept AS SELECT idx, list_sort(list(identifier)) AS sure FROM named ANTI JOIN "
        f"(SELECT identifier FROM named GROUP BY identifier "
        f"HAVING count(DISTINCT start) >= {DISAGREE} OR count(*) > {limit}) "
        "USING (identifier) GROUP BY idx"
    )
    lists = {
        "strong": "list_filter(sure, lambda i: NOT starts_with(i, 'url:'))",
        "addresses": "list_filter(sure, lambda i: starts_with(i, 'url:'))",
        "dois": "list_filter(identifiers, lambda i: starts_with(i, 'doi:'))",
        "isbns": "list_filter(identifiers, lambda i: starts_with(i, 'isbn:'))",
    }
    chosen = ", ".join(f"coalesce({sql}, []::VARCHAR[]) AS {name}" for name, sql in lists.items())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE candidate AS SELECT f.* EXCLUDE (identifiers, said, names, record_sha256, "
        f"match_sha256, digest, key), string_split(title, ' ') AS tokens, {chosen} "
        "FROM feature f LEFT JOIN kept USING (idx) "
        "SEMI JOIN (SELECT join_key_l AS idx FROM candidate_pair "
        "UNION SELECT join_key_r FROM candidate_pair) USING (idx)"
    )


def score(connection: duckdb.DuckDBPyConnection, model: Model, least: float | None) -> None:
    """Write the table `scored`: pairs of candidate_pair with the weight of each comparison.

    With `least` (log2 odds) first a pass without the guards, which leaves out what could not reach it with them: a
    pair that only a guard keeps apart stays, since the two may be versions or translations of one work.
    """
    pairs = "candidate_pair"
    if least is not None:
        guards = [one for one in model.settings["comparisons"] if one["output_column_name"] in model.guards]
        others = [one for one in model.settings["comparisons"] if one["output_column_name"] not in model.guards]
        _predict(connection, model, {**model.settings, "comparisons": others}, pairs, least - _most(guards), "likely")
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE likely_pair AS SELECT idx_l AS join_key_l, idx_r AS join_key_r, match_key "
            f"FROM likely UNION SELECT * FROM candidate_pair WHERE match_key = {FORCED}"
        )
        pairs = "likely_pair"
    full = {**model.settings, "retain_intermediate_calculation_columns": True, "retain_matching_columns": True}
    _predict(connection, model, full, pairs, None, "scored")


def _most(comparisons: list[dict[str, Any]]) -> float:
    """The weight that some comparisons can add at most."""
    told = ([one for one in two["comparison_levels"] if not one.get("is_null_level")] for two in comparisons)
    return sum(max(0.0, *(math.log2(one["m_probability"] / one["u_probability"]) for one in levels)) for levels in told)


def _predict(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    settings: dict[str, Any],
    pairs: str,
    least: float | None,
    table: str,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of sqlglot's own sources
        from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection)
    linker = Linker(api.register("candidate"), settings, log_level=None, validate_settings=False)
    _register_frequencies(connection, api, linker, model)
    linker.table_management.register_blocked_pairs_for_predict(api.register(pairs))
    ((few,),) = connection.execute(f"SELECT count(*) < {MANY} FROM candidate").fetchall()
    if few:  # else DuckDB goes through the few records, in one thread, and not through the many pairs
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    found = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
    connection.execute("RESET disabled_optimizers")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {found.physical_name}")
    found.drop_table_from_database_and_remove_from_cache()


def _register_frequencies(connection: duckdb.DuckDBPyConnection, api: Any, linker: Any, model: Model) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE frequency (title VARCHAR, tf_title DOUBLE)")
    if model.frequencies:
        connection.executemany("INSERT INTO frequency VALUES (?, ?)", list(model.frequencies.items()))
    linker.table_management.register_term_frequency_lookup(api.register("frequency"), "title")


def evidence_sql(model: Model) -> str:
    """SQL that writes a scored pair's evidence as the JSON list of schemas.Evidence: what says nothing is left out."""
    told = [_told(one) for one in model.settings["comparisons"]]
    return f"to_json(list_filter([{', '.join(told)}], lambda e: e IS NOT NULL))"


def _told(comparison: dict[str, Any]) -> str:
    name = comparison["output_column_name"]
    levels = [one for one in comparison["comparison_levels"] if not one.get("is_null_level")]
    labels = {len(levels) - 1 - place: one["label_for_charts"] for place, one in enumerate(levels)}
    cases = " ".join(f"WHEN {gamma} THEN '{label}'" for gamma, label in labels.items())
    weight = f"mw_{name} + mw_tf_adj_{name}" if _has_frequencies(comparison) else f"mw_{name}"
    left, right = (SHOWN[name].format(side) for side in "lr")
    seen = f"CASE gamma_{name} {cases} END || ': ' || {left} || if({left} = {right}, '', ' / ' || {right})"
    return (
        f"CASE WHEN gamma_{name} >= 0 AND {weight} <> 0 THEN {{'field': '{name}', 'seen': {seen}, "
        f"'weight': round({weight}, 2)}} END"
    )


def _has_frequencies(comparison: dict[str, Any]) -> bool:
    return any("tf_adjustment_column" in one for one in comparison["comparison_levels"])
