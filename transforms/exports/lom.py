"""IEEE LOM (1484.12.1-2020) in its XML binding (1484.12.3).

https://standards.ieee.org/ieee/1484.12.3/7700/ · The counterpart of transforms/crosswalks/lom.py. Terms of LOM's own
vocabularies have the source LOMv1.0; others name the list that they are of, as the loose binding allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas import Contributor, Published, Resource, Subject, competency_code, competency_text, read_vocabulary
from transforms.exports.texts import escape, language_attribute
from transforms.exports.values import (
    SCHEMES,
    addresses,
    age_range,
    identifiers,
    is_address,
    is_calendar_date,
    is_creative_commons,
    is_restricted,
    license_statements,
    listed,
    relation_kind,
    relation_target,
    subject_uri,
    titles_of_titled_languages,
)

SCHEMA = "http://standards.ieee.org/reading/ieee/downloads/LOM/lomv1.0/xsd/lomLoose.xsd"
NAMESPACE = "http://ltsc.ieee.org/xsd/LOM"
CANNOT_CARRY = {
    "contributors.role publisher": "2.3 does not tell a contributor who published from the publisher",
    "links of a resource without a page": "the first address would be the page",
    "alternative_titles of a language without a title": "a second text of a language is what tells them apart",
    "links.media_type": "4.1 is of the whole resource",
    "license.origin": "what a feed says of all its records is said of each",
    "relations.variant other than translation and edition": "no kind of relation says it",
    "issued that is uncertain or an interval": "dateTime is a certain year, month or day; its description has the date",
    "modified that is uncertain or an interval": "as issued",
}

_LOM, _LRE = "LOMv1.0", "LREv3.0"
_TYPES = frozenset({"diagram", "experiment", "index", "questionnaire", "simulation", "slide"})  # LOM's and ours
_CONTEXTS = frozenset({"school", "higher education", "training", "other"})
_END_USERS = frozenset({"teacher", "author", "learner", "manager"})
_HCRT = "https://w3id.org/kim/hcrt/scheme"
_ISCED_LEVELS = "ISCED 2011"
_HEAD = (
    f'<lom xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xsi:schemaLocation="{NAMESPACE} {SCHEMA}">\n'
)
_VCARD_ESCAPES = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": " ", "\r": " "})  # RFC 6350, 3.4


def render(published: Published) -> str:
    """Return the record as an element <lom>."""
    record = published.record
    return "".join(
        (
            _HEAD,
            *_category("general", _general(record)),
            *_category("lifeCycle", _life_cycle(record)),
            *_category("metaMetadata", _meta_metadata(published)),
            *_category("technical", _technical(record)),
            *_category("educational", _educational(record)),
            *_category("rights", _rights(record)),
            *_relations(published),
            *_classifications(record),
            "</lom>",
        )
    )


def _category(name: str, parts: Iterator[str]) -> Iterator[str]:
    """Yield an element around its parts; nothing around none."""
    inside = "".join(parts)
    if inside:
        yield f"<{name}>\n{inside}</{name}>\n"


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>\n"


def _string(text: str, language: str = "und") -> str:
    return f"<string{language_attribute(language, 'language')}>{escape(text)}</string>"


def _strings(name: str, texts: Iterable[tuple[str, str]]) -> str:
    """Return a LangString of these languages and texts; nothing without any."""
    strings = "".join(_string(text, language) for language, text in texts)
    return f"<{name}>{strings}</{name}>\n" if strings else ""


def _term(name: str, value: str, source: str = _LOM) -> str:
    return f"<{name}><source>{escape(source)}</source><value>{escape(value)}</value></{name}>\n"


def _identifier(catalog: str, entry: str) -> str:
    return f"<identifier><catalog>{escape(catalog)}</catalog><entry>{escape(entry)}</entry></identifier>\n"


def _general(record: Resource) -> Iterator[str]:
    for scheme, value in identifiers(record):
        yield _identifier(scheme, value)
    yield _strings("title", ((title.language, title.text) for title in titles_of_titled_languages(record)))
    for language in record.languages:
        yield _element("language", language.tag)
    yield _strings("description", record.description.items())
    for keyword in record.keywords:
        yield _strings("keyword", [(keyword.language, keyword.text)])
    for coverage in record.coverage:
        yield _strings("coverage", [(coverage.language, coverage.text)])


def _life_cycle(record: Resource) -> Iterator[str]:
    for contributor in record.contributors:
        role = contributor.role if contributor.role in read_vocabulary("role") else "unknown"
        yield _contribute(role, [_vcard(contributor)])
    publishers = [_vcard(Contributor(name=name, role="publisher", kind="organisation")) for name in record.publishers]
    if publishers or record.issued:
        yield _contribute("publisher", publishers, _date(record.issued))
    if record.modified:
        yield _contribute("unknown", [], _date(record.modified, "modified"))


def _contribute(role: str, entities: Iterable[str], date: str = "") -> str:
    cards = "".join(f"<entity>{escape(entity)}</entity>\n" for entity in entities)
    return f"<contribute>\n{_term('role', role)}{cards}{date}</contribute>\n"


def _date(date: str | None, note: str = "") -> str:
    """Return a date; one that is no plain year, month or day only in its description."""
    if date is None:
        return ""
    moment = f"<dateTime>{escape(date)}</dateTime>" if is_calendar_date(date) else ""
    note = note if moment else f"{note} {date}".strip()
    return f"<date>{moment}{_strings('description', [('en', note)] if note else [])}</date>\n"


def _vcard(contributor: Contributor) -> str:
    """Return a vCard 4 (RFC 6350), which says whether it is a person's or an organisation's."""
    name = " ".join(contributor.name.split()).translate(_VCARD_ESCAPES)
    kind = f"KIND:org\nORG:{name}" if contributor.kind == "organisation" else "KIND:individual"
    uid = f"\nUID:{contributor.id}" if contributor.id else ""
    return f"BEGIN:VCARD\nVERSION:4.0\nFN:{name}\n{kind}{uid}\nEND:VCARD"


def _meta_metadata(published: Published) -> Iterator[str]:
    yield _identifier("URI" if published.address else "ULID", published.address or published.id)
    moment = published.visible_at.replace("Z", ".0Z")  # LOM's dateTime has a zone only behind a fraction
    yield _contribute("creator", [], f"<date><dateTime>{escape(moment)}</dateTime></date>\n")
    yield _element("metadataSchema", _LOM)


def _technical(record: Resource) -> Iterator[str]:
    for format_ in record.formats:
        yield _element("format", format_)
    for address in addresses(record):
        yield _element("location", address)


def _educational(record: Resource) -> Iterator[str]:
    if record.interactivity_type:
        yield _term("interactivityType", record.interactivity_type)
    for concept in record.resource_types:
        yield _resource_type(concept.code)
    for audience in record.audiences:
        yield _term("intendedEndUserRole", audience, _LOM if audience in _END_USERS else _LRE)
    for context in record.contexts:
        yield _term("context", context, _LOM if context in _CONTEXTS else _LRE)
    ages = age_range(record)
    yield _strings("typicalAgeRange", [("und", ages)] if ages else [])
    if record.difficulty:
        yield _term("difficulty", record.difficulty)
    if record.typical_learning_time:
        yield f"<typicalLearningTime>{_element('duration', record.typical_learning_time)}</typicalLearningTime>\n"


def _resource_type(code: str) -> str:
    if code in _TYPES:
        return _term("learningResourceType", code)
    return _term("learningResourceType", listed("resource_type", code)[0], _HCRT)


def _rights(record: Resource) -> Iterator[str]:
    if record.cost:
        yield _term("cost", record.cost)
    restricted = is_restricted(record)
    if restricted is not None:
        yield _term("copyrightAndOtherRestrictions", "yes" if restricted else "no")
    statements = license_statements(record)
    yield _strings("description", ((_rights_language(statement), statement) for statement in statements))


def _rights_language(statement: str) -> str:
    """Return the mark by which the Learning Resource Exchange finds the address of a Creative Commons licence."""
    return "x-t-cc-url" if is_creative_commons(statement) else "und"


def _relations(published: Published) -> Iterator[str]:
    record = published.record
    for link in record.links:
        if link.role == "preview":
            yield _relation("haspreview", link.url, _LRE)
        elif link.role == "thumbnail":
            yield _relation("hasthumbnail", link.url, _LRE)
    for relation in record.relations:
        kind = relation_kind(relation)
        yield _relation(
            kind, relation_target(published, relation), _LOM if kind in read_vocabulary("relation_kind") else _LRE
        )


def _relation(kind: str, target: str, source: str) -> str:
    work = _identifier("URI", target) if is_address(target) else _strings("description", [("und", target)])
    return f"<relation>\n{_term('kind', kind, source)}<resource>\n{work}</resource>\n</relation>\n"


def _classifications(record: Resource) -> Iterator[str]:
    yield from _classification("discipline", map(_subject_path, record.subjects))
    yield from _classification("educational level", map(_level_path, record.levels))
    competencies = (
        _path(each.framework.upper(), competency_code(each), competency_text(each)) for each in record.competencies
    )
    yield from _classification("competency", competencies)


def _classification(purpose: str, paths: Iterable[str]) -> Iterator[str]:
    inside = "".join(paths)
    if inside:
        yield f"<classification>\n{_term('purpose', purpose)}{inside}</classification>\n"


def _path(source: str, number: str | None, entry: str) -> str:
    named = _strings("source", [("en" if source else "und", source)] if source else [])
    id_ = _element("id", number) if number else ""
    language = "en" if source else "und"
    return f"<taxonPath>\n{named}<taxon>\n{id_}{_strings('entry', [(language, entry)])}</taxon>\n</taxonPath>\n"


def _subject_path(subject: Subject) -> str:
    scheme = SCHEMES.get(subject.scheme)
    number = subject_uri(subject) if subject.scheme == "unesco" else subject.code
    return _path(scheme.name if scheme else "", number, subject.label)


def _level_path(level: str) -> str:
    return _path(_ISCED_LEVELS, level, listed("level", level)[0])
