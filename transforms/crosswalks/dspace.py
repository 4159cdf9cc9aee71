"""DSpace's own fields (schema.element.qualifier) in dim, xoai, and the REST interfaces of DSpace 6 and 7.

http://www.dspace.org/xmlns/dspace/dim · http://www.lyncode.com/xoai · https://github.com/DSpace/RestContract
"""

from __future__ import annotations

from typing import Any

from transforms.crosswalks.engine import (
    USED,
    Element,
    Group,
    JsonFormat,
    Named,
    NamedText,
    Table,
    XmlFormat,
    by_attributes,
)
from transforms.draft import PERSONAL

FIELDS = {
    "dc.title": "title",
    "dc.title.alternative": "alternative_titles",
    "dc.title.*": "alternative_titles",
    "dc.creator": "contributors:author||@authority",
    "dc.contributor": "contributors:unknown||@authority",
    "dc.contributor.author": "contributors:author||@authority",
    "dc.contributor.editor": "contributors:editor||@authority",
    "dc.contributor.advisor": "contributors:advisor||@authority",
    "dc.contributor.illustrator": "contributors:illustrator||@authority",
    "dc.contributor.other": "contributors:unknown||@authority",
    "dc.contributor.institution": "contributors:unknown|organisation|@authority",
    "dc.publisher": "publishers",
    "dc.subject": "keywords subjects?",
    "dc.subject.other": "keywords subjects?",
    "dc.subject.*": "subjects keywords",
    "dc.description": "description",
    "dc.description.abstract": "description",
    "dc.description.tableofcontents": "description",
    "dc.date": "issued",
    "dc.date.issued": "issued:issued",
    "dc.date.created": "issued:created",
    "dc.date.copyright": "issued:copyright",
    "dc.date.available": "issued:available",
    "dc.date.accessioned": "issued:accessioned",
    "dc.date.submitted": "issued:submitted",
    "dc.date.accepted": "issued:accepted",
    "dc.date.modified": "modified",
    "dc.date.updated": "modified",
    "dc.type": "resource_types",
    "dc.type.*": "resource_types",
    "dc.format": "formats",
    "dc.format.mimetype": "formats",
    "dc.format.medium": "formats",
    "dc.identifier": "identifiers",
    "dc.identifier.uri": "identifiers:uri",
    "dc.identifier.doi": "identifiers:doi",
    "dc.identifier.isbn": "identifiers:isbn",
    "dc.identifier.issn": "identifiers:issn",
    "dc.identifier.other": "identifiers",
    "dc.identifier.url": "identifiers:uri",
    "dc.identifier.handle": "identifiers:handle",
    "dc.language": "languages",
    "dc.language.iso": "languages",
    "dc.language.rfc3066": "languages",
    "dc.coverage": "coverage",
    "dc.coverage.*": "coverage",
    "dc.rights": "license",
    "dc.rights.uri": "license",
    "dc.rights.license": "license",
    "dc.audience": "audiences",
    "dc.audience.educationlevel": "levels contexts?",
    "dc.source": "relations:isbasedon",
    "dc.source.uri": "relations:isbasedon",
    "dc.relation": "relations:references",
    "dc.relation.uri": "relations:references",
    "dc.relation.ispartof": "relations:ispartof",
    "dc.relation.ispartofseries": "relations:ispartof",
    "dc.relation.haspart": "relations:haspart",
    "dc.relation.hasversion": "relations:hasversion",
    "dc.relation.isversionof": "relations:isversionof",
    "dc.relation.isformatof": "relations:isformatof",
    "dc.relation.hasformat": "relations:hasformat",
    "dc.relation.istranslationof": "relations:istranslationof",
    "dc.relation.hastranslation": "relations:hastranslation",
    "dc.relation.isbasedon": "relations:isbasedon",
    "dc.relation.isreferencedby": "relations:isreferencedby",
    "dc.relation.requires": "relations:requires",
    "dc.relation.replaces": "relations:isversionof",
    "dc.relation.isreplacedby": "relations:hasversion",
    "dcterms.title": "title",
    "dcterms.alternative": "alternative_titles",
    "dcterms.creator": "contributors:author||@authority",
    "dcterms.contributor": "contributors:unknown||@authority",
    "dcterms.publisher": "publishers",
    "dcterms.subject": "keywords subjects?",
    "dcterms.description": "description",
    "dcterms.abstract": "description",
    "dcterms.issued": "issued:issued",
    "dcterms.created": "issued:created",
    "dcterms.available": "issued:available",
    "dcterms.modified": "modified",
    "dcterms.type": "resource_types",
    "dcterms.format": "formats",
    "dcterms.identifier": "identifiers",
    "dcterms.language": "languages",
    "dcterms.rights": "license",
    "dcterms.license": "license",
    "dcterms.audience": "audiences",
    "dcterms.educationlevel": "levels contexts?",
    "dcterms.spatial": "coverage",
    "dcterms.temporal": "coverage",
    "dcterms.ispartof": "relations:ispartof",
    "dcterms.haspart": "relations:haspart",
    "dcterms.isversionof": "relations:isversionof",
    "dcterms.hasversion": "relations:hasversion",
    "dcterms.isformatof": "relations:isformatof",
    "dcterms.hasformat": "relations:hasformat",
    "dcterms.replaces": "relations:isversionof",
    "dcterms.isreplacedby": "relations:hasversion",
    "dcterms.source": "relations:isbasedon",
    "dcterms.references": "relations:references",
    "dcterms.conformsto": "competencies",
    "lom.learningresourcetype": "resource_types",
    "lom.educational.context": "contexts levels?",
    "lom.intendedenduserrole": "audiences",
    "lom.typicalagerange": "age_range",
    "lom.difficultylevel": "difficulty",
    "lom.typicallearningtime": "typical_learning_time",
}
IGNORED_FIELDS = {
    "dc.description.provenance": PERSONAL,
    "dcterms.provenance": PERSONAL,
    "dc.contributor.email": PERSONAL,
    "dc.creator.email": PERSONAL,
    "*/@confidence": "how sure the repository is of an authority",
    "*/@place": "the place in the list, which the order already gives",
    "*/@note": "a note on the field, not a value",
    "*/@securitylevel": "who may see the field in the repository",
}
BESIDE = {"*/@authority": USED}
ROLES_BY_BUNDLE = {"ORIGINAL": "content", "THUMBNAIL": "thumbnail"}
_NAMED = frozenset({"mdschema", "element", "qualifier"})


