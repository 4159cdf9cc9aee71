"""An XML record as the members of a JSON object, so that `[map]` reads it as it reads JSON."""

from __future__ import annotations

from typing import Any

from transforms.crosswalks.engine.paths import Element, local_name

_TEXT = "text"  # the member of what an element says beside the elements in it


def xml_members(element: Element) -> dict[str, Any]:
    """Return an element's attributes and children by their names without namespaces.

    A child without elements in it is its text, and its attributes stand beside it: `<title lang="en">Waves</title>` is
    {"title": "Waves", "title@lang": "en"}, and a list where it is repeated. One with elements in it is an object, in a
    list even where it is alone: `authors[].author[].name` fits records with one author, and those with two. A child
    hides an attribute of the same name.
    """
    members: dict[str, list[Any]] = {}
    for child in element.iterchildren("{*}*"):
        name = local_name(child.tag)
        has_elements = next(child.iterchildren("{*}*"), None) is not None
        value: Any = xml_members(child) if has_elements else _own_text(child)
        if value:
            members.setdefault(name, []).append(value)
        for attribute, text in child.attrib.items() if not has_elements else ():
            members.setdefault(f"{name}@{local_name(attribute)}", []).append(text)
    if own := _own_text(element):
        members.setdefault(_TEXT, []).append(own)
    attributes = {local_name(name): text for name, text in element.attrib.items()}
    return attributes | {name: _alone(values) for name, values in members.items()}


def _alone(values: list[Any]) -> Any:
    """Return the only text of a list; a list of several, or of objects, as it is."""
    return values[0] if len(values) == 1 and isinstance(values[0], str) else values


def _own_text(element: Element) -> str:
    """Return what an element says outside the elements in it, and outside comments."""
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
