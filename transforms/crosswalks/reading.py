"""From a payload to a draft: the format's own root is found, a partner's dialect laid over its table."""

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
    unwrap,
)
from transforms.crosswalks.formats import ALIASES, CROSSWALKS, FAMILIES, Crosswalk
from transforms.draft import Draft


def read(format_: str, payload: str, dialect: str | None = None) -> Draft:
    """Everything that one payload says, by target field. Raises Unreadable with what is wrong and where."""
    crosswalk = crosswalk_of(format_, dialect)
    draft = Draft()
    if isinstance(crosswalk, JsonFormat):
        if crosswalk.xml is not None and payload.lstrip("\ufeff \t\r\n").startswith("<"):
            crosswalk = crosswalk.xml
        else:
            text = payload.lstrip("\ufeff")
            crosswalk.read(parse_json(text), draft)
            draft.unmapped.extend(repeated_members(text))
            return draft
    root, named = _rooted(unwrap(payload, draft), ALIASES.get(format_, format_), crosswalk)
    named.read(root, draft)
    return draft


@cache
def crosswalk_of(format_: str, dialect: str | None) -> Crosswalk:
    """The crosswalk of a format in a partner's dialect. Raises Unreadable for names that are not in the tables."""
    name = ALIASES.get(format_, format_)
    if name not in CROSSWALKS:
        raise Unreadable(f"no crosswalk for format {format_!r}; known are {', '.join(sorted(CROSSWALKS))}")
    if dialect is None:
        return CROSSWALKS[name]
    if dialect not in DIALECTS:
        raise Unreadable(f"no dialect {dialect!r}; known are {', '.join(sorted(DIALECTS)) or 'none'}")
    spoken_ = DIALECTS[dialect]
    if ALIASES.get(spoken_.format, spoken_.format) != name:
        raise Unreadable(f"dialect {dialect!r} belongs to format {spoken_.format}, not to {format_}")
    table = CROSSWALKS[name].table.extended(spoken_.rows, spoken_.ignored, spoken_.readers)
    return CROSSWALKS[name].with_table(table)


def _rooted(root: Element, name: str, crosswalk: XmlFormat) -> tuple[Element, XmlFormat]:
    """The element at which the format begins, at most two levels down, and the crosswalk that its name calls for.

    The root element's name is the authority where it names a relative of the format that was announced.
    """
    for family in (crosswalk, *_relatives(name)):
        found = _root(root, family.roots)
        if found is not None:
            return found, family
    expected = " or ".join(f"<{one}>" for one in sorted(crosswalk.roots))
    raise Unreadable(f"the payload is <{local_name(root.tag)}>, not {expected} as format {name} says")


def _relatives(name: str) -> list[XmlFormat]:
    related = [other for family in FAMILIES if name in family for other in family if other != name]
    return [found for other in related if isinstance(found := CROSSWALKS.get(other), XmlFormat)]


def _root(root: Element, names: frozenset[str]) -> Element | None:
    if local_name(root.tag) in names:
        return root
    for child in root:
        if isinstance(child.tag, str) and len(root) == 1:
            return child if local_name(child.tag) in names else _root(child, names)
    return None
