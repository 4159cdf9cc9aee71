"""Windows of an OAI-PMH list, and how far a harvest has come through them: what a page's position holds."""

from __future__ import annotations

from collections.abc import MutableSet, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Literal

import msgspec

from harvesters.datestamps import format_datestamp, parse_datestamp
from schemas import Listing, SourceRecord

Verb = Literal["ListRecords", "ListIdentifiers"]
OLDEST = "1970-01-01"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


class Window(msgspec.Struct):
    """A part of the list: one set, between two datestamps of the server's granularity, both inclusive."""

    set: str | None = None
    start: str | None = None
    end: str | None = None
    verb: Verb = "ListRecords"
    token: str | None = None  # where to go on
    listed: int = 0  # records that it gave so far
    size: int | None = None  # completeListSize as the first page says it
    credible: bool = True  # whether nothing yet speaks against that size
    done: bool = False  # its last page was given
    pages: int = 0  # that it gave
    promised: int | None = None  # the largest completeListSize that any of them says, where the feed file trusts it
    attempt: int = 0  # how often it was begun again, with all that it had given
    marks: list[str] = []  # of the pages that it gave, the first and the last hundred
    restarts: int = 0
    split: bool = False  # a half of a window that failed
    astray: bool = False  # it gave what lies outside of it: the server does not heed its dates
    again: bool = False  # asked for again because of what was skipped before; its failure is no news

    def from_the_beginning(self) -> None:
        """Forget what it gave: it is asked again as if it never was."""
        self.token, self.listed, self.size, self.credible, self.done = None, 0, None, True, False
        self.marks, self.pages, self.promised = [], 0, None
        self.attempt += 1

    @property
    def listing(self) -> Listing:
        """Where the page stands that it gave last."""
        parts = (self.verb, self.set, self.start, self.end, str(self.attempt))
        name = " ".join(part or "-" for part in parts)
        return Listing(name=name, page=self.pages - 1, size=self.promised)

    def mark(self, names: list[str], seen: MutableSet[str]) -> bool:
        """Remember a page by its identifiers; whether it is one of the `seen` pages or of an earlier run's."""
        mark = sha256("\n".join(names).encode()).hexdigest()[:16]
        if mark in seen or mark in self.marks:
            return True
        seen.add(mark)
        self.marks.append(mark)
        if len(self.marks) > 200:
            del self.marks[100]
        return False

    @property
    def short(self) -> bool:
        """Whether it gave less than its server credibly said."""
        return self.credible and self.size is not None and self.listed < self.size


class Progress(msgspec.Struct):
    """Everything that is needed to go on after a kill."""

    windows: list[Window]  # still to do; the first is under way
    response_date: str | None
    full: bool
    verb: Verb = "ListRecords"
    method: str = "GET"
    listed: int = 0  # in windows that are done
    total: int | None = None  # of the whole list, as the last window that gave all of it said
    pages: int = 0
    retry: list[str] = []  # identifiers that were skipped before
    promised: int | None = None  # records in the whole list as its server said, when it is asked for in parts
    attempt: int = 0  # how often all of it was begun again, with all that had been given
    unnamed: bool = False  # a part of the list was skipped, with who knows how many records


def day(granularity: str) -> bool:
    """Whether a server's datestamps have days only."""
    return "T" not in granularity.upper()


def outside(window: Window, records: Sequence[SourceRecord]) -> bool:
    """Whether the first or the last of a page's records lies more than a local clock's error outside of a window."""
    if window.start is None and window.end is None:
        return False
    for stamp in {one.datestamp for one in (*records[:1], *records[-1:]) if one.datestamp}:
        try:
            at = parse_datestamp(stamp)
        except ValueError:
            continue
        early = window.start is not None and at < parse_datestamp(window.start) - 2 * DAY
        if early or (window.end is not None and at > parse_datestamp(window.end) + 2 * DAY):
            return True
    return False


def window_name(window: Window) -> str:
    """A window in words, for a sentence."""
    parts = [f"set {window.set}" if window.set else "", f"from {window.start}" if window.start else ""]
    return ", ".join(part for part in (*parts, f"until {window.end}" if window.end else "") if part) or "the whole list"


def halves(window: Window, earliest: str, latest: str, days: bool) -> tuple[Window, Window] | None:
    """The two halves of a window, open ends staying open, or None when it is as small as the granularity allows.

    Where nothing is left behind the earliest datestamp that the server claims, that is not believed.
    """
    unit = DAY if days else SECOND
    low, high = parse_datestamp(window.start or earliest), parse_datestamp(window.end or latest)
    if window.start is None and high - low < unit:
        low = parse_datestamp(OLDEST)
    if high - low < unit:
        return None
    middle = low + ((high - low) // 2 // unit) * unit
    half = Window(
        set=window.set, start=window.start, end=window.end, verb=window.verb, attempt=window.attempt, split=True
    )
    left = msgspec.structs.replace(half, end=format_datestamp(middle, days=days))
    right = msgspec.structs.replace(half, start=format_datestamp(middle + unit, days=days))
    return left, right
