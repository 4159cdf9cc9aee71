"""OER Commons (https://oercommons.org): the CSV export, a row as an object, and the XML `result` of the token API.

ALECSO's hub is built on it. `|` separates several values of a column; values beyond the last column are under "".
"""

from __future__ import annotations

from transforms.crosswalks.engine import Group, JsonFormat, Reader, Table, Value, XmlFormat

_CSV = {
    "url": "url",
    "name": "title",
    "provider": "publishers",
    "license_url": "license",
    "license_title": "license",
    "create_date": "issued:created",
    "modification_date": "modified",
    "teacher_overview": "description",
    "teacher_materials": "description",
    "teacher_lesson_preparation": "description",
    "abstract": "description",
    "author": "contributors:author",
    "authors": "contributors:author",
}
_CSV_LISTS = {  # columns with several values
    "grade_sublevels": "levels contexts?",
    "subjects": "subjects keywords",
    "educational_use": "contexts",  # what it is used for, not what it is
    "languages": "languages",
    "keywords": "keywords subjects?",
    "material_types": "resource_types",
    "media_formats": "formats resource_types?",
    "primary_user": "audiences",
    "provider_set": "relations:ispartof",
}


def _list(row: str) -> Reader:
    """Return a reader of a column whose values are separated by a bar."""

    def read(group: Group) -> None:
        for value in group.take(""):
            _map_entries(group, row, value)

    return read


def _map_entries(group: Group, row: str, value: Value) -> None:
    for entry in filter(None, map(str.strip, value.text.split("|"))):
        group.map(row, value, entry)


CSV_FORMAT = JsonFormat(Table(_CSV, {}, {column: _list(row) for column, row in _CSV_LISTS.items()}))

_SUMMARY = {  # the title of an oersummary item, its letters alone: what the value becomes
    "educationlevel": "levels contexts?",
    "gradelevel": "levels contexts?",
    "level": "levels contexts?",
    "subjectarea": "subjects keywords",
    "subject": "subjects keywords",
    "materialtype": "resource_types",
    "mediaformat": "formats resource_types?",
    "mediaformats": "formats resource_types?",
    "languages": "languages",
    "language": "languages",
    "primaryuser": "audiences",
    "educationaluse": "contexts",
    "author": "contributors:author",
    "authors": "contributors:author",
    "provider": "publishers",
    "providerset": "relations:ispartof",
    "keywords": "keywords subjects?",
    "tags": "keywords subjects?",
    "license": "license",
    "licenses": "license",
    "conditionsofuse": "license",
    "abstract": "description",
    "dateadded": "issued:created",
    "url": "url",
}
_XML = {
    "@id": "identifiers:oercommons.org",
    "id": "identifiers:oercommons.org",
    "@modification_date": "modified",
    "modification_date": "modified",
    "title": "title",
    "url": "url",
    "link": "url",
    "abstract": "description",
    "description": "description",
    "author": "contributors:author",
    "authors": "contributors:author",
    "license": "license",
    "cou_url": "license",
    "license_url": "license",
    "license/@url": "license",
    "thumbnail": "links:thumbnail",
    "thumbnail/@url": "links:thumbnail",
    "keyword": "keywords subjects?",
    "keywords": "keywords subjects?",
    "date": "issued",
    "create_date": "issued:created",
}


def _summary(group: Group) -> None:
    """Add the value of each pair of title and value by its title; a pair may stand in an item of its own."""
    for item in group.groups("item"):
        _summary(item)
    title = "".join(filter(str.isalpha, group.text("@title", "title").lower()))
    if title in _SUMMARY:
        for value in group.take("@value", "value", ""):
            _map_entries(group, _SUMMARY[title], value)


_XML_IGNORED = {"@rating": "a count of the platform", "rating": "a count of the platform"}
XML_FORMAT = XmlFormat(
    frozenset({"result"}),
    Table(_XML, _XML_IGNORED, {"oersummary": _summary, "item": _summary}, {"oersummary/item"}),
)
