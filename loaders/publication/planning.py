"""Plan a publication: read what is live, published and decided, and say which resources there should be."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from itertools import chain
from operator import attrgetter
from sys import intern
from typing import Any, NamedTuple

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, and_, case, func, not_, or_, select, union

from loaders.publication.identity import Identities, MemberKeys, identify, mint, resolve
from loaders.publication.match_state import MatchResult
from loaders.staging import names_code
from loaders.store import CurationRow, RedirectRow, ResourceRow, SourceRecordRow, rows_among
from schemas import Cluster, Correction, Relation

_FETCH_ROWS = 10_000
_KEY, _RESOURCE_ID = 0, 3  # places in a row of _records_query
_NARROWED = "license_narrowed"  # the code of the rule on whose account a licence is withheld
_ACCEPTED: Any = and_(SourceRecordRow.status == "live", SourceRecordRow.record_sha256.is_not(None))
_PUBLISHED: Any = ResourceRow.withdrawn_at.is_(None)
_RESOURCE_IDS_OF_RECORDS: Any = select(SourceRecordRow.resource_id.label("id")).where(
    SourceRecordRow.resource_id.is_not(None)
)


class _OriginKey(msgspec.Struct):
    key: str


class _Made(msgspec.Struct):
    """The parts of a resource's record that say from which records it was made."""

    key: str
    provenance: dict[str, tuple[_OriginKey, ...]] = {}


_MADE = msgspec.json.Decoder(_Made)


class LiveRecord(NamedTuple):
    """A live record, without its text."""

    feed: str
    resource_id: str | None
    sha256: bytes
    score: int | None
    license_withheld: bool = False  # a version with a narrower licence waits for a decision


class PublishedResource(NamedTuple):
    """A resource in the catalog, without its text."""

    sha256: bytes
    quality: int | None
    members: int
    review: str | None
    created_at: str
    withdrawn_at: str | None
    merged_from: bytes | None = None  # a digest, see resources.ResourceWriter


class CatalogBefore(NamedTuple):
    """The catalog as the publication finds it, without what needs no plan."""

    live: dict[str, LiveRecord]
    not_published: dict[str, str]  # key of a record that is not live or is withdrawn → the resource it was part of
    resources: dict[str, PublishedResource]
    redirects: dict[str, str]
    former: dict[str, frozenset[str]]  # redirected id → the records that it was last made from
    corrections: dict[str, list[Correction]]  # by record key or resource id
    withdrawn: dict[str, str]  # record key or resource id → when a steward withdrew it
    standing: int  # further resources, of one record each, that are as they should be
    alone: tuple[str, ...] = ()  # keys of further records, each of which is a resource by itself; see plan_alone


class PlannedResource(NamedTuple):
    """A resource as it should be: its members, why to review it, its relations and corrections."""

    id: str
    keys: MemberKeys
    review: str | None
    related: tuple[Relation, ...]
    corrections: tuple[Correction, ...]
    withdrawn_at: str | None


def read_catalog(
    connection: Connection, matched: MatchResult, narrowed_in_held_runs: Iterable[str] = (), *, whole: bool = False
) -> CatalogBefore:
    """Read what a publication compares with: what may have to change, and of the rest only the number.

    The database itself tells which records need no plan (`_needs_no_plan`): a resource repeats the record, or both are
    gone, and no other record has to do with it. Of these only those are read that the match or a steward names. Of the
    rest, such as all new records, those with which nothing else has to do are named in `alone`, without what the
    catalog has of them. With `whole` everything is read. Takes about 1.2 kB of memory per record that is read, and
    0.1 kB per key in `alone`.

    Equal values are one object: ids, times and reasons stand in several places.

    `narrowed_in_held_runs` are the keys of records whose licence a held run would narrow.
    """
    corrections, withdrawn = _curations(connection)
    held = set(narrowed_in_held_runs)
    redirects = dict(_stream(connection, select(RedirectRow.old_id, RedirectRow.id)))
    former = dict(_former(connection))
    curated = {*corrections, *withdrawn}
    named = curated.union(held, _keys_in(matched), *former.values())
    records = _Records(withdrawn, held)
    alone: list[str] = []
    alone_published = 0
    if whole:
        records.add(_stream(connection, _records_query()))
    else:
        for *row, is_alone, is_published in _stream(connection, _unsettled_records_query()):
            if is_alone and row[_KEY] not in named and row[_RESOURCE_ID] not in curated:
                alone.append(row[_KEY])
                alone_published += is_published
            else:
                records.add([row])
        missing = sorted(named.difference(records.live, records.not_published))
        records.add(rows_among(connection, _records_query(), SourceRecordRow.key, missing))
        records.add(rows_among(connection, _records_query(), SourceRecordRow.resource_id, sorted(curated)))
    resources = dict(
        _published(connection, None if whole else records.known_ids.keys() | {*redirects, *redirects.values()})
    )
    standing = 0 if whole else _count_published(connection) - _count_among(resources) - alone_published
    return CatalogBefore(
        live=records.live,
        not_published=records.not_published,
        resources=resources,
        redirects=redirects,
        former=former,
        corrections=corrections,
        withdrawn=withdrawn,
        standing=standing,
        alone=tuple(alone),
    )


