"""MARC 21 (https://www.loc.gov/marc/bibliographic/) as MARCXML, written by pymarc.

The counterpart of transforms/crosswalks/marcxml.py. Fields of RDA without the punctuation of ISBD (leader/18 is c);
names are in direct order (first indicator 0), for the shared record does not say which part is the family's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from xml.etree import ElementTree

from langcodes import Language
from pymarc import Field, Indicators, Leader, Record, Subfield
from pymarc.marcxml import record_to_xml_node

from schemas import Contributor, Published, Resource, Subject, Withdrawn, competency_code, competency_text
from transforms.exports.texts import clean
from transforms.exports.values import (
    SCHEMES,
    addresses,
    age_range,
    attribution,
    identifiers,
    is_address,
    is_calendar_date,
    is_period,
    listed,
    main_language,
    relation_kind,
    relation_target,
    subject_uri,
)
from transforms.normalize.language import language_tags

SCHEMA = "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"
NAMESPACE = "http://www.loc.gov/MARC21/slim"
CANNOT_CARRY = {
    "identifiers order": "ISBN and ISSN have fields of their own, before the others",
    "contributors.role publisher": "a name with the relator publisher is read as the publisher",
    "title in further languages": "field 246 has no language: further titles come back as alternative ones",
    "language of titles, descriptions, keywords and coverage": "a field has no language; it is found by the record's",
    "final full stop and ISBD punctuation of titles, names, keywords, coverage and relations": "the crosswalk drops it,"
    " for most libraries still add it",
    "line breaks in descriptions": "MARC 21 has none",
    "contributors.kind where a name is not clear": "field 100 and 700 hold organisations too in partners' records",
    "contributors order": "the first author is in field 1XX, before all others",
    "keywords": "a heading of field 650 is read as a keyword too",
    "subjects.code": "headings are found again by their labels; one of the partner's own is a keyword",
    "resource_types of a record without any": "leader/06 has to say something",
    "formats of a resource without an address": "field 856 $q belongs to an address",
    "links.media_type": "field 856 $q is read as a format of the resource",
    "links.role": "previews and thumbnails are left out",
    "links of a resource without a page": "the first address would be the page",
    "license.origin": "what a feed says of all its records is said of each",
    "relations.kind other than ispartof, haspart, hasformat, references, translations and later editions": "no linking"
    " field that says it",
    "contexts": "no field",
    "cost": "field 506 says that access is open, not that it is free of charge",
    "difficulty": "no field",
    "typical_learning_time": "no field",
    "interactivity_type": "no field",
}

_RECORD_TYPES = {  # leader/06 by the code of the first kind; m, a computer file, is for what cannot be told
    "application": "m",
    "assessment": "a",
    "audio": "i",
    "case_study": "a",
    "data": "m",
    "diagram": "k",
    "image": "k",
    "index": "a",
    "lesson_plan": "a",
    "map": "e",
    "questionnaire": "a",
    "script": "a",
    "sheet_music": "c",
    "text": "a",
    "textbook": "a",
    "video": "g",
    "worksheet": "a",
}
_CONTENT_TYPES = {  # RDA content types (https://www.loc.gov/standards/valuelist/rdacontent.html)
    "application": ("computer program", "cop"),
    "audio": ("sounds", "snd"),
    "data": ("computer dataset", "cod"),
    "image": ("still image", "sti"),
    "map": ("cartographic image", "cri"),
    "sheet_music": ("notated music", "ntm"),
    "video": ("two-dimensional moving image", "tdi"),
}
_TEXT, _UNSPECIFIED = ("text", "txt"), ("unspecified", "zzz")
_FORM_OF_ITEM = {"e": 29, "f": 29, "g": 29, "k": 29}  # where 008 says that the item is online; else position 23
_SCHEMES = {"doi": "doi", "handle": "hdl", "ark": "ark", "uri": "uri"}  # of identifiers, as field 024 names them
_LINKING = {  # by kind of relation
    "istranslationof": "765",
    "hastranslation": "767",
    "ispartof": "773",
    "haspart": "774",
    "hasedition": "775",
    "hasformat": "776",
}
_ONLINE = "Unrestricted online access"


def render(published: Published) -> str:
    """Return the record as an element <record> of MARCXML."""
    return _to_xml(_record(published))


def render_deletion(withdrawn: Withdrawn) -> str:
    """Return a record that says of its number that it is deleted (leader/05 d)."""
    record = Record()
    record.leader = Leader("00000dam a2200000uc 4500")
    record.add_field(Field("001", data=withdrawn.id), Field("005", data=_timestamp(withdrawn.visible_at)))
    return _to_xml(record)


def _to_xml(record: Record) -> str:
    return ElementTree.tostring(record_to_xml_node(record, namespace=True), encoding="unicode")


def _record(published: Published) -> Record:
    record = Record()
    record_type = _record_type(published.record)
    record.leader = Leader(f"00000n{record_type}m a2200000uc 4500")
    record.add_field(
        Field("001", data=published.id),
        Field("005", data=_timestamp(published.visible_at)),
        Field("007", data="cr |||||||||||"),
        Field("008", data=_fixed_field(published, record_type)),
        *_data_fields(published),
    )
    return record


def _record_type(record: Resource) -> str:
    return _RECORD_TYPES.get(record.resource_types[0].code, "m") if record.resource_types else "m"


def _timestamp(moment: str) -> str:
    """Return a time as field 005 has it: 20260301021500.0."""
    return f"{re.sub('[^0-9]', '', moment)[:14].ljust(14, '0')}.0"


def _fixed_field(published: Published, record_type: str) -> str:
    """Return field 008: day of publication here, date 1, form of item (o: online), language; the rest is not coded."""
    record = published.record
    material = ["|"] * 17
    material[_FORM_OF_ITEM.get(record_type, 23) - 18] = "o"
    if record_type == "m":
        material[26 - 18] = "u"
    codes = [marc_language(language.tag) for language in record.languages[:1]]
    language = codes[0] if codes and codes[0] else "|||"
    return f"{published.visible_at[2:10].replace('-', '')}{_dates(record.issued)}xx {''.join(material)}{language} d"


def _dates(issued: str | None) -> str:
    """Return positions 6 to 14 of field 008: a year (s), a detailed date (e), or that none is certain (n)."""
    if issued is None or not is_calendar_date(issued):
        return "nuuuuuuuu"
    year, *rest = issued.split("-")
    return f"{'e' if rest else 's'}{year}{''.join(rest):4}"


@lru_cache(maxsize=1024)
def marc_language(tag: str) -> str | None:
    """Return MARC's code of a language that it can say exactly; None for one with a script or region."""
    if "-" in tag or tag == "und":
        return None
    try:
        code = Language.get(tag).to_alpha3(variant="B")
    except (ValueError, LookupError):  # no tag, or of a language without three letters
        return None
    return code if language_tags(code) == (tag,) else None


