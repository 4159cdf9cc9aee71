"""From the text of an OAI-PMH record to the root element of the format inside it."""

from __future__ import annotations

import html
import re

from lxml import etree

from transforms.crosswalks.engine.paths import Element, bare_name, local_name
from transforms.crosswalks.engine.table import Table, Unreadable
from transforms.crosswalks.engine.xmltree import XmlFormat
from transforms.draft import Draft

OAI = "{http://www.openarchives.org/OAI/2.0/}"
# elements that DSpace's qdc may hold without a root around them
_DUBLIN_CORE = ("{http://purl.org/dc/elements/1.1/}", "{http://purl.org/dc/terms/}")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_PARSER = etree.XMLParser(  # one for all payloads: making one takes as long as parsing a small record
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
)
_MAX_NAME_CHARS = 200  # of an element in a sentence
_MAX_ATTRIBUTES = 1_000  # of one element
_NO_ROOT: frozenset[str] = frozenset()
_ABOUT = XmlFormat(
    _NO_ROOT, Table({}, {"*": "the repository's statement about its metadata record, not about the resource"})
)
_UNKNOWN = XmlFormat(_NO_ROOT, Table({}, {}))  # no rows: every leaf is unmapped


def parse_xml(payload: str) -> Element:
    """Parse a payload and return its root element.

    Raises Unreadable with line and column when the text is not well-formed XML, or an element has too many attributes.
    """
    text = _DECLARATION.sub("", payload, count=1).lstrip("\ufeff \t\r\n")
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    try:
        root = etree.fromstring(text.encode("utf-8"), _PARSER)
    except UnicodeEncodeError as error:
        raise Unreadable(f"not encodable as UTF-8: {error.reason} at character {error.start}") from error
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"not well-formed XML: {error.msg}") from error
    if text.count("=") > _MAX_ATTRIBUTES:
        _check_attributes(root)
    return root


def _check_attributes(root: Element) -> None:
    """Raise Unreadable for an element with so many attributes that listing them, which is quadratic, takes long."""
    for element in root.iter(etree.Element):
        if len(element.attrib) > _MAX_ATTRIBUTES:
            raise Unreadable(f"more than {_MAX_ATTRIBUTES} attributes of one element, at {bare_name(element.tag)}")


def _character(entity: re.Match[str]) -> str:
    """Return the character of an HTML entity, which XML does not declare; leave XML's own entities."""
    return entity[0] if entity[1] in _XML_ENTITIES else html.unescape(entity[0])


def unwrap(payload: str, draft: Draft) -> Element:
    """Return the format's own root inside an OAI-PMH record; the record's `about` goes to the draft as ignored.

    Elements of Dublin Core that have no root of their own have `metadata` as theirs.

    Raises Unreadable when there is no metadata, or it is marked as deleted.
    """
    root = _unwrapped(payload, draft)
    if (root.get("status") or "").strip().lower() == "deleted":
        raise Unreadable(f"the record is marked as deleted (status of <{bare_name(root.tag)[:_MAX_NAME_CHARS]}>)")
    return root


def _unwrapped(payload: str, draft: Draft) -> Element:
    root = parse_xml(payload)
    if not _is_wrapper(root):
        return root
    metadata = _metadata_of(root, draft)
    if metadata is None:
        raise Unreadable("no metadata in the record")
    inside = _elements(metadata)
    if any(map(_is_dublin_core, inside)):
        return metadata
    for further in inside[1:]:
        _UNKNOWN.read(further, draft, f"metadata/{local_name(further.tag)}")
    return inside[0]


def _metadata_of(root: Element, draft: Draft) -> Element | None:
    """Return the record's first `metadata` that is not empty; the other elements go to the draft."""
    metadata: Element | None = None
    for child in _elements(root):
        name = local_name(child.tag)
        if name == "metadata" and metadata is None and len(child):
            metadata = child
        else:
            (_ABOUT if name in {"about", "header"} else _UNKNOWN).read(child, draft, name)
    return metadata if metadata is not None and _elements(metadata) else None


def _is_wrapper(root: Element) -> bool:
    if root.tag == f"{OAI}record":
        return True
    names = {local_name(child.tag) for child in _elements(root)}
    return root.tag == "record" and (not names or bool(names & {"metadata", "header", "about"}))


def _is_dublin_core(element: Element) -> bool:
    """Tell whether an element is a field of Dublin Core, and not the root of several."""
    return not len(element) and str(element.tag).startswith(_DUBLIN_CORE)


def _elements(element: Element) -> list[Element]:
    """Return the child elements, without comments and entities."""
    return [child for child in element if isinstance(child.tag, str)]
