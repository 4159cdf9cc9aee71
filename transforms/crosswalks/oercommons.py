"""OER Commons: the CSV export (a row as an object) and the `result` of the token API (XML).

ALECSO's hub is built on it. Columns with several values part them with `|`; the row's overflow is under "".
"""

from __future__ import annotations

from transforms.crosswalks.engine import Group, JsonFormat, Reader, Table, XmlFormat

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
_PARTED = {  # column: fields
    "grade_sublevels": ("levels", "contexts?"),
    "subjects": ("subjects", "keywords"),
    "educational_use": ("contexts",),  # what it is used for, not what it is
    "languages": ("languages",),
    "keywords": ("keywords", "subjects?"),
    "material_types": ("resource_types",),
    "media_formats": ("formats", "resource_types?"),
    "primary_user": ("audiences",),
    "provider_set": ("relations:ispartof",),
}
_CSV_IGNORED: dict[str, str] = {}


def _parted(fields: tuple[str, ...]) -> Reader:
    """A reader of a column that parts its values with a bar."""

    def read(group: Group) -> None:
        for value in group.take(""):
            for word in filter(None, (piece.strip() for piece in value.text.split("|"))):
                for field in fields:
                    name, _, hint = field.rstrip("?").partition(":")
                    group.add(name, value, "?" if field.endswith("?") else hint or None, text=word)

    return read


CSV_FORMAT = JsonFormat(Table(_CSV, _CSV_IGNORED, {column: _parted(fields) for column, fields in _PARTED.items()}))

_SUMMARY = {  # the title of an oersummary item: fields
    "educationlevel": ("levels", "contexts?"),
    "gradelevel": ("levels", "contexts?"),
    "level": ("levels", "contexts?"),
    "subjectarea": ("subjects", "keywords"),
    "subject": ("subjects", "keywords"),
    "materialtype": ("resource_types",),
    "mediaformat": ("formats", "resource_types?"),
    "mediaformats": ("formats", "resource_types?"),
    "languages": ("languages",),
    "language": ("languages",),
    "primaryuser": ("audiences",),
    "educationaluse": ("contexts",),
    "author": ("contributors:author",),
    "authors": ("contributors:author",),
    "provider": ("publishers",),
    "providerset": ("relations:ispartof",),
    "keywords": ("keywords", "subjects?"),
    "tags": ("keywords", "subjects?"),
    "license": ("license",),
    "licenses": ("license",),
    "conditionsofuse": ("license",),
    "abstract": ("description",),
    "dateadded": ("issued:created",),
    "url": ("url",),
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
    """Pairs of title and value: what the value is, the title says; each pair may stand in an item of its own."""
    for item in group.groups("item"):
        _summary(item)
    name = group.first("@title", "title")
    said = "".join(letter for letter in (name.text if name else "").lower() if letter.isalpha())
    if said not in _SUMMARY:
        return
    for value in group.take("@value", "value", ""):
        for word in filter(None, (piece.strip() for piece in value.text.split("|"))):
            for field in _SUMMARY[said]:
                target, _, hint = field.rstrip("?").partition(":")
                group.add(target, value, "?" if field.endswith("?") else hint or None, text=word)


_XML_IGNORED = {"@rating": "a count of the platform", "rating": "a count of the platform"}
XML_FORMAT = XmlFormat(
    frozenset({"result"}),
    Table(_XML, _XML_IGNORED, {"oersummary": _summary, "item": _summary}, {"oersummary/item"}),
)