class _Records:
    """The records of a plan, as they are read."""

    def __init__(self, withdrawn: Container[str], held: Container[str]) -> None:
        self.live: dict[str, LiveRecord] = {}
        self.not_published: dict[str, str] = {}
        self.known_ids: dict[str, str] = {}  # of resources in which they are, each to itself
        self._withdrawn = withdrawn
        self._held = held

    def add(self, rows: Iterable[Any]) -> None:
        """Add the records of rows of _records_query."""
        for key, feed, status, resource_id, sha256, score, reason in rows:
            its_id = self.known_ids.setdefault(resource_id, resource_id) if resource_id else None
            if status == "live" and sha256 and key not in self._withdrawn:
                withheld = names_code(reason, _NARROWED) or key in self._held
                self.live[key] = LiveRecord(intern(feed), its_id, bytes.fromhex(sha256), score, withheld)
            elif its_id:
                self.not_published[key] = its_id


def _records_query() -> Any:
    columns = (SourceRecordRow.key, SourceRecordRow.feed, SourceRecordRow.status, SourceRecordRow.resource_id)
    waits = case((SourceRecordRow.pending_status == "quarantined", SourceRecordRow.pending_reason))
    return select(*columns, SourceRecordRow.record_sha256, SourceRecordRow.score, waits).where(
        or_(_ACCEPTED, SourceRecordRow.resource_id.is_not(None))
    )


def _unsettled_records_query() -> Any:
    """Return the query for the records which the database cannot tell to need no plan.

    Its last columns are whether the record is accepted and no other record or redirect has to do with its resource, and
    whether its resource is published.
    """
    shared = _RESOURCE_IDS_OF_RECORDS.group_by(SourceRecordRow.resource_id).having(func.count() > 1)
    entangled = union(shared, select(RedirectRow.old_id), select(RedirectRow.id)).subquery()
    is_alone = and_(_ACCEPTED, entangled.c.id.is_(None))
    is_published = and_(ResourceRow.id.is_not(None), _PUBLISHED)
    return (
        _records_query()
        .add_columns(case((is_alone, 1), else_=0), case((is_published, 1), else_=0))
        .outerjoin(ResourceRow, ResourceRow.id == SourceRecordRow.resource_id)
        .outerjoin(entangled, entangled.c.id == SourceRecordRow.resource_id)
        .where(not_(and_(entangled.c.id.is_(None), _needs_no_plan())))
    )


def _needs_no_plan() -> Any:
    """Return the condition that a record, which alone has its resource, and this one are as they should be.

    So they are where nothing names either: the record is published alone and its resource repeats it, as
    ResourceWriter would have it; or it is not published and its resource is withdrawn. It is true or false, never null.
    """
    is_published_alone = and_(
        ResourceRow.id.is_not(None),
        ResourceRow.withdrawn_at.is_(None),
        ResourceRow.merged_from.is_(None),
        ResourceRow.review.is_(None),
        ResourceRow.members == 1,
        ResourceRow.record_sha256 == SourceRecordRow.record_sha256,
        ResourceRow.quality.is_not_distinct_from(SourceRecordRow.score),
        or_(SourceRecordRow.pending_reason.is_(None), SourceRecordRow.pending_reason.not_like(f"%{_NARROWED}%")),
    )
    return or_(
        and_(_ACCEPTED, is_published_alone),
        and_(not_(_ACCEPTED), ResourceRow.withdrawn_at.is_not(None)),
    )