def _field_name(schema: str | None, element: str | None, qualifier: str | None) -> str:
    """Return the field's name with dots; a missing schema is dc."""
    return ".".join(part.strip().lower() for part in (schema or "dc", element, qualifier) if part and part.strip())


def _dim_field(element: Element, name: str) -> Named | None:
    """Name a dim field by its attributes."""
    if name != "field" or not element.get("element"):
        return None
    return Named(_field_name(element.get("mdschema"), element.get("element"), element.get("qualifier")), _NAMED)


DIM = XmlFormat(
    frozenset({"dim"}),
    Table(FIELDS | BESIDE, IGNORED_FIELDS),
    naming=_dim_field,
    predicates=by_attributes("mdschema", "element", "qualifier"),
)


def _rest_field(member: dict[str, Any], key: str) -> NamedText | None:
    """Name a field of the REST interface by the key above it (DSpace 7) or by its own `key` (DSpace 6)."""
    if not isinstance(member.get("value"), str | int | float):
        return None
    if key.startswith("metadata/"):
        return NamedText(key.removeprefix("metadata/"), "value", _language(member), frozenset({"language"}))
    if isinstance(name := member.get("key"), str) and key in {"metadata", "bitstreams/metadata"}:
        prefix = "" if key == "metadata" else "bitstreams/"
        qualifiers = frozenset({"key", "schema", "element", "qualifier", "language"})
        return NamedText(prefix + name.strip().lower(), "value", _language(member), qualifiers)
    return None


def _language(member: dict[str, Any]) -> str | None:
    language = member.get("language")
    return language if isinstance(language, str) and language else None


_INTERNAL = "internal to the repository"
_REST = FIELDS | BESIDE | {"handle": "identifiers:handle", "lastmodified": "modified"}
_REST_IGNORED = IGNORED_FIELDS | {
    "uuid": "the repository's internal number, which the record's key holds",
    "id": "the repository's internal number, which the record's key holds",
    "name": "the title again",
    "link": _INTERNAL,
    "type": _INTERNAL,
    "entitytype": _INTERNAL,
    "expand": _INTERNAL,
    "archived": _INTERNAL,
    "inarchive": _INTERNAL,
    "withdrawn": _INTERNAL,
    "discoverable": _INTERNAL,
    "uniquetype": _INTERNAL,
    "_links/*": _INTERNAL,
    "_embedded/*": _INTERNAL,
    "hithighlights/*": _INTERNAL,
    "parentcollection/*": _INTERNAL,
    "parentcollectionlist/*": _INTERNAL,
    "parentcommunitylist/*": _INTERNAL,
}


def _bitstream(group: Group) -> None:
    """Add a file of an item: only those of the bundle ORIGINAL are content."""
    role = ROLES_BY_BUNDLE.get(group.text("bundlename") or "ORIGINAL")
    media = group.first("mimetype", "format")
    address = group.first("retrievelink", "link", "_links/content/href", "url")
    if role is not None and address is not None and address.text.startswith("http"):
        group.add("links", address, f"{role}|{media.text if media else ''}")
    if role == "content":
        group.add("formats", media)


_FILES = {"bitstreams/*": "the repository's account of its files"}
DSPACE6 = JsonFormat(
    Table(_REST | {"bitstreams/dc.rights.uri": "license"}, _REST_IGNORED | _FILES, {"bitstreams": _bitstream}),
    naming=_rest_field,
)
DSPACE7 = JsonFormat(
    Table(_REST, _REST_IGNORED | _FILES, {"bitstreams": _bitstream}),
    naming=_rest_field,
    transparent=frozenset({"_embedded/indexableobject"}),  # an item inside a search result
)
