"""DataCite's metadata as JSON, from its REST API or the repositories that send it (https://api.datacite.org/dois)."""

from __future__ import annotations

from schemas import replace
from transforms.crosswalks import datacite
from transforms.crosswalks.engine import Group, JsonFormat, Reader, Table, add_contributor
from transforms.draft import AUTHORITY

_INTERNAL = "DataCite's account of the DOI, not of the work"
ROWS = {
    "doi": "identifiers:doi",
    "url": "url",
    "contenturl": "links:content",
    "publisher": "publishers",
    "publisher/name": "publishers",
    "publicationyear": "issued:issued",
    "subjects/subject": "keywords subjects?",
    "language": "languages",
    "formats": "formats",
    "geolocations/geolocationplace": "coverage",
}
IGNORED = {
    "id": "the DOI again",
    "type": "the kind of thing, which the format says",
    "subjects/*": "the list a keyword is from",
    "publisher/*": "the kind of an identifier",
    "prefix": _INTERNAL,
    "suffix": _INTERNAL,
    "version": "the version of the data",
    "schemaversion": "the version of the metadata schema",
    "metadataversion": _INTERNAL,
    "isactive": _INTERNAL,
    "state": _INTERNAL,
    "source": _INTERNAL,
    "reason": _INTERNAL,
    "xml": "the same metadata as XML",
    "created": _INTERNAL,
    "registered": _INTERNAL,
    "updated": _INTERNAL,
    "published": "the year of publication again",
    "relationships/*": _INTERNAL,
    "fundingreferences/*": "who paid for the work, not who took part",
    **dict.fromkeys(
        ("viewcount", "downloadcount", "referencecount", "citationcount", "partcount", "partofcount"), _INTERNAL
    ),
    **dict.fromkeys(("versioncount", "versionofcount", "viewsovertime/*", "citationsovertime/*"), _INTERNAL),
}


def _title(group: Group) -> None:
    """Add a title; one with a type is an alternative title."""
    field = "alternative_titles" if group.text("titletype") else "title"
    language = group.text("lang")
    for value in group.take("title"):
        group.add(field, replace(value, language=language or None))


def _description(group: Group) -> None:
    """Add a description in its language."""
    group.take("descriptiontype")
    language = group.text("lang")
    for value in group.take("description"):
        group.add("description", replace(value, language=language or None))


def _person(role: str) -> Reader:
    """Return a reader of a person or organisation with its identifier."""

    def read(group: Group) -> None:
        kind = datacite.NAME_TYPES.get(group.text("nametype").lower())
        id_ = group.text("nameidentifiers/nameidentifier")
        own_role = group.text("contributortype")
        parts = [*group.take("familyname"), *group.take("givenname")]
        group.take("nameidentifiers/nameidentifierscheme", "nameidentifiers/schemeuri")
        joined = [replace(part, text=", ".join(value.text for value in parts)) for part in parts[:1]]
        for value in group.take("name") or joined:
            add_contributor(group, value, own_role or role, kind, id_)

    return read


def _date(group: Group) -> None:
    """Add a date by its type; Updated is a modification."""
    date_type = group.text("datetype").lower()
    for value in group.take("date"):
        if date_type == "updated":
            group.add("modified", value)
        else:
            group.add("issued", value, date_type or None)


def _kind(group: Group) -> None:
    """Add the general type by DataCite's own list, and the free text beside it; the others are made of it."""
    group.take("ris", "bibtex", "citeproc", "schemaorg")
    group.add("resource_types", group.first("resourcetypegeneral"), f"{AUTHORITY}datacite|")
    for value in group.take("resourcetype"):
        group.add("resource_types", value)


def _identifier(group: Group) -> None:
    """Add another identifier with its scheme."""
    scheme = group.text("identifiertype", "alternateidentifiertype") or None
    for value in group.take("identifier", "alternateidentifier"):
        group.add("identifiers", value, scheme)


def _related(group: Group) -> None:
    """Add what the resource is related to, by DataCite's relation type."""
    relation = datacite.RELATIONS.get(group.text("relationtype").lower(), "references")
    group.take("relatedidentifiertype", "resourcetypegeneral", "relatedmetadatascheme", "schemeuri", "schemetype")
    for value in group.take("relatedidentifier"):
        group.add("relations", value, relation)


def _rights(group: Group) -> None:
    """Add a licence: its address, else its identifier or name."""
    group.take("rightsidentifierscheme", "schemeuri", "lang")
    uri, code, name = group.first("rightsuri"), group.first("rightsidentifier"), group.first("rights")
    group.add("license", uri or code or name)
    if uri is None and code is not None:
        group.add("license", name)


READERS: dict[str, Reader] = {
    "titles": _title,
    "descriptions": _description,
    "creators": _person("author"),
    "contributors": _person("unknown"),
    "dates": _date,
    "types": _kind,
    "identifiers": _identifier,
    "alternateidentifiers": _identifier,
    "relatedidentifiers": _related,
    "rightslist": _rights,
}
FORMAT = JsonFormat(Table(ROWS, IGNORED, READERS), transparent=frozenset({"attributes", "data"}))