def _keys_in(matched: MatchResult) -> Iterator[str]:
    for cluster in matched.clusters:
        yield from cluster.keys
    for pair in matched.related:
        yield pair.key
        yield pair.other_key


def _published(connection: Connection, ids: Collection[str] | None) -> Iterator[tuple[str, PublishedResource]]:
    """Yield the resources with these ids, and those that are published without any record; with None, every one."""
    query = _resources_query()
    if ids is None:
        return _resources(_stream(connection, query))
    without_record = select(ResourceRow.id).except_(_RESOURCE_IDS_OF_RECORDS).subquery()
    alone = query.join(without_record, without_record.c.id == ResourceRow.id).where(_PUBLISHED)
    return _resources(chain(rows_among(connection, query, ResourceRow.id, sorted(ids)), _stream(connection, alone)))


def _resources_query() -> Any:
    return select(
        ResourceRow.id,
        ResourceRow.record_sha256,
        ResourceRow.quality,
        ResourceRow.members,
        ResourceRow.review,
        ResourceRow.created_at,
        ResourceRow.withdrawn_at,
        ResourceRow.merged_from,
    )


def _resources(rows: Iterable[Any]) -> Iterator[tuple[str, PublishedResource]]:
    texts: dict[Any, Any] = {}  # times and reasons: few different ones
    for resource_id, sha256, quality, members, review, created_at, withdrawn_at, merged_from in rows:
        yield (
            resource_id,
            PublishedResource(
                sha256=bytes.fromhex(sha256),
                quality=quality,
                members=members,
                review=texts.setdefault(review, review),
                created_at=texts.setdefault(created_at, created_at),
                withdrawn_at=texts.setdefault(withdrawn_at, withdrawn_at),
                merged_from=bytes.fromhex(merged_from) if merged_from else None,
            ),
        )


def _count_published(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(ResourceRow).where(_PUBLISHED)) or 0


def _count_among(resources: Mapping[str, PublishedResource]) -> int:
    """Return how many of the resources are published."""
    return sum(resource.withdrawn_at is None for resource in resources.values())


