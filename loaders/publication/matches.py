"""Write the rows of `match`, only those that differ from the pairs that a match found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, bindparam, delete, select

from loaders.store import MatchRow, upsert, write_rows
from schemas import Match

_BATCH_ROWS = 500
_FETCH_ROWS = 10_000
_COLUMNS = ("probability", "evidence", "verdict", "review")
_MATCHES: Any = MatchRow.__table__


def write_matches(connection: Connection, matches: Iterable[Match]) -> None:
    """Make the rows of `match` equal to these pairs; a row that is right already is not written."""
    columns = [_MATCHES.c[name] for name in _COLUMNS]
    rows = connection.execute(
        select(_MATCHES.c.left_key, _MATCHES.c.right_key, *columns),
        execution_options={"stream_results": True, "yield_per": _FETCH_ROWS},
    )
    known = {(left, right): _digest(values) for left, right, *values in rows}
    differing = (
        row
        for row in map(_match_row, matches)
        if known.pop(_key(row), None) != _digest([row[name] for name in _COLUMNS])
    )
    for batch in chunked(differing, _BATCH_ROWS):
        write_rows(connection, upsert(connection, _MATCHES, _COLUMNS), batch)
    gone = delete(_MATCHES).where(_MATCHES.c.left_key == bindparam("left"), _MATCHES.c.right_key == bindparam("right"))
    for keys in chunked(sorted(known), _BATCH_ROWS):
        write_rows(connection, gone, [{"left": left, "right": right} for left, right in keys])


def _digest(values: Sequence[Any]) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=16).digest()


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["left_key"], row["right_key"]


def _match_row(match: Match) -> dict[str, Any]:
    """Make the row of a pair; `review` says why it is up for review where the verdict was not the matcher's own."""
    reasons = [evidence.seen for evidence in match.evidence if evidence.field in ("judgement", "cluster")]
    return {
        "left_key": match.left_key,
        "right_key": match.right_key,
        "probability": match.probability,
        "evidence": msgspec.json.encode(match.evidence, order="deterministic").decode(),
        "verdict": match.verdict,
        "review": "; ".join(reasons) if reasons and match.verdict == "review" else None,
    }
