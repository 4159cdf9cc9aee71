"""LRMI and schema.org learning resources as JSON-LD, and LRMI as XML (https://www.dublincore.org/specifications/lrmi/)."""

from __future__ import annotations

from schemas import replace
from transforms.crosswalks.engine import Group, JsonFormat, NamedText, Reader, Table, XmlFormat, add_contributor
from transforms.crosswalks.schema_org_terms import alignment, concept, keywords

ROWS = {
    "@id": "identifiers url",
    "id": "identifiers url",
    "url": "url",
    "sameas": "identifiers",
    "identifier": "identifiers",
    "isbn": "identifiers:isbn",
    "issn": "identifiers:issn",
    "name": "title",
    "headline": "title",
    "alternatename": "alternative_titles",
    "alternativeheadline": "alternative_titles",
    "description": "description",
    "abstract": "description",
    "inlanguage": "languages",
    "inlanguage/name": "languages",
    "inlanguage/alternatename": "languages",
    "genre": "keywords",
    "datepublished": "issued:issued",
    "datecreated": "issued:created",
    "date": "issued",
    "datemodified": "modified",
    "license": "license",
    "license/@id": "license",
    "license/id": "license",
    "license/url": "license",
    "license/name": "license",
    "userightsurl": "license",
    "rights": "license",
    "usageinfo": "license",
    "educationallevel": "levels contexts?",
    "educationaluse": "contexts",
    "educationalrole": "audiences",
    "intendedenduserrole": "audiences",
    "audience": "audiences",
    "audience/educationalrole": "audiences",
    "audience/audiencetype": "audiences",
    "typicalagerange": "age_range",
    "timerequired": "typical_learning_time",
    "duration": "typical_learning_time",
    "interactivitytype": "interactivity_type",
    "learningresourcetype": "resource_types",
    "type": "resource_types",
    "encodingformat": "formats",
    "fileformat": "formats",
    "format": "formats",
    "image": "links:preview",
    "image/url": "links:preview",
    "image/contenturl": "links:preview",
    "thumbnailurl": "links:thumbnail",
    "contenturl": "links:content",
    "embedurl": "links:content",
    "mainentityofpage": "url",
    "mainentityofpage/@id": "url",
    "mainentityofpage/id": "url",
    "spatialcoverage": "coverage",
    "temporalcoverage": "coverage",
    "spatialcoverage/name": "coverage",
    "location/name": "coverage",
    "difficulty": "difficulty",
}
IGNORED = {
    "@context": "the vocabulary's address",
    "@context/*": "the vocabulary's address",
    "@type": "the kind of thing, which the format says",
    "*/@type": "the kind of thing, which its place says",
    "provider/email": "personal data",
    "author/email": "personal data",
    "creator/email": "personal data",
    "contributor/email": "personal data",
    "*/email": "personal data",
    "*/telephone": "personal data",
}


def person(role: str) -> Reader:
    """A reader of a person or organisation: its name with its id; a bare address names nobody."""

    def read(group: Group) -> None:
        kind = group.first("@type", "type", "person/@type")
        said = kind.text.lower() if kind else ""
        stated = "person" if said == "person" else "organisation" if said else None
        id_ = group.first("@id", "id", "sameas", "identifier")
        names = group.take("", "name", "legalname")
        for value in names:
            add_contributor(group, value, role, stated, id_.text if id_ else None)
        for value in group.take("person/name"):
            add_contributor(group, value, role, "person", id_.text if id_ else None)
        for value in group.take("organization/name", "organization/legalname"):
            add_contributor(group, value, role, "organisation", id_.text if id_ else None)
        if not names:
            parts = group.take("givenname", "familyname")
            if parts:
                whole = replace(parts[0], text=" ".join(value.text for value in parts))
                add_contributor(group, whole, role, "person", id_.text if id_ else None)

    return read


def _free(group: Group) -> None:
    """isAccessibleForFree is the opposite of LOM's cost."""
    for value in group.take(""):
        text = {"true": "no", "false": "yes", "1": "no", "0": "yes"}.get(value.text.lower())
        if text is not None:
            group.add("cost", value, text=text)


def _media(group: Group) -> None:
    """A file or player of the resource."""
    kind = group.first("encodingformat", "fileformat", "format")
    group.take("@type", "type", "name", "position", "filesize", "contentsize", "inlanguage")
    for value in group.take("", "contenturl", "url", "embedurl", "@id", "id"):
        group.add("links", value, f"content|{kind.text if kind else ''}")
    group.add("formats", kind)


def relation(kind: str) -> Reader:
    """A reader of a related work: its address, else its name."""

    def read(group: Group) -> None:
        group.take("@type", "type")
        target = group.first("", "@id", "id", "url", "name")
        group.take("name")
        group.add("relations", target, kind)

    return read


def identifier(group: Group) -> None:
    """A text, or a PropertyValue with its scheme."""
    scheme = group.first("propertyid", "name")
    group.take("@type", "type")
    for value in group.take("", "value", "@id", "id", "url"):
        group.add("identifiers", value, scheme.text if scheme else None)


READERS: dict[str, Reader] = {
    "keywords": keywords,
    "author": person("author"),
    "creator": person("author"),
    "contributor": person("unknown"),
    "editor": person("editor"),
    "illustrator": person("illustrator"),
    "translator": person("translator"),
    "publisher": person("publisher"),
    "provider": person("publisher"),
    "sourceorganization": person("publisher"),
    "about": concept("subjects", also="keywords"),
    "learningresourcetype": concept("resource_types"),
    "educationallevel": concept("levels"),
    "audience/educationalrole": concept("audiences"),
    "assesses": concept("competencies"),
    "teaches": concept("competencies"),
    "educationalalignment": alignment,
    "alignmentobject": alignment,
    "isaccessibleforfree": _free,
    "encoding": _media,
    "associatedmedia": _media,
    "video": _media,
    "audio": _media,
    "material": _media,
    "ispartof": relation("ispartof"),
    "haspart": relation("haspart"),
    "isbasedon": relation("isbasedon"),
    "isbasedonurl": relation("isbasedon"),
    "citation": relation("references"),
    "mentions": relation("references"),
    "requires": relation("requires"),
    "identifier": identifier,
    "interactivitytype": concept("interactivity_type"),
}


def literal(found: dict[str, object], key: str) -> NamedText | None:
    """A JSON-LD literal with its language."""
    if isinstance(found.get("@value"), str | int | float):
        language = found.get("@language")
        return NamedText(
            key, "@value", language if isinstance(language, str) else None, frozenset({"@language", "@type"})
        )
    return None


_XML_IGNORED = {"id": "the repository's number, which the record's key holds", "material/*": "a file's own description"}
_XML = XmlFormat(
    frozenset({"dc", "lrmi", "learningresource", "oai_lrmi"}),
    Table({key: row for key, row in ROWS.items() if key != "id"} | {"title": "title"}, IGNORED | _XML_IGNORED, READERS),
)
FORMAT = JsonFormat(
    Table(ROWS, IGNORED, READERS), naming=literal, transparent=frozenset({"@graph", "mainentity"}), xml=_XML
)
