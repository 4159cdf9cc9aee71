"""Instructables (https://www.instructables.com): the JSON of its lists and details, and its RSS.

Addresses are often relative to the site.
"""

from __future__ import annotations

from transforms.crosswalks import syndication
from transforms.crosswalks.engine import Group, JsonFormat, Reader, Table, Value, add_contributor

_SITE = "https://www.instructables.com"
ROWS = {
    "id": "identifiers:instructables.com",
    "title": "title",
    "description": "description",
    "body": "description",
    "steps/body": "description",
    "keywords": "keywords subjects?",
    "classifications": "keywords subjects?",
    "classifications/title": "keywords subjects?",
    "classifications/name": "keywords subjects?",
    "category": "subjects keywords",
    "channel": "keywords subjects?",
    "license/fullname": "license",
    "license/url": "license",
    "license/shortname": "license",
    "publishdate": "issued:issued",
    "modifieddate": "modified",
    "language": "languages",
    "locale": "languages",
    "imageurl": "links:preview",
    "coverimage/downloadurl": "links:preview",
    "square3url": "links:thumbnail",
    "rectangle1url": "links:preview",
}
_COUNT = "a count of the platform"
IGNORED = {
    "views": _COUNT,
    "favorites": _COUNT,
    "comments": _COUNT,
    "commentscount": _COUNT,
    "featured": _COUNT,
    "status": "internal to the platform",
    "type": "internal to the platform",
    "instructabletype": "internal to the platform",
    "author/*": "an account's number and settings, which name nobody",
    "steps/title": "the headings of the steps",
    "classifications/*": "internal to the platform",
}


def author(group: Group) -> None:
    """Add the author's screen name."""
    for value in group.take("", "screenname", "name"):
        add_contributor(group, value, "author", "person")


def _address(group: Group) -> None:
    """Add the page: a whole address, one relative to the site, or the last step alone."""
    for value in group.take(""):
        group.add("url", value, text=_whole(value))


def _whole(value: Value) -> str:
    if value.text.startswith(("http://", "https://")):
        return value.text
    return f"{_SITE}/{value.text.strip('/')}/"


def _relative(field: str, hint: str | None = None) -> Reader:
    """Return a reader of an address that may be relative to the site."""

    def read(group: Group) -> None:
        for value in group.take(""):
            is_relative = value.text.startswith("/") and not value.text.startswith("//")
            group.add(field, value, hint, text=f"{_SITE}{value.text}" if is_relative else value.text)

    return read


READERS: dict[str, Reader] = {"author": author, "url": _address, "urlstring": _address}
FORMAT = JsonFormat(Table(ROWS, IGNORED, READERS))
RSS = syndication.RSS.with_table(
    syndication.RSS.table.extended(
        {},
        {},
        {
            "link": _relative("url"),
            "guid": _relative("identifiers"),
            "imagethumb": _relative("links", "thumbnail"),
        },
    )
)
