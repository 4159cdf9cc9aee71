"""A published resource as a row of a table: what fits into columns, for spreadsheets and data frames.

The shared record has more; it is in the dump's other file, one JSON object per line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from schemas import Identifier, Published, Resource
from transforms.exports.texts import clean
from transforms.exports.values import attribution, main_language

ColumnKind = Literal["text", "texts", "integer", "boolean"]
Cell = str | int | bool | list[str] | None


class Column(NamedTuple):
    """A column: its name, what stands in it, its type (`texts` is a list), and its value for a resource."""

    name: str
    kind: ColumnKind
    meaning: str
    value: Callable[[Published], Cell]


def row_of(published: Published) -> list[Cell]:
    """Return the cells of a resource, in the order of COLUMNS; texts are cleaned of what no document may hold."""
    return [_cleaned(column.value(published)) for column in COLUMNS]


def _cleaned(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return clean(cell)
    return [clean(text) for text in cell if text] if isinstance(cell, list) else cell


def _own(texts: dict[str, str], record: Resource) -> str | None:
    """Return a text in the language of the title that is shown, else in the first that there is."""
    return texts.get(main_language(record) or "", next(iter(texts.values()), None))


def _people(published: Published, *, authors: bool) -> list[str]:
    return [each.name for each in published.record.contributors if (each.role == "author") == authors]


def _subjects(published: Published, scheme: str) -> list[str]:
    return [each.label for each in published.record.subjects if each.scheme == scheme]


def _of_license(published: Published, field: str) -> Cell:
    cell: Cell = getattr(published.record.license, field, None)  # most records have one
    return cell


def _identifier(each: Identifier) -> str:
    return f"{each.scheme}:{each.value}"


COLUMNS = (
    Column("id", "text", "the library's id of the resource, which never changes", lambda p: p.id),
    Column("page", "text", "address of its page in the library", lambda p: p.address),
    Column("title", "text", "title in the resource's own language", lambda p: _own(p.record.title, p.record)),
    Column("title_language", "text", "language of the title, BCP 47", lambda p: main_language(p.record)),
    Column("description", "text", "description in that language", lambda p: _own(p.record.description, p.record)),
    Column("languages", "texts", "languages of the content, BCP 47", lambda p: [x.tag for x in p.record.languages]),
    Column("authors", "texts", "names of the authors", lambda p: _people(p, authors=True)),
    Column("contributors", "texts", "names of editors and others", lambda p: _people(p, authors=False)),
    Column("publishers", "texts", "names of the publishers", lambda p: list(p.record.publishers)),
    Column("issued", "text", "date of publication, EDTF level 1", lambda p: p.record.issued),
    Column("issued_year", "integer", "year of publication", lambda p: p.record.issued_year),
    Column("types", "texts", "types of resource", lambda p: [each.code for each in p.record.resource_types]),
    Column("levels", "texts", "educational levels, ISCED 2011", lambda p: list(p.record.levels)),
    Column("audiences", "texts", "whom it is for, LOM 5.5", lambda p: list(p.record.audiences)),
    Column("isced_f", "texts", "subjects, labels of ISCED-F 2013", lambda p: _subjects(p, "isced-f")),
    Column("unesco", "texts", "subjects, labels of the UNESCO Thesaurus", lambda p: _subjects(p, "unesco")),
    Column("subjects", "texts", "subjects in the partners' own words", lambda p: _subjects(p, "source")),
    Column("keywords", "texts", "free keywords", lambda p: [each.text for each in p.record.keywords]),
    Column("license", "text", "name of the resource's licence", lambda p: _of_license(p, "label")),
    Column("license_uri", "text", "URI of the resource's licence", lambda p: _of_license(p, "uri")),
    Column(
        "is_open",
        "boolean",
        "whether that licence is open; empty when it cannot be decided",
        lambda p: _of_license(p, "open"),
    ),
    Column("cost", "text", "whether it costs something: yes or no", lambda p: p.record.cost),
    Column("url", "text", "address of the resource at its publisher", lambda p: p.record.url),
    Column("links", "texts", "addresses of its content", lambda p: [each.url for each in p.record.links]),
    Column("media_types", "texts", "media types of its content", lambda p: list(p.record.formats)),
    Column("identifiers", "texts", "scheme:value", lambda p: [_identifier(each) for each in p.record.identifiers]),
    Column("partners", "texts", "the partners who gave the metadata", lambda p: list(p.partners)),
    Column("visible_at", "text", "since when it can be read in this form, UTC", lambda p: p.visible_at),
    Column("metadata_license", "text", "URI of the licence of this row", lambda p: p.metadata_license),
    Column("attribution", "text", "what must stand beside these values", lambda p: attribution(p.record)),
)
