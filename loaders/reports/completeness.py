"""Measure how many of a feed's live records have each field, and remember it to compare with a month ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

import msgspec

from loaders.reports.page import write_texts

FIELDS = (
    "title", "description", "languages", "license", "url", "contributors", "publishers", "issued", "resource_types",
    "levels", "audiences", "age_range", "keywords", "subjects", "identifiers", "links", "relations", "competencies",
)  # fmt: skip
_BITS = tuple(1 << number for number in range(len(FIELDS)))
Shares = dict[str, float]  # by field, 0 to 1
History = dict[str, Shares]  # by date
# A record whose fields stay undecoded JSON: only whether they are empty matters.
_RECORD = msgspec.json.Decoder(
    msgspec.defstruct("Record", [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in FIELDS])
)
_EMPTY = frozenset({b"null", b"", b"[]", b"{}", b'""', b"0", b"false"})
_COMPARED_AGE = timedelta(days=28)
_MAX_AGE = timedelta(days=400)


def filled_fields(record: str | bytes) -> int:
    """Return which fields a record (as JSON) has: bit n is set for FIELDS[n]."""
    values = msgspec.structs.astuple(_RECORD.decode(record))
    return sum([bit for bit, value in zip(_BITS, values, strict=True) if bytes(value) not in _EMPTY])


def field_shares(records: Iterable[str | bytes]) -> Shares:
    """Return the share of records (each as JSON) that have each field, four decimal places; empty without records."""
    return counted_shares(Counter(map(filled_fields, records)))


def counted_shares(records_by_fields: Mapping[int, int]) -> Shares:
    """Return what `field_shares` does of records that are counted by what `filled_fields` returns of them."""
    total = sum(records_by_fields.values())
    return {
        field: round(sum(count for filled, count in records_by_fields.items() if filled & bit) / total, 4)
        for field, bit in zip(FIELDS, _BITS, strict=True)
        if total
    }


def read_history(path: Path) -> History:
    """Read the shares of earlier dates, oldest first; empty when none are remembered."""
    if not path.exists():
        return {}
    return dict(sorted(msgspec.json.decode(path.read_bytes(), type=History).items()))


def compared_date(history: History, today: str) -> str | None:
    """Choose the date to compare with: the newest that is four weeks old, or else the oldest before today."""
    earlier = [day for day in history if day < today]
    old_enough = [day for day in earlier if date.fromisoformat(day) <= date.fromisoformat(today) - _COMPARED_AGE]
    return max(old_enough) if old_enough else min(earlier, default=None)


def remember(path: Path, history: History, today: str, shares: Shares) -> None:
    """Write today's shares beside those of the last thirteen months, one date per week."""
    oldest = (date.fromisoformat(today) - _MAX_AGE).isoformat()
    first_of_week: dict[str, str] = {}
    for day in sorted(history):
        first_of_week.setdefault(_week(day), day)
    kept = {day: history[day] for day in first_of_week.values() if oldest <= day < today}
    if shares and _week(today) not in {_week(day) for day in kept}:
        kept[today] = shares
    text = msgspec.json.encode(dict(sorted(kept.items()))).decode()
    write_texts(path.parent, [(path.name, text + "\n")])


def _week(day: str) -> str:
    year, number, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-{number:02}"
