# ruff: noqa: S608  # the SQL is put together from constants of this package and the model, never from data
"""Drop candidate pairs that can never be kept, before splink scores the others.

A pair's weight is a sum over comparisons. The sum here is never below splink's, so that no pair is lost that splink
would keep; splink alone decides what is kept and with which probability. What numbers and hashes tell of each level is
declared in the model file, beside splink's settings (bench/match_model.py writes both).

Measured on 100 000 made records (174 000 candidate pairs): without this step the match takes 7.4 instead of 5.4 seconds
of processor and 1.2 instead of 0.7 GB, because splink makes every column of every pair.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb

from transforms.match.blocks import JUDGED_RULE
from transforms.match.compared_records import pairs_first
from transforms.match.model import LevelBound, Model

TILE_RECORDS = 100_000  # about 1.3 kB each
NARROW_TILE_RECORDS = 500_000  # about 0.3 kB each
_ROUNDING_LOG2_ODDS = 0.01  # a probability is rounded before it meets the threshold
_EXACT = LevelBound(kind="exact")
_Level = dict[str, Any]  # of splink's settings


def drop_unreachable(
    connection: duckdb.DuckDBPyConnection, model: Model, least: float, pairs: str, records: str, *, narrow: bool
) -> str:
    """Return a table of the pairs that can reach `least` (log2 odds).

    `records` is the table of what is compared of them (transforms.match.compared_records). A condition that a narrow
    one cannot answer counts with its highest weight. A guard counts only where it speaks for a pair: pairs that only
    guards keep apart may be versions of one work. Judged pairs stay.
    """
    table = "hopeful_pair" if narrow else "likely_pair"
    prior = model.settings["probability_two_random_records_match"]
    weights = [
        _guarded(_highest_weight(comparison, model, narrow), comparison["output_column_name"] in model.guards)
        for comparison in model.settings["comparisons"]
    ]
    needed = least - _ROUNDING_LOG2_ODDS - math.log2(prior / (1 - prior))
    condition = f"match_key = {JUDGED_RULE} OR {' + '.join(weights)} >= {needed}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT join_key_l, join_key_r, match_key FROM {pairs} LIMIT 0"
    )
    with pairs_first(connection):
        for tile in _tiles(connection, records, NARROW_TILE_RECORDS if narrow else TILE_RECORDS):
            connection.execute(
                f"INSERT INTO {table} SELECT join_key_l, join_key_r, match_key "
                f"FROM {_sides(connection, pairs, records, tile)} WHERE {condition}"
            )
    return table


class _Range(NamedTuple):
    """Records by number: above `after`, up to `last`."""

    after: int
    last: int

    def sql(self, idx: str) -> str:
        """Return SQL that is true for the numbers in the range."""
        return f"{idx} > {self.after} AND {idx} <= {self.last}"


class _Tile(NamedTuple):
    """Pairs whose left and right records are in these ranges."""

    left: _Range
    right: _Range


_EVERYTHING = _Range(-1, 2**31 - 1)


def _tiles(connection: duckdb.DuckDBPyConnection, records: str, most: int) -> list[_Tile]:
    """Return tiles of at most so many records a side, left before right, such that each pair is in one of them.

    A join holds in memory what it looks up, so that its memory does not grow with the number of records.
    """
    ((count,),) = connection.execute(f"SELECT count(*) FROM {records}").fetchall()
    parts = max(1, -(-count // most))
    shares = [part / parts for part in range(1, parts)]
    ((inner,),) = connection.execute(f"SELECT quantile_disc(idx, {shares}::DOUBLE[]) FROM {records}").fetchall()
    edges = [_EVERYTHING.after, *(inner or ()), _EVERYTHING.last]
    ranges = [_Range(after, last) for after, last in itertools.pairwise(edges)]
    return [_Tile(left, right) for place, left in enumerate(ranges) for right in ranges[place:]]


def _guarded(weight: str, guard: bool) -> str:
    return f"greatest({weight}, 0.0)" if guard else weight


def _highest_weight(comparison: dict[str, Any], model: Model, narrow: bool) -> str:
    """Return SQL for a weight that is never below the comparison's own."""
    name, levels = comparison["output_column_name"], comparison["comparison_levels"]
    bounds = model.bounds[name] if narrow else [_EXACT] * len(levels)
    weights = [_weight(level) for level in levels]
    cases: list[str] = []
    for place, (level, bound) in enumerate(zip(levels, bounds, strict=True)):
        condition, weight = _case(level, bound, weights[place:])
        if condition is None:
            return f"CASE {' '.join(cases)} ELSE {weight} END" if cases else str(weight)
        cases.append(f"WHEN {condition} THEN {weight}")
    raise ValueError(f"the comparison {name} of the match model has no last level ELSE")


def _case(level: _Level, bound: LevelBound, weights: Sequence[float]) -> tuple[str | None, float]:
    """Return a condition and the highest weight where it holds; without a condition, that of all pairs that are left.

    `weights` are those of the level and of all that follow it.
    """
    own, highest = weights[0], max(weights)
    if level["sql_condition"] == "ELSE":
        return None, own
    if bound.kind == "exact":
        return level["sql_condition"], own
    if bound.kind == "necessary":
        return bound.condition, highest
    if bound.kind == "sufficient" and own <= min(weights):  # where the level holds unseen, a later one weighs no less
        return bound.condition, own
    return None, highest


def _weight(level: _Level) -> float:
    """Return the weight of a level (log2 of the Bayes factor); frequencies of values only lower it."""
    return 0.0 if level.get("is_null_level") else math.log2(level["m_probability"] / level["u_probability"])


def _sides(connection: duckdb.DuckDBPyConnection, pairs: str, records: str, tile: _Tile) -> str:
    """Return SQL for the pairs of a tile with the columns of both sides; DuckDB reads those that a query names."""
    names = [name for name, *_ in connection.execute(f"DESCRIBE {records}").fetchall()]
    columns = ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in names)
    of_tile = f"SELECT * FROM {pairs} WHERE {tile.left.sql('join_key_l')} AND {tile.right.sql('join_key_r')}"
    if tile == (_EVERYTHING, _EVERYTHING):  # then a table may be small, and a thread gets at least 122 880 rows of it
        of_tile = " UNION ALL ".join(f"SELECT * FROM {pairs} WHERE rowid % 2 = {half}" for half in (0, 1))
    return (
        f"(SELECT p.*, {columns} FROM ({of_tile}) p "
        f"JOIN (SELECT * FROM {records} WHERE {tile.left.sql('idx')}) l ON l.idx = join_key_l "
        f"JOIN (SELECT * FROM {records} WHERE {tile.right.sql('idx')}) r ON r.idx = join_key_r)"
    )
