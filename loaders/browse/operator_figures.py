"""How feeds and publications stand, for whoever watches over the night; counted from indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from loaders.store import RUN_COUNTS, HarvestRunRow, ResourceRow, RunMeasures, SourceRecordRow, decode_measures
from schemas import Base

_RUNS: Any = HarvestRunRow.__table__
_RECORDS: Any = SourceRecordRow.__table__


class FeedStanding(Base, frozen=True, kw_only=True):
    """A feed's last run, its records by status (`waiting` counts those of which a version waits), and its runs."""

    name: str
    status: str
    started_at: str
    counts: dict[str, int]
    measures: RunMeasures
    loaded_at: str | None
    records: dict[str, int]
    runs: dict[str, int]


class OperatorFigures(Base, frozen=True, kw_only=True):
    """Every feed, and the publications: when one was last loaded, its seconds by step, whether the newest failed."""

    feeds: tuple[FeedStanding, ...]
    resources: int
    published_at: str | None
    publication_failed: bool
    publication_seconds: dict[str, float]


def operator_figures(connection: Connection) -> OperatorFigures:
    """Return how the feeds and the publications stand."""
    records, runs, loaded = _records(connection), _runs(connection), _loaded(connection)
    newest = select(func.max(_RUNS.c.id)).where(_RUNS.c.feed.is_not(None)).group_by(_RUNS.c.feed)
    rows = connection.execute(select(_RUNS).where(_RUNS.c.id.in_(newest)).order_by(_RUNS.c.feed)).mappings()
    feeds = tuple(
        FeedStanding(
            name=row["feed"],
            status=row["status"],
            started_at=row["started_at"],
            counts={name: row[name] for name in ("listed", *RUN_COUNTS)},
            measures=decode_measures(row["measures"]),
            loaded_at=loaded.get(row["feed"]),
            records=records.get(row["feed"], {}),
            runs=runs.get(row["feed"], {}),
        )
        for row in rows
    )
    is_publication = _RUNS.c.kind == "publish"
    newest_first = select(_RUNS).where(is_publication).order_by(_RUNS.c.id.desc()).limit(1)
    last = connection.execute(newest_first).mappings().one_or_none()
    published = connection.execute(newest_first.where(_RUNS.c.status == "loaded")).mappings().one_or_none()
    resources = select(func.count()).where(ResourceRow.withdrawn_at.is_(None))
    return OperatorFigures(
        feeds=feeds,
        resources=connection.scalar(resources) or 0,
        published_at=published["ended_at"] if published else None,
        publication_failed=bool(last and last["status"] == "failed"),
        publication_seconds=decode_measures(published["measures"]).seconds if published else {},
    )


def _records(connection: Connection) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    feed, status, pending = _RECORDS.c.feed, _RECORDS.c.status, _RECORDS.c.pending_status
    by_status = select(feed, status, func.count()).group_by(feed, status)
    waiting = select(feed, func.count()).where(pending.is_not(None)).group_by(feed)
    for name, record_status, count in connection.execute(by_status):
        counts.setdefault(name, {})[record_status] = count
    for name, count in connection.execute(waiting):
        counts.setdefault(name, {})["waiting"] = count
    return counts


def _runs(connection: Connection) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    is_of_feed = _RUNS.c.feed.is_not(None)
    query = select(_RUNS.c.feed, _RUNS.c.status, func.count()).where(is_of_feed).group_by(_RUNS.c.feed, _RUNS.c.status)
    for name, status, count in connection.execute(query):
        counts.setdefault(name, {})[status] = count
    return counts


def _loaded(connection: Connection) -> dict[str, str]:
    is_loaded = (_RUNS.c.feed.is_not(None), _RUNS.c.kind == "harvest", _RUNS.c.status == "loaded")
    query = select(_RUNS.c.feed, func.max(_RUNS.c.ended_at)).where(*is_loaded).group_by(_RUNS.c.feed)
    return {name: at for name, at in connection.execute(query) if at is not None}
