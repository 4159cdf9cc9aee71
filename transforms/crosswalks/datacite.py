"""DataCite 3 and 4 (https://schema.datacite.org/), bare or in the oai_datacite envelope."""

from __future__ import annotations

from transforms.crosswalks.engine import USED, Element, Group, Reader, Table, Unreadable, XmlFormat, add_contributor
from transforms.draft import AUTHORITY

ROWS = {
    "identifier": "identifiers:@identifiertype",
    "alternateidentifiers/alternateidentifier": "identifiers:@alternateidentifiertype",
    "publisher": "publishers",
    "publicationyear": "issued:issued",
    "subjects/subject": "keywords subjects?",
    "language": "languages",
    "formats/format": "formats",
    "rightslist/rights": "license",
    "rightslist/rights/@rightsuri": "license",
    "rightslist/rights/@rightsidentifier": "license",
    "rightslist/rights/@rightsidentifierscheme": USED,
    "rightslist/rights/@schemeuri": USED,
    "descriptions/description": "description",
    "descriptions/description/@descriptiontype": USED,
    "geolocations/geolocation/geolocationplace": "coverage",
    "identifier/@identifiertype": USED,
    "alternateidentifiers/alternateidentifier/@alternateidentifiertype": USED,
}
IGNORED = {
    "isreferencequality": "the repository's opinion of its metadata",
    "schemaversion": "the version of the metadata schema",
    "datacentresymbol": "the repository's code",
    "subjects/subject/@subjectscheme": "the list a keyword is from",
    "subjects/subject/@schemeuri": "the list a keyword is from",
    "subjects/subject/@valueuri": "the list a keyword is from",
    "publisher/@publisheridentifierscheme": "the kind of an identifier",
}


NAME_TYPES = {"personal": "person", "organizational": "organisation"}


def title(group: Group) -> None:
    """Add a title; a subtitle, translated or alternative one is an alternative title."""
    field = "alternative_titles" if group.text("@titletype") else "title"
    for value in group.take(""):
        group.add(field, value)


def _creator(group: Group) -> None:
    """Add a creator with kind and name identifier."""
    _person(group, "creatorname", "author")


def _contributor(group: Group) -> None:
    """Add a contributor in DataCite's own role."""
    _person(group, "contributorname", group.text("@contributortype") or "unknown")


def _person(group: Group, name: str, role: str) -> None:
    kind = NAME_TYPES.get(group.text(f"{name}/@nametype").lower())
    id_ = group.text("nameidentifier")
    group.take("nameidentifier/@nameidentifierscheme", "nameidentifier/@schemeuri")
    group.take("givenname", "familyname", "affiliation/@affiliationidentifierscheme", "affiliation/@schemeuri")
    for value in group.take(name):
        add_contributor(group, value, role, kind, id_)


def _date(group: Group) -> None:
    """Add a date by its type; Updated is a modification."""
    date_type = group.text("@datetype").lower()
    group.take("@dateinformation")
    for value in group.take(""):
        if date_type == "updated":
            group.add("modified", value)
        else:
            group.add("issued", value, date_type or None)


RELATIONS = {  # DataCite's relation type: ours
    "ispartof": "ispartof",
    "haspart": "haspart",
    "isversionof": "isversionof",
    "isnewversionof": "isversionof",
    "ispreviousversionof": "hasversion",
    "hasversion": "hasversion",
    "istranslationof": "istranslationof",
    "hastranslation": "hastranslation",
    "isvariantformof": "isformatof",
    "isoriginalformof": "hasformat",
    "isderivedfrom": "isbasedon",
    "issourceof": "isbasisfor",
    "requires": "requires",
    "isrequiredby": "isrequiredby",
    "iscitedby": "isreferencedby",
    "isreferencedby": "isreferencedby",
    "isdocumentedby": "isreferencedby",
    "issupplementto": "ispartof",
    "issupplementedby": "haspart",
}


def _related(group: Group) -> None:
    """Add what the resource is related to, by DataCite's relation type."""
    relation = RELATIONS.get(group.text("@relationtype").lower(), "references")
    group.take("@relatedidentifiertype", "@resourcetypegeneral", "@relatedmetadatascheme", "@schemeuri", "@schemetype")
    for value in group.take(""):
        group.add("relations", value, relation)


def _kind(group: Group) -> None:
    """Add the general type by DataCite's own list, and the free text beside it."""
    general = group.first("@resourcetypegeneral")
    group.add("resource_types", general, f"{AUTHORITY}datacite|")
    for value in group.take(""):
        group.add("resource_types", value)


READERS: dict[str, Reader] = {
    "resourcetype": _kind,
    "titles/title": title,
    "creators/creator": _creator,
    "contributors/contributor": _contributor,
    "dates/date": _date,
    "relatedidentifiers/relatedidentifier": _related,
}


def _check(root: Element) -> None:
    """Raise Unreadable for OpenAIRE's format, whose root is called resource too."""
    if "openaire.eu" in str(root.tag):
        raise Unreadable('the payload is <resource> of OpenAIRE, not of DataCite; set format = "oai_openaire"')


_RESOURCE = XmlFormat(frozenset({"resource"}), Table(ROWS, IGNORED, READERS))
FORMAT = XmlFormat(
    frozenset({"resource", "oai_datacite", "datacite"}),
    Table(ROWS, IGNORED, READERS),
    nested={"payload/resource": _RESOURCE, "resource": _RESOURCE},
    check=_check,
)
