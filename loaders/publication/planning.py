"""What a publication starts from: who lives now, what is published, what stewards decided; and what it is to become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, or_, select

from loaders.publication.identity import Group, Identities, identify, resolve
from loaders.publication.match_state import Found
from loaders.store import CurationRow, RedirectRow, ResourceRow, SourceRecordRow
from schemas import Cluster, Correction, Relation

_FETCH = 10_000


class _Origin(msgspec.Struct):
    key: str


class _Made(msgspec.Struct):
    """The parts of a resource's record that say which records it was made of."""

    key: str
    provenance: dict[str, tuple[_Origin, ...]] = {}


_MADE = msgspec.json.Decoder(_Made)


class _Row(NamedTuple):
    """What is known of a record without its text."""

    feed: str
    resource_id: str | None
    sha256: bytes
    score: int | None


class _Published(NamedTuple):
    """What is known of a resource without its text."""

    sha256: bytes
    quality: int | None
    members: int
    review: str | None
    created_at: str
    withdrawn_at: str | None


class Before(NamedTuple):
    """The catalog as the publication finds it."""

    live: dict[str, _Row]
    gone: dict[str, str]  # key of a record that lives no more → the resource that it was of
    resources: dict[str, _Published]
    redirects: dict[str, str]
    former: dict[str, frozenset[str]]  # id that was redirected → the records that it was last made of
    corrections: dict[str, list[Correction]]  # by record key or resource id
    withdrawn: dict[str, str]  # record key or resource id → since when a steward has withdrawn it


class Target(NamedTuple):
    """A resource as it is to be: its members, why to look at it, its relations and corrections."""

    id: str
    keys: Group
    review: str | None
    related: tuple[Relation, ...]
    corrections: tuple[Correction, ...]
    withdrawn_at: str | None


def read_before(connection: Connection) -> Before:
    """Read everything that a publication compares with. About 1 kB a record."""
    corrections, withdrawn = _curations(connection)
    live: dict[str, _Row] = {}
    gone: dict[str, str] = {}
    accepted = and_(SourceRecordRow.status == "live", SourceRecordRow.record_sha256.is_not(None))
    columns = (SourceRecordRow.key, SourceRecordRow.feed, SourceRecordRow.status, SourceRecordRow.resource_id)
    query = select(*columns, SourceRecordRow.record_sha256, SourceRecordRow.score).where(
        or_(accepted, SourceRecordRow.resource_id.is_not(None))
    )
    for key, feed, status, resource_id, sha256, score in _stream(connection, query):
        if status == "live" and sha256 and key not in withdrawn:
            live[key] = _Row(feed, resource_id, bytes.fromhex(sha256), score)
        elif resource_id:
            gone[key] = resource_id
    redirects: dict[str, str] = dict(_stream(connection, select(RedirectRow.old_id, RedirectRow.id)))
    return Before(
        live,
        gone,
        dict(_published(connection)),
        redirects,
        dict(_former(connection)),
        corrections,
        withdrawn,
    )


def _published(connection: Connection) -> Iterator[tuple[str, _Published]]:
    columns = (ResourceRow.id, ResourceRow.record_sha256, ResourceRow.quality, ResourceRow.members, ResourceRow.review)
    for name, sha256, *rest in _stream(connection, select(*columns, ResourceRow.created_at, ResourceRow.withdrawn_at)):
        yield name, _Published(bytes.fromhex(sha256), *rest)


def _former(connection: Connection) -> Iterator[tuple[str, frozenset[str]]]:
    """What a redirected resource was last made of: the record that led it, and those that gave it something."""
    last = select(ResourceRow.id, ResourceRow.record).join(RedirectRow, RedirectRow.old_id == ResourceRow.id)
    for name, text in _stream(connection, last):
        made = _MADE.decode(text)
        yield name, frozenset((made.key, *(one.key for origins in made.provenance.values() for one in origins)))


def _curations(connection: Connection) -> tuple[dict[str, list[Correction]], dict[str, str]]:
    """The corrections and withdrawals that hold, by record key or resource id, in the order of their making."""
    corrections: dict[str, list[Correction]] = {}
    withdrawn: dict[str, str] = {}
    query = select(CurationRow.__table__).where(
        CurationRow.undone_at.is_(None), CurationRow.action.in_(("set", "withdraw"))
    )
    for row in connection.execute(query.order_by(CurationRow.id)).mappings():
        name = row["resource_id"] or row["key"]
        if row["action"] == "withdraw":
            withdrawn.setdefault(name, row["at"])
        else:
            one = Correction(id=row["id"], path=row["path"] or "", value=row["value"], by=row["by"], at=row["at"])
            corrections.setdefault(name, []).append(one)
    return corrections, withdrawn


def _stream(connection: Connection, query: Any) -> Iterator[Any]:
    rows = connection.execute(query, execution_options={"stream_results": True, "yield_per": _FETCH})
    for part in rows.partitions(_FETCH):
        yield from part


def plan(before: Before, found: Found, run_id: str) -> tuple[list[Target], Identities]:
    """Every resource that is to be, in the order of its smallest key, and which ids give way."""
    groups, reviews = _groups(before.live, found.clusters)
    held = {key: row.resource_id for key, row in before.live.items() if row.resource_id}
    created = {name: one.created_at for name, one in before.resources.items()}
    identities = identify(groups, held, created, before.redirects, before.former, run_id)
    redirects = identities.redirected(before.redirects)
    withdrawn = {resolve(redirects, name): at for name, at in before.withdrawn.items()}
    said: dict[str, list[Correction]] = {}
    for name, some in before.corrections.items():
        said.setdefault(resolve(redirects, name), []).extend(some)
    related = _related(before.live, groups, identities.ids, found)
    targets = []
    for name, keys in zip(identities.ids, groups, strict=True):
        corrections = [one for owner in (*keys, name) for one in said.get(owner, ())]
        targets.append(
            Target(
                name,
                keys,
                reviews.get(keys),
                related.get(name, ()),
                tuple(sorted(corrections, key=lambda one: one.id)) if corrections else (),
                withdrawn.get(name),
            )
        )
    return targets, identities


def _groups(live: Mapping[str, _Row], clusters: Iterable[Cluster]) -> tuple[list[Group], dict[Group, str]]:
    """The live keys in their clusters, each key in one, and the clusters that a steward should look at."""
    seen: set[str] = set()
    groups: list[Group] = []
    reviews: dict[Group, str] = {}
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


def _related(
    live: Mapping[str, _Row], groups: Iterable[Group], ids: Iterable[str], found: Found
) -> dict[str, tuple[Relation, ...]]:
    """The relations between resources that the matcher found, by resource."""
    wanted = {key for one in found.related for key in (one.key, one.other_key) if key in live}
    name_of = {key: name for name, keys in zip(ids, groups, strict=True) for key in keys if key in wanted}
    related: dict[str, set[tuple[str, str]]] = {}
    for one in found.related:
        name, other = name_of.get(one.key), name_of.get(one.other_key)
        if name and other and name != other:
            related.setdefault(name, set()).add((one.kind, other))
    return {
        name: tuple(Relation(kind=kind, target=target) for kind, target in sorted(said))
        for name, said in related.items()
    }
