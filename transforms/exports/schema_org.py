"""LRMI as JSON-LD: a LearningResource of schema.org.

https://schema.org/LearningResource · https://www.dublincore.org/specifications/lrmi/
The counterpart of transforms/crosswalks/schema_org.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from schemas import Contributor, Link, Published, Resource, Subject, Text, competency_code, competency_text
from transforms.exports.texts import cleaned, encode_json, escape, is_known, language_attribute
from transforms.exports.values import (
    SCHEMES,
    age_range,
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
from transforms.normalize.vocabulary import lookup

CONTEXT = "https://schema.org"
NAMESPACE = "http://schema.org/"
XSD = f"""<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}" elementFormDefault="qualified">
  <xs:annotation>
    <xs:documentation>Properties of schema.org as elements; values are in the elements, types and ids in attributes.
    </xs:documentation>
  </xs:annotation>
  <xs:element name="lrmi">
    <xs:complexType>
      <xs:sequence>
        <xs:any namespace="##targetNamespace" processContents="skip" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="type" type="xs:NMTOKENS"/>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""
CANNOT_CARRY = {
    "contributors.role other than author and editor": "schema.org's contributor has no role",
    "contributors order between roles": "each role is a property of its own",
    "contexts that are a level too (pre-school)": "educationalLevel does not tell the two apart",
    "links.media_type of previews and thumbnails": "they are addresses only",
    "formats without those of links": "the media type of a link is one of the resource too",
    "subjects.code of the partner's own": "targetUrl is an address",
    "relations.kind other than ispartof, haspart, isbasedon and references, and translations": "no property",
    "relations.variant other than translation": "no property",
    "issued that is uncertain or an interval": "datePublished is a certain year, month or day",
    "modified that is uncertain or an interval": "as issued",
    "license.origin": "what a feed says of all its records is said of each",
}

_TYPES = {  # the code of a kind: the type of schema.org that means it
    "application": "SoftwareApplication",
    "assessment": "Quiz",
    "audio": "AudioObject",
    "course": "Course",
    "data": "Dataset",
    "educational_game": "Game",
    "image": "ImageObject",
    "map": "Map",
    "sheet_music": "SheetMusic",
    "slide": "PresentationDigitalDocument",
    "video": "VideoObject",
}
_RELATIONS = {
    "ispartof": "isPartOf",
    "haspart": "hasPart",
    "isbasedon": "isBasedOn",
    "references": "citation",
    "istranslationof": "translationOfWork",
    "hastranslation": "workTranslation",
}
_HCRT = "https://w3id.org/kim/hcrt/scheme"
_ISCED_LEVELS = "https://w3id.org/kim/isced-2011/"


class Words(NamedTuple):
    """The words in which schema.org and AMB differ."""

    type: str
    id: str
    author: str


_WORDS = Words("@type", "@id", "author")


def render(published: Published) -> str:
    """Return the record as a JSON-LD document."""
    return to_json(_document(published, main_language(published.record)))


def render_xml(published: Published) -> str:
    """Return the same document as XML for OAI-PMH, which carries nothing else: an element for each property.

    An object is an element with its type and id as attributes, a list the element again. Every text has its language.
    """
    document = cleaned(_document(published, None))
    members = "".join(_elements(name, value) for name, value in document.items() if name[0] != "@")
    types = " ".join(document["@type"])
    return f'<lrmi xmlns="{NAMESPACE}" type="{types}">\n{members}</lrmi>'


def _elements(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_elements(name, entry) for entry in value)
    if value in (None, "", {}):
        return ""
    if not isinstance(value, dict):
        return f"<{name}>{_literal(value)}</{name}>\n"
    if "@value" in value:
        return f"<{name}{language_attribute(value.get('@language', 'und'))}>{escape(value['@value'])}</{name}>\n"
    attributes = "".join(f' {key[1:]}="{escape(value[key])}"' for key in ("@type", "@id") if key in value)
    members = "".join(_elements(key, member) for key, member in value.items() if key[0] != "@")
    return f"<{name}{attributes}>\n{members}</{name}>\n"


