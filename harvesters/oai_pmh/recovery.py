"""Recover the good records of an OAI-PMH page that is not well-formed: cut it where records begin, parse each alone.

Nothing is guessed. A record that is not well-formed by itself is skipped by its identifier; only characters that no
XML document can hold are removed, and that is noted. The caller lands the page as it came, too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from harvesters.encodings import encoding_of
from harvesters.occurrences import NextOccurrence
from harvesters.strict_xml import (
    InvalidXml,
    declared_encoding,
    encoding_override,
    parse_xml,
    remove_forbidden_characters,
)
from schemas import Base, Skipped

_RECORD_START = re.compile(rb"<(?:[\w.-]+:)?record\b[^<>]*>\s*+(?:<!--|<(?:[\w.-]+:)?header\b)")
_HEADER_START = re.compile(rb"\s*+<(?:[\w.-]+:)?header\b")
_RECORD_END = re.compile(rb"</(?:[\w.-]+:)?record\s*>")
_ROOT_START = re.compile(rb"<([\w.-]{1,100}:)?OAI-PMH\b[^<>]{0,20000}>")  # short, as it is repeated for each record
_LIST_START = re.compile(rb"<(?:[\w.-]+:)?(ListRecords|GetRecord|ListIdentifiers)\b[^<>]*>")
_LIST_END = re.compile(rb"</(?:[\w.-]+:)?(?:ListRecords|GetRecord|ListIdentifiers|OAI-PMH)\s*>")
_IDENTIFY_END = re.compile(rb"</(?:[\w.-]+:)?Identify\s*>")
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken\b([^<>]*?)(?:/>|>([^<]*)<)")
_RESPONSE_DATE = re.compile(rb"<(?:[\w.-]+:)?responseDate\b[^<>]*>([^<]*)<")
_IDENTIFIER = re.compile(rb"<(?:[\w.-]+:)?identifier\b[^<>]*>([^<]*)<")
_ATTRIBUTE = re.compile(r"(?<![\w.-])([\w.-]++)\s*+=\s*+[\"']([^\"']*)[\"']")
_IDENTIFY_FIELD = re.compile(
    rb"<(?:[\w.-]+:)?(baseURL|earliestDatestamp|deletedRecord|granularity)\b[^<>]*>([\x20-\x25\x27-\x3b\x3d-\x7e]*)<"
)
_XSI_DECLARATION = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


class PageTruncated(Exception):
    """The page ends in its middle."""


class _RecoveredPage(Base, frozen=True, kw_only=True):
    root: Any  # an lxml element: a page of the records that could be recovered
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def recover(body: bytes, content_type: str) -> _RecoveredPage:
    """Recover the records of a page that does not parse. Raises PageTruncated."""
    declared = _parse_with_xsi(body)
    if declared is not None:
        return _RecoveredPage(root=declared, notes=("the page uses the prefix xsi without declaring it",))
    root_start = _ROOT_START.search(body)
    list_start = _LIST_START.search(body)
    if root_start is None or list_start is None or _LIST_END.search(body, list_start.end()) is None:
        raise PageTruncated("the page is not well-formed XML, and its end is missing")
    records, rest = _split_records(body, list_start.end())
    encoding, notes = encoding_of(encoding_override(body) or declared_encoding(body), records, content_type)
    root, parent = _empty_page(body, root_start, list_start)
    skipped: list[Skipped] = []
    for record in records:
        try:
            element, removed = _parse_record(root_start, record, encoding)
        except InvalidXml as error:
            skipped.append(Skipped(identifier=_identifier(record), reason=f"not well-formed: {error}"))
            continue
        notes += removed
        parent.append(element)
    token = _resumption_token(root, rest)
    if token is not None:
        parent.append(token)
    return _RecoveredPage(root=root, skipped=tuple(skipped), notes=tuple(notes))


def recover_identify(body: bytes) -> _RecoveredPage:
    """Recover the fields of a broken Identify response that a harvest needs. Raises PageTruncated."""
    root_start = _ROOT_START.search(body)
    if root_start is None or not _IDENTIFY_END.search(body):
        raise PageTruncated("Identify is not well-formed XML, and its end is missing")
    root = parse_xml(root_start[0] + _root_end(root_start))
    namespace = root.tag.removesuffix("OAI-PMH")
    etree.SubElement(root, f"{namespace}responseDate").text = _response_date(body, len(body))
    identity = etree.SubElement(root, f"{namespace}Identify")
    for name, text in _IDENTIFY_FIELD.findall(body):
        etree.SubElement(identity, namespace + name.decode("ascii")).text = text.decode("ascii", "replace").strip()
    return _RecoveredPage(root=root, notes=("the server's Identify is not well-formed",))


def _parse_with_xsi(body: bytes) -> etree._Element | None:
    """Parse a page whose only fault is that it does not declare the prefix xsi; None if that is not so."""
    root_start = _ROOT_START.search(body)
    if root_start is None or b"xmlns:xsi" in root_start[0] or b"xsi:" not in body:
        return None
    at = root_start.end() - 1
    try:
        return parse_xml(body[:at] + _XSI_DECLARATION + body[at:])
    except InvalidXml:
        return None


def _split_records(body: bytes, start: int) -> tuple[list[bytes], bytes]:
    """Return the text of each record, and what follows the last one.

    A record ends at its end tag; without one, at the resumption token or where the next record begins.
    """
    begins = list(_record_begins(body, start))
    records, end = [], start
    for begin, following in zip(begins, [*begins[1:], len(body)], strict=True):
        ends = [match.end() for match in _RECORD_END.finditer(body, begin, following)]
        token = _TOKEN.search(body, begin, following)
        end = ends[-1] if ends else token.start() if token else following
        records.append(body[begin:end])
    return records, body[end:]


def _record_begins(body: bytes, start: int) -> Iterator[int]:
    """Yield where each record begins: a record's start tag, then a header's, with at most a comment between them."""
    comment_ends = NextOccurrence(body, b"-->")
    at = start
    while record := _RECORD_START.search(body, at):
        at = record.end()
        if record[0].endswith(b"<!--"):
            end = comment_ends.at_or_after(at)
            header = _HEADER_START.match(body, end + 3) if end >= 0 else None
            if header is None:
                continue
            at = header.end()
        yield record.start()


def _parse_record(root_start: re.Match[bytes], record: bytes, encoding: str) -> tuple[etree._Element, list[str]]:
    """Parse one record inside the page's own root element, so that it keeps its namespaces; return notes, too."""
    page = b"".join((root_start[0], record, _root_end(root_start)))
    try:
        return parse_xml(page, encoding)[0], []
    except InvalidXml:
        clean = remove_forbidden_characters(page)
        if clean == page:
            raise
        root = parse_xml(clean, encoding)
    return root[0], [f"{_identifier(record) or 'a record'}: characters that XML forbids were removed"]