def _field(tag: str, indicators: str, *subfields: tuple[str, str | None]) -> Field:
    """Return a data field; subfields without a value are left out, `#` is a blank indicator."""
    blank = indicators.replace("#", " ")
    values = [Subfield(code, _line(value)) for code, value in subfields if value]
    return Field(tag, Indicators(blank[0], blank[1]), values)


def _line(text: str) -> str:
    """Return a text in one line: MARC 21 has no line breaks."""
    return " ".join(clean(text).split())


def _data_fields(published: Published) -> Iterator[Field]:
    record = published.record
    yield from _identifier_fields(record)
    yield _field("040", "##", ("b", "eng"), ("e", "rda"))
    yield from _language_fields(record)
    if record.modified:
        yield _field("046", "##", ("j", record.modified), ("2", "edtf"))
    main_entry, added_entries = _people(record)
    yield from main_entry
    yield from _title_fields(record, "1" if main_entry else "0")
    yield from _publication(record)
    yield from _content(record)
    yield from _notes(record)
    yield from _subjects(record)
    yield from added_entries
    yield from _related(published)
    yield from _locations(published)


def _identifier_fields(record: Resource) -> list[Field]:
    fields = [_identifier_field(scheme, value) for scheme, value in identifiers(record)]
    return sorted(fields, key=lambda field: str(field.tag))


def _identifier_field(scheme: str, value: str) -> Field:
    if scheme in ("isbn", "issn"):
        return _field("020" if scheme == "isbn" else "022", "##", ("a", value))
    source = _SCHEMES.get(scheme)
    return _field("024", "7#" if source else "8#", ("a", value), ("2", source))


def _language_fields(record: Resource) -> Iterator[Field]:
    """Yield field 041: MARC's codes together, tags that they cannot say exactly each with its source."""
    tags = [language.tag for language in record.languages]
    for is_exact, some in groupby(tags, key=lambda tag: marc_language(tag) is not None):
        if is_exact:
            yield _field("041", "##", *(("a", marc_language(tag)) for tag in some))
        else:
            yield from (_field("041", "#7", ("a", tag), ("2", "rfc5646")) for tag in some)


def _people(record: Resource) -> tuple[list[Field], list[Field]]:
    """Return the main entry, which is the first author, and the added entries."""
    author = next((contributor for contributor in record.contributors if contributor.role == "author"), None)
    others = [contributor for contributor in record.contributors if contributor is not author]
    main = [_name_field(author, "1", "")] if author else []
    return main, [_name_field(contributor, "7", contributor.role) for contributor in others]


