"""Save the readable records of a JSON response that is not valid: cut it at the list's elements, decode each alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec

_BEGIN_OF_LIST = re.compile(rb"\][\s,;\x1e]*+\[")
_STRUCTURE = re.compile(rb'["{}\[\],]')
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*"', re.S)


def recover_elements(body: bytes, path: str) -> tuple[list[msgspec.Raw], list[bytes]] | None:
    """Return the elements of the list at a path that are valid JSON, and the others; None if the list has no end."""
    start = _list_start(body, path)
    cut = None if start is None else _cut_elements(body, start)
    if cut is None:
        return None
    texts, end = cut
    while not path and (next_list := _BEGIN_OF_LIST.match(body, end)) is not None:  # one list behind the other
        cut = _cut_elements(body, next_list.end())
        if cut is None:
            return None
        texts, end = [*texts, *cut[0]], cut[1]
    valid: list[msgspec.Raw] = []
    invalid: list[bytes] = []
    for text in texts:
        try:
            msgspec.json.decode(text)
            valid.append(msgspec.Raw(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            invalid.append(text)
    return valid, invalid


def recover_frame(body: bytes, path: str) -> bytes | None:
    """Return the response with its list empty, as valid JSON: what it says about the list. None if it is not valid.

    Bytes that are not UTF-8 are replaced; raw control characters in strings are accepted.
    """
    start = _list_start(body, path)
    cut = None if start is None else _cut_elements(body, start)
    if start is None or cut is None:
        return None
    frame = (body[:start] + body[cut[1] :]).decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(frame, strict=False)).encode()
    except (ValueError, RecursionError):
        return None


def _list_start(body: bytes, path: str) -> int | None:
    """Return where the list at a path begins, behind its bracket."""
    starts = (_start_behind(body, keys) for keys in _keys_of(path.split(".") if path else []))
    return next((start for start in starts if start is not None), None)


def _keys_of(parts: list[str]) -> Iterator[list[str]]:
    """Yield the keys that a path may mean, as some hold dots themselves; the plain reading comes first."""
    yield [part for part in parts if not part.isdecimal()]
    for first in range(len(parts) - 1):
        for last in range(first + 2, len(parts) + 1):
            yield [*parts[:first], ".".join(parts[first:last]), *parts[last:]]


def _start_behind(body: bytes, keys: list[str]) -> int | None:
    start = 0
    for name in keys:
        key = re.compile(rb'"' + re.escape(name.encode()) + rb'"\s*:\s*').search(body, start)
        if key is None:
            return None
        start = key.end()
    bracket = body.find(b"[", start)
    return None if bracket < 0 else bracket + 1


def _cut_elements(body: bytes, start: int) -> tuple[list[bytes], int] | None:
    """Return the texts between the commas of a list that begins at `start`, and its end; None if it has no end."""
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
            return ([*texts, last] if last else texts), mark.start()
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
