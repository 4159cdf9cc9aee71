# ruff: noqa: S608  # the SQL is put together from constants of this package and the model, never from data
"""Drop candidate pairs that can never be kept, before splink scores the others.

A pair's weight is a sum over comparisons. The sum here is never below splink's, so that no pair is lost that splink
would keep; splink alone decides what is kept and with which probability. The conditions are those of our own model file
(bench/match_model.py writes them), in two forms that are recognised below.

Measured on 100 000 made records (174 000 candidate pairs): without this step the match takes 7.4 instead of 5.4 seconds
of processor and 1.2 instead of 0.7 GB, because splink makes every column of every pair.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import duckdb

from transforms.match.blocks import JUDGED_RULE
from transforms.match.candidates import pairs_first
from transforms.match.model import Model

_ROUNDING_LOG2_ODDS = 0.01  # a probability is rounded before it meets the threshold
_SIDE = re.compile(r"\b([a-z_]+)_[lr]\b")
_OPEN = re.compile(r"CASE WHEN (.+?) THEN .+ ELSE false END")  # false unless the easy part holds
_SURE = re.compile(r"CASE WHEN (.+?) THEN true ELSE .+ END")  # true where the easy part holds
_LETTERS = re.compile(r"jaro_winkler|levenshtein|\blength|strlen")  # what needs a text itself, not its hash
_Comparison = dict[str, Any]


def drop_unreachable(
    connection: duckdb.DuckDBPyConnection, model: Model, least: float, pairs: str, table: str, narrow: bool
) -> None:
    """Write the pairs of a table that can reach `least` (log2 odds) to another table.

    Reads the table `narrow` or `candidate` (transforms.match.candidates). A condition that the narrow table cannot
    answer counts with its highest weight. A guard counts only where it speaks for a pair: pairs that only guards keep
    apart may be versions of one work. Judged pairs stay.
    """
    records = "narrow" if narrow else "candidate"
    prior = model.settings["probability_two_random_records_match"]
    names = {name for name, *_ in connection.execute(f"DESCRIBE {records}").fetchall()}

    def answers(condition: str) -> bool:
        return _columns(condition) <= names and not (narrow and _LETTERS.search(condition))

    weights = [
        _guarded(_bound(comparison, answers), comparison["output_column_name"] in model.guards)
        for comparison in model.settings["comparisons"]
    ]
    needed = least - _ROUNDING_LOG2_ODDS - math.log2(prior / (1 - prior))
    with pairs_first(connection):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT join_key_l, join_key_r, match_key "
            f"FROM {_sides(weights, pairs if narrow else _halves(pairs), records)} "
            f"WHERE match_key = {JUDGED_RULE} OR {' + '.join(weights)} >= {needed}"
        )


def _guarded(weight: str, guard: bool) -> str:
    return f"greatest({weight}, 0.0)" if guard else weight


def _bound(comparison: _Comparison, answers: Callable[[str], bool]) -> str:
    """Return SQL for a weight that is never below the comparison's own, from the conditions that can be answered."""
    levels = comparison["comparison_levels"]
    most = [max(map(_weight, levels[place:])) for place in range(len(levels))]
    cases: list[str] = []
    for place, level in enumerate(levels):
        condition, weight = level["sql_condition"], _weight(level)
        if condition == "ELSE":
            return f"CASE {' '.join(cases)} ELSE {weight} END" if cases else str(weight)
        if not answers(condition):
            easy, sure = _OPEN.fullmatch(condition), _SURE.fullmatch(condition)
            if easy and answers(easy[1]):
                condition, weight = easy[1], most[place]
            elif sure and answers(sure[1]) and weight <= min(map(_weight, levels[place:])):
                condition = sure[1]
            else:
                return f"CASE {' '.join(cases)} ELSE {most[place]} END" if cases else str(most[place])
        cases.append(f"WHEN {condition} THEN {weight}")
    raise ValueError(f"the comparison {comparison['output_column_name']} of the match model has no last level ELSE")


def _weight(level: _Comparison) -> float:
    """Return the weight of a level (log2 of the Bayes factor); frequencies of values only lower it."""
    return 0.0 if level.get("is_null_level") else math.log2(level["m_probability"] / level["u_probability"])


def _columns(sql: str) -> set[str]:
    return set(_SIDE.findall(sql))


def _halves(pairs: str) -> str:
    """Return SQL for a table of pairs as two halves: DuckDB gives a thread at least 122 880 rows of a table."""
    return "(" + " UNION ALL ".join(f"SELECT * FROM {pairs} WHERE rowid % 2 = {half}" for half in (0, 1)) + ")"


def _sides(weights: list[str], pairs: str, records: str) -> str:
    """Return SQL for pairs with those columns of both sides that the weights read."""
    columns = ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in sorted(_columns(" ".join(weights))))
    return (
        f"(SELECT p.*, {columns} FROM {pairs} p JOIN {records} l ON l.idx = join_key_l "
        f"JOIN {records} r ON r.idx = join_key_r)"
    )
