"""Pairs that wait for a judgement, in their order: the most probable first, those as probable backwards by key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, exists, func, or_, select, tuple_

from loaders.store import JudgementRow, MatchRow

_PAIRS: Any = MatchRow.__table__
_JUDGEMENTS: Any = JudgementRow.__table__
_FETCH_ROWS = 1_000


class Place(NamedTuple):
    """The place of a pair in the order: its probability and its two keys."""

    probability: float
    left: str
    right: str


def count_pairs(connection: Connection, feed: str = "") -> int:
    """Count the pairs that wait, of one feed or of all: those to be reviewed, less those of them that are judged."""
    to_review = select(func.count()).select_from(_PAIRS).where(*_to_review(feed))
    same = and_(_PAIRS.c.left_key == _JUDGEMENTS.c.left_key, _PAIRS.c.right_key == _JUDGEMENTS.c.right_key)
    in_force = select(_JUDGEMENTS.c.left_key, _JUDGEMENTS.c.right_key).where(_JUDGEMENTS.c.undone_at.is_(None))
    judged = in_force.join(_PAIRS, same).where(*_to_review(feed), _PAIRS.c.review.is_(None)).distinct().subquery()
    done = connection.scalar(select(func.count()).select_from(judged)) or 0
    return (connection.scalar(to_review) or 0) - done


def read_pair(connection: Connection, left: str, right: str) -> Any:
    """Return the row of a pair, waiting or not; None when there is none."""
    query = select(_PAIRS).where(_PAIRS.c.left_key == left, _PAIRS.c.right_key == right)
    return connection.execute(query).mappings().one_or_none()


def neighbours(connection: Connection, place: Place | None, feed: str = "") -> tuple[Any, Any]:
    """Return the waiting pairs before and after a place; without a place, the first one as the one after."""
    columns = (_PAIRS.c.probability, _PAIRS.c.left_key, _PAIRS.c.right_key)
    order = [column.desc() for column in columns]  # the index read backwards
    query = select(_PAIRS).where(*_waiting(feed))
    if place is None:
        return None, connection.execute(query.order_by(*order).limit(1)).mappings().one_or_none()
    after, before = (query.where(tuple_(*columns) < tuple_(*place)), query.where(tuple_(*columns) > tuple_(*place)))
    return (
        connection.execute(before.order_by(*columns).limit(1)).mappings().one_or_none(),
        connection.execute(after.order_by(*order).limit(1)).mappings().one_or_none(),
    )


def pairs_like(connection: Connection, evidence: str, feed: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of the waiting pairs whose evidence is of the same kind: the same fields, seen in the same way.

    `evidence` is that of a pair, as its row has it. What was seen is the label, up to the values behind a colon.
    """
    kind = _kind(evidence)
    query = select(_PAIRS.c.left_key, _PAIRS.c.right_key, _PAIRS.c.evidence).where(*_waiting(feed))
    order = [column.desc() for column in (_PAIRS.c.probability, _PAIRS.c.left_key, _PAIRS.c.right_key)]
    rows = connection.execute(query.order_by(*order).execution_options(yield_per=_FETCH_ROWS))
    for left, right, its_evidence in rows:
        if _kind(its_evidence) == kind:
            yield left, right


def count_alike(connection: Connection, evidence: str, feed: str, most: int) -> int:
    """Count the waiting pairs whose evidence is of the same kind, up to `most`."""
    return sum(1 for _ in islice(pairs_like(connection, evidence, feed), most))


def _kind(evidence: str) -> frozenset[tuple[str, str]]:
    return frozenset((each["field"], each["seen"].partition(":")[0]) for each in msgspec.json.decode(evidence))


def _waiting(feed: str) -> list[Any]:
    """Return the conditions of pairs that wait: to be reviewed, and not judged, unless a publication asks again."""
    judged = exists(
        select(_JUDGEMENTS.c.id).where(
            _JUDGEMENTS.c.left_key == _PAIRS.c.left_key,
            _JUDGEMENTS.c.right_key == _PAIRS.c.right_key,
            _JUDGEMENTS.c.undone_at.is_(None),
        )
    )
    return [*_to_review(feed), or_(_PAIRS.c.review.is_not(None), ~judged)]


def _to_review(feed: str) -> list[Any]:
    conditions = [or_(_PAIRS.c.verdict == "review", _PAIRS.c.review.is_not(None))]
    if feed:
        of_feed = (side.startswith(f"{feed}:", autoescape=True) for side in (_PAIRS.c.left_key, _PAIRS.c.right_key))
        conditions.append(or_(*of_feed))
    return conditions
