"""oai_dc: simple Dublin Core as OAI-PMH requires it of every repository.

http://www.openarchives.org/OAI/2.0/oai_dc.xsd · https://www.openarchives.org/OAI/openarchivesprotocol.html#dublincore
The counterpart of transforms/crosswalks/dublin_core.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas import Published, Resource
from transforms.exports.texts import escape, language_attribute
from transforms.exports.values import (
    addresses,
    attribution,
    identifiers,
    license_statements,
    listed,
    relation_target,
    titles_of_titled_languages,
)

SCHEMA = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
NAMESPACE = "http://www.openarchives.org/OAI/2.0/oai_dc/"
CANNOT_CARRY = {
    "alternative_titles of a language without a title": "a second dc:title of a language is what tells them apart",
    "contributors.role": "a creator is an author, and a contributor anybody else",
    "contributors.kind": "a name is only a text",
    "contributors.id": "a name is only a text",
    "identifiers without the addresses": "dc:identifier holds the page, which is the first, and the files too",
    "links.role": "previews and thumbnails are left out",
    "links.media_type": "dc:format is of the whole resource",
    "links of a resource without a page": "the first address would be the page",
    "license.origin": "what a feed says of all its records is said of each",
    "keywords": "dc:subject does not tell a keyword from a subject: labels of subjects come back as keywords too",
    "subjects.code": "dc:subject has the label only, which our lists know again; one of the partner's own is a keyword",
    "relations.kind": "only dc:source (isbasedon) and dc:relation (references) are told apart",
    "relations.variant": "dc:relation says no kind",
    "modified": "a second dc:date would not say what it is",
    "cost": "no element",
    "levels": "no element",
    "contexts": "no element",
    "audiences": "no element",
    "age_range": "no element",
    "difficulty": "no element",
    "typical_learning_time": "no element",
    "interactivity_type": "no element",
    "competencies": "no element",
}

_HEAD = (
    f'<oai_dc:dc xmlns:oai_dc="{NAMESPACE}" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xsi:schemaLocation="{NAMESPACE} {SCHEMA}">\n'
)
_TAIL = "</oai_dc:dc>"
_PREFIXES = {"doi": "doi:", "handle": "hdl:", "isbn": "urn:isbn:", "issn": "urn:issn:"}


def render(published: Published) -> str:
    """Return the record as an element <oai_dc:dc>."""
    record = published.record
    lines = [_HEAD]
    if line := attribution(record):
        lines.append(f"<!-- {line} -->\n")
    lines += _texts(record)
    lines += _people(record)
    lines += _plain("date", [record.issued] if record.issued else [])
    lines += _plain("type", [listed("resource_type", concept.code)[0] for concept in record.resource_types])
    lines += _plain("format", record.formats)
    lines += _plain("identifier", _identifiers(record))
    lines += _plain("language", [language.tag for language in record.languages])
    lines += _relations(published)
    lines += [_element("coverage", text.text, text.language) for text in record.coverage]
    lines += _plain("rights", license_statements(record))
    lines.append(_TAIL)
    return "".join(lines)


def _element(name: str, text: str, language: str = "und") -> str:
    return f"<dc:{name}{language_attribute(language)}>{escape(text)}</dc:{name}>\n"


def _plain(name: str, texts: list[str] | tuple[str, ...]) -> list[str]:
    return [f"<dc:{name}>{escape(text)}</dc:{name}>\n" for text in texts]


def _texts(record: Resource) -> Iterator[str]:
    for title in titles_of_titled_languages(record):
        yield _element("title", title.text, title.language)
    for keyword in record.keywords:
        yield _element("subject", keyword.text, keyword.language)
    known = {keyword.text for keyword in record.keywords}
    for label in dict.fromkeys(subject.label for subject in record.subjects):
        if label not in known:
            yield _element("subject", label)
    for language, text in record.description.items():
        yield _element("description", text, language)


def _people(record: Resource) -> Iterator[str]:
    for contributor in record.contributors:
        yield _element("creator" if contributor.role == "author" else "contributor", contributor.name)
    yield from _plain("publisher", record.publishers)


def _identifiers(record: Resource) -> list[str]:
    """Return the page, the identifiers, and the addresses of the content, each once."""
    values = [f"{_PREFIXES.get(scheme, '')}{value}" for scheme, value in identifiers(record)]
    return list(dict.fromkeys([*addresses(record)[:1], *values, *addresses(record)])) if record.url else values


def _relations(published: Published) -> Iterator[str]:
    for relation in published.record.relations:
        name = "source" if relation.kind == "isbasedon" else "relation"
        yield _element(name, relation_target(published, relation))
