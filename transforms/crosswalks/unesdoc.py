"""UNESDOC through Opendatasoft's Explore API v2.1 (https://data.unesco.org, dataset doc001)."""

from __future__ import annotations

import re

from transforms.crosswalks.engine import Group, JsonFormat, Table

ROWS = {
    "uuid": "identifiers:uuid",
    "document_code": "identifiers:document-code",
    "isbn": "identifiers:isbn",
    "issn": "identifiers:issn",
    "doi": "identifiers:doi",
    "title": "title",
    "other_titles": "alternative_titles",
    "original_title": "alternative_titles",
    "language": "languages",
    "year": "issued:issued",
    "date": "issued",
    "publisher": "publishers",
    "type": "resource_types",
    "document_type": "resource_types",
    "subject": "subjects keywords",
    "keywords": "keywords",
    "description": "description",
    "abstract": "description",
    "creator": "contributors:author|joined|",
    "author": "contributors:author|joined|",
    "corporate_author": "contributors:author|organisation|",
    "rights": "license",
    "thumbnail": "links:thumbnail",
}
IGNORED = {"record_timestamp": "when the dataset was loaded, not a date of the resource"}
_LANGUAGE_VERSION = re.compile(r"(/ark:/\d+/pf\d+)/[a-z]{3}(?:[/?#](?s:.*))?$", re.IGNORECASE)


def _address(group: Group) -> None:
    """Add the page, and its ark without the language (`/fre`), which the translations of a work share."""
    for value in group.take(""):
        group.add("url", value)
        group.add("identifiers", value, "ark", text=_LANGUAGE_VERSION.sub(r"\1", value.text))


FORMAT = JsonFormat(Table(ROWS, IGNORED, {"url": _address}))