def _name_field(contributor: Contributor, first_digit: str, role: str) -> Field:
    is_person = contributor.kind == "person"
    id_ = contributor.id or ""
    code = "1" if "orcid.org" in id_ or "viaf.org" in id_ else "0"
    subfields = [("a", contributor.name), ("e", "" if role == "unknown" else role), (code, id_)]
    return _field(f"{first_digit}{'00' if is_person else '10'}", "0#" if is_person else "2#", *subfields)


def _title_fields(record: Resource, added_entry: str) -> Iterator[Field]:
    main = main_language(record)
    if main is not None:
        yield _field("245", f"{added_entry}0", ("a", record.title[main]))
    for language, text in record.title.items():
        if language != main:
            yield _field("246", "31", ("a", text))
    yield from (_field("246", "3#", ("a", title.text)) for title in record.alternative_titles)


def _publication(record: Resource) -> Iterator[Field]:
    if record.publishers or record.issued:
        yield _field("264", "#1", *(("b", name) for name in record.publishers), ("c", record.issued))


def _content(record: Resource) -> Iterator[Field]:
    codes = [concept.code for concept in record.resource_types]
    types = dict.fromkeys(_CONTENT_TYPES[code] for code in codes if code in _CONTENT_TYPES)
    if any(_RECORD_TYPES.get(code) == "a" for code in codes):
        types[_TEXT] = None
    for term, code in types or [_UNSPECIFIED]:
        yield _field("336", "##", ("a", term), ("b", code), ("2", "rdacontent"))
    yield _field("337", "##", ("a", "computer"), ("b", "c"), ("2", "rdamedia"))
    yield _field("338", "##", ("a", "online resource"), ("b", "cr"), ("2", "rdacarrier"))


def _notes(record: Resource) -> Iterator[Field]:
    if record.cost == "no":
        yield _field("506", "0#", ("a", _ONLINE), ("f", _ONLINE), ("2", "star"))
    for text in record.description.values():
        yield _field("520", "##", ("a", text))
    if ages := age_range(record):
        yield _field("521", "1#", ("a", ages))
    for role in record.audiences:
        yield _field("521", "##", ("a", listed("audience", role)[0]))
    for level in record.levels:
        yield _field("521", "8#", ("a", listed("level", level)[0]))
    if record.license is not None:
        yield _field("540", "##", ("a", record.license.statement), ("u", record.license.uri))
    if line := attribution(record):
        yield _field("588", "##", ("a", line))


def _subjects(record: Resource) -> Iterator[Field]:
    for period in record.coverage:
        if is_period(period.text):
            yield _field("648", "#4", ("a", period.text))
    for subject in record.subjects:
        yield _subject(subject)
    for place in record.coverage:
        if not is_period(place.text):
            yield _field("651", "#4", ("a", place.text))
    for keyword in record.keywords:
        yield _field("653", "##", ("a", keyword.text))
    for concept in record.resource_types:
        yield _field("655", "#4", ("a", listed("resource_type", concept.code)[0]))
    for competency in record.competencies:
        yield _field("658", "##", ("a", competency_text(competency)), ("c", competency_code(competency)))


def _subject(subject: Subject) -> Field:
    scheme = SCHEMES.get(subject.scheme)
    if scheme is None:
        return _field("650", "#4", ("a", subject.label))
    return _field("650", "#7", ("a", subject.label), ("2", scheme.marc), ("0", subject_uri(subject)))


def _related(published: Published) -> Iterator[Field]:
    """Yield linking entries for the works that the format has a field for."""
    for relation in published.record.relations:
        tag, target = _LINKING.get(relation_kind(relation)), relation_target(published, relation)
        if tag is not None:
            yield _field(tag, "0#", ("u" if is_address(target) else "t", target))
        elif relation.kind == "references" and not is_address(target):
            yield _field("787", "0#", ("t", target))


def _locations(published: Published) -> Iterator[Field]:
    """Yield field 856: the page with the media types that no file has, the files, and related addresses."""
    record = published.record
    media_types = {link.url: link.media_type for link in record.links if link.role == "content"}
    others = [format_ for format_ in record.formats if format_ not in media_types.values()]
    for address in addresses(record):
        types = [*others, media_types.get(address)]
        yield _field("856", "40" if address == record.url else "41", ("u", address), *(("q", type_) for type_ in types))
        others = []  # they are said once
    yield from (_field("856", "42", ("u", target)) for target in _referenced_addresses(published))


def _referenced_addresses(published: Published) -> list[str]:
    references = (each for each in published.record.relations if each.kind == "references")
    return [target for each in references if is_address(target := relation_target(published, each))]
