"""Recover the good records of an OAI-PMH page that is not well-formed: cut it where records begin, parse each alone.

Nothing is guessed. A record that is not well-formed by itself is skipped by its identifier; only characters that no
XML document can hold are removed, and that is noted. The caller lands the page as it came, too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

from lxml import etree

from harvesters.encodings import encoding_of
from harvesters.occurrences import NextOccurrence, QuotedText, cut_elements
from harvesters.strict_xml import (
    InvalidXml,
    declared_encoding,
    encoding_override,
    parse_xml,
    remove_forbidden_characters,
)
from harvesters.unexpected import is_of_the_system, skip_unexpected
from schemas import Base, Skipped

_RECORD_START = re.compile(rb"<(?:[\w.-]+:)?record\b[^<>]*>\s*+(?:<!--|<(?:[\w.-]+:)?header\b)")
_HEADER_START = re.compile(rb"\s*+<(?:[\w.-]+:)?header\b")
_LISTED_HEADER_START = re.compile(rb"<((?:[\w.-]+:)?header)\b[^<>]*>")
_LISTED_HEADER_END = re.compile(rb"</((?:[\w.-]+:)?header)\s*>")
_RECORD_END = re.compile(rb"</(?:[\w.-]+:)?record\s*>")
_ROOT_START = re.compile(rb"<([\w.-]{1,100}:)?OAI-PMH\b[^<>]{0,20000}>")  # short, as it is repeated for each record
_LIST_START = re.compile(rb"<(?:[\w.-]+:)?(ListRecords|GetRecord|ListIdentifiers)\b[^<>]*>")
_LIST_END = re.compile(rb"</(?:[\w.-]+:)?(?:ListRecords|GetRecord|ListIdentifiers|OAI-PMH)\s*>")
_IDENTIFY_END = re.compile(rb"</(?:[\w.-]+:)?Identify\s*>")
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken\b([^<>]*?)(?:/>|>([^<]*)<)")
_RESPONSE_DATE = re.compile(rb"<(?:[\w.-]+:)?responseDate\b[^<>]*>([^<]*)<")
_IDENTIFIER = re.compile(rb"<(?:[\w.-]+:)?identifier\b[^<>]*>([^<]*)<")
_ATTRIBUTE = re.compile(rb"(?<![\w.-])(completeListSize|cursor|expirationDate)\s*+=\s*+[\"']([^\"']*)[\"']")
_NAMESPACE_DECLARATION = re.compile(rb"\s(xmlns(?::[A-Za-z_][\w.-]{0,100})?)\s{0,20}=\s{0,20}(\"[^\"<&]*\"|'[^'<&]*')")
_OAI_NAMESPACE = b'"http://www.openarchives.org/OAI/2.0/"'
_HEADER_IDENTIFIER = re.compile(
    rb"<(?:[\w.-]{1,100}:)?header\b[^<>]{0,200}>\s{0,100}<(?:[\w.-]{1,100}:)?identifier\b[^<>]{0,200}>([^<]{1,300})<"
)
_MAX_IDENTIFIERS = 5
_FORBIDDEN_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_IDENTIFY_FIELD = re.compile(
    rb"<(?:[\w.-]+:)?(baseURL|earliestDatestamp|deletedRecord|granularity)\b[^<>]*>([\x20-\x25\x27-\x3b\x3d-\x7e]*)<"
)
_XSI_DECLARATION = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


class PageTruncated(Exception):
    """The page ends in its middle."""


class RecoveredPage(Base, frozen=True, kw_only=True):
    root: Any  # an lxml element: a page of the records that could be recovered
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def recover(body: bytes, content_type: str) -> RecoveredPage:
    """Recover the records of a page that does not parse. Raises PageTruncated; InvalidXml if it holds nothing."""
    declared = _parse_with_xsi(body)
    if declared is not None:
        return RecoveredPage(root=declared, notes=("the page uses the prefix xsi without declaring it",))
    root_start = _ROOT_START.search(body)
    list_start = _LIST_START.search(body)
    if root_start is None or list_start is None or _LIST_END.search(body, list_start.end()) is None:
        raise PageTruncated("the page is not well-formed XML, and its end is missing")
    records, rest = _SPLIT[list_start[1]](body, list_start.end())
    root_tag, notes = _whole_root_tag(root_start)
    encoding, encoding_notes = encoding_of(encoding_override(body) or declared_encoding(body), records, content_type)
    notes += encoding_notes
    root, parent = _empty_page(body, root_tag, root_start[1], list_start)
    skipped: list[Skipped] = []
    for record in records:
        parsed = _try_record(root_tag, root_start[1], record, encoding)
        if isinstance(parsed, Skipped):
            skipped.append(parsed)
        else:
            parent.append(parsed[0])
            notes += parsed[1]
    token = _resumption_token(root, rest)
    if _holds_nothing(list_start[1], records, skipped):
        skipped.append(_page_without_records(token))
    if token is not None:
        parent.append(token)
    return RecoveredPage(root=root, skipped=tuple(skipped), notes=tuple(notes))


def _holds_nothing(kind: bytes, records: list[bytes], skipped: list[Skipped]) -> bool:
    """Return whether a page has no record, or is a list of headers of which none can be read."""
    return len(skipped) == len(records) and (not records or kind == b"ListIdentifiers")


def _page_without_records(token: etree._Element | None) -> Skipped:
    """Return what is skipped of a page without a record that goes on by a token. Raises InvalidXml without one."""
    if token is None or not token.text:
        raise InvalidXml("it holds neither a record nor a resumption token")
    return Skipped(identifier=None, reason="a page that is not well-formed and holds no record")


def _try_record(
    root_tag: bytes, prefix: bytes | None, record: bytes, encoding: str
) -> tuple[etree._Element, list[str]] | Skipped:
    """Parse one record; return why it is skipped if it cannot be parsed."""
    try:
        return _parse_record(root_tag, prefix, record, encoding)
    except InvalidXml as error:
        return Skipped(identifier=_identifier(record), reason=f"not well-formed: {error}")
    except Exception as error:
        if is_of_the_system(error):
            raise
        return skip_unexpected(error, _identifier(record)).skipped


def identifiers_in(body: bytes) -> list[str]:
    """Return the first identifiers in what was received of a page, as its headers write them."""
    headers = islice(_HEADER_IDENTIFIER.finditer(body), _MAX_IDENTIFIERS)
    return list(dict.fromkeys(_text_of(match[1]) for match in headers))


def recover_identify(body: bytes) -> RecoveredPage:
    """Recover the fields of a broken Identify response that a harvest needs. Raises PageTruncated."""
    root_start = _ROOT_START.search(body)
    if root_start is None or not _IDENTIFY_END.search(body):
        raise PageTruncated("Identify is not well-formed XML, and its end is missing")
    root_tag, notes = _whole_root_tag(root_start)
    root = parse_xml(root_tag + _root_end(root_start[1]))
    namespace = root.tag.removesuffix("OAI-PMH")
    etree.SubElement(root, f"{namespace}responseDate").text = _response_date(body, len(body))
    identity = etree.SubElement(root, f"{namespace}Identify")
    for name, text in _IDENTIFY_FIELD.findall(body):
        etree.SubElement(identity, namespace + name.decode("ascii")).text = text.decode("ascii", "replace").strip()
    return RecoveredPage(root=root, notes=("the server's Identify is not well-formed", *notes))


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
    for begin, following in pairwise([*begins, len(body)]):
        ends = [match.end() for match in _RECORD_END.finditer(body, begin, following)]
        token = _TOKEN.search(body, begin, following)
        end = ends[-1] if ends else token.start() if token else following
        records.append(body[begin:end])
    return records, body[end:]


def _split_headers(body: bytes, start: int) -> tuple[list[bytes], bytes]:
    """Return the text of each header of ListIdentifiers, and what follows the last one."""
    headers = list(cut_elements(body, _LISTED_HEADER_START, _LISTED_HEADER_END, start))
    end = max((match.end() for match in _LISTED_HEADER_END.finditer(body, start)), default=start)
    return headers, body[end:]


_SPLIT = {b"ListRecords": _split_records, b"GetRecord": _split_records, b"ListIdentifiers": _split_headers}


def _record_begins(body: bytes, start: int) -> Iterator[int]:
    """Yield where each record begins: a record's start tag, then a header's, with at most a comment between them."""
    comment_ends, quoted = NextOccurrence(body, b"-->"), QuotedText(body)
    at = start
    while record := _RECORD_START.search(body, at):
        if (quoted_end := quoted.end_around(record.start())) >= 0:
            at = quoted_end
            continue
        at = record.end()
        if record[0].endswith(b"<!--"):
            end = comment_ends.at_or_after(at)
            header = _HEADER_START.match(body, end + 3) if end >= 0 else None
            if header is None:
                continue
            at = header.end()
        yield record.start()


def _whole_root_tag(root_start: re.Match[bytes]) -> tuple[bytes, list[str]]:
    """Return the root's start tag so that it parses, and notes: the prefix xsi declared, or only what it declares."""
    tag, end = root_start[0].rstrip(b"/>") + b">", _root_end(root_start[1])
    at = len(tag) - 1
    candidates: tuple[tuple[bytes, list[str]], ...] = (
        (tag, []),
        (tag[:at] + _XSI_DECLARATION + tag[at:], ["the page uses the prefix xsi without declaring it"]),
        (_declarations_of(root_start), ["the start tag of the page's root is not well-formed"]),
    )
    for candidate, notes in candidates:
        if _is_well_formed(candidate + end):
            return candidate, notes
    plain = b"<" + (root_start[1] or b"") + b"OAI-PMH xmlns%s=%s>"
    prefix = b":" + root_start[1].rstrip(b":") if root_start[1] else b""
    return plain % (prefix, _OAI_NAMESPACE), ["the start tag of the page's root is not well-formed"]


