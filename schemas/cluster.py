"""Records that are one work: what the matcher makes of its pairs, and what a resource is merged from."""

from __future__ import annotations

from schemas.base import Base
from schemas.resource import Resource


class Member(Base, frozen=True, kw_only=True):
    """A live record of a cluster, and how far its feed is trusted."""

    trust: int
    record: Resource
    license_withheld: bool = False  # its partner narrowed the licence, and nobody has decided yet


class Cluster(Base, frozen=True, kw_only=True):
    """Records that are one resource, in key order; `review` says why a steward should look at them, if so."""

    keys: tuple[str, ...]
    review: str | None = None
