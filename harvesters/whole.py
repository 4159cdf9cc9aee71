"""Whether a list is whole: its count held against what the server, the last harvest and the feed file say."""

from __future__ import annotations

from harvesters.causes import failed
from schemas import Ask, Feed


def require_size(listed: int, size: int | None, what: str) -> None:
    """Raises truncated when a list is shorter than its server says."""
    if size is not None and listed < size:
        raise failed("truncated", f"{what} gave {listed} of {size} records")


def require_as_many_as_before(listed: int, feed: Feed, ask: Ask) -> None:
    """Raises truncated when a whole list is much shorter than the last one, or than the feed file expects."""
    if feed.expect.records is not None and listed < feed.expect.records[0]:
        least = feed.expect.records[0]
        raise failed("truncated", f"the whole list has {listed} records, [expect] records says at least {least}")
    before = ask.listed_before
    if before is not None and listed < before - _drop(before, feed):
        raise failed("truncated", f"the whole list has {listed} records, the last one had {before}")


def require_about(listed: int, size: int | None, feed: Feed, what: str) -> None:
    """Raises truncated when a list that was asked for in parts, over a longer time, is much shorter than was said."""
    if size is not None and listed < size - _drop(size, feed):
        raise failed("truncated", f"{what} gave {listed} of {size} records")


def _drop(before: int, feed: Feed) -> float:
    """How many records of a list may go without a word."""
    return max(feed.expect.max_drop * before, min(feed.expect.max_drop_records, before / 2))
