"""Saving the good records of a page that is not well-formed: cut where records begin, each parsed alone.

Nothing is guessed. A record that is not well-formed by itself is skipped by name; only characters that no XML
document can hold are taken out, and that is noted. The page as it came is kept beside what was saved.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from harvesters.encodings import encoding_of
from harvesters.occurrences import Next
from harvesters.strict_xml import Unreadable, declared_encoding, mislabelled, parse, without_illegal
from schemas import Skipped

_RECORD = re.compile(rb"<(?:[\w.-]+:)?record\b[^<>]*>\s*+(?:<!--|<(?:[\w.-]+:)?header\b)")
_HEADER = re.compile(rb"\s*+<(?:[\w.-]+:)?header\b")
_RECORD_END = re.compile(rb"</(?:[\w.-]+:)?record\s*>")
_ENVELOPE = re.compile(rb"<([\w.-]{1,100}:)?OAI-PMH\b[^<>]{0,20000}>")  # it is repeated for each record
_LISTING = re.compile(rb"<(?:[\w.-]+:)?(ListRecords|GetRecord|ListIdentifiers)\b[^<>]*>")
_ENDING = re.compile(rb"</(?:[\w.-]+:)?(?:ListRecords|GetRecord|ListIdentifiers|OAI-PMH)\s*>")
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken\b([^<>]*?)(?:/>|>([^<]*)<)")
_DATE = re.compile(rb"<(?:[\w.-]+:)?responseDate\b[^<>]*>([^<]*)<")
_IDENTIFIER = re.compile(rb"<(?:[\w.-]+:)?identifier\b[^<>]*>([^<]*)<")
_ATTRIBUTE = re.compile(r"(?<![\w.-])([\w.-]++)\s*+=\s*+[\"']([^\"']*)[\"']")
_NEEDED = re.compile(
    rb"<(?:[\w.-]+:)?(baseURL|earliestDatestamp|deletedRecord|granularity)\b[^<>]*>([\x20-\x25\x27-\x3b\x3d-\x7e]*)<"
)
_XSI = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


class Torn(Exception):
    """The page ends in its middle."""


@dataclass(frozen=True)
class _Recovered:
    """A page made of the records that could be saved, the records that could not, and what was done."""

    root: etree._Element
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def recover(body: bytes, content_type: str) -> _Recovered:
    """What can be saved of an OAI-PMH page that does not parse. Raises Torn when its end is missing."""
    named = _with_xsi(body)
    if named is not None:
        return _Recovered(named, (), ("the page uses the prefix xsi without declaring it",))
    start = _ENVELOPE.search(body)
    listing = _LISTING.search(body)
    if start is None or listing is None or _ENDING.search(body, listing.end()) is None:
        raise Torn("the page is not well-formed XML, and its end is missing")
    cuts = _cuts(body, listing.end())
    declared = mislabelled(body) or declared_encoding(body)
    encoding, notes = encoding_of(declared, [body[a:b] for a, b in cuts], content_type)
    root, parent = _envelope(body, start, listing, body[cuts[-1][1] :] if cuts else body[listing.end() :])
    opening, closing = start[0], b"</" + (start[1] or b"") + b"OAI-PMH>"
    skipped: list[Skipped] = []
    for n, (a, b) in enumerate(cuts):
        try:
            record, note = _alone(opening, body[a:b], closing, encoding)
        except Unreadable as error:
            skipped.append(Skipped(identifier=_identifier(body[a:b]), reason=f"not well-formed: {error}"))
            continue
        notes += note
        parent.insert(n - len(skipped), record)
    return _Recovered(root, tuple(skipped), tuple(notes))


def identity(body: bytes) -> _Recovered:
    """The few lines of a broken Identify that a harvest needs. Raises Torn when its end is missing."""
    start = _ENVELOPE.search(body)
    if start is None or not re.search(rb"</(?:[\w.-]+:)?Identify\s*>", body):
        raise Torn("Identify is not well-formed XML, and its end is missing")
    root = parse(start[0] + b"</" + (start[1] or b"") + b"OAI-PMH>")
    tag = root.tag.removesuffix("OAI-PMH")
    date = _DATE.search(body)
    etree.SubElement(root, f"{tag}responseDate").text = date[1].decode("ascii", "replace") if date else ""
    said = etree.SubElement(root, f"{tag}Identify")
    for name, text in _NEEDED.findall(body):
        etree.SubElement(said, tag + name.decode("ascii")).text = text.decode("ascii", "replace").strip()
    return _Recovered(root, (), ("the server's Identify is not well-formed",))


def _with_xsi(body: bytes) -> etree._Element | None:
    """The page with the one prefix that every OAI-PMH page uses and some forget to declare, if that was all."""
    start = _ENVELOPE.search(body)
    if start is None or b"xmlns:xsi" in start[0] or b"xsi:" not in body:
        return None
    at = start.end() - 1
    try:
        return parse(body[:at] + _XSI + body[at:])
    except Unreadable:
        return None


def _cuts(body: bytes, start: int) -> list[tuple[int, int]]:
    """Where each record begins and ends: at its own end tag, or where the next one begins when it has none."""
    begins = list(_begins(body, start))
    cuts = []
    for begin, following in zip(begins, [*begins[1:], len(body)], strict=True):
        ends = [match.end() for match in _RECORD_END.finditer(body, begin, following)]
        token = _TOKEN.search(body, begin, following)
        cuts.append((begin, ends[-1] if ends else token.start() if token else following))
    return cuts


def _begins(body: bytes, start: int) -> Iterator[int]:
    """Where each record begins: a record's start tag, then a header's, with at most a comment between them."""
    comment_ends = Next(body, b"-->")
    at = start
    while record := _RECORD.search(body, at):
        at = record.end()
        if record[0].endswith(b"<!--"):
            end = comment_ends.at_or_after(at)
            header = _HEADER.match(body, end + 3) if end >= 0 else None
            if header is None:
                continue
            at = header.end()
        yield record.start()


def _alone(opening: bytes, record: bytes, closing: bytes, encoding: str) -> tuple[etree._Element, list[str]]:
    """One record parsed inside the page's own start tag, so that it keeps its namespaces."""
    page = b"".join((opening, record, closing))
    try:
        return parse(page, encoding)[0], []
    except Unreadable:
        clean = without_illegal(page)
        if clean == page:
            raise
        root = parse(clean, encoding)
    return root[0], [f"{_identifier(record) or 'a record'}: characters that XML forbids were taken out"]


def _identifier(record: bytes) -> str | None:
    found = _IDENTIFIER.search(record)
    return html.unescape(found[1].strip().decode("utf-8", "replace")) or None if found else None


def _envelope(
    body: bytes, start: re.Match[bytes], listing: re.Match[bytes], rest: bytes
) -> tuple[etree._Element, etree._Element]:
    """An empty page with the date and the token of the broken one: its root, and the list that takes the records."""
    opening = parse(start[0] + b"</" + (start[1] or b"") + b"OAI-PMH>")
    namespace = etree.QName(opening).namespace
    tag = f"{{{namespace}}}" if namespace else ""
    date = _DATE.search(body, 0, listing.start())
    etree.SubElement(opening, f"{tag}responseDate").text = date[1].decode("ascii", "replace") if date else ""
    parent = etree.SubElement(opening, f"{tag}{listing[1].decode('ascii')}")
    token = _TOKEN.search(rest)
    if token:
        element = etree.SubElement(parent, f"{tag}resumptionToken")
        element.text = html.unescape((token[2] or b"").decode("utf-8", "replace")).strip()
        for name, value in _ATTRIBUTE.findall(token[1].decode("utf-8", "replace")):
            element.set(name, html.unescape(value))
    return opening, parent
