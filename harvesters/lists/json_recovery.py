"""Save the readable records of a JSON response that is not valid: cut it at the list's elements, decode each alone."""

from __future__ import annotations

import re

import msgspec

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
    depth, begin, position = 0, start, start
    strings_close = True  # once a string has no end, none of those inside it has one
    while position < len(body):
        character = body[position : position + 1]
        if character == b'"':
            string = _STRING.match(body, position) if strings_close else None
            strings_close = string is not None
            position = string.end() if string else position + 1
            continue
        if character in (b"{", b"["):
            depth += 1
        elif character in (b"}", b"]"):
            if depth == 0:
                last = body[begin:position].strip()
                return [*texts, last] if last else texts
            depth -= 1
        elif character == b"," and depth == 0:
            texts.append(body[begin:position].strip())
            begin = position + 1
        position += 1
    return None
