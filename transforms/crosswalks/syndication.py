"""RSS 2.0 (https://www.rssboard.org/rss-specification), RSS 1.0 and Atom (RFC 4287) with their usual modules."""

from __future__ import annotations

from transforms.crosswalks.engine import Group, Reader, Table, XmlFormat, add_contributor

_MACHINERY = "the feed's own machinery"
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
    "*/@domain": "the list a keyword is from",
    "*/@scheme": "the list a keyword is from",
    "*/@type": "how the text is written",
    "*/@width": "the size of a picture",
    "*/@height": "the size of a picture",
    "source/@url": "the address of the feed it was taken from",
    "explicit": _MACHINERY,
    "episodetype": _MACHINERY,
    "episode": "the number in the series",
    "season": "the number in the series",
    "block": _MACHINERY,
    "author/email": "personal data",
    "contributor/email": "personal data",
    "description/*": "the markup of a text",
    "encoded/*": "the markup of a text",
    "content/*": "the markup of a text",
    "summary/*": "the markup of a text",
}


def person(role: str) -> Reader:
    """A reader of a name, bare or as Atom's person; an e-mail address alone names nobody."""

    def read(group: Group) -> None:
        id_ = group.first("uri")
        for value in group.take("name", ""):
            add_contributor(group, value, role, None, id_.text if id_ else None)

    return read


def link(group: Group) -> None:
    """Atom's link by its relation; RSS's link is its text."""
    for value in group.take(""):
        group.add("url", value)
    kind = group.first("@rel")
    media = group.first("@type")
    relation = kind.text.lower() if kind else "alternate"
    group.take("@title", "@hreflang", "@length")
    for value in group.take("@href"):
        if relation == "alternate":
            group.add("url", value)
        elif relation == "enclosure":
            group.add("links", value, f"content|{media.text if media else ''}")
        elif relation == "license":
            group.add("license", value)
        else:
            group.add("relations", value, "references")


def enclosure(group: Group) -> None:
    """A file of the entry with its media type."""
    media = group.first("@type")
    group.take("@length", "@filesize", "@medium", "@isdefault", "@duration", "@width", "@height")
    for value in group.take("@url"):
        if media is not None and media.text.startswith("image/"):
            group.add("links", value, f"preview|{media.text}")
        else:
            group.add("links", value, f"content|{media.text if media else ''}")
            group.add("formats", media)


def category(group: Group) -> None:
    """A keyword: the text, or Atom's label or term."""
    for value in group.take("") or group.take("@label") or group.take("@term"):
        group.add("keywords", value)
        group.add("subjects", value, "?")
    group.take("@term", "@label")


def keywords(group: Group) -> None:
    """iTunes and Media RSS part keywords with commas."""
    for value in group.take(""):
        for word in filter(None, map(str.strip, value.text.split(","))):
            group.add("keywords", value, text=word)
            group.add("subjects", value, "?", text=word)


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
RSS = XmlFormat(frozenset({"item"}), Table(ROWS, IGNORED, READERS))
ATOM = XmlFormat(frozenset({"entry"}), Table(ROWS, IGNORED, READERS))
