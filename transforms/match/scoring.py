# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Score candidate pairs with splink over DuckDB, and write the evidence of each in words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import duckdb

from transforms.match.bound import drop_unreachable
from transforms.match.compared_records import pairs_first, write_compared
from transforms.match.feature_tables import FeatureTables
from transforms.match.model import Model

PROBABILITY_DECIMALS = 6
SCORED_PAIRS = 100_000  # at a time
_SHOWN: dict[str, str] = {  # what a comparison shows of a side, as SQL
    "title": "coalesce({0}.shown_title, '')",
    "contributors": "coalesce({0}.shown_contributors, '')",
    "year": "coalesce({0}.year::VARCHAR, '')",
    "publisher": "coalesce({0}.publisher, '')",
    "description": "coalesce(left({0}.description_start, 40), '')",
    "level": "array_to_string({0}.levels, ', ')",
    "type": "array_to_string({0}.types, ', ')",
    "feed": "{0}.feed",
    "language": "array_to_string({0}.languages, ', ')",
    "numbers": "{0}.numbers",
    "edition": "{0}.edition",
    "identifiers": "array_to_string({0}.identifiers, ', ')",
}


def score(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    features: FeatureTables,
    pairs: str,
    sure_identifiers: str,
    least: float | None = None,
) -> Iterator[str]:
    """Yield tables of pairs with the weight of each comparison, SCORED_PAIRS in each; the next one replaces it.

    `pairs` is a table of candidate pairs (transforms.match.blocks), `sure_identifiers` that of the identifiers which
    tell something (transforms.match.vague_identifiers). With `least` (log2 odds) what could not reach it is left out
    first, guards apart: a pair that only a guard keeps apart stays, since the two may be versions or translations of
    one work. Judged pairs stay too.
    """
    if least is not None:
        narrow = write_compared(connection, features.compared, sure_identifiers, pairs, narrow=True)
        pairs = drop_unreachable(connection, model, least, pairs, narrow, narrow=True)
        connection.execute(f"DROP TABLE {narrow}")
    records = write_compared(connection, features.compared, sure_identifiers, pairs)
    if least is not None:
        pairs = drop_unreachable(connection, model, least, pairs, records, narrow=False)
    for some_pairs, their_records in _parts(connection, pairs, records):
        yield _predict(connection, model, their_records, some_pairs)


def _parts(connection: duckdb.DuckDBPyConnection, pairs: str, records: str) -> Iterator[tuple[str, str]]:
    """Yield tables of some of the pairs and of their records, so that splink holds no more, however many there are."""
    numbered, part_pairs, part_records = "numbered_pair", "pair_of_part", "record_of_part"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {numbered} AS SELECT *, "
        f"(row_number() OVER (ORDER BY join_key_l, join_key_r) - 1) // {SCORED_PAIRS} AS part FROM {pairs}"
    )
    ((count,),) = connection.execute(f"SELECT count(*) FROM {numbered}").fetchall()
    for part in range(max(1, -(-count // SCORED_PAIRS))):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {part_pairs} AS SELECT * EXCLUDE part FROM {numbered} WHERE part = {part}"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {part_records} AS SELECT * FROM {records} SEMI JOIN "
            f"(SELECT join_key_l AS idx FROM {part_pairs} UNION SELECT join_key_r FROM {part_pairs}) USING (idx)"
        )
        yield part_pairs, part_records
    connection.execute(f"DROP TABLE {numbered}")


def _predict(connection: duckdb.DuckDBPyConnection, model: Model, records: str, pairs: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of sqlglot's own sources
        from splink import DuckDBAPI, Linker
        from splink.internals.exceptions import SplinkException

    settings = {**model.settings, "retain_intermediate_calculation_columns": True, "retain_matching_columns": True}
    api = DuckDBAPI(connection)
    linker = Linker(api.register(records), settings, log_level=None, validate_settings=False)
    _register_frequencies(connection, api, linker, model)
    linker.table_management.register_blocked_pairs_for_predict(api.register(pairs))
    with pairs_first(connection):
        try:
            predicted = linker.inference.predict(warning_mode="never")
        except SplinkException as error:
            raise error.__cause__ or error from None  # DuckDB's own, which says that the disk is full
    connection.execute(f"CREATE OR REPLACE TEMP TABLE scored AS SELECT * FROM {predicted.physical_name}")
    predicted.drop_table_from_database_and_remove_from_cache()
    return "scored"


def _register_frequencies(connection: duckdb.DuckDBPyConnection, api: Any, linker: Any, model: Model) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE frequency (title VARCHAR, tf_title DOUBLE)")
    if model.frequencies:
        columns = [list(model.frequencies), list(model.frequencies.values())]
        connection.execute("INSERT INTO frequency SELECT unnest(?::VARCHAR[]), unnest(?::DOUBLE[])", columns)
    linker.table_management.register_term_frequency_lookup(api.register("frequency"), "title")


def evidence_sql(model: Model) -> str:
    """Return SQL for a scored pair's evidence, a JSON list of schemas.Evidence; without comparisons of no weight.

    The difference between the titles (transforms.match.title_comparison) follows the title; it has no weight.
    """
    parts = [_evidence_of(comparison) for comparison in model.settings["comparisons"]]
    parts.insert(1, "CASE WHEN words_seen IS NOT NULL THEN {'field': 'words', 'seen': words_seen, 'weight': 0.0} END")
    return f"to_json(list_filter([{', '.join(parts)}], lambda e: e IS NOT NULL))"


def _evidence_of(comparison: dict[str, Any]) -> str:
    name = comparison["output_column_name"]
    levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    labels = {len(levels) - 1 - place: level["label_for_charts"] for place, level in enumerate(levels)}
    cases = " ".join(f"WHEN {gamma} THEN '{label}'" for gamma, label in labels.items())
    weight = f"mw_{name} + mw_tf_adj_{name}" if _has_frequencies(comparison) else f"mw_{name}"
    left, right = (_SHOWN[name].format(side) for side in "lr")
    seen = f"CASE gamma_{name} {cases} END || ': ' || {left} || if({left} = {right}, '', ' / ' || {right})"
    return (
        f"CASE WHEN gamma_{name} >= 0 AND {weight} <> 0 THEN {{'field': '{name}', 'seen': {seen}, "
        f"'weight': round({weight}, 2)}} END"
    )


def _has_frequencies(comparison: dict[str, Any]) -> bool:
    return any("tf_adjustment_column" in level for level in comparison["comparison_levels"])
