"""What a resource's page tells machines in its head: schema.org as JSON-LD, Open Graph, and Dublin Core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from loaders.browse import PublishedResource
from schemas import Published, Resource
from transforms.exports import EXPORTS

_MAX_VALUES = 50
_MAX_TEXT_CHARS = 2_000


class Head(NamedTuple):
    """JSON-LD, and pairs of name and content: `property` of Open Graph, `name` of Dublin Core."""

    json_ld: dict[str, Any]
    open_graph: list[tuple[str, str]]
    dublin_core: list[tuple[str, str]]
    description: str


def described(found: PublishedResource, record: Resource, title: str, language: str, address: str) -> Head:
    """Return what the head of a resource's page has. `address` is that of the page."""
    description = record.description.get(language) or next(iter(record.description.values()), "")
    description = description[:_MAX_TEXT_CHARS]
    graph = [
        ("og:type", "article"),
        ("og:title", title),
        ("og:url", address),
        ("og:site_name", "E-library for Teachers"),
        *([("og:description", description[:300])] if description else []),
    ]
    return Head(_json_ld(found, record, address), graph, list(_dublin_core(record, address)), description)


def _json_ld(found: PublishedResource, record: Resource, address: str) -> dict[str, Any]:
    """Return the resource as the export `lrmi` writes it."""
    site = address.removesuffix(f"/resources/{found.id}")
    published = Published(id=found.id, record=record, visible_at=found.visible_at, feeds=tuple(found.feeds), site=site)
    json_ld: dict[str, Any] = msgspec.json.decode(EXPORTS["lrmi"].render(published))
    return json_ld


def _dublin_core(record: Resource, address: str) -> Iterator[tuple[str, str]]:
    yield from (("DCTERMS.title", text) for text in record.title.values())
    for each in record.contributors[:_MAX_VALUES]:
        yield ("DCTERMS.creator" if each.role == "author" else "DCTERMS.contributor"), each.name
    yield from (("DCTERMS.publisher", name) for name in record.publishers[:_MAX_VALUES])
    yield from (("DCTERMS.description", text[:_MAX_TEXT_CHARS]) for text in record.description.values())
    yield from (("DCTERMS.subject", each.label) for each in record.subjects[:_MAX_VALUES])
    yield from (("DCTERMS.language", each.tag) for each in record.languages)
    yield from (("DCTERMS.type", each.label) for each in record.resource_types)
    if record.issued:
        yield "DCTERMS.issued", record.issued
    if record.license and (record.license.uri or record.license.label):
        yield "DCTERMS.license", record.license.uri or record.license.label or ""
    yield "DCTERMS.identifier", address
    yield from (("DCTERMS.identifier", each.value) for each in record.identifiers[:_MAX_VALUES])
