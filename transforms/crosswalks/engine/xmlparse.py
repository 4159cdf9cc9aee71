"""Parses XML payloads, and names what is in them."""

from __future__ import annotations

import html
import re
from collections import Counter

from lxml import etree

from transforms.crosswalks.engine.table import REMEMBERED, Unreadable

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
MARKUP = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "blockquote",
        "br",
        "cite",
        "code",
        "del",
        "div",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "italic",
        "li",
        "ol",
        "p",
        "para",
        "pre",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "tr",
        "u",
        "ul",
        "jats:p",
        "sec",
        "bold",
        "sc",
    ]
)
_PREDEFINED = frozenset({"amp", "lt", "gt", "quot", "apos"})

Element = etree._Element
_PARSER = etree.XMLParser(  # one for all payloads: to make it takes as long as to parse a small record
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
)


def parse(payload: str) -> Element:
    """The root element. Raises Unreadable with line and column when the text is not well-formed XML."""
    text = _DECLARATION.sub("", payload, count=1).lstrip("\ufeff \t\r\n")
    if "&" in text:
        text = _ENTITY.sub(_named, text)
    try:
        return etree.fromstring(text.encode("utf-8"), _PARSER)
    except UnicodeEncodeError as error:
        raise Unreadable(f"not encodable as UTF-8: {error.reason} at character {error.start}") from error
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"not well-formed XML: {error.msg}") from error


def _named(match: re.Match[str]) -> str:
    name = match.group(1)
    return match.group(0) if name in _PREDEFINED else html.unescape(match.group(0))


def local(element: Element) -> str:
    """The element's lower-cased local name."""
    return local_name(element.tag)


_LOCALS: dict[object, str] = {}


def local_name(tag: object) -> str:
    """A tag's lower-cased name without its namespace."""
    try:
        return _LOCALS[tag]
    except KeyError:
        name = str(tag).rpartition("}")[2].lower()
        if len(_LOCALS) < REMEMBERED:
            _LOCALS[tag] = name
        return name


_STEPS: dict[tuple[object, str | None], tuple[str, str]] = {}


def step_of(tag: object, prefix: str | None) -> tuple[str, str]:
    """A child's lower-cased local name and how a path shows it; an empty name for what is no element."""
    try:
        return _STEPS[(tag, prefix)]
    except KeyError:
        if not isinstance(tag, str):
            return "", ""
        step = f"{prefix}:{shown(tag)}" if prefix else shown(tag)
        if len(_STEPS) < REMEMBERED:
            _STEPS[(tag, prefix)] = (local_name(tag), step)
        return local_name(tag), step


Step = tuple[str, str]  # an element's lower-cased local name, and how a path shows it


def numbered(steps: list[Step]) -> list[Step]:
    """The steps, with a number where several are the same."""
    total = Counter(steps)
    seen: Counter[Step] = Counter()
    found = []
    for one in steps:
        seen[one] += 1
        found.append((one[0], f"{one[1]}[{seen[one]}]") if total[one] > 1 else one)
    return found


def shown(name: str) -> str:
    """A name without its namespace, as written."""
    return name.rpartition("}")[2]


def is_marked_up(children: list[Element]) -> bool:
    """Whether everything inside is HTML: a text with markup, not a structure."""
    return all(isinstance(child.tag, str) and local_name(child.tag) in MARKUP for child in children)


def inner_text(element: Element) -> str:
    """The text inside, block elements as paragraphs."""
    pieces = [element.text or ""]
    for child in element:
        inside = inner_text(child) if isinstance(child.tag, str) else child.text or ""
        block = isinstance(child.tag, str) and local_name(child.tag) in {"p", "div", "li", "br", "para", "title"}
        pieces += [f"\n\n{inside}\n\n" if block else inside, child.tail or ""]
    return "".join(pieces)
