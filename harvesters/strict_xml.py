"""The one strict parse of a response: exact, without entities of its own, without network, without DTD.

https://lxml.de/parsing.html#parser-options
"""

from __future__ import annotations

import re
from html.entities import html5

from lxml import etree

from harvesters.encodings import known
from harvesters.occurrences import Next

_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_UTF_8 = frozenset({"utf-8", "utf8"})
_WIDE = ("utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646")  # no declaration in ASCII can be written in them
# entities, and the beginnings of what may hold an ampersand that is not one, with the ends of those
_NAMED = re.compile(rb"<!\[CDATA\[|<!--|<\?|&([A-Za-z][A-Za-z0-9]*);")
_SECTION_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
_OWN = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
# characters that XML 1.0 section 2.2 forbids, raw in UTF-8 or as a reference
_ILLEGAL = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
    rb"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|[xX]0*[fF]{3}[eEfF]"
    rb"|[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2});"
)


class Unreadable(Exception):
    """The bytes are no XML that may be trusted; the message says where and why."""


class Refused(Unreadable):
    """A document that declares entities of its own: nothing of it is read."""


def parse(body: bytes, encoding: str | None = None) -> etree._Element:
    """The root of an XML document, exactly as sent. Raises Unreadable.

    `encoding` is what the bytes are in, by Python's name, whatever they declare.

    Undeclared HTML entities become the characters that they name; a document that declares entities is refused.
    """
    if body[:1] != b"<":
        body = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if encoding is not None:
        body, encoding = _transcoded(body, encoding), "utf-8"
    if b"<!DOCTYPE" in body:
        if b"<!ENTITY" in body:
            raise Refused("the document declares entities of its own, which is refused")
        body = name_entities(body)
    try:
        return _parsed(body, encoding or mislabelled(body))
    except etree.XMLSyntaxError as error:
        named = name_entities(body)
        if named == body:
            raise Unreadable(str(error)) from error
    try:
        return _parsed(named, encoding or mislabelled(body))
    except etree.XMLSyntaxError as error:
        raise Unreadable(str(error)) from error


def _transcoded(body: bytes, encoding: str) -> bytes:
    try:
        return body.decode(encoding).encode()
    except (UnicodeError, LookupError) as error:
        raise Unreadable(f"not in the encoding {encoding} ({error})") from error


def _parsed(body: bytes, encoding: str | None) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding=encoding
    )
    root = etree.fromstring(body, parser)
    dtd = root.getroottree().docinfo.internalDTD
    if isinstance(dtd, etree.DTD) and _declares(dtd):  # hidden by an encoding that is not ASCII's
        raise Refused("the document declares entities of its own, which is refused")
    return root


def _declares(dtd: etree.DTD) -> bool:
    return next(iter(dtd.iterentities()), None) is not None  # type: ignore[attr-defined]  # lxml-stubs lack it


def mislabelled(body: bytes) -> str | None:
    """ "utf-8" for a document that is valid UTF-8 and declares what it cannot be in.

    That is an encoding of one byte where there is more than ASCII, one in which no ASCII can be read, or none at all.
    """
    said = _DECLARED.match(body)
    name = said[1].decode("ascii").lower() if said else "utf-8"
    if name in _UTF_8 or (body.isascii() and known(name) and not name.startswith(_WIDE)):
        return None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def declared_encoding(body: bytes) -> str:
    """What the document says of its encoding; UTF-8 when it says nothing."""
    said = _DECLARED.match(body.lstrip(b"\xef\xbb\xbf \t\r\n"))
    return said[1].decode("ascii") if said else "utf-8"


def name_entities(body: bytes) -> bytes:
    """The document with HTML's named entities as numbers, save XML's own five, CDATA, comments and instructions."""
    ends = {begin: Next(body, marker) for begin, marker in _SECTION_ENDS.items()}
    parts: list[bytes] = []
    copied = at = 0
    while match := _NAMED.search(body, at):
        at = match.end()
        if match[1] is not None:
            parts += (body[copied : match.start()], _numbered(match))
            copied = at
            continue
        end = ends[match[0]].at_or_after(at)
        if end >= 0:
            at = end + len(_SECTION_ENDS[match[0]])
    return b"".join((*parts, body[copied:]))


def _numbered(entity: re.Match[bytes]) -> bytes:
    """An entity by the numbers of its characters; as it is written when it is XML's own or nobody's."""
    meant = None if entity[1] in _OWN else html5.get(entity[1].decode("ascii") + ";")
    return entity[0] if meant is None else "".join(f"&#{ord(letter)};" for letter in meant).encode("ascii")


def without_illegal(body: bytes) -> bytes:
    """The document without the characters that no XML document can hold."""
    return _ILLEGAL.sub(b"", body)