def _literal(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else escape(str(value))


def to_json(document: dict[str, Any]) -> str:
    """Return a document as JSON without empty members, but for a name, and without characters that no text may hold."""
    filled = {name: value for name, value in document.items() if name == "name" or value not in (None, "", [], {})}
    return encode_json(filled)


def _document(published: Published, language: str | None) -> dict[str, Any]:
    """Return the document; texts in `language`, which its context says, are plain."""
    record = published.record
    types = [_TYPES[concept.code] for concept in record.resource_types if concept.code in _TYPES]
    return {
        "@context": [CONTEXT, {"@language": language}] if language and is_known(language) else CONTEXT,
        "@type": ["LearningResource", *types],
        **_texts(record, language),
        "url": record.url,
        "identifier": identifier_values(record, _WORDS),
        "inLanguage": [tag.tag for tag in record.languages],
        **people(record, _WORDS),
        "datePublished": record.issued if is_calendar_date(record.issued) else None,
        "dateModified": record.modified if is_calendar_date(record.modified) else None,
        "license": _license(record),
        **teaching(record),
        **_terms(record),
        **coverage(record, language),
        "encodingFormat": list(record.formats),
        **_media(record),
        **relations(published, _work),
        "sdDatePublished": published.visible_at,
        "sdLicense": published.metadata_license,
    }


def _texts(record: Resource, language: str | None) -> dict[str, Any]:
    return {
        "name": _single([in_language(tag, text, language) for tag, text in titles_main_first(record).items()]),
        "alternateName": [in_language(title.language, title.text, language) for title in record.alternative_titles],
        "description": _single([in_language(tag, text, language) for tag, text in record.description.items()]),
        "keywords": [_keyword(keyword, language) for keyword in record.keywords],
    }


def _terms(record: Resource) -> dict[str, Any]:
    """Return the terms of the library's lists; a context is a level by name only, which is how it is read back."""
    types = [listed("resource_type", concept.code) for concept in record.resource_types]
    levels = [listed("level", level) for level in record.levels]
    contexts = [context for context in record.contexts if lookup("level", context) is None]
    return {
        "learningResourceType": [_defined_term(*type_, _HCRT) for type_ in types],
        "educationalLevel": [
            *(_defined_term(*level, _ISCED_LEVELS) for level in levels),
            *(_defined_term(context, None, None) for context in contexts),
        ],
        "audience": [{"@type": "EducationalAudience", "educationalRole": role} for role in record.audiences],
        "teaches": competencies(record),
        "educationalAlignment": alignments(record, _WORDS),
    }


def _media(record: Resource) -> dict[str, Any]:
    return {
        "encoding": [media_object(link, _WORDS) for link in record.links if link.role == "content"],
        "image": [link.url for link in record.links if link.role == "preview"],
        "thumbnailUrl": [link.url for link in record.links if link.role == "thumbnail"],
    }


def titles_main_first(record: Resource) -> dict[str, str]:
    """Return the titles by language, that of the main language first."""
    language = main_language(record)
    return record.title if language is None else {language: record.title[language]} | record.title


def _single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def in_language(tag: str, text: str, default: str | None) -> Any:
    """Return a text with its language; plain where the document's context says it already."""
    if tag == default and is_known(tag):
        return text
    return {"@language": tag, "@value": text} if is_known(tag) else {"@value": text}


def _keyword(keyword: Text, default: str | None) -> Any:
    """Return a keyword: a text, or where its language is another one a term, whose name is never taken for a list."""
    text = in_language(keyword.language, keyword.text, default)
    return text if isinstance(text, str) else {"@type": "DefinedTerm", "name": text}


def identifier_values(record: Resource, words: Words) -> list[dict[str, str]]:
    """Return the identifiers with their schemes."""
    return [
        {words.type: "PropertyValue", "propertyID": scheme, "value": value} for scheme, value in identifiers(record)
    ]


def people(record: Resource, words: Words) -> dict[str, list[dict[str, str]]]:
    """Return who took part, by property, and the publishers."""
    properties = {"author": words.author, "editor": "editor"}
    by_property: dict[str, list[dict[str, str]]] = {}
    for contributor in record.contributors:
        name = properties.get(contributor.role, "contributor")
        by_property.setdefault(name, []).append(_agent(contributor, words))
    if record.publishers:
        by_property["publisher"] = [{words.type: "Organization", "name": name} for name in record.publishers]
    return by_property


def _agent(contributor: Contributor, words: Words) -> dict[str, str]:
    """Return a person or an organisation, with its URI where it has one."""
    kind = "Organization" if contributor.kind == "organisation" else "Person"
    return {words.type: kind, "name": contributor.name} | ({words.id: contributor.id} if contributor.id else {})


def _license(record: Resource) -> Any:
    """Return the licence's address, with the statement where that says more; a statement alone as a work's name."""
    if record.license is None:
        return None
    statement, named = record.license.statement, record.license.uri or record.license.label
    if statement in ("", record.license.uri):
        return named
    address = {"url": record.license.uri} if record.license.uri else {}
    return {"@type": "CreativeWork", "name": statement, **address}


def teaching(record: Resource) -> dict[str, Any]:
    """Return the properties of teaching that take one value."""
    return {
        "isAccessibleForFree": {"no": True, "yes": False}.get(record.cost or ""),
        "typicalAgeRange": age_range(record),
        "timeRequired": record.typical_learning_time,
        "interactivityType": record.interactivity_type,
    }


def _defined_term(name: str, uri: str | None, scheme: str | None) -> dict[str, Any]:
    identity = {"@id": uri} if uri else {}
    return {"@type": "DefinedTerm", **identity, "name": name} | ({"inDefinedTermSet": scheme} if scheme else {})


def competencies(record: Resource) -> list[dict[str, Any]]:
    """Return the teachers' competencies as terms of UNESCO's frameworks."""
    return [
        {"@type": "DefinedTerm", "name": competency_text(each)}
        | ({"termCode": code} if (code := competency_code(each)) else {})
        for each in record.competencies
    ]


def alignments(record: Resource, words: Words) -> list[dict[str, Any]]:
    """Return the subjects and the difficulty as alignments of LRMI.

    `about` would make each label a keyword too when it is read back.
    """
    aligned = [_subject(subject, words) for subject in record.subjects]
    if record.difficulty:
        aligned.append(alignment("complexityLevel", record.difficulty, words))
    return aligned


def alignment(kind: str, name: str, words: Words) -> dict[str, Any]:
    """Return an AlignmentObject of one of LRMI's types, with the name of what is aligned with."""
    return {words.type: "AlignmentObject", "alignmentType": kind, "targetName": name}


def _subject(subject: Subject, words: Words) -> dict[str, Any]:
    aligned = alignment("educationalSubject", subject.label, words)
    scheme, uri = SCHEMES.get(subject.scheme), subject_uri(subject)
    if scheme is not None:
        aligned["educationalFramework"] = scheme.name
    if uri is not None:
        aligned["targetUrl"] = uri
    return aligned


def coverage(record: Resource, default: str | None) -> dict[str, list[Any]]:
    """Return what the resource covers: times in digits, and anything else as a place."""
    periods = [text for text in record.coverage if is_period(text.text)]
    places = [text for text in record.coverage if not is_period(text.text)]
    named = {"temporalCoverage": periods, "spatialCoverage": places}
    return {name: [in_language(text.language, text.text, default) for text in texts] for name, texts in named.items()}


def media_object(link: Link, words: Words) -> dict[str, str]:
    """Return a file of the resource with its media type."""
    media_type = {"encodingFormat": link.media_type} if link.media_type else {}
    return {words.type: "MediaObject", "contentUrl": link.url} | media_type


def relations(published: Published, write_work: Callable[[str], Any]) -> dict[str, list[Any]]:
    """Return the related works by property, each as `write_work` writes its address or name."""
    by_property: dict[str, list[Any]] = {}
    for relation in published.record.relations:
        name = _RELATIONS.get(relation_kind(relation))
        if name is not None:
            by_property.setdefault(name, []).append(write_work(relation_target(published, relation)))
    return by_property


def _work(target: str) -> Any:
    return target if is_address(target) else {"@type": "CreativeWork", "name": target}
