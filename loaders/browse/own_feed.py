"""How a feed stands for its partner: how many records come as far as the library, and what waits for a person."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from loaders.store import HarvestRunRow, SourceRecordRow
from schemas import Base

_RECORDS: Any = SourceRecordRow.__table__
_RUNS: Any = HarvestRunRow.__table__


class Standing(Base, frozen=True, kw_only=True):
    """A feed's records as they are now, each counted by its last accepted version.

    received: all that are not deleted; readable, valid: without and with an accepted version; published: in a resource
    waiting: versions with errors that wait for a steward; unreadable: newest versions that could not be read
    held: runs that wait for a steward
    """

    received: int = 0
    readable: int = 0
    valid: int = 0
    published: int = 0
    waiting: int = 0
    unreadable: int = 0
    held: int = 0


def standing_of(connection: Connection, feed: str) -> Standing:
    """Count a feed's records by status; the index of these counts holds all that is read."""
    status = _RECORDS.c.status
    query = select(status, func.count(), func.count(_RECORDS.c.resource_id)).where(_RECORDS.c.feed == feed)
    counts = {name: (records, published) for name, records, published in connection.execute(query.group_by(status))}
    live, published = counts.get("live", (0, 0))
    with_errors, unread = (counts.get(name, (0, 0))[0] for name in ("quarantined", "rejected"))
    pending = select(_RECORDS.c.pending_status, func.count()).where(
        _RECORDS.c.feed == feed, _RECORDS.c.pending_status.is_not(None)
    )
    waiting = {row[0]: row[1] for row in connection.execute(pending.group_by(_RECORDS.c.pending_status))}
    held = select(func.count()).where(_RUNS.c.feed == feed, _RUNS.c.status == "held")
    return Standing(
        received=live + with_errors + unread,
        readable=live + with_errors,
        valid=live,
        published=published,
        waiting=waiting.get("quarantined", 0),
        unreadable=waiting.get("rejected", 0),
        held=connection.scalar(held) or 0,
    )
