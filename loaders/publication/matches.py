"""Write the rows of `match`, only those that differ from the pairs that a match found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, bindparam, delete, select

from loaders.store import MatchRow, upsert, write_rows
from schemas import Match

_BATCH_ROWS = 500
_FETCH_ROWS = 10_000
_VALUES = ("probability", "evidence", "verdict", "review")
_COLUMNS = ("left_key", "right_key", *_VALUES)
_MATCHES: Any = MatchRow.__table__


def write_matches(connection: Connection, read_pairs: Callable[[], Iterable[Match]]) -> None:
    """Make the rows of `match` equal to the pairs that `read_pairs` yields; a row that is right is not written.

    Only a digest of each pair is in memory, so that the pairs are read a second time where rows must be written.
    """
    missing = {_digest_of(_match_row(match)) for match in read_pairs()}
    stale = _take_standing(connection, missing)
    differing = (row for row in map(_match_row, read_pairs() if missing else ()) if _digest_of(row) in missing)
    for batch in chunked(differing, _BATCH_ROWS):
        write_rows(connection, upsert(connection, _MATCHES, _VALUES), batch)
        stale.difference_update((row["left_key"], row["right_key"]) for row in batch)
    gone = delete(_MATCHES).where(_MATCHES.c.left_key == bindparam("left"), _MATCHES.c.right_key == bindparam("right"))
    for keys in chunked(sorted(stale), _BATCH_ROWS):
        write_rows(connection, gone, [{"left": left, "right": right} for left, right in keys])


def _take_standing(connection: Connection, missing: set[bytes]) -> set[tuple[str, str]]:
    """Take the pairs that the table has out of the missing ones; return the keys of its rows that are none of them."""
    stale: set[tuple[str, str]] = set()
    columns = [_MATCHES.c[name] for name in _COLUMNS]
    options = {"stream_results": True, "yield_per": _FETCH_ROWS}
    for row in connection.execute(select(*columns), execution_options=options):
        digest = _digest(tuple(row))
        if digest in missing:
            missing.remove(digest)
        else:
            stale.add((row.left_key, row.right_key))
    return stale


def _digest_of(row: Mapping[str, Any]) -> bytes:
    return _digest([row[name] for name in _COLUMNS])


def _digest(values: Sequence[Any]) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=16).digest()


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
