"""Saving the good records of a JSON answer that is not well-formed: cut at the list's elements, each read alone."""

from __future__ import annotations

import re

import msgspec

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.S)
OPEN, CLOSE = b"{[", b"}]"


def saved(body: bytes, path: str) -> tuple[list[msgspec.Raw], list[bytes]] | None:
    """The elements that are JSON and the ones that are not, or None when the list's own end is missing."""
    start = _list_start(body, path)
    if start is None:
        return None
    cuts = _elements(body, start)
    if cuts is None:
        return None
    good: list[msgspec.Raw] = []
    bad: list[bytes] = []
    for text in cuts:
        try:
            msgspec.json.decode(text)
            good.append(msgspec.Raw(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            bad.append(text)
    return good, bad


def _list_start(body: bytes, path: str) -> int | None:
    """Where the list at a path begins, behind its bracket."""
    start = 0
    for part in path.split(".") if path else ():
        if part.isdigit():
            continue
        found = re.compile(rb'"' + re.escape(part.encode()) + rb'"\s*:\s*').search(body, start)
        if found is None:
            return None
        start = found.end()
    bracket = body.find(b"[", start)
    return None if bracket < 0 else bracket + 1


def _elements(body: bytes, start: int) -> list[bytes] | None:
    """The texts between the commas of a list, brackets and strings respected."""
    cuts: list[bytes] = []
    depth, begin, at = 0, start, start
    closes = True  # once a string has no end, none of those within it has one
    while at < len(body):
        letter = body[at : at + 1]
        if letter == b'"':
            string = _STRING.match(body, at) if closes else None
            closes = string is not None
            at = string.end() if string else at + 1
            continue
        if letter in (b"{", b"["):
            depth += 1
        elif letter in (b"}", b"]"):
            if depth == 0:
                last = body[begin:at].strip()
                return [*cuts, last] if last else cuts
            depth -= 1
        elif letter == b"," and depth == 0:
            cuts.append(body[begin:at].strip())
            begin = at + 1
        at += 1
    return None
