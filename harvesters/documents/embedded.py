"""The schema.org records inside a web page: JSON-LD exactly as it is written, or microdata where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import msgspec
from lxml import html

from harvesters.client import Reply
from harvesters.documents.html_tags import MAX_ATTRIBUTES, has_crowded_tag
from harvesters.documents.json_ld import about_resources, blocks
from harvesters.encodings import charset, decodes
from harvesters.records import Result, build_record, unreadable
from harvesters.unexpected import text_of
from schemas import Feed

_JSON_LD = "ld+json"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MAX_ITEMS_DEPTH = 30
_MAX_NESTED = 50_000  # some seconds of work; a page of a thousand items has a tenth of it
_ADDRESS_ATTRIBUTES = ("href", "src", "data", "itemid")
_MAX_HEAD_BYTES = 4_096  # of a page, in which its tags say an encoding


class _BrokenMarkup(Exception):
    """A page's microdata that cannot be read; the message says why."""


def records_in(feed: Feed, reply: Reply, url: str, changed: str | None) -> Iterator[Result]:
    """Yield every learning resource that a page describes. The first one's identifier is the page's URL.

    A JSON-LD block that cannot be read is skipped under the number that follows those of the others.
    """
    try:
        text = _decode(reply)
        if has_crowded_tag(text):
            raise _BrokenMarkup(f"not readable: one of its elements has more than {MAX_ATTRIBUTES} attributes")
        nodes, broken = blocks(_scripts(text))
        nodes = nodes or ([] if broken else about_resources(_microdata(text, url)))
    except (ValueError, html.etree.ParserError) as error:
        yield unreadable(url, f"not readable as HTML: {error}", url, reply.body)
        return
    except _BrokenMarkup as error:
        yield unreadable(url, str(error), url, reply.body)
        return
    for number, node in enumerate(nodes):
        yield build_record(feed, _identifier(url, number), node, format_=feed.format or "schema_org", datestamp=changed)
    for number, block in enumerate(broken, len(nodes)):
        yield unreadable(_identifier(url, number), block.reason, url, block.text.encode())


def _identifier(url: str, number: int) -> str:
    return url if number == 0 else f"{url}#{number}"


def _decode(reply: Reply) -> str:
    """Return the page as text: UTF-8 where it is valid, else as its header or its tags say, else as browsers guess.

    libxml2 is given text: it knows fewer names of encodings than partners use, such as latin-1.
    """
    declared = [reply.headers.get("content-type", ""), reply.body[:_MAX_HEAD_BYTES].decode("ascii", "replace")]
    by_mark = "utf-16" if reply.body[:2] in _UTF_16_MARKS else ""
    encodings = list(filter(None, (by_mark, *map(charset, declared))))
    last = [] if any(encoding.lower() == "utf-8" for encoding in encodings) else ["windows-1252"]
    for encoding in ("utf-8", *encodings, *last):
        if decodes(reply.body, encoding):
            return reply.body.decode(encoding)
    return reply.body.decode("utf-8", "replace")


def _scripts(page: str) -> list[str]:
    """Return the texts of a page's JSON-LD scripts."""
    scripts = _parse(page).iter("script")
    return [script.text or "" for script in scripts if _JSON_LD in script.get("type", "").lower()]


def _parse(page: str) -> html.HtmlElement:
    body = page.replace("\0", "\ufffd").encode("utf-8", "replace") or b"<html/>"
    return html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))


def _microdata(page: str, url: str) -> list[bytes]:
    """Return the objects of a page's microdata, as JSON. Raises _BrokenMarkup.

    One malformed address in it does not lose the others. Items that are nested deep are not given to the library: it
    takes the cube of their depth, and a RecursionError inside lxml's XPath would hold the lock of that for ever.
    """
    depth, nested = _nesting(page)
    if depth > _MAX_ITEMS_DEPTH or nested > _MAX_NESTED:
        raise _BrokenMarkup("its microdata cannot be read: its items are nested too deep, or too many of them")
    try:
        return _extracted(page, url)
    except ValueError:
        page = _without_malformed_addresses(page, url)
    except Exception as error:
        raise _broken_microdata(error) from error
    try:
        return _extracted(page, url)
    except Exception as error:
        raise _broken_microdata(error) from error


def _nesting(page: str) -> tuple[int, int]:
    """Return how deep a page's items are nested, and in how many others its properties and items are together.

    The second number is what the library's time grows with.
    """
    depths: dict[html.HtmlElement | None, tuple[int, int]] = {}
    nested = 0
    for element in _parse(page).iter():
        items, marked = depths.get(element.getparent(), (0, 0))
        is_item = element.get("itemscope") is not None
        is_marked = is_item or element.get("itemprop") is not None
        nested += marked if is_marked else 0
        depths[element] = items + is_item, marked + is_marked
    return max((items for items, _ in depths.values()), default=0), nested


def _extracted(page: str, url: str) -> list[bytes]:
    """Extract a page's microdata. Raises what the library does not document: of items nested too deep, for example."""
    import extruct

    extracted = extruct.extract(page, base_url=url, syntaxes=["microdata"], uniform=True, errors="strict")
    nodes = [msgspec.json.encode(node) for node in extracted["microdata"]]
    for node in nodes:
        msgspec.json.decode(node)  # items nested too deep can be written and not read
    return nodes


def _broken_microdata(error: Exception) -> _BrokenMarkup:
    return _BrokenMarkup(f"its microdata cannot be read: {text_of(error)}")


def _without_malformed_addresses(page: str, url: str) -> str:
    root = _parse(page)
    for element in root.iter():
        for name in _ADDRESS_ATTRIBUTES:
            address = element.get(name)
            if address is not None and not _can_be_joined(url, address):
                del element.attrib[name]
    return str(html.tostring(root, encoding="unicode"))


def _can_be_joined(url: str, address: str) -> bool:
    try:
        urljoin(url, address)
    except ValueError:
        return False
    return True