def _declarations_of(root_start: re.Match[bytes]) -> bytes:
    """Return the root's start tag with its namespace declarations alone, each once."""
    declarations = dict(_NAMESPACE_DECLARATION.findall(root_start[0]))
    attributes = b"".join(b" " + name + b"=" + value for name, value in declarations.items())
    return b"<" + (root_start[1] or b"") + b"OAI-PMH" + attributes + b">"


def _is_well_formed(document: bytes) -> bool:
    try:
        parse_xml(document)
    except InvalidXml:
        return False
    return True


def _parse_record(
    root_tag: bytes, prefix: bytes | None, record: bytes, encoding: str
) -> tuple[etree._Element, list[str]]:
    """Parse one record inside the page's own root element, so that it keeps its namespaces; return notes, too."""
    page = b"".join((root_tag, record, _root_end(prefix)))
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
    body: bytes, root_tag: bytes, prefix: bytes | None, list_start: re.Match[bytes]
) -> tuple[etree._Element, etree._Element]:
    """Return the root of a page with the broken one's date, and the list element in it, still empty."""
    root = parse_xml(root_tag + _root_end(prefix))
    namespace = root.tag.removesuffix("OAI-PMH")
    etree.SubElement(root, f"{namespace}responseDate").text = _response_date(body, list_start.start())
    return root, etree.SubElement(root, f"{namespace}{list_start[1].decode('ascii')}")


def _resumption_token(root: etree._Element, rest: bytes) -> etree._Element | None:
    match = _TOKEN.search(rest)
    if match is None:
        return None
    token = etree.Element(f"{root.tag.removesuffix('OAI-PMH')}resumptionToken")
    token.text = _text_of(match[2] or b"")
    for name, value in _ATTRIBUTE.findall(match[1]):
        token.set(name.decode("ascii"), _text_of(value))
    return token


def _root_end(prefix: bytes | None) -> bytes:
    return b"</" + (prefix or b"") + b"OAI-PMH>"


def _response_date(body: bytes, end: int) -> str:
    match = _RESPONSE_DATE.search(body, 0, end)
    return _text_of(match[1]) if match else ""


def _text_of(text: bytes) -> str:
    """Return escaped text of XML as it reads, without the characters that XML forbids."""
    return _FORBIDDEN_CHARACTER.sub("", html.unescape(text.decode("utf-8", "replace"))).strip()
