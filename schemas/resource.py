"""The shared record: one learning resource in the library's own terms (IEEE LOM 1484.12.1 and Dublin Core).

A class's docstring describes each of its fields in a line `field: meaning`. The JSON Schema and the data dictionary in
docs/ are generated from these lines: python -m docs.generate.schema.
"""

from __future__ import annotations

from typing import Literal

from schemas.base import Base

LangMap = dict[str, str]  # BCP 47 tag or "und" → plain text
IdentifierScheme = Literal["doi", "isbn", "issn", "handle", "ark", "oai", "uri", "other"]


class Identifier(Base, frozen=True, kw_only=True):
    """An identifier of the resource.

    scheme: the kind of identifier
    value: the identifier, normalized so that two spellings of it are equal
    """

    scheme: IdentifierScheme
    value: str


class Text(Base, frozen=True, kw_only=True):
    """A text in one language.

    language: BCP 47 tag, or `und` when the language is not known
    text: the text, plain and in Unicode form NFC
    """

    language: str
    text: str


class Language(Base, frozen=True, kw_only=True):
    """A language of the content.

    tag: BCP 47 tag
    origin: whether the partner declared it or it was detected in the texts
    confidence: 0 to 1, two decimal places
    """

    tag: str
    origin: Literal["declared", "detected"]
    confidence: float


class Contributor(Base, frozen=True, kw_only=True):
    """A person or organisation that contributed to the resource.

    name: the name; of a person "First Last"
    role: the role, a term of LOM 2.3.1
    kind: whether it is a person or an organisation
    id: URI of the ORCID or of another authority's entry
    """

    name: str
    role: str
    kind: Literal["person", "organisation"]
    id: str | None = None


class Concept(Base, frozen=True, kw_only=True):
    """A term of a list of the library.

    code: the term's code in the list
    label: the term's English label
    source: the term as the partner wrote it
    uri: the term's URI, where the list has one
    """

    code: str
    label: str
    source: str
    uri: str | None = None


class Link(Base, frozen=True, kw_only=True):
    """An address of the content or of an image of it.

    url: the address
    media_type: the media type, such as application/pdf
    role: what the address leads to
    """

    url: str
    media_type: str | None = None
    role: Literal["content", "preview", "thumbnail"] = "content"


class License(Base, frozen=True, kw_only=True):
    """The licence of the resource; never guessed.

    uri: canonical URI of the licence; null when the statement names no known licence
    spdx: SPDX identifier, where there is one
    label: name of the licence
    statement: the licence as the partner stated it
    origin: whether the record states it or it is the feed's default
    open: whether the licence is open; null when that cannot be decided
    """

    uri: str | None
    spdx: str | None
    label: str | None
    statement: str
    origin: Literal["record", "feed_default"]
    open: bool | None


class AgeRange(Base, frozen=True, kw_only=True):
    """The typical age of the learners, in years.

    min: the lowest age; null when there is none
    max: the highest age; null when there is none
    """

    min: int | None
    max: int | None


class Subject(Base, frozen=True, kw_only=True):
    """A subject of the resource.

    scheme: ISCED-F 2013, the UNESCO Thesaurus, or `source` for a subject of the partner's own
    code: the subject's code in the scheme
    label: the subject's label
    """

    scheme: Literal["isced-f", "unesco", "source"]
    code: str | None
    label: str


class Competency(Base, frozen=True, kw_only=True):
    """A teacher's competency that the resource addresses.

    framework: UNESCO's ICT or AI competency framework for teachers
    aspect: the aspect in the framework
    level: the level in the framework
    """

    framework: Literal["ict-cft", "ai-cft"]
    aspect: str
    level: str


class Relation(Base, frozen=True, kw_only=True, omit_defaults=True):
    """A relation to another resource.

    kind: the kind of relation, a term of LOM 7.1
    target: the other resource: a catalog id, an identifier or an address
    variant: how two forms of one work differ, which LOM 7.1 does not tell; left out where nothing tells it
    """

    kind: str
    target: str
    variant: Literal["translation", "edition", "version"] | None = None


