"""What the last nights of each feed have measured, for the bands of what is usual."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from loaders.store import HarvestRunRow, decode_measures
from schemas import FeedNight

_RUNS: Any = HarvestRunRow.__table__
NIGHTS_READ = 61  # of each feed: those that a band is learned from, and the last one; of those with changes as many


def feed_nights(connection: Connection, feed: str | None = None) -> dict[str, list[FeedNight]]:
    """Return the nights of each feed, or of one, oldest first: its loaded harvests, and the last one if it is held.

    Besides the last ones these are the last that changed anything, however long ago: silence is told by them.
    """
    is_harvest = (_RUNS.c.kind == "harvest", _RUNS.c.status.in_(("loaded", "held")))
    of_feed = _RUNS.c.feed == feed if feed else _RUNS.c.feed.is_not(None)
    newest_first = _RUNS.c.id.desc()
    place = func.row_number().over(partition_by=_RUNS.c.feed, order_by=newest_first).label("place")
    has_changes = (_RUNS.c.added + _RUNS.c.changed + _RUNS.c.deleted > 0).label("has_changes")
    among = func.row_number().over(partition_by=(_RUNS.c.feed, has_changes), order_by=newest_first).label("among")
    numbered = select(_RUNS, place, has_changes, among).where(of_feed, *is_harvest).subquery()
    is_read = or_(numbered.c.place <= NIGHTS_READ, and_(numbered.c.has_changes, numbered.c.among <= NIGHTS_READ))
    query = select(numbered).where(is_read).order_by(numbered.c.feed, numbered.c.id)
    nights: dict[str, list[FeedNight]] = {}
    for row in connection.execute(query).mappings():
        if row["status"] == "loaded" or row["place"] == 1:
            nights.setdefault(row["feed"], []).append(_night(row))
    return nights


def _night(row: Any) -> FeedNight:
    measures = decode_measures(row["measures"])
    return FeedNight(
        at=row["started_at"],
        changes=row["added"] + row["changed"] + row["deleted"],
        records=measures.records,
        promised=measures.promised,
        seconds=measures.seconds.get("harvest"),
        language=measures.shares.get("language"),
        license=measures.shares.get("license"),
        errors=measures.shares.get("errors"),
    )
