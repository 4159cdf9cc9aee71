"""What the matcher found out about pairs of records, and what stewards decided about them."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from schemas.base import Base
from schemas.resource import Resource, ResourceView

MatchVerdict = Literal["same", "review", "different"]


class Evidence(Base, frozen=True, kw_only=True):
    """What the comparison of one field of two records says."""

    field: str
    seen: str  # in words and values: "same DOI 10.1/x", "titles 0.93 alike"
    weight: float  # log2 Bayes factor, 2 places


class Match(Base, frozen=True, kw_only=True):
    """A pair of records, smaller key left, with the probability that they are one work."""

    left_key: str
    right_key: str
    probability: float  # 0 to 1, 6 places
    verdict: MatchVerdict
    evidence: tuple[Evidence, ...] = ()


class Judgement(Base, frozen=True, kw_only=True):
    """A steward's decision on a pair; append-only, the newest wins."""

    left_key: str
    right_key: str
    verdict: Literal["same", "different"]
    by: str
    at: str
    reason: str
    left_sha256: str | None = None  # of the match fields when it was decided
    right_sha256: str | None = None


MATCH_FIELDS = (
    "identifiers",
    "title",
    "contributors",
    "issued_year",
    "publishers",
    "description",
    "levels",
    "resource_types",
    "url",
)


_ENCODER = msgspec.json.Encoder(order="sorted")  # keys and fields by name, so that the digest is stable


def match_sha256(record: Resource | ResourceView) -> str:
    """Return the sha256 of MATCH_FIELDS: a judgement holds for this version of the record."""
    return hashlib.sha256(_ENCODER.encode({field: getattr(record, field) for field in MATCH_FIELDS})).hexdigest()
