"""From a payload to a draft: finds the format's own root and reads it through the table, in the partner's dialect."""

from __future__ import annotations

from functools import cache

from transforms.crosswalks.dialects import DIALECTS
from transforms.crosswalks.engine import (
    Element,
    JsonFormat,
    Unreadable,
    XmlFormat,
    local_name,
    parse_json,
    repeated_members,
    resolve_addresses,
    unwrap,
)
from transforms.crosswalks.formats import ALIASES, CROSSWALKS, FAMILIES, Crosswalk
from transforms.draft import Draft

_MAX_NAME_CHARS = 200  # of an element's name or namespace in a sentence
_COMMON_ROOTS = frozenset({"record", "resource", "item", "entry", "metadata", "result"})  # that tell no format
_XML_BASE = "xml:base="  # the prefix xml is never declared, and is no other


def read(format_: str, payload: str, dialect: str | None = None) -> Draft:
    """Read every leaf of one payload into a draft. Raises Unreadable with what is wrong and where."""
    crosswalk = crosswalk_of(format_, dialect)
    draft = Draft()
    if isinstance(crosswalk, JsonFormat) and crosswalk.xml and payload.lstrip("\ufeff \t\r\n").startswith("<"):
        crosswalk = crosswalk.xml
    if isinstance(crosswalk, JsonFormat):
        text = payload.lstrip("\ufeff")
        crosswalk.read(parse_json(text), draft)
        draft.unmapped.extend(repeated_members(text))
    else:
        root, crosswalk = _rooted(unwrap(payload, draft), ALIASES.get(format_, format_), crosswalk)
        if _XML_BASE in payload:
            resolve_addresses(root)
        crosswalk.read(root, draft)
    return draft


@cache
def crosswalk_of(format_: str, dialect: str | None) -> Crosswalk:
    """Return the crosswalk of a format in a partner's dialect. Raises Unreadable for unknown names."""
    name = ALIASES.get(format_, format_)
    if name not in CROSSWALKS:
        advice = f"a repository's own name for one of them is its prefix: prefix = {format_!r} beside format"
        raise Unreadable(f"no crosswalk for format {format_!r}; known are {', '.join(sorted(CROSSWALKS))}; {advice}")
    crosswalk = CROSSWALKS[name]
    if dialect is None:
        return crosswalk
    if dialect not in DIALECTS:
        raise Unreadable(f"no dialect {dialect!r}; known are {', '.join(sorted(DIALECTS)) or 'none'}")
    rows = DIALECTS[dialect]
    if ALIASES.get(rows.format, rows.format) != name:
        raise Unreadable(f"dialect {dialect!r} belongs to format {rows.format}, not to {format_}")
    return crosswalk.with_table(crosswalk.table.extended(rows.rows, rows.ignored, rows.readers))


def _rooted(root: Element, name: str, crosswalk: XmlFormat) -> tuple[Element, XmlFormat]:
    """Return the element at which the format begins, and the crosswalk that the element's name calls for.

    The name decides where it belongs to a relative of the format that was announced.
    """
    for candidate in (crosswalk, *_relatives(name)):
        element = _root(root, candidate.roots)
        if element is not None:
            return element, candidate
    expected = " or ".join(f"<{root_name}>" for root_name in sorted(crosswalk.roots))
    raise Unreadable(f"the payload is {_described(root)}, not {expected} as format {name} says{_advice(root, name)}")


def _described(root: Element) -> str:
    """Return an element's name with its namespace, shortened, as a partner would find them in a response."""
    namespace, _, name = str(root.tag).rpartition("}")
    of_namespace = f" of {namespace.lstrip('{')[:_MAX_NAME_CHARS]}" if namespace else ""
    return f"<{name[:_MAX_NAME_CHARS]}>{of_namespace}"


def _advice(root: Element, name: str) -> str:
    """Return which format to set in the feed file instead, where the element's name tells."""
    tag = local_name(root.tag)
    reading = [other for other, crosswalk in CROSSWALKS.items() if other != name and _begins_with(crosswalk, tag)]
    if not reading or tag in _COMMON_ROOTS:
        return ""
    return f'; format = "{reading[0]}" in the feed file reads such records, or prefix asks for others'


def _begins_with(crosswalk: Crosswalk, tag: str) -> bool:
    return isinstance(crosswalk, XmlFormat) and tag in crosswalk.roots


def _relatives(name: str) -> list[XmlFormat]:
    names = [other for family in FAMILIES if name in family for other in family if other != name]
    return [crosswalk for other in names if isinstance(crosswalk := CROSSWALKS.get(other), XmlFormat)]


def _root(element: Element, names: frozenset[str]) -> Element | None:
    """Return the first element of one of these names, down to where an element has several children."""
    if local_name(element.tag) in names:
        return element
    if len(element) == 1 and isinstance(element[0].tag, str):
        return _root(element[0], names)
    return None
