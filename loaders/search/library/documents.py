"""A published resource as a document of the index: what is searched, what is counted, and by what it is ordered."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec
import tantivy

from schemas import (
    Base,
    Competency,
    Contributor,
    Identifier,
    LangMap,
    Language,
    License,
    Link,
    Text,
    competency_code,
    competency_labels,
    competency_text,
    subject_labels,
)

SearchTerms = Callable[[str], list[str]]  # the words by which a text is found
ANALYZER = "words"
TEXT_FIELDS = ("title", "keywords", "subjects", "people", "description")
STATE_FIELD, DEAD_STATE = "state", "dead"
_OFTEN_EMPTY = ("keywords", "subjects", "people")
# What stands in an empty field: BM25 divides by a field's mean length, and would take eight keywords for very many
# where few resources have any. No search looks for it: folding leaves out what is no letter or digit.
_NOTHING = " ".join(["\u2205"] * 8)
FACETS = ("language", "level", "type", "subject", "competency", "license", "partner", "open")
MAX_NAME_CHARS = 500  # of an identifier or address
_MAX_TEXT_CHARS = 20_000  # of one text; what a description says after that does not find it
_MAX_TEXTS = 200  # people, keywords, identifiers or addresses of one resource
_MAX_YEAR = 9_999
_SCHEMES = ("https://", "http://")
_PREFIXES = ("www.", "dx.doi.org/", "doi.org/", "doi:", "hdl.handle.net/")


class _Type(Base, frozen=True):
    code: str


class _Subject(Base, frozen=True):
    scheme: str
    code: str | None
    label: str


class _Searched(Base, frozen=True):
    """The fields of a Resource by which it is found, counted and ordered."""

    key: str
    title: LangMap = {}
    alternative_titles: tuple[Text, ...] = ()
    keywords: tuple[Text, ...] = ()
    description: LangMap = {}
    contributors: tuple[Contributor, ...] = ()
    publishers: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    links: tuple[Link, ...] = ()
    url: str | None = None
    languages: tuple[Language, ...] = ()
    levels: tuple[str, ...] = ()
    resource_types: tuple[_Type, ...] = ()
    subjects: tuple[_Subject, ...] = ()
    competencies: tuple[Competency, ...] = ()
    license: License | None = None
    issued_year: int | None = None


class PublishedRow(NamedTuple):
    """A published resource as the catalog has it, with the partners of its records."""

    id: str
    record: str | bytes
    quality: int | None
    created_at: str
    partners: Sequence[str]
    is_dead: bool = False  # no address that opens it lives any more


_DECODER = msgspec.json.Decoder(_Searched)


def index_schema() -> tantivy.Schema:
    """Return the fields of a document: its id, exact names, words of texts, facets, and numbers to order by."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("names", stored=False, tokenizer_name="raw", index_option="basic")
    for name in TEXT_FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name=ANALYZER, index_option="position")
    for name in FACETS:
        builder.add_text_field(name, stored=False, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(STATE_FIELD, stored=False, tokenizer_name="raw", index_option="basic")
    for name in ("newest", "quality"):
        builder.add_integer_field(name, stored=False, indexed=False, fast=True)
    return builder.build()


def document_of(row: PublishedRow, terms: SearchTerms) -> tantivy.Document:
    """Return the document of a published resource."""
    record = _DECODER.decode(row.record)
    document = tantivy.Document()
    document.add_text("id", row.id)
    for name in _distinct(exact_name(name) for name in (row.id, *_names(record))):
        document.add_text("names", name)
    for field, words in _indexed_texts(record, terms):
        document.add_text(field, words)
    for field, values in _facets(record, row.partners):
        for value in _distinct(values):
            document.add_text(field, value)
    _add_order(document, row, record.issued_year or 0)
    return document


def _add_order(document: tantivy.Document, row: PublishedRow, issued_year: int) -> None:
    """Add what a document is ordered by; one whose addresses are dead counts as of no quality."""
    year = max(0, min(issued_year, _MAX_YEAR))
    document.add_integer("newest", _seconds(row.created_at) * (_MAX_YEAR + 1) + year)
    document.add_integer("quality", (0 if row.is_dead else row.quality or 0) * (_MAX_YEAR + 1) + year)
    if row.is_dead:
        document.add_text(STATE_FIELD, DEAD_STATE)


def _indexed_texts(record: _Searched, terms: SearchTerms) -> Iterator[tuple[str, str]]:
    """Yield the fields of words, each text with its words; a field that is often empty is never left out."""
    for field, texts in _texts(record):
        words = [" ".join(terms(text[:_MAX_TEXT_CHARS])) for text in _distinct(texts)]
        yield from ((field, each) for each in words or ([_NOTHING] if field in _OFTEN_EMPTY else ()))


def _distinct(texts: Iterable[str]) -> Iterable[str]:
    """Return the texts that are not empty, each once."""
    return dict.fromkeys(filter(None, texts))


def exact_name(text: str) -> str:
    """Return the one spelling of an id, identifier or address: without case, scheme and resolver."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    for scheme in _SCHEMES:
        plain = plain.removeprefix(scheme)
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain.rstrip("/")[:MAX_NAME_CHARS]


def _names(record: _Searched) -> Iterator[str]:
    yield record.url or ""
    yield from (identifier.value for identifier in record.identifiers[:_MAX_TEXTS])
    yield from (link.url for link in record.links[:_MAX_TEXTS])


def _texts(record: _Searched) -> Iterator[tuple[str, Iterable[str]]]:
    yield "title", record.title.values()
    keywords = (each.text for each in (*record.keywords[:_MAX_TEXTS], *record.alternative_titles[:_MAX_TEXTS]))
    yield "keywords", keywords
    subjects = (label for subject in record.subjects[:_MAX_TEXTS] for label in _labels(subject))
    competencies = (label for each in record.competencies[:_MAX_TEXTS] for label in _competency_labels(each))
    yield "subjects", (*subjects, *competencies)
    yield "people", (*(person.name for person in record.contributors[:_MAX_TEXTS]), *record.publishers[:_MAX_TEXTS])
    yield "description", record.description.values()


def _labels(subject: _Subject) -> Iterator[str]:
    yield subject.label
    if subject.code:
        yield from subject_labels(subject.scheme, subject.code).values()


def competency_value(competency: Competency) -> str:
    """Return the value of the facet for a competency: its code, or what it says where no framework has it."""
    return competency_code(competency) or competency_text(competency)


def _competency_labels(competency: Competency) -> Iterator[str]:
    yield competency_text(competency)
    yield from competency_labels(competency_code(competency) or "").values()


def _facets(record: _Searched, partners: Sequence[str]) -> Iterator[tuple[str, Iterable[str]]]:
    yield "language", (each.tag.partition("-")[0] for each in record.languages)
    yield "level", record.levels
    yield "type", (each.code for each in record.resource_types)
    yield "subject", (f"{each.scheme}:{each.code}" for each in record.subjects[:_MAX_TEXTS] if each.code)
    yield "competency", (competency_value(each)[:MAX_NAME_CHARS] for each in record.competencies[:_MAX_TEXTS])
    yield "partner", partners
    if record.license:
        yield "license", [record.license.label or record.license.uri or ""]
        yield "open", ["yes"] if record.license.open else []


@lru_cache(maxsize=1_000)
def _seconds(time: str) -> int:
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())
