"""DataCite 3 and 4 (https://schema.datacite.org/), bare or in the oai_datacite envelope."""

from __future__ import annotations

from transforms.crosswalks.engine import USED, Group, Reader, Table, XmlFormat, add_contributor

ROWS = {
    "identifier": "identifiers:@identifiertype",
    "alternateidentifiers/alternateidentifier": "identifiers:@alternateidentifiertype",
    "publisher": "publishers",
    "publicationyear": "issued:issued",
    "subjects/subject": "keywords subjects?",
    "language": "languages",
    "resourcetype": "resource_types",
    "resourcetype/@resourcetypegeneral": "resource_types",
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


def title(group: Group) -> None:
    """A title; a subtitle, translated or alternative one is an alternative."""
    kind = group.first("@titletype")
    for value in group.take(""):
        group.add("title" if kind is None else "alternative_titles", value)


def _creator(group: Group) -> None:
    """A creator, with kind and name identifier."""
    _person(group, "creatorname", "author")


def _contribution(group: Group) -> None:
    """A contributor in DataCite's own role."""
    kind = group.first("@contributortype")
    _person(group, "contributorname", kind.text if kind else "unknown")


def _person(group: Group, name: str, role: str) -> None:
    stated = group.first(f"{name}/@nametype")
    kind = {"personal": "person", "organizational": "organisation"}.get(stated.text.lower() if stated else "")
    id_ = group.first("nameidentifier")
    group.take("nameidentifier/@nameidentifierscheme", "nameidentifier/@schemeuri")
    group.take("givenname", "familyname", "affiliation/@affiliationidentifierscheme", "affiliation/@schemeuri")
    for value in group.take(name):
        add_contributor(group, value, role, kind, id_.text if id_ else None)


def _date(group: Group) -> None:
    """A date by its type; Updated is a modification."""
    kind = group.first("@datetype")
    group.take("@dateinformation")
    said = kind.text.lower() if kind else None
    for value in group.take(""):
        if said == "updated":
            group.add("modified", value)
        else:
            group.add("issued", value, said)


_RELATED = {
    "ispartof": "ispartof",
    "haspart": "haspart",
    "isversionof": "isversionof",
    "isnewversionof": "isversionof",
    "ispreviousversionof": "hasversion",
    "hasversion": "hasversion",
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
    """What the resource is related to, by DataCite's relation type."""
    kind = group.first("@relationtype")
    group.take("@relatedidentifiertype", "@resourcetypegeneral", "@relatedmetadatascheme", "@schemeuri", "@schemetype")
    for value in group.take(""):
        group.add("relations", value, _RELATED.get(kind.text.lower() if kind else "", "references"))


READERS: dict[str, Reader] = {
    "titles/title": title,
    "creators/creator": _creator,
    "contributors/contributor": _contribution,
    "dates/date": _date,
    "relatedidentifiers/relatedidentifier": _related,
}
_RESOURCE = XmlFormat(frozenset({"resource"}), Table(ROWS, IGNORED, READERS))
FORMAT = XmlFormat(
    frozenset({"resource", "oai_datacite", "datacite"}),
    Table(ROWS, IGNORED, READERS),
    nested={"payload/resource": _RESOURCE, "resource": _RESOURCE},
)
