"""How feeds and publications stand, for whoever watches over the night; counted from indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, or_, select

from loaders.store import RUN_COUNTS, HarvestRunRow, ResourceRow, RunMeasures, SourceRecordRow, decode_measures
from schemas import Base

_RUNS: Any = HarvestRunRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_OPEN = ("running", "landed", "failed")  # of a harvest that has not come through, or not yet


class FeedStanding(Base, frozen=True, kw_only=True):
    """A feed's last run, its records by status (`waiting` counts those of which a version waits), and its runs.

    failed_nights: days (UTC) in a row on which its harvests have failed, up to now; 0 once one has come through
    """

    name: str
    status: str
    started_at: str
    counts: dict[str, int]
    measures: RunMeasures
    loaded_at: str | None
    records: dict[str, int]
    runs: dict[str, int]
    failed_nights: int


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
    failed_nights = _failed_nights(connection)
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
            failed_nights=failed_nights.get(row["feed"], 0),
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


def _failed_nights(connection: Connection) -> dict[str, int]:
    """Return on how many days each feed's harvests have failed since one came through, to be loaded or decided on."""
    is_harvest = (_RUNS.c.feed.is_not(None), _RUNS.c.kind == "harvest")
    came_through = select(_RUNS.c.feed, func.max(_RUNS.c.id).label("id"))
    newest = came_through.where(*is_harvest, _RUNS.c.status.not_in(_OPEN)).group_by(_RUNS.c.feed).subquery()
    day = func.substr(_RUNS.c.started_at, 1, len("2026-01-31"))
    count = select(_RUNS.c.feed, func.count(day.distinct())).outerjoin(newest, newest.c.feed == _RUNS.c.feed)
    is_since = (_RUNS.c.status == "failed", or_(newest.c.id.is_(None), _RUNS.c.id > newest.c.id))
    return dict(connection.execute(count.where(*is_harvest, *is_since).group_by(_RUNS.c.feed)).all())
