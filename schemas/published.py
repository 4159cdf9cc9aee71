"""What the library gives onward: a published resource with all that an export needs, and one that was withdrawn."""

from __future__ import annotations

from schemas.base import Base
from schemas.resource import Resource

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
    """

    id: str
    record: Resource
    visible_at: str
    feeds: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    metadata_license: str = CC0
    site: str | None = None

    @property
    def address(self) -> str | None:
        """Return the address of the resource's page in the library."""
        return self.address_of(self.id)

    def address_of(self, resource_id: str) -> str | None:
        """Return the address of the page of a resource of the same library; None where the library has no address."""
        return f"{self.site}/resources/{resource_id}" if self.site else None


class Withdrawn(Base, frozen=True, kw_only=True):
    """A resource that is no longer published.

    id: the catalog's id, which is never given to another resource
    visible_at: since when it is withdrawn, as in Published
    redirect: the id to use instead; null where there is none
    """

    id: str
    visible_at: str
    redirect: str | None = None
