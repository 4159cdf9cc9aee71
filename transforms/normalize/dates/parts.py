"""From year, month and day to EDTF: what cannot be is left out, Buddhist and Hijri years are converted."""

from __future__ import annotations

import calendar

from convertdate import islamic

from schemas import Base
from transforms.normalize.dates import words

_BUDDHIST_YEARS = range(2400, 2700)  # nobody published then, counting from Christ's birth; BE 2400 is CE 1857
_HIJRI_YEARS = range(1250, 1500)  # CE 1834 to 2077


class Date(Base, frozen=True, kw_only=True):
    """One date: EDTF level 1 ("" where nothing possible was said), its first year, and what makes it doubtful.

    Flags: future (needs `today`), impossible (the part that cannot be was left out), ambiguous (3/4/2012 keeps its
    year only), buddhist and hijri (converted), approximate ("ca.", "?", a decade, a converted Islamic day).
    """

    edtf: str
    year: int | None
    flags: tuple[str, ...] = ()
    rule: str


class Parts(Base, frozen=True, kw_only=True):
    year: int
    month: int | None = None
    day: int | None = None
    flags: frozenset[str] = frozenset()
    rule: str


def era(parts: Parts, text: str, tongue: str) -> Parts:
    """The parts counted from Christ's birth."""
    thai = parts.year in _BUDDHIST_YEARS or (words.BUDDHIST.search(text) and parts.year > 2343)
    if thai and not words.GREGORIAN.search(text):
        flags = parts.flags | {"buddhist"}
        return Parts(year=parts.year - 543, month=parts.month, day=parts.day, flags=flags, rule="Buddhist era")
    marked = "hijri" in parts.flags or bool(words.HIJRI.search(text))
    if parts.year in _HIJRI_YEARS and (marked or (tongue == "ar" and not words.GREGORIAN.search(text))):
        flags = parts.flags | {"hijri"}
        return Parts(year=parts.year, month=parts.month, day=parts.day, flags=flags, rule="Hijri")
    return parts


def made(parts: Parts) -> Date:
    """EDTF of the parts that can be; what cannot is left out and flagged."""
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
    """By the tabular Islamic calendar: a year or month is the Gregorian span it touches, a day is approximate."""
    flags = tuple(sorted(parts.flags))
    month, day = parts.month if parts.month in range(1, 13) else None, parts.day
    if month and day and 1 <= day <= islamic.month_length(parts.year, month):
        year, gregorian_month, gregorian_day = islamic.to_gregorian(parts.year, month, day)
        edtf = f"{year:04d}-{gregorian_month:02d}-{gregorian_day:02d}~"
        return Date(edtf=edtf, year=year, flags=(*flags, "approximate"), rule=parts.rule)
    start = islamic.to_gregorian(parts.year, month or 1, 1)
    end = islamic.to_gregorian(parts.year, month or 12, 29)
    first, last = ((f"{one[0]:04d}-{one[1]:02d}" if month else f"{one[0]:04d}") for one in (start, end))
    return Date(edtf=first if first == last else f"{first}/{last}", year=start[0], flags=flags, rule=parts.rule)


def same_year(first: int, second: int) -> int | None:
    """The Gregorian one of two years that are one in two calendars (2554 and 2011, 1434 and 2013); else None."""
    for other, own in ((first, second), (second, first)):
        if other in _BUDDHIST_YEARS and own == other - 543:
            return own
        if (
            other in _HIJRI_YEARS
            and islamic.to_gregorian(other, 1, 1)[0] <= own <= islamic.to_gregorian(other, 12, 29)[0]
        ):
            return own
    return None
