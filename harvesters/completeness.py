"""Require that a list is complete: compare its count with the server's, the last harvest's and the feed file's."""

from __future__ import annotations

import re
from typing import Any

from harvesters.causes import failed
from schemas import Ask, Feed

_COUNT = re.compile(r"\d{1,15}")
_MAX_COUNT_CHARS = 100
_GROUPS = re.compile(r"(?<=\d)[ ,.'_\u00a0\u2009\u2019\u202f\u066c](?=\d{3}(?!\d))|(?<=\d),(?=\d\d,\d)")
_DECIMALS = re.compile(r"[.,]0{1,2}$")
_UNIT = re.compile(r"(?<=\d)\s+[^\W\d]{1,40}$")


def record_count(value: Any) -> int | None:
    """Return the number of records that a server writes; None for anything else.

    It may have separators of thousands, decimals that are zero, digits of any script, a word behind it, or the form of
    a Content-Range header (`items 0-24/319`). Elasticsearch 7 puts an object where a number was.
    """
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, float) and value.is_integer() and value >= 0:
        return int(value)
    text = str(value)[:_MAX_COUNT_CHARS].rpartition("/")[2].strip().removeprefix("+")
    text = _GROUPS.sub("", _DECIMALS.sub("", _UNIT.sub("", text)))
    return int(text) if _COUNT.fullmatch(text) else None


def require_size(listed: int, size: int | None, what: str) -> None:
    """Raise HarvestFailed("truncated") if a list is shorter than its server says."""
    if size is not None and listed < size:
        raise failed("truncated", f"{what} gave {listed} of {size} records")


def require_size_within_tolerance(listed: int, size: int | None, feed: Feed, what: str) -> None:
    """Raise HarvestFailed("truncated") if a list that was requested in parts is much shorter than its server said."""
    if size is not None and listed < size - accepted_drop(size, feed):
        raise failed("truncated", f"{what} gave {listed} of {size} records")


def require_as_many_as_before(listed: int, feed: Feed, ask: Ask) -> None:
    """Raise HarvestFailed("truncated") if a list is much shorter than the last one, or than the feed file expects."""
    if feed.expect.records is not None and listed < feed.expect.records[0]:
        least = feed.expect.records[0]
        raise failed("truncated", f"the whole list has {listed} records, [expect] records says at least {least}")
    before = ask.listed_before
    if before is not None and listed < before - accepted_drop(before, feed):
        raise failed("truncated", f"the whole list has {listed} records, the last one had {before}")


def accepted_drop(before: int, feed: Feed) -> float:
    """Return how many records of a list may be missing without a decision."""
    return max(feed.expect.max_drop * before, min(feed.expect.max_drop_records, before / 2))
