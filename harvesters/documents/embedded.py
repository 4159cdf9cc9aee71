"""The schema.org records inside a web page: JSON-LD exactly as it is written, or microdata where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from lxml import html

from harvesters.client import Reply
from harvesters.encodings import charset, decodes
from harvesters.records import Result, build_record, unreadable
from schemas import Feed

# how some pages begin a script that they wrap in a comment or in CDATA
_WRAPPER = re.compile(r"<!--|(?:(?://|/\*)\s*+)?<!\[CDATA\[(?:\s*+\*/)?")
_TYPE = re.compile(r'"@type"\s*+:\s*+(?:\[\s*+)?"([^"]*)"')
# types that describe a page and its site, and no learning resource
_SITE_TYPES = frozenset(
    {
        *("WebSite", "WebPage", "CollectionPage", "SearchResultsPage", "ContactPage", "AboutPage", "ProfilePage"),
        *("Organization", "NGO", "CollegeOrUniversity", "EducationalOrganization", "Person"),
        *("BreadcrumbList", "ItemList", "ListItem", "SiteNavigationElement", "WPHeader", "WPFooter", "WPSideBar"),
        *("SearchAction", "ImageObject"),
    }
)


class _BrokenMarkup(Exception):
    """A page's markup that cannot be read: the message says why; `body` is the markup."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


def records_in(feed: Feed, reply: Reply, url: str, changed: str | None) -> Iterator[Result]:
    """Yield every learning resource that a page describes. The first one's identifier is the page's URL."""
    try:
        page = html.document_fromstring(reply.body or b"<html/>", parser=html.HTMLParser(encoding=_encoding(reply)))
        nodes = _about_resources(_json_ld(page)) or _about_resources(_microdata(reply, url))
    except (ValueError, html.etree.ParserError) as error:
        yield unreadable(url, f"not readable as HTML: {error}", url, reply.body)
        return
    except _BrokenMarkup as error:
        yield unreadable(url, str(error), url, error.body)
        return
    for number, node in enumerate(nodes):
        identifier = url if number == 0 else f"{url}#{number}"
        yield build_record(feed, identifier, node, format_=feed.format or "schema_org", datestamp=changed)


def _encoding(reply: Reply) -> str | None:
    """Return UTF-8 if the page is valid UTF-8, else what its header says, else None for what its own tags say."""
    if decodes(reply.body, "utf-8"):
        return "utf-8"
    from_header = charset(reply.headers.get("content-type", ""))
    return from_header if from_header and decodes(reply.body, from_header) else None


def _json_ld(page: html.HtmlElement) -> list[bytes]:
    """Return the objects of a page's JSON-LD. Raises _BrokenMarkup."""
    nodes: list[bytes] = []
    for script in page.iter("script"):
        if "ld+json" not in script.get("type", ""):
            continue
        text = _unwrap(script.text or "")
        try:
            nodes += _nodes(msgspec.Raw(text.encode())) if text else []
        except (msgspec.DecodeError, RecursionError) as error:
            types = set(_TYPE.findall(text))
            if not types or not types <= _SITE_TYPES:  # a broken list of links is no resource that is lost
                raise _BrokenMarkup(f"its JSON-LD is not valid JSON: {error}", text.encode()) from error
    return nodes


def _unwrap(script: str) -> str:
    """Return a script without the comment or CDATA section around it, and without a last semicolon."""
    text = script.strip()
    if begin := _WRAPPER.match(text):
        text = text[begin.end() :]
    text = text.removesuffix(";").rstrip()
    if text.endswith("-->"):
        return text[:-3].strip()
    inner = text.removesuffix("*/").rstrip()
    if not inner.endswith("]]>"):
        return text.strip()
    inner = inner[:-3].rstrip()
    return (inner[:-2] if inner.endswith(("//", "/*")) else inner).strip()


def _nodes(text: msgspec.Raw) -> list[bytes]:
    """Return the objects of a JSON-LD block, out of its array or its @graph, each exactly as it is written."""
    written = bytes(text)
    if written[:1] == b"[":
        elements = msgspec.json.decode(text, type=list[msgspec.Raw])
        return [node for element in elements for node in _nodes(element)]
    if written[:1] != b"{":
        msgspec.json.decode(written)
        return []
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    if "@graph" in members:
        return _nodes(members["@graph"])
    msgspec.json.decode(written)  # so that what is inside it is checked, too
    return [written]


def _microdata(reply: Reply, url: str) -> list[bytes]:
    """Return the objects of a page's microdata, as JSON. Raises _BrokenMarkup."""
    import extruct

    page = reply.body.decode("utf-8", "replace")
    try:
        extracted = extruct.extract(page, base_url=url, syntaxes=["microdata"], uniform=True, errors="strict")
        return [msgspec.json.encode(node) for node in extracted["microdata"]]
    except Exception as error:  # the library documents none: items nested too deep, malformed URLs
        reason = f"its microdata cannot be read: {type(error).__name__}: {error}"
        raise _BrokenMarkup(reason, reply.body) from error


def _about_resources(nodes: list[bytes]) -> list[bytes]:
    """Return the objects that are not only about the page or its site."""
    return [node for node in nodes if not _types(node) <= _SITE_TYPES]


def _types(node: bytes) -> set[str]:
    types: Any = msgspec.json.decode(node).get("@type", [])
    return {str(name).rsplit("/", 1)[-1] for name in (types if isinstance(types, list) else [types])}