def _identifier(record: bytes) -> str | None:
    match = _IDENTIFIER.search(record)
    return html.unescape(match[1].strip().decode("utf-8", "replace")) or None if match else None


def _empty_page(
    body: bytes, root_start: re.Match[bytes], list_start: re.Match[bytes]
) -> tuple[etree._Element, etree._Element]:
    """Return the root of a page with the broken one's date, and the list element in it, still empty."""
    root = parse_xml(root_start[0] + _root_end(root_start))
    namespace = root.tag.removesuffix("OAI-PMH")
    etree.SubElement(root, f"{namespace}responseDate").text = _response_date(body, list_start.start())
    return root, etree.SubElement(root, f"{namespace}{list_start[1].decode('ascii')}")


def _resumption_token(root: etree._Element, rest: bytes) -> etree._Element | None:
    match = _TOKEN.search(rest)
    if match is None:
        return None
    token = etree.Element(f"{root.tag.removesuffix('OAI-PMH')}resumptionToken")
    token.text = html.unescape((match[2] or b"").decode("utf-8", "replace")).strip()
    for name, value in _ATTRIBUTE.findall(match[1].decode("utf-8", "replace")):
        token.set(name, html.unescape(value))
    return token


def _root_end(root_start: re.Match[bytes]) -> bytes:
    return b"</" + (root_start[1] or b"") + b"OAI-PMH>"


def _response_date(body: bytes, end: int) -> str:
    match = _RESPONSE_DATE.search(body, 0, end)
    return match[1].decode("ascii", "replace") if match else ""
