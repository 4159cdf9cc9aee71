"""What a reader sees of one resource: its record, where it comes from, and the resources that it is related to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from loaders.browse.links import dead_since, link_sizes
from loaders.store import RedirectRow, ResourceRow, SourceRecordRow, now, rows_among, visible_times
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
    visible_at: since when it can be read in this form, UTC as YYYY-MM-DDThh:mm:ssZ
    related: the published resources that it names; other_relations: what it names besides
    dead: since when its addresses fail, of those that are dead
    sizes: bytes of the files at its addresses, of those that are known
    """

    id: str
    title: str
    record: Resource | None
    created_at: str
    updated_at: str
    visible_at: str
    feeds: Sequence[str]
    related: Sequence[RelatedResource]
    other_relations: Sequence[Relation]
    dead: Mapping[str, str] = {}
    sizes: Mapping[str, int] = {}


def read_published(connection: Connection, resource_id: str) -> PublishedResource | str | None:
    """Return a resource by id; the id that replaces it as text; None when there never was one."""
    newer = connection.scalar(select(_REDIRECTS.c.id).where(_REDIRECTS.c.old_id == resource_id))
    if newer is not None:
        return str(newer)
    row = connection.execute(select(_RESOURCES).where(_RESOURCES.c.id == resource_id)).one_or_none()
    if row is None:
        return None
    visible = visible_times(connection, [row.updated_at], now()).get(row.updated_at, row.updated_at)
    times = row.created_at, row.updated_at, f"{visible[:19]}Z"
    if row.withdrawn_at:
        return PublishedResource(row.id, "", None, *times, (), (), ())
    record = msgspec.json.decode(row.record, type=Resource)
    urls = [*filter(None, [record.url]), *(link.url for link in record.links)]
    dead, sizes = dead_since(connection, urls), link_sizes(connection, urls)
    feeds = connection.scalars(select(_RECORDS.c.feed).where(_RECORDS.c.resource_id == resource_id).distinct())
    related = _related(connection, record.relations[:MAX_RELATED])
    named = {each.id for each in related}
    others = tuple(each for each in record.relations[:MAX_RELATED] if each.target not in named)
    return PublishedResource(row.id, row.title or "", record, *times, sorted(feeds), related, others, dead, sizes)


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