def _former(connection: Connection) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each redirected id with the records it was last made from: its leading record and all that gave a value."""
    query = select(ResourceRow.id, ResourceRow.record).join(RedirectRow, RedirectRow.old_id == ResourceRow.id)
    for resource_id, text in _stream(connection, query):
        made = _MADE.decode(text)
        origin_keys = (origin.key for origins in made.provenance.values() for origin in origins)
        yield resource_id, frozenset((made.key, *origin_keys))


def _curations(connection: Connection) -> tuple[dict[str, list[Correction]], dict[str, str]]:
    """Return the corrections and withdrawals in force, by record key or resource id, oldest first."""
    corrections: dict[str, list[Correction]] = {}
    withdrawn: dict[str, str] = {}
    query = select(CurationRow.__table__).where(
        CurationRow.undone_at.is_(None), CurationRow.action.in_(("set", "withdraw"))
    )
    for row in connection.execute(query.order_by(CurationRow.id)).mappings():
        target = row["resource_id"] or row["key"]
        if row["action"] == "withdraw":
            withdrawn.setdefault(target, row["at"])
        else:
            correction = Correction(
                id=row["id"], path=row["path"] or "", value=row["value"], by=row["by"], at=row["at"]
            )
            corrections.setdefault(target, []).append(correction)
    return corrections, withdrawn


def _stream(connection: Connection, query: Any) -> Iterator[Any]:
    rows = connection.execute(query, execution_options={"stream_results": True, "yield_per": _FETCH_ROWS})
    for partition in rows.partitions(_FETCH_ROWS):
        yield from partition


def plan_resources(
    before: CatalogBefore, matched: MatchResult, run_id: str
) -> tuple[list[PlannedResource], Identities]:
    """Plan every resource that there should be, in the order of its smallest key, and which ids are replaced."""
    groups, reviews = _groups(before.live, matched.clusters)
    resource_ids = {key: record.resource_id for key, record in before.live.items() if record.resource_id}
    created = {resource_id: resource.created_at for resource_id, resource in before.resources.items()}
    identities = identify(groups, resource_ids, created, before.redirects, before.former, run_id)
    redirects = identities.merged_redirects(before.redirects)
    withdrawn = {resolve(redirects, target): at for target, at in before.withdrawn.items()}
    corrections: dict[str, list[Correction]] = {}
    for target, its_corrections in before.corrections.items():
        corrections.setdefault(resolve(redirects, target), []).extend(its_corrections)
    related = _relations(groups, identities.ids, matched, withdrawn)
    return [
        PlannedResource(
            id=resource_id,
            keys=keys,
            review=reviews.get(keys),
            related=related.get(resource_id, ()),
            corrections=_corrections_of((*keys, resource_id), corrections),
            withdrawn_at=withdrawn.get(resource_id),
        )
        for resource_id, keys in zip(identities.ids, groups, strict=True)
    ], identities


def plan_alone(
    connection: Connection, before: CatalogBefore, run_id: str
) -> Iterator[tuple[CatalogBefore, list[PlannedResource]]]:
    """Plan the resources of the records that are alone, some at a time, each with what the catalog has of them.

    Each keeps the id that its record has, or gets one: nothing else has a claim to it.
    """
    for keys in chunked(before.alone, _FETCH_ROWS):
        records = _Records((), ())
        records.add(rows_among(connection, _records_query(), SourceRecordRow.key, keys))
        its_rows = rows_among(connection, _resources_query(), ResourceRow.id, sorted(records.known_ids))
        planned = [
            PlannedResource(record.resource_id or mint(run_id, key), (key,), None, (), (), None)
            for key, record in sorted(records.live.items())
        ]
        yield before._replace(live=records.live, resources=dict(_resources(its_rows)), not_published={}), planned


def _corrections_of(targets: Iterable[str], corrections: Mapping[str, Iterable[Correction]]) -> tuple[Correction, ...]:
    """Return the corrections of a resource and of its records, oldest first."""
    its_corrections = [correction for target in targets for correction in corrections.get(target, ())]
    return tuple(sorted(its_corrections, key=lambda correction: correction.id)) if its_corrections else ()


def _groups(
    live: Mapping[str, LiveRecord], clusters: Iterable[Cluster]
) -> tuple[list[MemberKeys], dict[MemberKeys, str]]:
    """Group the live keys by cluster, each key in one group, and say which groups a steward should review."""
    seen: set[str] = set()
    groups: list[MemberKeys] = []
    reviews: dict[MemberKeys, str] = {}
    for cluster in clusters:
        keys = tuple(key for key in cluster.keys if key in live)
        if keys:
            groups.append(keys)
            seen.update(keys)
            if cluster.review:
                reviews[keys] = cluster.review
    groups.extend((key,) for key in live if key not in seen)
    groups.sort()
    return groups, reviews


def _relations(
    groups: Iterable[MemberKeys], ids: Iterable[str], matched: MatchResult, withdrawn: Container[str]
) -> dict[str, tuple[Relation, ...]]:
    """Return the relations between resources that the matcher found, by resource id; none to one that is withdrawn."""
    id_of = _ids_of({key for pair in matched.related for key in (pair.key, pair.other_key)}, groups, ids)
    related: dict[str, dict[str, Relation]] = {}
    for pair in sorted(matched.related, key=attrgetter("kind", "variant")):
        source, target = id_of.get(pair.key), id_of.get(pair.other_key)
        if source and target and source != target and target not in withdrawn:
            relation = Relation(kind=pair.kind, target=target, variant=pair.variant)
            related.setdefault(source, {}).setdefault(target, relation)
    return {
        source: tuple(sorted(by_target.values(), key=attrgetter("kind", "target")))
        for source, by_target in related.items()
    }


def _ids_of(wanted: set[str], groups: Iterable[MemberKeys], ids: Iterable[str]) -> dict[str, str]:
    """Return the resource id of each of the wanted keys that is in a group."""
    return {key: resource_id for resource_id, group in zip(ids, groups, strict=True) for key in group if key in wanted}
