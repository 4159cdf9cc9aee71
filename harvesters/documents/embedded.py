"""The schema.org records inside a web page: JSON-LD word for word, or microdata where there is no JSON-LD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec
from lxml import html

from harvesters.client import Reply
from harvesters.documents.document import Broken, Read, now
from harvesters.encodings import charset, decodes
from schemas import Feed, RawResponse, Skipped, SourceRecord

# how some pages begin a script that they wrap in a comment or in CDATA
_WRAPPED = re.compile(r"<!--|(?:(?://|/\*)\s*+)?<!\[CDATA\[(?:\s*+\*/)?")
_TYPE = re.compile(r'"@type"\s*+:\s*+(?:\[\s*+)?"([^"]*)"')
# what a page says about itself and its site, not about a learning resource
_FURNITURE = frozenset(
    {
        *("WebSite", "WebPage", "CollectionPage", "SearchResultsPage", "ContactPage", "AboutPage", "ProfilePage"),
        *("Organization", "NGO", "CollegeOrUniversity", "EducationalOrganization", "Person"),
        *("BreadcrumbList", "ItemList", "ListItem", "SiteNavigationElement", "WPHeader", "WPFooter", "WPSideBar"),
        *("SearchAction", "ImageObject"),
    }
)


def records_in(feed: Feed, reply: Reply, url: str, changed: str | None) -> Iterator[Read]:
    """Every learning resource that a page describes, named by the page's address."""
    try:
        page = html.document_fromstring(reply.body or b"<html/>", parser=html.HTMLParser(encoding=_encoding(reply)))
    except (ValueError, html.etree.ParserError) as error:
        raw = RawResponse(url=url, body=reply.body, reason=str(error))
        yield Broken(skipped=Skipped(identifier=url, reason=f"not readable as HTML: {error}"), raw=raw)
        return
    nodes: list[bytes] = []
    for script in page.iter("script"):
        if "ld+json" not in script.get("type", ""):
            continue
        text = _unwrapped(script.text or "")
        try:
            nodes += _nodes(msgspec.Raw(text.encode())) if text else []
        except (msgspec.DecodeError, RecursionError) as error:
            kinds = set(_TYPE.findall(text))
            if kinds and kinds <= _FURNITURE:  # a broken list of links says nothing about a resource
                continue
            raw = RawResponse(url=url, body=text.encode(), reason=str(error))
            yield Broken(skipped=Skipped(identifier=url, reason=f"its JSON-LD is not JSON: {error}"), raw=raw)
            return
    nodes = _resources(nodes)
    if not nodes:
        try:
            nodes = _resources(_microdata(reply, url))
        except Exception as error:  # the library raises what nobody can list: items nested too deep, odd addresses
            reason = f"its microdata cannot be read: {type(error).__name__}: {error}"
            raw = RawResponse(url=url, body=reply.body, reason=reason)
            yield Broken(skipped=Skipped(identifier=url, reason=reason), raw=raw)
            return
    for n, node in enumerate(nodes):
        yield SourceRecord(
            feed=feed.name,
            identifier=url if n == 0 else f"{url}#{n}",
            format=feed.format or "schema_org",
            datestamp=changed,
            payload=node.decode(),
            sha256=sha256(node).hexdigest(),
            harvested_at=now(),
        )


def _encoding(reply: Reply) -> str | None:
    """The page's encoding: UTF-8 when it is that, else what its header says, else None for what its own tags say."""
    if decodes(reply.body, "utf-8"):
        return "utf-8"
    said = charset(reply.headers.get("content-type", ""))
    return said if said and decodes(reply.body, said) else None


def _unwrapped(script: str) -> str:
    """A script without the comment or CDATA section around it, and without a last semicolon."""
    text = script.strip()
    if begin := _WRAPPED.match(text):
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
    """The objects of a JSON-LD block, out of its array or its @graph, each as it is written."""
    written = bytes(text)
    if written[:1] == b"[":
        return [node for one in msgspec.json.decode(text, type=list[msgspec.Raw]) for node in _nodes(one)]
    if written[:1] != b"{":
        msgspec.json.decode(written)
        return []
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    if "@graph" in members:
        return _nodes(members["@graph"])
    msgspec.json.decode(written)  # the whole of it, not its outer names only
    return [written]


def _microdata(reply: Reply, url: str) -> list[bytes]:
    import extruct

    page = reply.body.decode("utf-8", "replace")
    extracted = extruct.extract(page, base_url=url, syntaxes=["microdata"], uniform=True, errors="strict")
    return [msgspec.json.encode(node) for node in extracted["microdata"]]


def _resources(nodes: list[bytes]) -> list[bytes]:
    return [node for node in nodes if not _types(node) <= _FURNITURE]


def _types(node: bytes) -> set[str]:
    said: Any = msgspec.json.decode(node).get("@type", [])
    return {str(one).rsplit("/", 1)[-1] for one in (said if isinstance(said, list) else [said])}
