# ruff: noqa: S608  # the SQL is put together from constants of this package and the model, never from data
"""Leaves out candidate pairs that could never be kept, before splink scores the others.

A pair's weight is a sum over comparisons. What stands here is never below splink's sum, so nothing that splink would
keep is lost; splink alone says what is kept and with which probability.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import duckdb

from transforms.match.blocks import FORCED
from transforms.match.candidate import pairs_first
from transforms.match.model import Model

_SPARED = 0.01  # log2 odds: a probability is rounded before it meets the threshold
_SIDE = re.compile(r"\b([a-z_]+)_[lr]\b")
_OPEN = re.compile(r"CASE WHEN (.+?) THEN .+ ELSE false END")  # false unless the easy part holds
_SURE = re.compile(r"CASE WHEN (.+?) THEN true ELSE .+ END")  # true where the easy part holds
_LETTERS = re.compile(r"jaro_winkler|levenshtein|\blength|strlen")  # what needs a text itself, not its hash
_Comparison = dict[str, Any]


def leave_out(
    connection: duckdb.DuckDBPyConnection, model: Model, least: float, pairs: str, table: str, narrow: bool
) -> None:
    """Write those pairs of a table that could reach `least` (log2 odds) to another.

    Reads the table `narrow` or `candidate` (transforms.match.candidate); what the narrow one cannot tell is taken to
    be at its most. Guards count only where they speak for a pair: what they alone keep apart may be versions of one
    work. Judged pairs stay.
    """
    records = "narrow" if narrow else "candidate"
    prior = model.settings["probability_two_random_records_match"]
    names = {name for name, *_ in connection.execute(f"DESCRIBE {records}").fetchall()}

    def tells(condition: str) -> bool:
        return _columns(condition) <= names and not (narrow and _LETTERS.search(condition))

    weights = [
        _guarded(_bound(one, tells), one["output_column_name"] in model.guards) for one in model.settings["comparisons"]
    ]
    with pairs_first(connection):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT join_key_l, join_key_r, match_key "
            f"FROM {_sides(weights, pairs if narrow else _halves(pairs), records)} "
            f"WHERE match_key = {FORCED} OR {' + '.join(weights)} >= {least - _SPARED - math.log2(prior / (1 - prior))}"
        )


def _guarded(weight: str, guard: bool) -> str:
    return f"greatest({weight}, 0.0)" if guard else weight


def _bound(comparison: _Comparison, tells: Callable[[str], bool]) -> str:
    """SQL for a weight that a comparison's own is never above, of the conditions that can be told."""
    levels = comparison["comparison_levels"]
    most = [max(map(_weight, levels[place:])) for place in range(len(levels))]
    cases: list[str] = []
    for place, level in enumerate(levels):
        condition, weight = level["sql_condition"], _weight(level)
        if condition == "ELSE":
            return f"CASE {' '.join(cases)} ELSE {weight} END" if cases else str(weight)
        if not tells(condition):
            easy, sure = _OPEN.fullmatch(condition), _SURE.fullmatch(condition)
            if easy and tells(easy[1]):
                condition, weight = easy[1], most[place]
            elif sure and tells(sure[1]) and weight <= min(map(_weight, levels[place:])):
                condition = sure[1]
            else:
                return f"CASE {' '.join(cases)} ELSE {most[place]} END" if cases else str(most[place])
        cases.append(f"WHEN {condition} THEN {weight}")
    raise ValueError(f"the comparison {comparison['output_column_name']} of the match model has no last level ELSE")


def _weight(level: _Comparison) -> float:
    """The weight of a level (log2 of the Bayes factor); frequencies of values only lower it."""
    return 0.0 if level.get("is_null_level") else math.log2(level["m_probability"] / level["u_probability"])


def _columns(sql: str) -> set[str]:
    return set(_SIDE.findall(sql))


def _halves(pairs: str) -> str:
    """SQL for a table of pairs that two threads read: DuckDB gives each at least 122 880 rows of a plain table."""
    return "(" + " UNION ALL ".join(f"SELECT * FROM {pairs} WHERE rowid % 2 = {half}" for half in (0, 1)) + ")"


def _sides(weights: list[str], pairs: str, records: str) -> str:
    """SQL for pairs with the columns of both sides that some expressions read."""
    columns = ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in sorted(_columns(" ".join(weights))))
    return (
        f"(SELECT p.*, {columns} FROM {pairs} p JOIN {records} l ON l.idx = join_key_l "
        f"JOIN {records} r ON r.idx = join_key_r)"
    )
