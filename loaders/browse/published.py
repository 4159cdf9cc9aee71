<<<<<<< HEAD
"""Every published and withdrawn resource in turn, as the exports take them; memory does not grow with the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from loaders.store import RedirectRow, ResourceRow, SourceRecordRow, rows_among, undecoded
from schemas import Published, Resource, Withdrawn

_PAGE_ROWS = 500
_RESOURCES: Any = ResourceRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_RECORD = msgspec.json.Decoder(Resource)


def all_published(
    connection: Connection, *, partners: Mapping[str, str], site: str | None = None, since: str = ""
) -> Iterator[tuple[Published, Withdrawn | None]]:
    """Yield every resource by id, and beside a withdrawn one that it is; its record is the last that was published.

    `partners` names the partner of each feed; `site` is the library's public address. `since` leaves out what became
    visible before: a time as Published.visible_at has it, or the beginning of one. Every read sees one moment of the
    catalog where the connection is that of loaders.store.read_transaction.
    """
    last_id = ""
    while rows := _page(connection, last_id, since):
        ids = [row.id for row in rows]
        feeds = _feeds_of(connection, ids)
        redirects = _redirects(connection, [row.id for row in rows if row.withdrawn_at])
        for row in rows:
            published = _published(row, feeds.get(row.id, ()), partners, site)
            yield published, _withdrawn(published, redirects.get(row.id)) if row.withdrawn_at else None
        last_id = ids[-1]


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


def _published(row: Any, feeds: tuple[str, ...], partners: Mapping[str, str], site: str | None) -> Published:
    record = _RECORD.decode(row.record)
    feeds = feeds or (record.key.partition(":")[0],)  # of a withdrawn resource: that of its leading record
    return Published(
        id=row.id,
        record=record,
        visible_at=f"{row.updated_at[:19]}Z",
        feeds=feeds,
        partners=tuple(dict.fromkeys(partners[feed] for feed in feeds if feed in partners)),
        site=site,
    )


def _withdrawn(published: Published, redirect: str | None) -> Withdrawn:
    return Withdrawn(id=published.id, visible_at=published.visible_at, redirect=redirect)
=======
"""What a reader sees of one resource: its record, where it comes from, and the resources that it is related to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from loaders.store import RedirectRow, ResourceRow, SourceRecordRow, rows_among
from schemas import Relation, Resource

MAX_RELATED = 50  # resources on one page
_RESOURCES: Any = ResourceRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_REDIRECTS: Any = RedirectRow.__table__


class RelatedResource(NamedTuple):
    """A published resource to which another is related, and how."""

    id: str
    title: str
    language: str | None
    kind: str
    variant: str | None


class PublishedResource(NamedTuple):
    """A resource that is or was published.

    record: None once it is withdrawn; feeds: of the records that it is made of
    related: the published resources that it names; other_relations: what it names besides
    """

    id: str
    title: str
    record: Resource | None
    created_at: str
    updated_at: str
    feeds: Sequence[str]
    related: Sequence[RelatedResource]
    other_relations: Sequence[Relation]


def read_published(connection: Connection, resource_id: str) -> PublishedResource | str | None:
    """Return a resource by id; the id that replaces it as text; None when there never was one."""
    newer = connection.scalar(select(_REDIRECTS.c.id).where(_REDIRECTS.c.old_id == resource_id))
    if newer is not None:
        return str(newer)
    row = connection.execute(select(_RESOURCES).where(_RESOURCES.c.id == resource_id)).one_or_none()
    if row is None:
        return None
    if row.withdrawn_at:
        return PublishedResource(row.id, "", None, row.created_at, row.updated_at, (), (), ())
    record = msgspec.json.decode(row.record, type=Resource)
    feeds = connection.scalars(select(_RECORDS.c.feed).where(_RECORDS.c.resource_id == resource_id).distinct())
    related = _related(connection, record.relations[:MAX_RELATED])
    named = {each.id for each in related}
    others = tuple(each for each in record.relations[:MAX_RELATED] if each.target not in named)
    return PublishedResource(
        row.id, row.title or "", record, row.created_at, row.updated_at, sorted(feeds), related, others
    )


def _related(connection: Connection, relations: Sequence[Relation]) -> list[RelatedResource]:
    columns = select(_RESOURCES.c.id, _RESOURCES.c.title, _RESOURCES.c.language)
    targets = [relation.target for relation in relations]
    published = columns.where(_RESOURCES.c.withdrawn_at.is_(None))
    rows = {row.id: row for row in rows_among(connection, published, _RESOURCES.c.id, targets)}
    return [
        RelatedResource(row.id, row.title or "", row.language, relation.kind, relation.variant)
        for relation in relations
        if (row := rows.get(relation.target)) is not None
    ]


def count_published(connection: Connection) -> int:
    """Return how many resources are published."""
    published = select(func.count()).select_from(_RESOURCES).where(_RESOURCES.c.withdrawn_at.is_(None))
    return connection.scalar(published) or 0
>>>>>>> 090ee6a (Open the library: home page, search, and one page per resource)
