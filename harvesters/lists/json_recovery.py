"""Save the readable records of a JSON response that is not valid: cut it at the list's elements, decode each alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_STRUCTURE = re.compile(rb'["{}\[\],]')
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.S)


def recover_elements(body: bytes, path: str) -> tuple[list[msgspec.Raw], list[bytes]] | None:
    """Return the elements of the list at a path that are valid JSON, and the others; None if the list has no end."""
    start = _list_start(body, path)
    texts = None if start is None else _cut_elements(body, start)
    if texts is None:
        return None
    valid: list[msgspec.Raw] = []
    invalid: list[bytes] = []
    for text in texts:
        try:
            msgspec.json.decode(text)
            valid.append(msgspec.Raw(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            invalid.append(text)
    return valid, invalid


def _list_start(body: bytes, path: str) -> int | None:
    """Return where the list at a path begins, behind its bracket."""
    start = 0
    for part in path.split(".") if path else ():
        if part.isdigit():
            continue
        key = re.compile(rb'"' + re.escape(part.encode()) + rb'"\s*:\s*').search(body, start)
        if key is None:
            return None
        start = key.end()
    bracket = body.find(b"[", start)
    return None if bracket < 0 else bracket + 1


def _cut_elements(body: bytes, start: int) -> list[bytes] | None:
    """Return the texts between the commas of a list that begins at `start`; None if it has no end."""
    texts: list[bytes] = []
    depth, begin = 0, start
    for mark in _brackets_and_commas(body, start):
        closes = mark[0] in (b"}", b"]")
        if mark[0] in (b"{", b"["):
            depth += 1
        elif depth:
            depth -= closes
        elif closes:
            last = body[begin : mark.start()].strip()
            return [*texts, last] if last else texts
        else:
            texts.append(body[begin : mark.start()].strip())
            begin = mark.end()
    return None


def _brackets_and_commas(body: bytes, start: int) -> Iterator[re.Match[bytes]]:
    """Yield the brackets, braces and commas from `start` on that are not inside a string."""
    position = start
    strings_close = True  # once a string has no end, none of those inside it has one
    while mark := _STRUCTURE.search(body, position):
        position = mark.end()
        if mark[0] != b'"':
            yield mark
        elif strings_close:
            string = _STRING.match(body, mark.start())
            strings_close = string is not None
            position = string.end() if string else position
