"""What the library gives onward: a published resource with all that an export needs, and one that was withdrawn."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from schemas.base import Base
from schemas.resource import Resource

_NOT_EXPORTED = frozenset({"provenance", "terms", "unmapped"})  # half of a record's JSON
_FIELDS = tuple(field for field in msgspec.structs.fields(Resource) if field.name not in _NOT_EXPORTED)


def _declared(field: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    """Return a field as msgspec.defstruct takes it."""
    if field.required:
        return (field.name, field.type)
    default: dict[str, Any] = {"default": field.default, "default_factory": field.default_factory}
    return (field.name, field.type, msgspec.field(**default))


_EXPORTED = msgspec.json.Decoder(msgspec.defstruct("_Exported", map(_declared, _FIELDS), kw_only=True))
_WHOLE = msgspec.json.Decoder(Resource)
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


class Published(Base, frozen=True, kw_only=True):
    """A resource as the catalog publishes it; every export is made of it alone.

    id: the catalog's id
    record: the merged record
    visible_at: since when it can be read in this form, UTC as YYYY-MM-DDThh:mm:ssZ: the datestamp of every export
    feeds: names of the feeds whose records it was merged from
    partners: names of the partners of these feeds
    metadata_license: URI of the licence of the metadata, not of the resource
    site: public address of the library, without a slash at the end; null where it has none
    sets: the sets of the OAI-PMH provider that it is in
    """

    id: str
    record: Resource
    visible_at: str
    feeds: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    metadata_license: str = CC0
    site: str | None = None
    sets: tuple[str, ...] = ()

    @property
    def address(self) -> str | None:
        """Return the address of the resource's page in the library."""
        return self.address_of(self.id)

    def address_of(self, resource_id: str) -> str | None:
        """Return the address of the page of a resource of the same library; None where the library has no address."""
        return f"{self.site}/resources/{resource_id}" if self.site else None

    @property
    def oai_identifier(self) -> str:
        """Return the identifier that OAI-PMH gives the resource."""
        return _oai_identifier(self.id, self.site)


class Withdrawn(Base, frozen=True, kw_only=True):
    """A resource that is no longer published.

    id: the catalog's id, which is never given to another resource
    visible_at: since when it is withdrawn, as in Published
    redirect: the id to use instead; null where there is none
    site: as in Published
    """

    id: str
    visible_at: str
    redirect: str | None = None
    site: str | None = None

    @property
    def oai_identifier(self) -> str:
        """Return the identifier that OAI-PMH gave the resource."""
        return _oai_identifier(self.id, self.site)


def _oai_identifier(resource_id: str, site: str | None) -> str:
    """Return oai:host:id (openarchives.org/OAI/2.0/guidelines-oai-identifier.htm); the id alone without a site."""
    host = urlsplit(site).hostname if site else None
    return f"oai:{host}:{resource_id}" if host else resource_id


def decode_record(record: str | bytes, *, whole: bool = False) -> Resource:
    """Return a record from its JSON, without provenance, terms and unmapped values unless `whole`.

    No format but the shared record's own carries them, and reading them takes longer than all the rest.
    """
    if whole:
        return _WHOLE.decode(record)
    exported = _EXPORTED.decode(record)
    return Resource(**{field.name: getattr(exported, field.name) for field in _FIELDS})
