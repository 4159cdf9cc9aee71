"""RSS 2.0 (https://www.rssboard.org/rss-specification), RSS 1.0 and Atom (RFC 4287) with their usual modules."""

from __future__ import annotations

from transforms.crosswalks.engine import Group, Reader, Table, XmlFormat, add_contributor
from transforms.draft import PERSONAL

_INTERNAL = "internal to the feed"
ROWS = {
    "title": "title",
    "link": "url",
    "origlink": "url",
    "@about": "identifiers",
    "guid": "identifiers",
    "id": "identifiers",
    "identifier": "identifiers",
    "doi": "identifiers:doi",
    "description": "description",
    "encoded": "description",
    "summary": "description",
    "content": "description",
    "subtitle": "alternative_titles",
    "pubdate": "issued:issued",
    "published": "issued:issued",
    "issued": "issued:issued",
    "date": "issued",
    "coverdate": "issued:issued",
    "publicationdate": "issued:issued",
    "updated": "modified",
    "modified": "modified",
    "lastbuilddate": "modified",
    "category": "keywords subjects?",
    "subject": "keywords subjects?",
    "language": "languages",
    "publisher": "publishers",
    "source": "relations:isbasedon",
    "rights": "license",
    "license": "license",
    "copyright": "license",
    "type": "resource_types",
    "format": "formats",
    "duration": "typical_learning_time:media",
    "thumbnail/@url": "links:thumbnail",
    "group/thumbnail/@url": "links:thumbnail",
    "image/@href": "links:preview",
    "imagethumb": "links:thumbnail",
    "image": "links:preview",
}
IGNORED = {
    "comments": "the address of the comments",
    "commentrss": "the address of the comments",
    "guid/@ispermalink": "whether the number is an address, which its form says",
    "@base": "the addresses are resolved against it",
    "*/@base": "the addresses are resolved against it",
    "*/@domain": "the list a keyword is from",
    "*/@scheme": "the list a keyword is from",
    "*/@type": "how the text is written",
    "*/@width": "the size of a picture",
    "*/@height": "the size of a picture",
    "source/@url": "the address of the feed it was taken from",
    "explicit": _INTERNAL,
    "episodetype": _INTERNAL,
    "episode": "the number in the series",
    "season": "the number in the series",
    "block": _INTERNAL,
    "author/email": PERSONAL,
    "contributor/email": PERSONAL,
    "description/*": "the markup of a text",
    "encoded/*": "the markup of a text",
    "content/*": "the markup of a text",
    "summary/*": "the markup of a text",
}


def person(role: str) -> Reader:
    """Return a reader of a name, bare or as Atom's person; an e-mail address alone names nobody."""

    def read(group: Group) -> None:
        id_ = group.text("uri")
        for value in group.take("name", ""):
            add_contributor(group, value, role, None, id_)

    return read


def link(group: Group) -> None:
    """Add RSS's link, which is its text, and Atom's link by its relation."""
    for value in group.take(""):
        group.add("url", value)
    media_type = group.text("@type")
    relation = group.text("@rel").lower() or "alternate"
    group.take("@title", "@hreflang", "@length")
    for value in group.take("@href"):
        if relation == "alternate":
            group.add("url", value)
        elif relation == "enclosure":
            group.add("links", value, f"content|{media_type}")
        elif relation == "license":
            group.add("license", value)
        else:
            group.add("relations", value, "references")


def enclosure(group: Group) -> None:
    """Add a file of the entry with its media type; a picture is a preview."""
    media = group.first("@type")
    group.take("@length", "@filesize", "@medium", "@isdefault", "@duration", "@width", "@height")
    for value in group.take("@url"):
        if media is not None and media.text.startswith("image/"):
            group.add("links", value, f"preview|{media.text}")
        else:
            group.add("links", value, f"content|{media.text if media else ''}")
            group.add("formats", media)


def category(group: Group) -> None:
    """Add a keyword: the text, or Atom's label or term."""
    for value in group.take("") or group.take("@label") or group.take("@term"):
        group.map("keywords subjects?", value)
    group.take("@term", "@label")


def keywords(group: Group) -> None:
    """Add keywords, which iTunes and Media RSS separate with commas."""
    for value in group.take(""):
        for keyword in filter(None, map(str.strip, value.text.split(","))):
            group.map("keywords subjects?", value, keyword)


READERS: dict[str, Reader] = {
    "keywords": keywords,
    "author": person("author"),
    "creator": person("author"),
    "contributor": person("unknown"),
    "link": link,
    "enclosure": enclosure,
    "content": enclosure,
    "group/content": enclosure,
    "category": category,
}
RSS = XmlFormat(frozenset({"item"}), Table(ROWS, IGNORED, READERS), root_language=True)
ATOM = XmlFormat(frozenset({"entry"}), Table(ROWS, IGNORED, READERS), root_language=True)
