"""RSS 2.0, RSS 1.0 and Atom: each item's own element, exactly, from all pages that the feed links to.

What an item inherits is put on it: xml:base, and xml:lang, which an RSS channel declares as its language.

https://www.rssboard.org/rss-specification https://www.rfc-editor.org/rfc/rfc4287 https://www.rfc-editor.org/rfc/rfc5005
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import urljoin

from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.client import Client, Reply, join_address
from harvesters.documents.document import harvest_document
from harvesters.encodings import encoding_of
from harvesters.lists import is_next
from harvesters.occurrences import cut_elements
from harvesters.records import Result, UnreadableElement, build_record, unreadable
from harvesters.strict_xml import (
    EntitiesDeclared,
    InvalidXml,
    declare_prefixes,
    declared_encoding,
    encoding_override,
    parse_xml,
    remove_forbidden_characters,
)
from harvesters.unexpected import Description, read_each
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page

_ITEM_ELEMENTS = ("item", "entry")
_ROOT_ELEMENTS = ("rss", "RDF", "feed")
_IDENTIFIERS = ("guid", "id", "link")  # the first of these identifies an item when the feed file names no field
_DATESTAMPS = ("updated", "modified", "pubDate", "date", "published")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
# for pages that are not well-formed
_ROOT_START = re.compile(rb"<(?:[\w.-]+:)?(rss|RDF|feed)\b[^<>]*>")
_ROOT_START_BYTES = 65_536  # of a page, in which its root begins
_ITEM_START = re.compile(rb"<((?:[\w.-]+:)?(?:item|entry))(?:\s[^<>]*)?>")
_ITEM_END = re.compile(rb"</((?:[\w.-]+:)?(?:item|entry))\s*>")
_LINK = re.compile(rb"<(?:[\w.-]+:)?link\b([^<>]*)>")
_ATTRIBUTE = re.compile(rb"(?<![\w.-])([\w.-]++)\s*+=\s*+[\"']([^\"']*)[\"']")
_LANGUAGE = re.compile(rb"<language>\s*+([A-Za-z0-9-]{2,35})\s*+</language>")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")
_IDENTIFIER = re.compile(rb"<(?:guid|id|link)\b[^<>]*>\s*+([^<\s][^<]*)<")


class _FeedPage(NamedTuple):
    """The items of one page of a feed, those that cannot be read, and the next page's URL, as it is written."""

    url: str
    items: Iterable[etree._Element]
    unreadable: list[UnreadableElement]
    language: str | None  # that the channel declares
    next_url: str | None


def harvest(feed: Feed, ask: Ask, env: Environment, report: Callable[[int, int | None], None]) -> Iterator[Page]:
    """Yield the feed's items. Only the newest are listed, so that an absent one is never taken for deleted."""
    yield from harvest_document(feed, ask, env, report, _records, whole=False)


def _records(feed: Feed, reply: Reply, client: Client) -> Iterator[Result]:
    seen = {reply.url}
    while True:
        page = _read_page(feed, reply, client)
        yield from read_each(page.items, partial(_record, feed, page), partial(_describe, feed), feed.url)
        yield from page.unreadable
        if page.next_url is None:
            return
        next_url = join_address(reply.url, page.next_url)
        if next_url is None:
            yield unreadable(None, f"the link to the feed's next page, {page.next_url!r}, is not a valid URL")
            return
        if next_url in seen:
            return
        if len(seen) >= feed.request.max_pages:
            raise failed("too_large", f"{feed.url} has more than {feed.request.max_pages} pages")
        seen.add(next_url)
        reply = client.send(next_url)