class Term(Base, frozen=True, kw_only=True):
    """A vocabulary term of the record, and its code.

    field: the field of the shared record; or `language`, `role` or `relation_kind`, of a part of one
    source: the term as the partner wrote it
    code: the code that we map it to; null for a term that is in none of our lists
    """

    field: str
    source: str
    code: str | None


class Origin(Base, frozen=True, kw_only=True):
    """Where a value came from.

    key: the record
    path: the path in the record's source: an XPath or JSON path
    rule: the rule that made the value
    """

    key: str
    path: str
    rule: str


class Leaf(Base, frozen=True, kw_only=True):
    """A value of the source that the crosswalk read and did not use.

    path: the path in the record's source
    value: the value
    """

    path: str
    value: str


class Resource(Base, frozen=True, kw_only=True):
    """One record in the shared schema. Every list is in the source's order; every text is plain and NFC.

    key: feed:identifier of the record; of a merged resource the key of its leading record
    identifiers: identifiers of the resource
    title: title by language
    description: description by language
    alternative_titles: other titles
    keywords: free keywords
    languages: languages of the content, the main one first
    contributors: authors, editors and other contributors
    publishers: names of the publishers
    issued: date of publication, EDTF level 1
    modified: date of the last change, EDTF level 1
    issued_year: year of publication
    resource_types: types of resource
    formats: media types
    url: address of the landing page
    links: addresses of the content, a preview or a thumbnail
    license: the licence
    cost: whether it costs something, LOM 6.1
    levels: educational levels, ISCED 2011 codes
    contexts: educational contexts, LOM 5.6
    audiences: whom it is for, LOM 5.5
    age_range: typical age of the learners
    difficulty: difficulty, LOM 5.8
    typical_learning_time: typical learning time, an ISO 8601 duration
    interactivity_type: type of interactivity, LOM 5.1
    subjects: subjects
    competencies: teachers' competencies
    coverage: place or period that it is about
    relations: relations to other resources
    terms: every vocabulary term of the record, with its code
    provenance: where the values came from, by field
    unmapped: values of the source that were read and not used
    """

    key: str
    identifiers: tuple[Identifier, ...] = ()
    title: LangMap = {}
    description: LangMap = {}
    alternative_titles: tuple[Text, ...] = ()
    keywords: tuple[Text, ...] = ()
    languages: tuple[Language, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    publishers: tuple[str, ...] = ()
    issued: str | None = None
    modified: str | None = None
    issued_year: int | None = None
    resource_types: tuple[Concept, ...] = ()
    formats: tuple[str, ...] = ()
    url: str | None = None
    links: tuple[Link, ...] = ()
    license: License | None = None
    cost: Literal["yes", "no"] | None = None
    levels: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    age_range: AgeRange | None = None
    difficulty: str | None = None
    typical_learning_time: str | None = None
    interactivity_type: str | None = None
    subjects: tuple[Subject, ...] = ()
    competencies: tuple[Competency, ...] = ()
    coverage: tuple[Text, ...] = ()
    relations: tuple[Relation, ...] = ()
    terms: tuple[Term, ...] = ()
    provenance: dict[str, tuple[Origin, ...]] = {}
    unmapped: tuple[Leaf, ...] = ()


class ResourceView(Base, frozen=True, kw_only=True):
    """The fields of a Resource that matching, the batch rules and the catalog's columns read.

    Decoding only these takes half the time of a whole Resource.
    """

    key: str
    identifiers: tuple[Identifier, ...] = ()
    title: LangMap = {}
    description: LangMap = {}
    alternative_titles: tuple[Text, ...] = ()
    languages: tuple[Language, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    publishers: tuple[str, ...] = ()
    issued: str | None = None
    issued_year: int | None = None
    resource_types: tuple[Concept, ...] = ()
    url: str | None = None
    license: License | None = None
    levels: tuple[str, ...] = ()
    relations: tuple[Relation, ...] = ()
