"""What a sitemap lists: every published resource with its last change, in parts that are ranges of the primary key."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from loaders.store import ResourceRow

SITEMAP_PART_IDS = 10_000  # a sitemap may have 50,000 addresses and 50 MB; with five languages each, these have 8 MB
_RESOURCES: Any = ResourceRow.__table__


class SitemapPart(NamedTuple):
    """A range of ids, from `first` up to the first one of the next part, and when one of its resources last changed."""

    first: str
    changed_at: str


def sitemap_parts(connection: Connection, size: int = SITEMAP_PART_IDS) -> tuple[SitemapPart, ...]:
    """Return the parts, in order. Ids are never deleted and sort by time, so that only the last part grows.

    Withdrawn ids count: which are published stands in rows, and this reads indexes only.
    """
    number = (func.row_number().over(order_by=_RESOURCES.c.id) - 1).label("number")
    ids = select(_RESOURCES.c.id, _RESOURCES.c.updated_at, number).subquery()
    part = ids.c.number.op("/")(size)  # of whole numbers, on both databases
    query = select(func.min(ids.c.id), func.max(ids.c.updated_at)).group_by(part).order_by(func.min(ids.c.id))
    return tuple(SitemapPart(*row) for row in connection.execute(query))


def sitemap_entries(connection: Connection, first: str, end: str | None) -> list[tuple[str, str]]:
    """Return id and last change of the published resources from an id on, up to another one (None: to the last)."""
    table = _RESOURCES.c
    query = select(table.id, table.updated_at, table.withdrawn_at).where(table.id >= first).order_by(table.id)
    rows = connection.execute(query if end is None else query.where(table.id < end))
    return [(row.id, row.updated_at) for row in rows if row.withdrawn_at is None]
