"""Every published and withdrawn resource in turn, as the exports take them; memory does not grow with the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from loaders.store import RedirectRow, ResourceRow, SourceRecordRow, rows_among, undecoded
from schemas import CC0, Published, Withdrawn, decode_record

_PAGE_ROWS = 500
_RESOURCES: Any = ResourceRow.__table__
_RECORDS: Any = SourceRecordRow.__table__


def all_published(
    connection: Connection,
    *,
    partners: Mapping[str, str],
    metadata_license: Callable[[Sequence[str]], str | None] = lambda _: CC0,
    site: str | None = None,
    since: str = "",
    whole: bool = False,
) -> Iterator[tuple[Published, Withdrawn | None]]:
    """Yield every resource by id, and beside a withdrawn one that it is; its record is the last that was published.

    `partners` names the partner of each feed, `metadata_license` the licence of metadata by its feeds; a resource for
    which that is None may not be passed on, and is left out. `site` is the library's public address. `since` leaves out
    what became visible before: a time as Published.visible_at has it, or the beginning of one. `whole` is that of
    schemas.decode_record. Every read sees one moment of the catalog where the connection is that of
    loaders.store.read_transaction.
    """
    last_id = ""
    while rows := _page(connection, last_id, since):
        ids = [row.id for row in rows]
        feeds = _feeds_of(connection, ids)
        redirects = _redirects(connection, [row.id for row in rows if row.withdrawn_at])
        for row in rows:
            record = decode_record(row.record, whole=whole)
            names = feeds.get(row.id) or (record.key.partition(":")[0],)  # of a withdrawn one: its leading record's
            license_uri = metadata_license(names)
            if license_uri is None:
                continue
            published = Published(
                id=row.id,
                record=record,
                visible_at=f"{row.updated_at[:19]}Z",
                feeds=names,
                partners=_partners_of(names, partners),
                metadata_license=license_uri,
                site=site,
            )
            yield published, _withdrawn(published, redirects.get(row.id)) if row.withdrawn_at else None
        last_id = ids[-1]


def _partners_of(feeds: Sequence[str], partners: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(partners[name] for name in feeds if name in partners))


def _page(connection: Connection, last_id: str, since: str) -> Sequence[Any]:
    columns = (_RESOURCES.c.id, _RESOURCES.c.updated_at, _RESOURCES.c.withdrawn_at)
    query = select(*columns, undecoded(connection, _RESOURCES.c.record).label("record"))
    if since:
        query = query.where(_RESOURCES.c.updated_at >= since.rstrip("Z"))  # which has microseconds
    query = query.where(_RESOURCES.c.id > last_id).order_by(_RESOURCES.c.id).limit(_PAGE_ROWS)
    return connection.execute(query).all()


def _feeds_of(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the feeds of the live records of each resource, in alphabetical order."""
    query = select(_RECORDS.c.resource_id, _RECORDS.c.feed).where(_RECORDS.c.status == "live").distinct()
    feeds: dict[str, set[str]] = {}
    for row in rows_among(connection, query, _RECORDS.c.resource_id, ids):
        feeds.setdefault(row.resource_id, set()).add(row.feed)
    return {resource_id: tuple(sorted(names)) for resource_id, names in feeds.items()}


def _redirects(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    query = select(RedirectRow.old_id, RedirectRow.id)
    return {row.old_id: row.id for row in rows_among(connection, query, RedirectRow.old_id, ids)}


def _withdrawn(published: Published, redirect: str | None) -> Withdrawn:
    return Withdrawn(id=published.id, visible_at=published.visible_at, redirect=redirect, site=published.site)
