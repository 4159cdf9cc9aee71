"""A partner's source as indented lines, with the line of each path that a record's values came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

_PREDICATES = re.compile(r"\[([^\[\]]*)\]")
_ATTRIBUTE = re.compile(r"@([\w:.-]+)='([^']*)'")
_MAX_PATH_CHARS = 1_000
_MAX_DEPTH = 200
_MAX_POSITION_DIGITS = 5


def source_lines(payload: str, paths: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Return the lines of a payload, indented where it is XML or JSON, and for each path found the number of its line.

    Paths are those of schemas.Origin: `$.creator[0].name`, or steps of an XPath. Numbers count from 1.
    """
    wanted = {path for path in paths if len(path) <= _MAX_PATH_CHARS}
    try:
        if payload.lstrip().startswith("<"):
            return _xml(payload, wanted)
        return _json(json.loads(payload), wanted)
    except (etree.XMLSyntaxError, ValueError, RecursionError):
        return payload.splitlines(), {}


def _json(value: Any, wanted: set[str]) -> tuple[list[str], dict[str, int]]:
    lines, places = list[str](), dict[str, int]()
    for path, line in _json_lines(value, "$", "", 0):
        lines.append(line)
        if path in wanted:
            places.setdefault(path, len(lines))
    return lines, places


def _json_lines(value: Any, path: str, label: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of a value, each with its path, as json.dumps(indent=2) writes them but for the commas."""
    if depth > _MAX_DEPTH:
        raise ValueError("the payload is nested too deep to be shown by lines")
    margin = "  " * depth
    if not value or not isinstance(value, dict | list):
        yield path, f"{margin}{label}{json.dumps(value, ensure_ascii=False)}"
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield path, f"{margin}{label}{opening}"
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _json_lines(each, f"{path}.{key}", f"{json.dumps(key, ensure_ascii=False)}: ", depth + 1)
    else:
        for number, each in enumerate(value):
            yield from _json_lines(each, f"{path}[{number}]", "", depth + 1)
    yield "", f"{margin}{closing}"


def _xml(payload: str, wanted: set[str]) -> tuple[list[str], dict[str, int]]:
    options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "huge_tree": True}
    root = etree.fromstring(payload.encode(), etree.XMLParser(remove_blank_text=True, **options))
    text = etree.tostring(root, pretty_print=True, encoding="unicode")
    shown = etree.fromstring(text.encode(), etree.XMLParser(**options))
    places = {path: line for path in wanted if (line := _line_of(shown, path)) is not None}
    return text.splitlines(), places


def _line_of(root: Any, path: str) -> int | None:
    """Return the line of the element that a path leads to, or of the nearest one above it."""
    first, *steps = [step for step in _steps(path) if step and not step.startswith("@")] or [""]
    element = next((each for each in root.iter(etree.Element) if _has_name(each, first)), None)
    if element is None:
        return None
    for step in steps:
        below = _child(element, step)
        if below is None:
            break
        element = below
    line: int = element.sourceline
    return line


def _steps(path: str) -> list[str]:
    """Split a path at its slashes, but not at those between quotes."""
    steps = [""]
    for number, part in enumerate(path.split("'")):
        if number % 2:
            steps[-1] += f"'{part}'"
        else:
            first, *rest = part.split("/")
            steps[-1] += first
            steps += rest
    return steps


def _child(element: Any, step: str) -> Any:
    """Return the child that a step means; None without any."""
    same = [each for each in element if _has_name(each, step)]
    for predicate in _PREDICATES.findall(step):
        same = _meant(same, predicate)
    return same[0] if same else None


def _meant(elements: list[Any], predicate: str) -> list[Any]:
    """Return the elements that a predicate means: a position, or the value of an attribute."""
    if predicate.isdecimal() and len(predicate) <= _MAX_POSITION_DIGITS:
        return elements[int(predicate) - 1 : int(predicate)]
    wanted = _ATTRIBUTE.fullmatch(predicate)
    return elements if wanted is None else [each for each in elements if each.get(wanted[1]) == wanted[2]]


def _has_name(element: Any, step: str) -> bool:
    name = step.partition("[")[0].rpartition(":")[2]
    return isinstance(element.tag, str) and etree.QName(element).localname.casefold() == name.casefold()
