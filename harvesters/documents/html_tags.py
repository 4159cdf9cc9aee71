"""Find start tags with very many attributes: libxml2 compares each of them with all others of its tag."""

from __future__ import annotations

import re

MAX_ATTRIBUTES = 500  # of one element: 100 000 took three minutes, and no page for people has more than some dozens
_OPENING = re.compile(r"<(?:(script|style)\b|[A-Za-z]|!--)", re.I)
_VALUE_OR_END = re.compile(r"=\s*+([\"'])|>")
_SEPARATORS = re.compile(r"[\s/]+")
_RAW_TEXT_END = re.compile(r"</(?:script|style)\b", re.I)


def has_crowded_tag(page: str) -> bool:
    """Return whether a start tag of a web page has more than MAX_ATTRIBUTES attributes. Reads the page once."""
    position = 0
    while opening := _OPENING.search(page, position):
        if opening[0] == "<!--":
            end = page.find("-->", opening.end())
            if end < 0:
                return False
            position = end
            continue
        position, attributes = _read_tag(page, opening.end())
        if attributes > MAX_ATTRIBUTES:
            return True
        if opening[1] and (text_end := _RAW_TEXT_END.search(page, position)):
            position = text_end.end()
    return False


def _read_tag(page: str, start: int) -> tuple[int, int]:
    """Return where a start tag ends, and about how many attributes it has."""
    position, attributes = start, 0
    while mark := _VALUE_OR_END.search(page, position):
        separators = len(_SEPARATORS.findall(page, position, mark.start()))
        if mark[1] is None:
            return mark.end(), attributes + separators
        attributes += max(1, separators)
        end = page.find(mark[1], mark.end())
        if end < 0:
            return len(page), attributes
        position = end + 1
    return len(page), attributes + len(_SEPARATORS.findall(page, position))
