"""Find markers from increasing positions of a body, reading the body once in all.

Searching for the end from each start reads the body again for every start without an end nearby: twice as many bytes
then take four times as long. What was found, or found to be missing, is remembered here for the next start.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator


class NextOccurrence:
    """Finds the next occurrence of a marker, from positions that do not decrease."""

    def __init__(self, body: bytes, marker: bytes) -> None:
        self._body = body
        self._marker = marker
        self._position = body.find(marker)

    def at_or_after(self, start: int) -> int:
        """Return the first occurrence that begins at `start` or behind it; -1 if there is none."""
        if 0 <= self._position < start:
            self._position = self._body.find(self._marker, start)
        return self._position


def cut_elements(body: bytes, start_tag: re.Pattern[bytes], end_tag: re.Pattern[bytes], start: int) -> Iterator[bytes]:
    """Yield the text of each element from `start` on: from its start tag to the first end tag of that name behind it.

    For documents that are not well-formed. The first group of both patterns is the element's name as it is written.
    """
    end_tags = _EndTags(body, end_tag, start)
    position = start
    while element := start_tag.search(body, position):
        end = end_tags.end_after(element[1], element.end())
        if end >= 0:
            yield body[element.start() : end]
        position = max(end, element.end())


class _EndTags:
    """The end tags of a body, by the element's name as it is written there."""

    def __init__(self, body: bytes, end_tag: re.Pattern[bytes], start: int) -> None:
        """`end_tag` matches an end tag of any name; its first group is the name."""
        self._begins: dict[bytes, list[int]] = {}
        self._ends: dict[bytes, list[int]] = {}
        for tag in end_tag.finditer(body, start):
            self._begins.setdefault(tag[1], []).append(tag.start())
            self._ends.setdefault(tag[1], []).append(tag.end())

    def end_after(self, name: bytes, start: int) -> int:
        """Return where the first end tag of this name that begins at `start` or behind it ends; -1 if there is none."""
        number = bisect_left(self._begins.get(name, []), start)
        ends = self._ends.get(name, [])
        return ends[number] if number < len(ends) else -1
