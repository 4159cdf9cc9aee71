"""Runs, newest first, with facets over their status and feed."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select, tuple_

from loaders.store import RUN_COUNTS, UPKEEP_KINDS, HarvestRunRow, decode_changes, decode_reasons
from schemas import Base, Reason

_RUNS: Any = HarvestRunRow.__table__
PUBLICATIONS = "publish"  # the feed of a filter that means publications


class RunSummary(Base, frozen=True, kw_only=True):
    """A row of harvest_run with its JSON decoded; `counts` has RUN_COUNTS, `listed` and `duplicates`."""

    id: str
    feed: str | None
    kind: str
    status: str
    started_at: str
    ended_at: str | None
    counts: dict[str, int]
    reasons: tuple[Reason | str, ...]
    notes: tuple[str, ...]
    changes: tuple[tuple[str, int], ...]
    cause: str | None
    error: str | None
    base_run_id: str | None
    undid_run_id: str | None
    ungated_by: str | None
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None
    dag: str | None


class RunPlace(NamedTuple):
    """The place of a run in the order: when it began, and its id."""

    started_at: str
    id: str


def runs_page(
    connection: Connection, *, status: str = "", feed: str = "", after: RunPlace | None = None, limit: int = 50
) -> list[RunSummary]:
    """Return runs, newest first, from the one after `after` on; `publish` as the feed means publications."""
    query = select(_RUNS).where(*_conditions(status, feed))
    if after is not None:
        query = query.where(tuple_(_RUNS.c.started_at, _RUNS.c.id) < tuple_(after.started_at, after.id))
    query = query.order_by(_RUNS.c.started_at.desc(), _RUNS.c.id.desc()).limit(limit)
    return [_summary(row) for row in connection.execute(query).mappings()]


def run_facets(connection: Connection, *, status: str = "", feed: str = "") -> dict[str, list[tuple[str, int]]]:
    """Count the runs by status among those of the feed, and by feed among those of the status; most frequent first."""
    by_status = select(_RUNS.c.status, func.count()).where(*_conditions("", feed)).group_by(_RUNS.c.status)
    name = func.coalesce(_RUNS.c.feed, _RUNS.c.kind)
    by_feed = select(name, func.count()).where(*_conditions(status, "")).group_by(name)
    return {
        facet: sorted(((row[0], row[1]) for row in connection.execute(query)), key=lambda each: (-each[1], each[0]))
        for facet, query in (("status", by_status), ("feed", by_feed))
    }


def read_run_summary(connection: Connection, run_id: str) -> RunSummary | None:
    """Return a run; None when there is none with that id."""
    row = connection.execute(select(_RUNS).where(_RUNS.c.id == run_id)).mappings().one_or_none()
    return None if row is None else _summary(row)


def newest_run(connection: Connection, feed: str) -> RunSummary | None:
    """Return the newest run of a feed, or the newest publication; None when there is none."""
    return _one_run(connection, feed, _RUNS.c.id.desc())


def first_run_after(connection: Connection, feed: str, run_id: str) -> RunSummary | None:
    """Return the first run of a feed, or publication, after another one, or of all for an empty id."""
    return _one_run(connection, feed, _RUNS.c.id, _RUNS.c.id > run_id)


def _one_run(connection: Connection, feed: str, order: Any, *conditions: Any) -> RunSummary | None:
    query = select(_RUNS).where(*_conditions("", feed), *conditions).order_by(order).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _summary(row)


def _conditions(status: str, feed: str) -> list[Any]:
    conditions = [_RUNS.c.status == status] if status else []
    if feed in (PUBLICATIONS, *UPKEEP_KINDS):  # the same for checks of the links, and downloads
        conditions += [_RUNS.c.feed.is_(None), _RUNS.c.kind == feed]
    elif feed:
        conditions.append(_RUNS.c.feed == feed)
    return conditions


def _summary(row: Any) -> RunSummary:
    same = {name: row[name] for name in RunSummary.__struct_fields__ if name in row and name not in _DECODED}
    return RunSummary(
        **same,
        counts={name: row[name] for name in ("listed", "duplicates", *RUN_COUNTS)},
        reasons=decode_reasons(row["reasons"]),
        notes=tuple(msgspec.json.decode(row["notes"], type=list[str]) if row["notes"] else ()),
        changes=tuple(decode_changes(row["changes"])),
    )


_DECODED = ("counts", "reasons", "notes", "changes")
