"""Read runs for the reports: the last run of each feed, the runs of the last nights, and the last publication."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from loaders.reports.texts import reason_facts
from loaders.store import HarvestRunRow, IssueRow, SourceRecordRow, decode_changes

ReportFacts = dict[str, Any]  # what a report shows, ready for JSON
COUNTS = ("listed", "landed", "added", "changed", "unchanged", "deleted", "rejected", "quarantined", "duplicates")
_HISTORY_NIGHTS = 30


def nights(at: str) -> list[str]:
    """Return the last thirty dates, oldest first."""
    today = date.fromisoformat(at[:10])
    return [(today - timedelta(days=back)).isoformat() for back in reversed(range(_HISTORY_NIGHTS))]


def run_facts(row: Mapping[str, Any]) -> ReportFacts:
    """Return a row of harvest_run with its JSON columns decoded."""
    facts = {name: row[name] for name in ("id", "feed", "kind", "status", "started_at", "ended_at", "cause", "error")}
    notes = msgspec.json.decode(row["notes"]) if row["notes"] else []
    lists = {"reasons": reason_facts(row["reasons"]), "notes": notes, "changes": decode_changes(row["changes"])}
    return facts | lists | {name: row[name] for name in COUNTS}


def of_feed(table: type[HarvestRunRow | IssueRow | SourceRecordRow], feed: str | None) -> ColumnElement[bool]:
    """Return the condition for the rows of one feed, or of every feed."""
    return table.feed == feed if feed else table.feed.is_not(None)


def last_runs(connection: Connection, feed: str | None = None) -> dict[str, ReportFacts]:
    """Read the newest run of each feed, or of one, by feed name."""
    newest = select(func.max(HarvestRunRow.id)).where(of_feed(HarvestRunRow, feed)).group_by(HarvestRunRow.feed)
    rows = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id.in_(newest))).mappings()
    return {row["feed"]: run_facts(dict(row)) for row in rows}


def recent_runs(connection: Connection, at: str, feed: str | None = None) -> dict[str, dict[str, ReportFacts]]:
    """Read the last run of each feed on each of the last thirty dates: {feed: {date: run}}."""
    rows = connection.execute(
        select(HarvestRunRow.__table__)
        .where(of_feed(HarvestRunRow, feed), HarvestRunRow.started_at >= nights(at)[0])
        .order_by(HarvestRunRow.id)
    ).mappings()
    history: dict[str, dict[str, ReportFacts]] = {}
    for row in rows:
        run = {name: row[name] for name in ("status", "kind", "added", "changed", "deleted", "landed", "cause")}
        history.setdefault(row["feed"], {})[row["started_at"][:10]] = run
    return history


def last_publication(connection: Connection) -> ReportFacts | None:
    """Read the last publication; None before the first.

    `holds` is the publication that still holds, where nothing had changed since and nothing was done.
    """
    query = select(HarvestRunRow.__table__).where(HarvestRunRow.kind == "publish")
    row = connection.execute(query.order_by(HarvestRunRow.id.desc()).limit(1)).mappings().first()
    return {**run_facts(dict(row)), "holds": row["base_run_id"]} if row else None
