"""How many of a feed's live records have each field, and how many had it a month ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import msgspec

from loaders.reports.page import write_texts

FIELDS = (
    "title", "description", "languages", "license", "url", "contributors", "publishers", "issued", "resource_types",
    "levels", "audiences", "age_range", "keywords", "subjects", "identifiers", "links", "relations", "competencies",
)  # fmt: skip
Shares = dict[str, float]
_History = dict[str, Shares]  # by date
# A record of which each field stays as it is written: nothing of it is made into objects.
_RECORD = msgspec.json.Decoder(
    msgspec.defstruct("Record", [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in FIELDS])
)
_EMPTY = frozenset({b"null", b"", b"[]", b"{}", b'""', b"0", b"false"})
_MONTH = timedelta(days=28)
_KEPT = timedelta(days=400)


def shares(records: Iterable[str | bytes]) -> Shares:
    """The share of records (each its JSON) in which a field is filled, four places; empty without records."""
    found: Counter[tuple[bool, ...]] = Counter()  # how often which fields are empty together
    number = 0
    for text in records:
        number += 1
        said = msgspec.structs.astuple(_RECORD.decode(text))
        found[tuple([bytes(value) in _EMPTY for value in said])] += 1
    filled = [sum(times for empty, times in found.items() if not empty[place]) for place in range(len(FIELDS))]
    return {field: round(many / number, 4) for field, many in zip(FIELDS, filled, strict=True)} if number else {}


def remembered(path: Path) -> _History:
    """The shares of earlier dates, oldest first; none when nothing was written yet."""
    if not path.exists():
        return {}
    return dict(sorted(msgspec.json.decode(path.read_bytes(), type=_History).items()))


def a_month_ago(history: _History, today: str) -> str | None:
    """The date to compare with: the newest that is four weeks old, else the oldest before today."""
    earlier = [day for day in history if day < today]
    old = [day for day in earlier if date.fromisoformat(day) <= date.fromisoformat(today) - _MONTH]
    return max(old) if old else min(earlier, default=None)


def remember(path: Path, history: _History, today: str, now: Shares) -> None:
    """Keep today's shares beside those of the last thirteen months, one a week."""
    oldest = (date.fromisoformat(today) - _KEPT).isoformat()
    weekly: dict[str, str] = {}
    for day in sorted(history):
        weekly.setdefault(_week(day), day)
    kept = {day: history[day] for day in weekly.values() if oldest <= day < today}
    if now and _week(today) not in {_week(day) for day in kept}:
        kept[today] = now
    text = msgspec.json.encode(dict(sorted(kept.items()))).decode()
    write_texts(path.parent, [(path.name, text + "\n")])


def _week(day: str) -> str:
    year, number, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-{number:02}"
