"""The shared record: one learning resource in the library's own terms (IEEE LOM 1484.12.1 and Dublin Core)."""

from __future__ import annotations

from typing import Literal

from schemas.base import Base

LangMap = dict[str, str]  # BCP 47 tag or "und" → plain text
IdentifierScheme = Literal["doi", "isbn", "issn", "handle", "ark", "oai", "uri", "other"]


class Identifier(Base, frozen=True, kw_only=True):
    scheme: IdentifierScheme
    value: str  # normalized, so that two spellings of one identifier are equal


class Text(Base, frozen=True, kw_only=True):
    language: str  # BCP 47, or "und"
    text: str


class Language(Base, frozen=True, kw_only=True):
    tag: str  # BCP 47
    origin: Literal["declared", "detected"]
    confidence: float  # 0 to 1, two places


class Contributor(Base, frozen=True, kw_only=True):
    name: str
    role: str  # LOM 2.3.1
    kind: Literal["person", "organisation"]
    id: str | None = None  # ORCID or another authority's URI


class Concept(Base, frozen=True, kw_only=True):
    """A term of a library list; `source` is the term as the partner said it."""

    code: str
    label: str
    source: str
    uri: str | None = None


class Link(Base, frozen=True, kw_only=True):
    url: str
    media_type: str | None = None
    role: Literal["content", "preview", "thumbnail"] = "content"


class License(Base, frozen=True, kw_only=True):
    uri: str | None  # None when the statement names no known licence
    spdx: str | None
    label: str | None
    statement: str  # as said
    origin: Literal["record", "feed_default"]
    open: bool | None  # None when it cannot be told


class AgeRange(Base, frozen=True, kw_only=True):
    min: int | None
    max: int | None


class Subject(Base, frozen=True, kw_only=True):
    scheme: Literal["isced-f", "unesco", "source"]
    code: str | None
    label: str


class Competency(Base, frozen=True, kw_only=True):
    framework: Literal["ict-cft", "ai-cft"]
    aspect: str
    level: str


class Relation(Base, frozen=True, kw_only=True):
    kind: str  # LOM 7.1
    target: str


class Term(Base, frozen=True, kw_only=True):
    """A vocabulary term as the partner said it, and the code that we made of it; None is counted as unmapped."""

    field: str
    source: str
    code: str | None


class Origin(Base, frozen=True, kw_only=True):
    """Where a value came from: the record, the path in its source (XPath or JSON path), the rule that made it."""

    key: str
    path: str
    rule: str


class Leaf(Base, frozen=True, kw_only=True):
    """A value of the source that the crosswalk read and did not use."""

    path: str
    value: str


class Resource(Base, frozen=True, kw_only=True):
    """One record in the shared schema. Every list is in the source's order; every text is plain and NFC."""

    key: str
    identifiers: tuple[Identifier, ...] = ()
    title: LangMap = {}
    description: LangMap = {}
    alternative_titles: tuple[Text, ...] = ()
    keywords: tuple[Text, ...] = ()
    languages: tuple[Language, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    publishers: tuple[str, ...] = ()
    issued: str | None = None  # EDTF level 1
    modified: str | None = None  # EDTF level 1
    issued_year: int | None = None
    resource_types: tuple[Concept, ...] = ()
    formats: tuple[str, ...] = ()
    url: str | None = None
    links: tuple[Link, ...] = ()
    license: License | None = None
    cost: Literal["yes", "no"] | None = None
    levels: tuple[str, ...] = ()  # ISCED 2011 codes
    contexts: tuple[str, ...] = ()  # LOM 5.6
    audiences: tuple[str, ...] = ()
    age_range: AgeRange | None = None
    difficulty: str | None = None  # LOM 5.8
    typical_learning_time: str | None = None  # ISO 8601 duration
    interactivity_type: str | None = None  # LOM 5.1
    subjects: tuple[Subject, ...] = ()
    competencies: tuple[Competency, ...] = ()
    coverage: tuple[Text, ...] = ()
    relations: tuple[Relation, ...] = ()
    terms: tuple[Term, ...] = ()
    provenance: dict[str, tuple[Origin, ...]] = {}
    unmapped: tuple[Leaf, ...] = ()
