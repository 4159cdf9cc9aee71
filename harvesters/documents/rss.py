"""RSS 2.0, RSS 1.0 and Atom: each item's own element, exactly, over all pages that the feed links to.

https://www.rssboard.org/rss-specification https://www.rfc-editor.org/rfc/rfc4287 (paged feeds: rfc5005)
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from urllib.parse import urljoin

from lxml import etree

from harvesters.causes import failed
from harvesters.client import Client, Reply
from harvesters.documents.document import Broken, Read, document, now
from harvesters.encodings import encoding_of
from harvesters.occurrences import EndTags
from harvesters.strict_xml import (
    EntitiesDeclared,
    InvalidXml,
    declared_encoding,
    encoding_override,
    parse_xml,
    remove_forbidden_characters,
)
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page, RawResponse, Skipped, SourceRecord

_ITEMS = ("item", "entry")
_ROOTS = ("rss", "RDF", "feed")
_NAMES = ("guid", "id", "link")  # what names an item when the feed file declares nothing, first found first
_STAMPS = ("updated", "modified", "pubDate", "date", "published")
_OPENING = re.compile(rb"<(?:[\w.-]+:)?(rss|RDF|feed)\b[^<>]*>")
_ITEM = re.compile(rb"<((?:[\w.-]+:)?(?:item|entry))(?:\s[^<>]*)?>")
_ITEM_END = re.compile(rb"</((?:[\w.-]+:)?(?:item|entry))\s*>")
_LINK = re.compile(rb"<(?:[\w.-]+:)?link\b([^<>]*)>")
_ATTRIBUTE = re.compile(rb"(?<![\w.-])([\w.-]++)\s*+=\s*+[\"']([^\"']*)[\"']")
_GUID = re.compile(rb"<(?:guid|id|link)\b[^<>]*>\s*+([^<\s][^<]*)<")


def harvest(feed: Feed, ask: Ask, env: Environment, report: Callable[[int, int | None], None]) -> Iterator[Page]:
    """The feed's items. They are the newest only, so that what is absent is never taken for gone."""
    yield from document(feed, ask, env, report, _records, whole=False)


def _records(feed: Feed, reply: Reply, client: Client) -> Iterator[Read]:
    seen = {reply.url}
    while True:
        items, broken, following = _read(feed, reply, client)
        yield from (_record(feed, item) for item in items)
        yield from broken
        if following is None or following in seen:
            return
        if len(seen) >= feed.request.max_pages:
            raise failed("too_large", f"{feed.url} has more than {feed.request.max_pages} pages")
        seen.add(following)
        reply = client.send(following)


def _read(feed: Feed, reply: Reply, client: Client) -> tuple[Iterable[etree._Element], list[Broken], str | None]:
    """A page's items, those that are not well-formed, and the next page's address."""
    try:
        root = parse_xml(reply.body)
    except EntitiesDeclared as error:
        raise failed("malformed", f"{feed.url}: {error}") from error
    except InvalidXml as error:
        return (*_recovered(feed, reply, client, error), _next_of_broken(reply))
    if etree.QName(root).localname not in _ROOTS:
        cause, what = html_cause(reply.body, "bad_format")
        raise failed(cause, f"{feed.url} answers with {what or f'<{etree.QName(root).localname}>'} instead of a feed")
    items = [element for element in root.iter() if _local(element) in _ITEMS]
    following = None
    for link in root.iter("{http://www.w3.org/2005/Atom}link"):
        if link.get("rel") == "next" and link.get("href") and _local(link.getparent()) in (*_ROOTS, "channel"):
            following = urljoin(reply.url, link.get("href"))
    return items, [], following


def _next_of_broken(reply: Reply) -> str | None:
    """The next page's address, seen in a page that is not well-formed."""
    for link in _LINK.finditer(reply.body):
        said = {name: html.unescape(value.decode("utf-8", "replace")) for name, value in _ATTRIBUTE.findall(link[1])}
        if said.get(b"rel") == "next" and said.get(b"href"):
            return urljoin(reply.url, said[b"href"])
    return None


def _recovered(
    feed: Feed, reply: Reply, client: Client, error: InvalidXml
) -> tuple[list[etree._Element], list[Broken]]:
    """The items of a page that is not well-formed, each parsed alone; a page that breaks off is said to lack some."""
    opening = _OPENING.search(reply.body[:65536])
    if opening is None:
        cause, what = html_cause(reply.body, "malformed")
        raise failed(
            cause, f"{feed.url} answers with {what or f'what is not XML ({error})'} instead of a feed"
        ) from error
    items = list(_items(reply.body, opening.end()))
    declared = encoding_override(reply.body) or declared_encoding(reply.body)
    encoding, notes = encoding_of(declared, items, reply.headers.get("content-type", ""))
    client.notes += notes
    closing = b"</" + opening[0][1:].split(None, 1)[0].rstrip(b">") + b">"
    good: list[etree._Element] = []
    bad: list[Broken] = []
    if closing not in reply.body:
        lacks = Skipped(identifier=None, reason="the page ends in its middle: what stood behind is lacking")
        bad.append(Broken(skipped=lacks, raw=RawResponse(url=feed.url, body=reply.body, reason=str(error))))
    for item in items:
        try:
            good.append(_alone(opening[0] + item + closing, encoding))
        except InvalidXml as reason:
            name = _GUID.search(item)
            skipped = Skipped(
                identifier=name[1].strip().decode("utf-8", "replace") if name else None, reason=str(reason)
            )
            bad.append(Broken(skipped=skipped, raw=RawResponse(url=feed.url, body=item, reason=str(reason))))
    return good, bad


def _items(body: bytes, start: int) -> Iterator[bytes]:
    """Each item from its start tag to the first end tag of the same name behind it."""
    ends = EndTags(body, _ITEM_END, start)
    at = start
    while item := _ITEM.search(body, at):
        end = ends.after(item[1], item.end())
        if end >= 0:
            yield body[item.start() : end]
        at = max(end, item.end())


def _alone(page: bytes, encoding: str) -> etree._Element:
    """One item parsed in its feed's start tag, without the characters that no XML can hold if it has any."""
    try:
        return parse_xml(page, encoding)[0]
    except InvalidXml:
        return parse_xml(remove_forbidden_characters(page), encoding)[0]


def _record(feed: Feed, item: etree._Element) -> Read:
    payload = etree.tostring(item, encoding="UTF-8", xml_declaration=False, with_tail=False)
    parts = [_said(item, (name,)) for name in feed.identifier] if feed.identifier else [_said(item, _NAMES)]
    if not all(parts):
        reason = f"an item without {' and '.join(feed.identifier) or 'guid, id or link'}"
        raw = RawResponse(url=feed.url, body=payload, reason=reason)
        return Broken(skipped=Skipped(identifier=None, reason=reason), raw=raw)
    return SourceRecord(
        feed=feed.name,
        identifier="|".join(part for part in parts if part),
        format="atom" if _local(item) == "entry" and feed.format in ("", "rss") else feed.format or "rss",
        datestamp=_said(item, _STAMPS),
        payload=payload.decode(),
        sha256=sha256(payload).hexdigest(),
        harvested_at=now(),
    )


def _said(item: etree._Element, names: Iterable[str]) -> str | None:
    """The text of the first child with one of the names, an Atom link's address among them."""
    for name in names:
        for child in item:
            if _local(child) == name:
                text = (child.text or child.get("href") or "").strip()
                if text:
                    return text
    return None


def _local(element: etree._Element | None) -> str:
    """The element's name without its namespace; nothing for comments and instructions."""
    return etree.QName(element).localname if element is not None and isinstance(element.tag, str) else ""
