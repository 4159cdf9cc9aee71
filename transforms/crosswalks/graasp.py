"""Graasp collections (https://api.graasp.org): results of the search, or items as stored."""

from __future__ import annotations

from transforms.crosswalks.engine import Group, JsonFormat, Reader, Table, add_contributor
from transforms.draft import PERSONAL

ROWS = {
    "id": "identifiers:graasp.org",
    "name": "title",
    "displayname": "alternative_titles",
    "description": "description",
    "content": "description",
    "lang": "languages",
    "level": "levels contexts?",
    "discipline": "subjects keywords",
    "resource-type": "resource_types",
    "tags": "keywords subjects?",
    "settings/tags": "keywords subjects?",
    "createdat": "issued:created",
    "updatedat": "modified",
    "thumbnails/small": "links:thumbnail",
    "thumbnails/medium": "links:preview",
    "url": "url",
}
IGNORED = {
    "type": "folder or file, not a kind of resource",
    "path": "the place in Graasp's tree",
    "extra/*": "the order of the parts",
    "likes": "a count of the platform",
    "settings/*": "how the platform shows it",
    "thumbnails/*": "further sizes of the same picture",
    "ispublishedroot": "internal to the platform",
    "ishidden": "internal to the platform",
    "memberid": PERSONAL,
    "creator": "an account's number, which names nobody",
    "creator/*": "an account's number and dates, which name nobody",
    "creator/email": PERSONAL,
    "_formatted/*": "the same fields with the search's marks",
}


def creator(group: Group) -> None:
    """Add the creator's name; an account's number alone names nobody."""
    for value in group.take("name"):
        add_contributor(group, value, "author")


# Graasp's first codes; its library shows both with attribution, and commercial use allowed
_LICENSE_CODES = {"allow": "CC BY", "alike": "CC BY-SA"}


def license_(group: Group) -> None:
    """Add the licence, which newer items name ("CC BY-NC-ND") and older ones give by a code of Graasp's own."""
    for value in group.take(""):
        group.add("license", value, text=_LICENSE_CODES.get(value.text.strip().lower(), value.text))


READERS: dict[str, Reader] = {
    "creator": creator,
    "settings/cclicenseadaption": license_,
    "settings/cclicenseadaptation": license_,
}
FORMAT = JsonFormat(Table(ROWS, IGNORED, READERS))
