"""The locations that a sitemap or an index of sitemaps lists, as XML or as plain text.

https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

import httpx
from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.client import Reply, printable_url
from harvesters.occurrences import cut_elements
from harvesters.records import UnreadableElement, unreadable
from harvesters.strict_xml import EntitiesDeclared, InvalidXml, parse_xml, remove_forbidden_characters
from harvesters.unexpected import text_of
from harvesters.web_pages import html_cause
from schemas import HarvestFailed

Location = tuple[str, str | None]  # the address as it is written, and the lastmod
_ROOTS = ("urlset", "sitemapindex")
_ENTRIES = ("url", "sitemap")
_WEB_ADDRESS = re.compile(r"https?://\S+")
# for sitemaps that are not well-formed
_ROOT_START = re.compile(rb"<(?:[\w.-]+:)?(urlset|sitemapindex)\b[^<>]*>")
_ROOT_START_BYTES = 65_536  # of a sitemap, in which its root begins
_ENTRY_START = re.compile(rb"<((?:[\w.-]+:)?(?:url|sitemap))(?:\s[^<>]*)?>")
_ENTRY_END = re.compile(rb"</((?:[\w.-]+:)?(?:url|sitemap))\s*>")
_ROOT_END = re.compile(rb"</(?:[\w.-]+:)?(?:urlset|sitemapindex)\s*>")
_BARE_AMPERSAND = re.compile(rb"&(?!#?[A-Za-z0-9]{1,32};)")
_LOC = re.compile(rb"<(?:[\w.-]+:)?loc\b[^<>]*>([^<]*)<")


class Sitemap(NamedTuple):
    """What a sitemap lists: pages, or other sitemaps if it is an index; and entries that cannot be read."""

    is_index: bool
    locations: list[Location]
    unreadable: list[UnreadableElement]
    empty: int = 0  # entries without an address


def read_sitemap(reply: Reply, *, may_be_empty: bool) -> Sitemap:
    """Read a sitemap in any form. Raises HarvestFailed for another document."""
    if may_be_empty and not reply.body.strip():
        return Sitemap(False, [], [])
    try:
        root = parse_xml(reply.body)
    except EntitiesDeclared as error:
        raise unreadable_response("malformed", f"{_printable(reply)}: {error}", reply.url, reply.body) from error
    except InvalidXml as error:
        return _plain_text(reply.body) or _recovered(reply, error)
    if _local_name(root) not in _ROOTS:
        raise _not_a_sitemap(reply, _local_name(root))
    return _listed_by(root, reply.url)


def _not_a_sitemap(reply: Reply, name: str) -> HarvestFailed:
    cause, page = html_cause(reply.body, "bad_format")
    return failed(cause, f"{_printable(reply)} is {page or f'<{name}>'} instead of a sitemap")


def _listed_by(root: etree._Element, url: str) -> Sitemap:
    entries = [element for element in root.iter(etree.Element) if _local_name(element).lower() in _ENTRIES]
    entries = entries or list(root.iterchildren(etree.Element))
    locations, bad, empty = _locations(entries, url)
    is_index = _local_name(root) == "sitemapindex" or {_local_name(entry).lower() for entry in entries} == {"sitemap"}
    return Sitemap(is_index, locations, bad, empty)


def _printable(reply: Reply) -> str:
    return printable_url(httpx.URL(reply.url))


def _local_name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _locations(entries: list[etree._Element], url: str) -> tuple[list[Location], list[UnreadableElement], int]:
    """Return the locations of each entry, the entries that cannot be read, and how many have no location."""
    locations: list[Location] = []
    bad: list[UnreadableElement] = []
    empty = 0
    for entry in entries:
        try:
            addresses, lastmods = (_texts(entry, name) for name in ("loc", "lastmod"))
        except Exception as error:
            bad.append(unreadable(None, f"an entry of the sitemap cannot be read: {text_of(error)}", url))
            continue
        locations += [(address, next(iter(lastmods), None)) for address in addresses]
        empty += not addresses
    return locations, bad, empty


def _texts(entry: etree._Element, name: str) -> list[str]:
    """Return the texts of an entry's children of that name; those of its own vocabulary, where images have one too."""
    children = [child for child in entry.iterchildren(etree.Element) if _local_name(child).lower() == name]
    own = [child for child in children if etree.QName(child).namespace == etree.QName(entry).namespace]
    texts = (str(child.xpath("string()")).strip() for child in own or children)  # comments are not text
    return [text for text in texts if text]


def _plain_text(body: bytes) -> Sitemap | None:
    """Return a sitemap of one address per line; None for another text.

    https://www.sitemaps.org/protocol.html#otherformats
    """
    lines = [line.strip() for line in body.decode("utf-8-sig", "replace").splitlines()]
    lines = [line for line in lines if line]
    if not lines or not _WEB_ADDRESS.fullmatch(lines[0]):
        return None
    bad = [unreadable(None, f"{line[:200]!r} is not a web address") for line in lines if not _WEB_ADDRESS.match(line)]
    return Sitemap(False, [(line, None) for line in lines if _WEB_ADDRESS.match(line)], bad)


def _recovered(reply: Reply, error: InvalidXml) -> Sitemap:
    """Read each entry of a sitemap that is not well-formed alone; addresses may hold bare ampersands.

    Raises HarvestFailed.
    """
    body = reply.body
    root_start = _ROOT_START.search(body[:_ROOT_START_BYTES])
    if root_start is None:
        cause, page = html_cause(body, "malformed")
        what = f"{_printable(reply)} is {page or f'not XML ({error})'} instead of a sitemap"
        raise failed(cause, what) if page else unreadable_response(cause, what, reply.url, body) from error
    locations: list[Location] = []
    bad: list[UnreadableElement] = []
    for text in cut_elements(body, _ENTRY_START, _ENTRY_END, root_start.end()):
        try:
            locations += _entry_locations(root_start[0], text)
        except InvalidXml as fault:
            loc = _LOC.search(text)
            name = html.unescape(loc[1].decode("utf-8", "replace")).strip() if loc else None
            bad.append(unreadable(name or None, f"not well-formed: {fault}", reply.url, text))
    if _ROOT_END.search(body, root_start.end()) is None:
        reason = f"the sitemap ends in the middle, and the pages behind that are missing ({error})"
        bad.append(unreadable(None, reason, reply.url, body))
    return Sitemap(root_start[1] == b"sitemapindex", locations, bad)


def _entry_locations(root_start: bytes, entry: bytes) -> list[Location]:
    """Return the location of an entry. Raises InvalidXml."""
    root_name = root_start[1:].split(None, 1)[0].rstrip(b"/>")
    text = _BARE_AMPERSAND.sub(b"&amp;", remove_forbidden_characters(entry))
    root = parse_xml(root_start + text + b"</" + root_name + b">")
    return _locations(list(root.iterchildren(etree.Element)), "")[0]
