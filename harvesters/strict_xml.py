"""Parse XML responses strictly: without recovery, network or DTD, and without entities that a document declares.

https://lxml.de/parsing.html#parser-options
"""

from __future__ import annotations

import re
from html.entities import html5

from lxml import etree

from harvesters.encodings import is_known
from harvesters.occurrences import NextOccurrence

_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_BOM_AND_SPACE = b"\xef\xbb\xbf \t\r\n"
_UTF_8 = frozenset({"utf-8", "utf8"})
_WIDE_PREFIXES = ("utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646")  # an ASCII document cannot be in these
# an entity, or the beginning of a section in which an ampersand does not begin one
_ENTITY_OR_SECTION = re.compile(rb"<!\[CDATA\[|<!--|<\?|&([A-Za-z][A-Za-z0-9]*);")
_SECTION_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
_XML_ENTITIES = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
# characters that XML 1.0 section 2.2 forbids, raw in UTF-8 or as a reference
_FORBIDDEN = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
    rb"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|[xX]0*[fF]{3}[eEfF]"
    rb"|[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2});"
)
# prefixes of elements and attributes
_USED_PREFIX = re.compile(rb"<([A-Za-z_][\w.-]{0,40}):|\s([A-Za-z_][\w.-]{0,40}):[\w.-]{1,80}=[\"']")
_DECLARED_PREFIX = re.compile(rb"\sxmlns:([\w.-]{1,60})")
_KNOWN_NAMESPACES = {
    b"atom": b"http://www.w3.org/2005/Atom",
    b"content": b"http://purl.org/rss/1.0/modules/content/",
    b"dc": b"http://purl.org/dc/elements/1.1/",
    b"dcterms": b"http://purl.org/dc/terms/",
    b"itunes": b"http://www.itunes.com/dtds/podcast-1.0.dtd",
    b"media": b"http://search.yahoo.com/mrss/",
    b"xlink": b"http://www.w3.org/1999/xlink",
    b"xsi": b"http://www.w3.org/2001/XMLSchema-instance",
}
_ENTITIES_DECLARED = "the document declares entities of its own, which is refused"


class InvalidXml(Exception):
    """The bytes are not well-formed XML; the message says where and why."""


class EntitiesDeclared(InvalidXml):
    """The document declares entities, which could expand without limit: nothing of it is parsed."""


def parse_xml(body: bytes, encoding: str | None = None) -> etree._Element:
    """Parse an XML document and return its root. Undeclared HTML entities become the characters that they name.

    `encoding`, Python's name of one, overrides what the document declares. Raises InvalidXml, EntitiesDeclared.
    """
    if body[:1] != b"<":
        body = body.lstrip(_BOM_AND_SPACE)
    if encoding is not None:
        body, encoding = _transcode(body, encoding), "utf-8"
    if b"<!DOCTYPE" in body:
        if b"<!ENTITY" in body:
            raise EntitiesDeclared(_ENTITIES_DECLARED)
        body = replace_named_entities(body)
    encoding = encoding or encoding_override(body)
    try:
        return _parse(body, encoding)
    except etree.XMLSyntaxError as error:
        replaced = replace_named_entities(body)
        if replaced == body:
            raise InvalidXml(str(error)) from error
    try:
        return _parse(replaced, encoding)
    except etree.XMLSyntaxError as error:
        raise InvalidXml(str(error)) from error


def _transcode(body: bytes, encoding: str) -> bytes:
    try:
        return body.decode(encoding).encode()
    except (UnicodeError, LookupError) as error:
        raise InvalidXml(f"not in the encoding {encoding} ({error})") from error


def _parse(body: bytes, encoding: str | None) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding=encoding
    )
    root = etree.fromstring(body, parser)
    dtd = root.getroottree().docinfo.internalDTD
    if isinstance(dtd, etree.DTD) and _declares_entities(dtd):  # b"<!ENTITY" is not found in a UTF-16 document
        raise EntitiesDeclared(_ENTITIES_DECLARED)
    return root


def _declares_entities(dtd: etree.DTD) -> bool:
    return next(iter(dtd.iterentities()), None) is not None  # type: ignore[attr-defined]  # lxml-stubs lack it


def encoding_override(body: bytes) -> str | None:
    """Return "utf-8" for a document that is valid UTF-8 and declares an encoding that it cannot be in, else None.

    It cannot be in a one-byte encoding if it is UTF-8 beyond ASCII, in a wide one if ASCII can be read in it, or in an
    encoding that does not exist.
    """
    match = _DECLARED_ENCODING.match(body)
    name = match[1].decode("ascii").lower() if match else "utf-8"
    if name in _UTF_8 or (body.isascii() and is_known(name) and not name.startswith(_WIDE_PREFIXES)):
        return None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def declared_encoding(body: bytes) -> str:
    """Return the encoding that the document declares; UTF-8 if it declares none."""
    match = _DECLARED_ENCODING.match(body.lstrip(_BOM_AND_SPACE))
    return match[1].decode("ascii") if match else "utf-8"


def replace_named_entities(body: bytes) -> bytes:
    """Replace HTML's named entities by character references.

    XML's own five stay, and so does everything in CDATA sections, comments and processing instructions.
    """
    section_ends = {begin: NextOccurrence(body, end) for begin, end in _SECTION_ENDS.items()}
    parts: list[bytes] = []
    copied = at = 0
    while match := _ENTITY_OR_SECTION.search(body, at):
        at = match.end()
        if match[1] is not None:
            parts += (body[copied : match.start()], _character_references(match))
            copied = at
            continue
        end = section_ends[match[0]].at_or_after(at)
        if end >= 0:
            at = end + len(_SECTION_ENDS[match[0]])
    return b"".join((*parts, body[copied:]))


def _character_references(entity: re.Match[bytes]) -> bytes:
    """Return the references for an HTML entity; any other entity stays as it is."""
    characters = None if entity[1] in _XML_ENTITIES else html5.get(entity[1].decode("ascii") + ";")
    if characters is None:
        return entity[0]
    return "".join(f"&#{ord(character)};" for character in characters).encode("ascii")


def remove_forbidden_characters(body: bytes) -> bytes:
    """Remove the characters that no XML document can hold, raw or as references."""
    return _FORBIDDEN.sub(b"", body)


def declare_prefixes(document: bytes, end: int) -> bytes:
    """Declare the prefixes that a document uses and declares nowhere, in its root's start tag, which ends at `end`.

    A prefix that is not widely used for one namespace gets one of its own.
    """
    used = {element or attribute for element, attribute in _USED_PREFIX.findall(document)}
    unknown = sorted(used - {b"xml", b"xmlns", *_DECLARED_PREFIX.findall(document)})
    namespaces = [(prefix, _KNOWN_NAMESPACES.get(prefix, b"urn:undeclared:" + prefix)) for prefix in unknown]
    declarations = b"".join(b' xmlns:%s="%s"' % namespace for namespace in namespaces)
    return document[: end - 1] + declarations + document[end - 1 :]
