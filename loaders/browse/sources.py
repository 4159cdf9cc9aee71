"""Where resources come from: the partners' records that each was merged from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from loaders.store import ResourceSetRow, SourceRecordRow, rows_among

_RECORDS: Any = SourceRecordRow.__table__


class SourceOf(NamedTuple):
    """A live record of a resource: the partner's identifier and datestamp, its format, and the run that read it."""

    feed: str
    identifier: str
    datestamp: str | None
    format: str
    run_id: str


def sources_of(connection: Connection, resource_ids: Sequence[str]) -> dict[str, list[SourceOf]]:
    """Return the live records of each resource, by key."""
    columns = (_RECORDS.c[name] for name in ("resource_id", "key", *SourceOf._fields))
    query = select(*columns).where(_RECORDS.c.status == "live")
    rows = sorted(rows_among(connection, query, _RECORDS.c.resource_id, resource_ids), key=lambda row: str(row.key))
    sources: dict[str, list[SourceOf]] = {}
    for row in rows:
        sources.setdefault(row.resource_id, []).append(SourceOf(*row[2:]))
    return sources


def set_specs(connection: Connection) -> list[str]:
    """Return every set that a resource is in, in order; a few reads of an index, not one of every row."""
    sets: Any = ResourceSetRow.__table__
    specs: list[str] = []
    while (
        spec := connection.scalar(select(func.min(sets.c.spec)).where(sets.c.spec > (specs or [""])[-1]))
    ) is not None:
        specs.append(spec)
    return specs
