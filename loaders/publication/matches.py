"""The rows of `match`: those of the pairs that a match found, and no row written that is right already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, bindparam, delete, select

from loaders.store import MatchRow, upsert, write_rows
from schemas import Match

BATCH = 500
_MATCHES: Any = MatchRow.__table__


def write_matches(connection: Connection, pairs: Iterable[Match]) -> None:
    """Make the rows of `match` those of the pairs; a row that is right already is not written."""
    names = ("probability", "evidence", "verdict", "review")
    known = {
        (row[0], row[1]): tuple(row[2:])
        for row in connection.execute(
            select(_MATCHES.c.left_key, _MATCHES.c.right_key, *(_MATCHES.c[one] for one in names))
        )
    }
    differing = (
        row for row in map(_match_row, pairs) if known.pop(_key(row), None) != tuple(row[name] for name in names)
    )
    for part in chunked(differing, BATCH):
        write_rows(connection, upsert(connection, _MATCHES, names), part)
    gone = delete(_MATCHES).where(_MATCHES.c.left_key == bindparam("left"), _MATCHES.c.right_key == bindparam("right"))
    for pair_part in chunked(sorted(known), BATCH):
        write_rows(connection, gone, [{"left": left, "right": right} for left, right in pair_part])


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["left_key"], row["right_key"]


def _match_row(pair: Match) -> dict[str, Any]:
    """The row of a pair; `review` says why it is up for review where the verdict was not the matcher's own."""
    reasons = [one.seen for one in pair.evidence if one.field in ("judgement", "cluster")]
    return {
        "left_key": pair.left_key,
        "right_key": pair.right_key,
        "probability": pair.probability,
        "evidence": msgspec.json.encode(pair.evidence, order="deterministic").decode(),
        "verdict": pair.verdict,
        "review": "; ".join(reasons) if reasons and pair.verdict == "review" else None,
    }
