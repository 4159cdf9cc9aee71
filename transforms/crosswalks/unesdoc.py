"""UNESDOC through Opendatasoft's Explore API v2.1 (data.unesco.org, dataset doc001)."""

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
_VERSION = re.compile(r"(/ark:/\d+/pf\d+)/[a-z]{3}(?:[/?#](?s:.*))?$", re.IGNORECASE)


def _address(group: Group) -> None:
    """The page; its ark without the language version (`/fre`) is the work's key, shared by its translations."""
    for value in group.take(""):
        group.add("url", value)
        bare = _VERSION.sub(r"\1", value.text)
        group.add("identifiers", value, "ark", text=bare)


FORMAT = JsonFormat(Table(ROWS, IGNORED, {"url": _address}))
