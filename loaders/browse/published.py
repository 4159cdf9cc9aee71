"""Every published and withdrawn resource in turn, as the exports take them; memory does not grow with the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from loaders.store import (
    ChangeTimes,
    RedirectRow,
    ResourceRow,
    ResourceSetRow,
    SourceRecordRow,
    change_times,
    now,
    rows_among,
    undecoded,
    visible_times,
)
from schemas import CC0, Published, Withdrawn, decode_record

MAX_SORTED = 20_000  # changed resources of a window that are sorted for one page
_RESOURCES: Any = ResourceRow.__table__
_SETS: Any = ResourceSetRow.__table__
_RECORDS: Any = SourceRecordRow.__table__


class PublishedReader(NamedTuple):
    """How the rows of `resource` become what the library passes on.

    `partners` names the partner of each feed, `metadata_license` the licence of metadata by its feeds; a resource for
    which that is None may not be passed on, and is left out. `site` is the library's public address. `whole` is that of
    schemas.decode_record.
    """

    partners: Mapping[str, str]
    metadata_license: Callable[[Sequence[str]], str | None] = lambda _: CC0
    site: str | None = None
    whole: bool = False

    def read(
        self, connection: Connection, ids: Sequence[str], time: str
    ) -> Iterator[tuple[Published, Withdrawn | None]]:
        """Yield some resources by id, and beside a withdrawn one that it is. `time` is now, as the catalog has it."""
        rows = list(rows_among(connection, _columns(connection), _RESOURCES.c.id, ids))
        rows.sort(key=attrgetter("id"))
        visible = visible_times(connection, [row.updated_at for row in rows], time)
        feeds = _feeds_of(connection, ids)
        redirects = _redirects(connection, [row.id for row in rows if row.withdrawn_at])
        for row in rows:
            record = decode_record(row.record, whole=self.whole)
            names = feeds.get(row.id) or (record.key.partition(":")[0],)  # of a withdrawn one: its leading record's
            license_uri = self.metadata_license(names)
            if license_uri is None:
                continue
            published = Published(
                id=row.id,
                record=record,
                visible_at=f"{visible.get(row.updated_at, row.updated_at)[:19]}Z",
                feeds=names,
                partners=_partners_of(names, self.partners),
                metadata_license=license_uri,
                site=self.site,
                sets=decode_sets(row.sets),
            )
            yield published, _withdrawn(published, redirects.get(row.id)) if row.withdrawn_at else None


def all_published(
    connection: Connection, *, since: str = "", **about: Any
) -> Iterator[tuple[Published, Withdrawn | None]]:
    """Yield every resource by id, and beside a withdrawn one that it is; its record is the last that was published.

    `about` is that of PublishedReader. `since` leaves out what became visible before: a time as Published.visible_at
    has it, or the beginning of one. Every read sees one moment of the catalog where the connection is that of
    loaders.store.read_transaction.
    """
    reader, last_id, time = PublishedReader(**about), "", now()
    window = change_times(connection, since.rstrip("Z"), "", time) if since else None  # rows have microseconds
    if since and window is None:
        return
    while ids := resource_ids(connection, window=window, after=last_id):
        yield from reader.read(connection, ids, time)
        last_id = ids[-1]


def published_or_gone(
    connection: Connection, resource_id: str, reader: PublishedReader
) -> Published | Withdrawn | str | None:
    """Return one resource; Withdrawn also for an id that another replaces; None when there never was one.

    Of one whose metadata may not be passed on, the address of its page is returned, or its path without a site.
    """
    query = select(_RESOURCES.c.withdrawn_at, _RESOURCES.c.updated_at).where(_RESOURCES.c.id == resource_id)
    row, redirect = connection.execute(query).one_or_none(), _redirects(connection, [resource_id]).get(resource_id)
    if redirect is not None or (row is not None and row.withdrawn_at):
        at = visible_times(connection, [row.updated_at], now()).get(row.updated_at, row.updated_at) if row else now()
        return Withdrawn(id=resource_id, visible_at=f"{at[:19]}Z", redirect=redirect, site=reader.site)
    if row is None:
        return None
    for published, _ in reader.read(connection, [resource_id], now()):
        return published
    return f"{reader.site or ''}/resources/{resource_id}"


def resource_ids(
    connection: Connection, *, window: ChangeTimes | None = None, spec: str = "", after: str = "", limit: int = 500
) -> list[str]:
    """Return the next ids after one, in order: of all resources, those of a set, or those changed in a window.

    Walking by id neither skips nor repeats a resource while publications change resources. The ids are one range of an
    index; those of a window with few resources are sorted each time, those of one with many are picked from all.
    """
    if spec:
        query = select(_SETS.c.resource_id.label("id")).where(_SETS.c.spec == spec)
        column: Any = _SETS.c.resource_id
    else:
        query, column = select(_RESOURCES.c.id), _RESOURCES.c.id
    if window is not None:
        some = _changed_in(window).limit(MAX_SORTED + 1).subquery()
        is_sorted = (connection.scalar(select(func.count()).select_from(some)) or 0) <= MAX_SORTED
        query = query.where(column.in_(select(some.c.id)) if is_sorted else _is_changed_in(window, column, spec))
    return list(connection.scalars(query.where(column > after).order_by(column).limit(limit)))


def count_changed(connection: Connection, window: ChangeTimes) -> int | None:
    """Return how many resources were changed in a window; None when they are too many to count for one page."""
    some = _changed_in(window).limit(MAX_SORTED + 1).subquery()
    count = connection.scalar(select(func.count()).select_from(some)) or 0
    return count if count <= MAX_SORTED else None


def _changed_in(window: ChangeTimes) -> Any:
    return select(_RESOURCES.c.id).where(_RESOURCES.c.updated_at.between(window.first, window.last))


def _is_changed_in(window: ChangeTimes, column: Any, spec: str) -> Any:
    """Return the condition that a row was changed in a window, in a form that no planner sorts the window for."""
    changed = _RESOURCES.c.updated_at.concat("").between(window.first, window.last)
    if not spec:
        return changed
    return select(_RESOURCES.c.id).where(_RESOURCES.c.id == column, changed).exists()


def decode_sets(sets_json: str | None) -> tuple[str, ...]:
    """Decode resource.sets; none for a resource whose sets were not derived yet."""
    return msgspec.json.decode(sets_json, type=tuple[str, ...]) if sets_json else ()


def _partners_of(feeds: Sequence[str], partners: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(partners[name] for name in feeds if name in partners))


def _columns(connection: Connection) -> Any:
    columns = (_RESOURCES.c.id, _RESOURCES.c.updated_at, _RESOURCES.c.withdrawn_at, _RESOURCES.c.sets)
    return select(*columns, undecoded(connection, _RESOURCES.c.record).label("record"))


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