def _read_page(feed: Feed, reply: Reply, client: Client) -> _FeedPage:
    """Read one page of a feed; cut it at its items if it is not well-formed. Raises HarvestFailed."""
    try:
        root = parse_xml(reply.body)
    except EntitiesDeclared as error:
        raise unreadable_response("malformed", f"{feed.url}: {error}", feed.url, reply.body) from error
    except InvalidXml as error:
        return _recover(feed, reply, client, error)
    if etree.QName(root).localname not in _ROOT_ELEMENTS:
        cause, page = html_cause(reply.body, "bad_format")
        raise failed(cause, f"{feed.url} answers with {page or f'<{etree.QName(root).localname}>'} instead of a feed")
    items = [element for element in root.iter() if _local_name(element) in _ITEM_ELEMENTS and not _is_inside(element)]
    return _FeedPage(reply.url, items, [], _channel_language(root), _next_url(root))


def _is_inside(element: etree._Element) -> bool:
    """Return whether an element is in an item: what an item contains or quotes is none."""
    return any(_local_name(outer) in _ITEM_ELEMENTS for outer in element.iterancestors())


def _next_url(root: etree._Element) -> str | None:
    """Return the next page's URL, which the last such link of the feed gives; those of its items lead elsewhere."""
    next_url = None
    for link in root.iter("{http://www.w3.org/2005/Atom}link"):
        of_the_feed = _local_name(link.getparent()) in (*_ROOT_ELEMENTS, "channel")
        if is_next(link.get("rel", "")) and link.get("href") and of_the_feed:
            next_url = _join_bases(_declared_bases(link), str(link.get("href")))
    return next_url


def _channel_language(root: etree._Element) -> str | None:
    """Return the language that an RSS channel declares for its items."""
    channels = [element for element in root.iterchildren() if _local_name(element) == "channel"]
    return next((text for channel in channels if (text := _first_text(channel, ("language",)))), None)


# pages that are not well-formed


def _recover(feed: Feed, reply: Reply, client: Client, error: InvalidXml) -> _FeedPage:
    """Parse each item of a page alone; a page that ends in the middle is noted as unreadable. Raises HarvestFailed."""
    root_start = _ROOT_START.search(reply.body[:_ROOT_START_BYTES])
    if root_start is None:
        cause, page = html_cause(reply.body, "malformed")
        what = f"{feed.url} answers with {page or f'what is not XML ({error})'} instead of a feed"
        if page:
            raise failed(cause, what) from error
        raise unreadable_response(cause, what, feed.url, reply.body) from error
    texts = list(cut_elements(reply.body, _ITEM_START, _ITEM_END, root_start.end()))
    declared = encoding_override(reply.body) or declared_encoding(reply.body)
    encoding, notes = encoding_of(declared, texts, reply.headers.get("content-type", ""))
    client.notes += notes
    root_end = b"</" + root_start[0][1:].split(None, 1)[0].rstrip(b">") + b">"
    items: list[etree._Element] = []
    bad: list[UnreadableElement] = []
    if root_end not in reply.body:
        reason = f"the page ends in the middle, and the items behind that are missing ({error})"
        bad.append(unreadable(None, reason, feed.url, reply.body))
    for text in texts:
        try:
            items.append(_parse_item(root_start[0], text + root_end, encoding))
        except InvalidXml as reason:
            name = _IDENTIFIER.search(text)
            identifier = name[1].strip().decode("utf-8", "replace") if name else None
            bad.append(unreadable(identifier, str(reason), feed.url, text))
    channel = reply.body[root_start.end() : _first_item(reply.body, root_start.end())]
    language = _LANGUAGE.search(channel)
    return _FeedPage(
        reply.url, items, bad, language[1].decode("ascii").strip() if language else None, _find_next_url(reply)
    )


def _first_item(body: bytes, start: int) -> int:
    """Return where the first item begins, or the body's end."""
    item = _ITEM_START.search(body, start)
    return item.start() if item else len(body)


def _parse_item(root_tag: bytes, rest: bytes, encoding: str) -> etree._Element:
    """Return the item of a page with one, which begins with the root's start tag.

    If it is not valid XML: without the characters that XML forbids, and with every prefix declared.
    """
    try:
        return parse_xml(root_tag + rest, encoding)[0]
    except InvalidXml:
        tag, rest = remove_forbidden_characters(root_tag), remove_forbidden_characters(rest)
        return parse_xml(declare_prefixes(tag + rest, len(tag)), encoding)[0]


