"""Find markers from ever later places of a body, reading it once in all.

"From each start, search for the end" reads a body again for every start that has no end near it: twice as many bytes
then take four times as long. What has been found, or found to be missing, is remembered here for the next start.
"""

from __future__ import annotations

import re
from bisect import bisect_left


class Next:
    """Finds the next occurrence of a marker; the places that it is asked for must not decrease."""

    def __init__(self, body: bytes, marker: bytes) -> None:
        self._body = body
        self._marker = marker
        self._place = body.find(marker)

    def at_or_after(self, start: int) -> int:
        """The first occurrence that begins at `start` or behind; -1 when there is none."""
        if 0 <= self._place < start:
            self._place = self._body.find(self._marker, start)
        return self._place


class EndTags:
    """The end tags of a body, by the element's name as it is written there."""

    def __init__(self, body: bytes, end_tag: re.Pattern[bytes], start: int) -> None:
        """`end_tag` matches an end tag of any name; its first group is the name."""
        self._begins: dict[bytes, list[int]] = {}
        self._ends: dict[bytes, list[int]] = {}
        for tag in end_tag.finditer(body, start):
            self._begins.setdefault(tag[1], []).append(tag.start())
            self._ends.setdefault(tag[1], []).append(tag.end())

    def after(self, name: bytes, start: int) -> int:
        """Where the first end tag of this name that begins at `start` or behind ends; -1 when there is none."""
        n = bisect_left(self._begins.get(name, []), start)
        return self._ends[name][n] if n < len(self._ends.get(name, [])) else -1
