"""From year, month and day to EDTF: Buddhist and Hijri years are converted, impossible parts are left out."""

from __future__ import annotations

import calendar

from convertdate import islamic

from schemas import Base
from transforms.normalize.dates import words

_BUDDHIST_YEARS = range(2400, 2700)  # CE 1857 to 2156; as years of the common era they are all in the future
_HIJRI_YEARS = range(1250, 1500)  # CE 1834 to 2077


class Date(Base, frozen=True, kw_only=True):
    """A date: EDTF level 1 ("" when no part of it is possible), its first year, and what makes it doubtful.

    Flags: future (needs `today`), impossible (an impossible part was left out), ambiguous (3/4/2012 keeps its
    year only), buddhist and hijri (converted), approximate ("ca.", "?", a decade, a converted Islamic day).
    """

    edtf: str
    year: int | None
    flags: tuple[str, ...] = ()
    rule: str


class Parts(Base, frozen=True, kw_only=True):
    """The parts of a written date, in the calendar that it is written in, and the rule that read them."""

    year: int
    month: int | None = None
    day: int | None = None
    flags: frozenset[str] = frozenset()
    rule: str


def to_gregorian(parts: Parts, text: str, language: str) -> Parts:
    """Return the parts in the common era; Hijri ones are only flagged, as their days and months shift too."""
    thai = parts.year in _BUDDHIST_YEARS or (words.BUDDHIST.search(text) and parts.year > 2343)
    if thai and not words.GREGORIAN.search(text):
        flags = parts.flags | {"buddhist"}
        return Parts(year=parts.year - 543, month=parts.month, day=parts.day, flags=flags, rule="Buddhist era")
    marked = "hijri" in parts.flags or bool(words.HIJRI.search(text))
    if parts.year in _HIJRI_YEARS and (marked or (language == "ar" and not words.GREGORIAN.search(text))):
        flags = parts.flags | {"hijri"}
        return Parts(year=parts.year, month=parts.month, day=parts.day, flags=flags, rule="Hijri")
    return parts


def to_date(parts: Parts) -> Date:
    """Return the date in EDTF; a part that is impossible is left out and flagged."""
    if "hijri" in parts.flags:
        return _from_hijri(parts)
    edtf, flags = f"{parts.year:04d}", set(parts.flags)
    if not 1000 <= parts.year < 3000:
        return Date(edtf="", year=None, flags=("impossible",), rule=parts.rule)
    if parts.month is not None and not (1 <= parts.month <= 12 or 21 <= parts.month <= 24):
        flags.add("impossible")
    elif parts.month is not None:
        edtf += f"-{parts.month:02d}"
        if parts.day is not None and parts.month <= 12:
            if 1 <= parts.day <= calendar.monthrange(parts.year, parts.month)[1]:
                edtf += f"-{parts.day:02d}"
            else:
                flags.add("impossible")
    return Date(edtf=edtf, year=parts.year, flags=tuple(sorted(flags)), rule=parts.rule)


def _from_hijri(parts: Parts) -> Date:
    """Convert by the tabular Islamic calendar: a year or month to the span that it touches, a day approximately."""
    flags = tuple(sorted(parts.flags))
    month, day = parts.month if parts.month in range(1, 13) else None, parts.day
    if month and day and 1 <= day <= islamic.month_length(parts.year, month):
        year, gregorian_month, gregorian_day = islamic.to_gregorian(parts.year, month, day)
        edtf = f"{year:04d}-{gregorian_month:02d}-{gregorian_day:02d}~"
        return Date(edtf=edtf, year=year, flags=(*flags, "approximate"), rule=parts.rule)
    start = islamic.to_gregorian(parts.year, month or 1, 1)
    end = islamic.to_gregorian(parts.year, month or 12, 29)
    first, last = (f"{year:04d}-{number:02d}" if month else f"{year:04d}" for year, number, _ in (start, end))
    return Date(edtf=first if first == last else f"{first}/{last}", year=start[0], flags=flags, rule=parts.rule)


def gregorian_of_same_year(first: int, second: int) -> int | None:
    """Return the Gregorian one of two years that are the same in two calendars (2554 and 2011, 1434 and 2013)."""
    for other, own in ((first, second), (second, first)):
        if other in _BUDDHIST_YEARS and own == other - 543:
            return own
        if (
            other in _HIJRI_YEARS
            and islamic.to_gregorian(other, 1, 1)[0] <= own <= islamic.to_gregorian(other, 12, 29)[0]
        ):
            return own
    return None