def _find_next_url(reply: Reply) -> str | None:
    """Return the next page's URL, from the text of a page that is not well-formed."""
    for link in _LINK.finditer(reply.body):
        attributes = {
            name: html.unescape(value.decode("utf-8", "replace")) for name, value in _ATTRIBUTE.findall(link[1])
        }
        if is_next(attributes.get(b"rel", "")) and attributes.get(b"href"):
            return attributes[b"href"]
    return None


# records


def _record(feed: Feed, page: _FeedPage, item: etree._Element) -> Result:
    identifier = _item_identifier(feed, item)
    _inherit(item, page)
    payload = _text_of(item)
    if identifier is None:
        reason = f"an item without {' and '.join(feed.identifier) or 'guid, id or link'}"
        return unreadable(None, reason, feed.url, payload)
    is_atom = _local_name(item) == "entry" and feed.format in ("", "rss")
    return build_record(
        feed,
        identifier,
        payload,
        format_="atom" if is_atom else feed.format or "rss",
        datestamp=_first_text(item, _DATESTAMPS),
    )


def _text_of(item: etree._Element) -> bytes:
    return etree.tostring(item, encoding="UTF-8", xml_declaration=False, with_tail=False)


def _describe(feed: Feed, item: etree._Element) -> Description:
    """Return what is known of an item on which an exception was raised."""
    return _item_identifier(feed, item), _text_of(item)


def _inherit(item: etree._Element, page: _FeedPage) -> None:
    """Put xml:lang and xml:base on an item, as it inherits them: its own text does not say them.

    The base of an item without a declared one is the page's URL, which is put there only for a relative link.
    """
    language = _inherited_language(item) or (None if _first_text(item, ("language",)) else page.language)
    if language and item.get(_XML_LANG) is None:
        item.set(_XML_LANG, language)
    bases = _declared_bases(item)
    if bases or any(_is_relative(_link_address(child)) for child in item if _local_name(child) == "link"):
        item.set(_XML_BASE, _join_bases([page.url.partition("?")[0], *bases]))


def _inherited_language(item: etree._Element) -> str | None:
    """Return the nearest xml:lang around an item or on it."""
    around = (element.get(_XML_LANG) for element in (item, *item.iterancestors()))
    return next((language for language in around if language is not None), None)


def _declared_bases(element: etree._Element) -> list[str]:
    """Return the xml:base of an element and of those around it, the outermost first."""
    bases = [outer.get(_XML_BASE) for outer in (element, *element.iterancestors())]
    return [base for base in reversed(bases) if base]


def _join_bases(bases: list[str], *address: str) -> str:
    """Return addresses resolved against one another, the malformed ones left out."""
    joined = ""
    for part in (*bases, *address):
        try:
            joined = urljoin(joined, part)
        except ValueError:
            continue
    return joined


def _link_address(link: etree._Element) -> str:
    return (link.get("href") or link.text or "").strip()


def _is_relative(address: str) -> bool:
    return bool(address) and _SCHEME.match(address) is None


def _item_identifier(feed: Feed, item: etree._Element) -> str | None:
    """Return the item's identifier, from the fields that the feed file names; None if one of them is missing."""
    if not feed.identifier:
        return _first_text(item, _IDENTIFIERS)
    parts = [_first_text(item, (name,)) for name in feed.identifier]
    return "|".join(part for part in parts if part) if all(parts) else None


def _first_text(item: etree._Element, names: Iterable[str]) -> str | None:
    """Return the text of the first child with one of the names; for an Atom link its address."""
    for name in names:
        for child in item:
            if _local_name(child) == name:
                text = (child.text or child.get("href") or "").strip()
                if text:
                    return text
    return None


def _local_name(element: etree._Element | None) -> str:
    """Return the element's name without its namespace; empty for comments and processing instructions."""
    return etree.QName(element).localname if element is not None and isinstance(element.tag, str) else ""
