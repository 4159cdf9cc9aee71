"""Find a record, resource or run by exactly what it is called: lookups by primary key only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from loaders.browse.records import Member, members_of, record_titles
from loaders.store import MAX_BOUND_VALUES, HarvestRunRow, RedirectRow, ResourceRow, rows_among

_MAX_FEEDS = 10 * MAX_BOUND_VALUES  # among which an identifier is looked for


class Found(NamedTuple):
    """What has a name: records, a resource with its title, and a run."""

    records: list[Member]
    resource: tuple[str, str] | None
    run: str | None


def find_exactly(connection: Connection, name: str, feeds: Sequence[str]) -> Found:
    """Return what is called so: a record by key, or by its partner's identifier; a resource by id, old or new; a run.

    An address is found where it is a partner's identifier, or ends with the id of a resource.
    """
    keys = [name, *(f"{feed}:{name}" for feed in feeds[:_MAX_FEEDS])]
    records = record_titles(connection, keys)
    resource = _resource(connection, name.rstrip("/").rpartition("/")[2])
    run = connection.scalar(select(HarvestRunRow.id).where(HarvestRunRow.id == name))
    if resource and not records:
        records = members_of(connection, resource[0])
    return Found(records, resource, run)


def _resource(connection: Connection, resource_id: str) -> tuple[str, str] | None:
    newer = connection.scalar(select(RedirectRow.id).where(RedirectRow.old_id == resource_id))
    query: Any = select(ResourceRow.id, ResourceRow.title).where(ResourceRow.id == (newer or resource_id))
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.id, row.title or "")


def resource_titles(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Return title and whether it is withdrawn, of the resources with these ids, by id."""
    query: Any = select(ResourceRow.id, ResourceRow.title, ResourceRow.withdrawn_at)
    rows = rows_among(connection, query, ResourceRow.id, ids)
    return {row.id: (row.title or "", row.withdrawn_at is not None) for row in rows}
