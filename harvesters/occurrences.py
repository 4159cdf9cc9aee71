"""Find markers from increasing positions of a body, reading the body once in all.

Searching for the end from each start reads the body again for every start without an end nearby: twice as many bytes
then take four times as long. What was found, or found to be missing, is remembered here for the next start.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

_CDATA = re.compile(rb"(<!\[CDATA\[)|\]\]>")
_COMMENT = re.compile(rb"(<!--)|-->")


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


class QuotedText:
    """The CDATA sections and comments of a body: what looks like a tag in them is none.

    Where another one begins before one ends, the first has no end: a document that is not well-formed may lack it.
    """

    def __init__(self, body: bytes) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in sorted(_spans(body, _CDATA) + _spans(body, _COMMENT)):
            if not self._ends or begin >= self._ends[-1]:
                self._begins.append(begin)
                self._ends.append(end)

    def end_around(self, position: int) -> int:
        """Return where the section around a position ends; -1 if there is none."""
        number = bisect_right(self._begins, position) - 1
        return self._ends[number] if number >= 0 and position < self._ends[number] else -1


def _spans(body: bytes, marks: re.Pattern[bytes]) -> list[tuple[int, int]]:
    """Return where the sections between two marks begin and end; the first group matches the mark of a beginning."""
    spans, begin = [], -1
    for mark in marks.finditer(body):
        if mark[1] is not None:
            begin = mark.start()
        elif begin >= 0:
            spans.append((begin, mark.end()))
            begin = -1
    return spans


def cut_elements(body: bytes, start_tag: re.Pattern[bytes], end_tag: re.Pattern[bytes], start: int) -> Iterator[bytes]:
    """Yield the text of each element from `start` on: from its start tag to the first end tag of that name behind it.

    For documents that are not well-formed. The first group of both patterns is the element's name as it is written.
    """
    quoted = QuotedText(body)
    end_tags = _EndTags(body, end_tag, start, quoted)
    position = start
    while element := start_tag.search(body, position):
        if (quoted_end := quoted.end_around(element.start())) >= 0:
            position = quoted_end
            continue
        end = end_tags.end_after(element[1], element.end())
        if end >= 0:
            yield body[element.start() : end]
        position = max(end, element.end())


class _EndTags:
    """The end tags of a body, by the element's name as it is written there."""

    def __init__(self, body: bytes, end_tag: re.Pattern[bytes], start: int, quoted: QuotedText) -> None:
        """`end_tag` matches an end tag of any name; its first group is the name. Those in `quoted` text are none."""
        self._begins: dict[bytes, list[int]] = {}
        self._ends: dict[bytes, list[int]] = {}
        for tag in end_tag.finditer(body, start):
            if quoted.end_around(tag.start()) >= 0:
                continue
            self._begins.setdefault(tag[1], []).append(tag.start())
            self._ends.setdefault(tag[1], []).append(tag.end())

    def end_after(self, name: bytes, start: int) -> int:
        """Return where the first end tag of this name that begins at `start` or behind it ends; -1 if there is none."""
        number = bisect_left(self._begins.get(name, []), start)
        ends = self._ends.get(name, [])
        return ends[number] if number < len(ends) else -1
