"""Find what a new version of the software will do to a catalog, and how long it takes by the catalog's own runs.

Everything here only reads, and reads a catalog of any earlier version: columns that came later need not be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, column, func, inspect, select, table

from loaders.browse import transform_versions
from loaders.downloads import newest_dump
from loaders.migrations import CatalogVersion, catalog_version
from loaders.publication import has_outdated_columns, has_outdated_merges, kept_match_version
from loaders.search import outdated_indexes
from loaders.store import ResourceRow, SourceRecordRow, read_transaction
from schemas import Environment

_STEPS_OF_REPROCESS = ("plan", "transform", "check", "stage", "gate", "load")  # in the measures of a run
_MAX_RUNS = 50  # of a feed, or downloads: the largest, in which the speed is looked for
_MAX_PUBLICATIONS = 20_000  # the newest: of feeds that load each night most publications do little
_MEASURES = "measures"
_RUN_COLUMNS = ("id", "feed", "kind", "status", "started_at", "ended_at", "listed", "landed", "decided_by")
_RECORDS, _RESOURCES = SourceRecordRow.__table__, ResourceRow.__table__


class Speed(NamedTuple):
    """How fast a run was: records, seconds, the run, and whether the seconds include waiting for the partner."""

    records: int
    seconds: float
    run_id: str
    includes_waiting: bool

    def seconds_for(self, records: int) -> float:
        """Return how long the same takes for so many records: in proportion to them, and for fewer as long as then."""
        return self.seconds * max(1.0, records / max(1, self.records))


class FeedToReprocess(NamedTuple):
    """A feed whose records were read with other code: how many it has, and the speed to expect; None: not measured."""

    feed: str
    records: int
    speed: Speed | None

    @property
    def seconds(self) -> float | None:
        """Return how long a reprocess takes, by that speed."""
        return None if self.speed is None else self.speed.seconds_for(self.records)


class Download(NamedTuple):
    """The newest download: its name, the resources in it, and the run that took longest to write one, if any."""

    name: str
    resources: int
    speed: Speed | None


class UpgradePlan(NamedTuple):
    """What a new version does.

    version: of the catalog, with the migrations that are pending
    records, resources: live records, and resources with those that were withdrawn; both 0 without tables
    reprocess: feeds that a person may read again with the new code
    matched: live records that the next publication compares all with all; 0 when it compares only what changed
    merged: resources of several records that the next publication merges again though nothing of them changed
    derived: resources whose derived columns the next publication fills again
    indexes: search indexes that the next publication makes anew
    match, publish: the longest match and publication of this catalog; None when none was measured
    download: the newest one; None without any
    """

    version: CatalogVersion
    records: int = 0
    resources: int = 0
    reprocess: tuple[FeedToReprocess, ...] = ()
    matched: int = 0
    merged: int = 0
    derived: int = 0
    indexes: tuple[Path, ...] = ()
    match: Speed | None = None
    publish: Speed | None = None
    download: Download | None = None

    @property
    def has_later_work(self) -> bool:
        """Return whether anything is to do after the migrations."""
        return bool(self.reprocess or self.matched or self.merged or self.derived or self.indexes)


def plan_upgrade(env: Environment, transforms_version: str, matcher_version: str) -> UpgradePlan:
    """Return what this software, with these versions of its transforms and matcher, will do to the catalog.

    Raises loaders.migrations.NewerCatalog, and what the database raises.
    """
    version = catalog_version(env)
    if version.revision is None:
        return UpgradePlan(version)
    with read_transaction(env) as connection:
        live = select(func.count()).select_from(_RECORDS).where(_RECORDS.c.status == "live")
        records = connection.scalar(live) or 0
        resources = connection.scalar(select(func.count()).select_from(_RESOURCES)) or 0
        is_full = resources > 0 and kept_match_version(env) != matcher_version
        return UpgradePlan(
            version,
            records=records,
            resources=resources,
            reprocess=tuple(_feeds_to_reprocess(connection, transforms_version)),
            matched=records if is_full else 0,
            merged=_merged_resources(connection) if has_outdated_merges(connection, transforms_version) else 0,
            derived=resources if resources and has_outdated_columns(connection) else 0,
            indexes=tuple(outdated_indexes(env)),
            match=_longest(connection, "match"),
            publish=_longest(connection, "publish"),
            download=_download(env, connection),
        )


def _merged_resources(connection: Connection) -> int:
    several = select(func.count()).select_from(_RESOURCES)
    return connection.scalar(several.where(_RESOURCES.c.members > 1, _RESOURCES.c.withdrawn_at.is_(None))) or 0


def _download(env: Environment, connection: Connection) -> Download | None:
    newest = newest_dump(env)
    if newest is None:
        return None
    runs = _runs(connection)
    query = select(runs).where(runs.c.kind == "downloads", runs.c.status == "loaded", runs.c.listed > 0)
    rows = connection.execute(query.order_by(runs.c.listed.desc()).limit(_MAX_RUNS)).mappings()
    speeds = (Speed(row["listed"], _whole_seconds(row), row["id"], includes_waiting=False) for row in rows)
    return Download(newest.manifest.name, newest.manifest.resources, max(speeds, key=_seconds_of, default=None))


def _feeds_to_reprocess(connection: Connection, transforms_version: str) -> Iterator[FeedToReprocess]:
    count = select(func.count()).select_from(_RECORDS)
    for feed, versions in sorted(transform_versions(connection).items()):
        names = {version.partition("+")[0] for version in versions}
        if names <= {transforms_version, ""}:  # records that came through the pipe name none, and are not in landing
            continue
        number = connection.scalar(count.where(_RECORDS.c.feed == feed)) or 0
        if number:
            yield FeedToReprocess(feed, number, _speed(connection, feed))


def _speed(connection: Connection, feed: str) -> Speed | None:
    """Return the speed of the run that says most: a measured one or a reprocess before others, then the largest."""
    runs = _runs(connection)
    query = select(runs).where(runs.c.feed == feed, runs.c.status == "loaded", runs.c.landed > 0)
    rows = connection.execute(query.order_by(runs.c.landed.desc()).limit(_MAX_RUNS)).mappings()
    speeds = [speed for row in rows if (speed := _speed_of(row)) is not None]
    return max(speeds, key=lambda speed: (not speed.includes_waiting, speed.records), default=None)


def _speed_of(row: Any) -> Speed | None:
    measured = _seconds_by_step(row.get(_MEASURES))
    if steps := [measured[step] for step in _STEPS_OF_REPROCESS if step in measured]:
        return Speed(row["landed"], sum(steps), row["id"], includes_waiting=False)
    if not row["ended_at"] or row["decided_by"]:  # a run that was decided on ended when somebody had the time
        return None
    seconds = _whole_seconds(row)
    return Speed(row["landed"], seconds, row["id"], row["kind"] != "reprocess") if seconds > 0 else None


def _whole_seconds(row: Any) -> float:
    return (datetime.fromisoformat(row["ended_at"]) - datetime.fromisoformat(row["started_at"])).total_seconds()


def _seconds_of(speed: Speed) -> float:
    return speed.seconds


def _longest(connection: Connection, step: str) -> Speed | None:
    """Return the publication in which a step took longest: one that had all of its work to do, if any is measured."""
    runs = _runs(connection)
    query = select(runs).where(runs.c.kind == "publish", runs.c.status == "loaded")
    rows = connection.execute(query.order_by(runs.c.id.desc()).limit(_MAX_PUBLICATIONS)).mappings()
    measured = ((row, _seconds_by_step(row.get(_MEASURES)).get(step)) for row in rows)
    speeds = (Speed(row["listed"], seconds, row["id"], includes_waiting=False) for row, seconds in measured if seconds)
    return max(speeds, key=_seconds_of, default=None)


def _runs(connection: Connection) -> Any:
    """Return the table of runs with the columns that this catalog has."""
    existing = {each["name"] for each in inspect(connection).get_columns("harvest_run")}
    return table("harvest_run", *(column(name) for name in (*_RUN_COLUMNS, _MEASURES) if name in existing))


def _seconds_by_step(measures: str | None) -> dict[str, float]:
    """Return the seconds of each step in a run's measures; empty for a run that was not measured."""
    if not measures:
        return {}
    return msgspec.json.decode(measures, type=dict[str, Any]).get("seconds") or {}
