"""Runs as the reports tell them: the last run of each feed, its last nights, and the last publication."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from loaders.reports.reasons import reason_facts
from loaders.store import HarvestRunRow, SourceRecordRow

Facts = dict[str, Any]
COUNTS = ("listed", "landed", "added", "changed", "unchanged", "deleted", "rejected", "quarantined", "duplicates")
_NIGHTS = 30


def nights(at: str) -> list[str]:
    """The last thirty dates, oldest first."""
    today = date.fromisoformat(at[:10])
    return [(today - timedelta(days=back)).isoformat() for back in reversed(range(_NIGHTS))]


def run_facts(row: Mapping[str, Any]) -> Facts:
    """A row of harvest_run, its lists read."""
    facts = {name: row[name] for name in ("id", "feed", "kind", "status", "started_at", "ended_at", "cause", "error")}
    notes = msgspec.json.decode(row["notes"]) if row["notes"] else []
    lists = {"reasons": reason_facts(row["reasons"]), "notes": notes}
    return facts | lists | {name: row[name] for name in COUNTS}


def of(table: type[HarvestRunRow | SourceRecordRow], feed: str | None) -> ColumnElement[bool]:
    """The rows of one feed, or of every feed."""
    return table.feed == feed if feed else table.feed.is_not(None)


def last_runs(connection: Connection, feed: str | None = None) -> dict[str, Facts]:
    """The newest run of each feed, or of one."""
    newest = select(func.max(HarvestRunRow.id)).where(of(HarvestRunRow, feed)).group_by(HarvestRunRow.feed)
    rows = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id.in_(newest))).mappings()
    return {row["feed"]: run_facts(dict(row)) for row in rows}


def recent_runs(connection: Connection, at: str, feed: str | None = None) -> dict[str, dict[str, Facts]]:
    """The last run of each feed on each of the last thirty dates."""
    rows = connection.execute(
        select(HarvestRunRow.__table__)
        .where(of(HarvestRunRow, feed), HarvestRunRow.started_at >= nights(at)[0])
        .order_by(HarvestRunRow.id)
    ).mappings()
    found: dict[str, dict[str, Facts]] = {}
    for row in rows:
        night = {name: row[name] for name in ("status", "kind", "added", "changed", "deleted", "landed", "cause")}
        found.setdefault(row["feed"], {})[row["started_at"][:10]] = night
    return found


def publication(connection: Connection) -> Facts | None:
    """The last publication; None before the first."""
    query = select(HarvestRunRow.__table__).where(HarvestRunRow.kind == "publish")
    row = connection.execute(query.order_by(HarvestRunRow.id.desc()).limit(1)).mappings().first()
    return run_facts(dict(row)) if row else None
