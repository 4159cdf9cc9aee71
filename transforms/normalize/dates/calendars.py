"""From year, month and day to EDTF: years of other calendars are converted, impossible parts are left out.

A calendar is read where something says so: a mark, a month's name, two years that agree, the feed, or a year that can
be nothing else. Buddhist years are unmistakable, as they lie in the future. A bare year of an Arabic record is taken
for a Hijri one only where that is the likelier reading by far, and said to be assumed.
"""

from __future__ import annotations

import calendar
from typing import NamedTuple

from convertdate import islamic, persian

from schemas import Base, replace
from transforms.normalize.dates import words

_BUDDHIST_YEARS = range(2400, 2700)  # CE 1857 to 2156; as years of the common era they are all in the future
_HIJRI_YEARS = range(1, 1501)  # to CE 2077
_PERSIAN_YEARS = range(1000, 1480)  # CE 1621 to 2101
# Without a mark, in a record of the language: a year that is either calendar's is left out before this one
_BARE_YEARS = range(1250, 1500)
_LIKELY_BARE_YEARS = {"hijri": range(1350, 1500), "persian": range(1304, 1500)}  # from CE 1931 and 1925
_RUMI_YEARS = range(1205, 1345)  # of the Ottoman fiscal calendar, which began in March: CE 1789 to 1928
_CALENDAR_BY_LANGUAGE = {"ar": "hijri", "fa": "persian", "prs": "persian"}


class Reckoning(NamedTuple):
    """What says, beside the text, in which calendar a date is: the record's language, and the feed's or format's word.

    `calendar` is gregorian, hijri, persian, buddhist or ""; no date is converted to one after `today`.
    """

    language: str = ""
    calendar: str = ""
    today: str | None = None


class Date(Base, frozen=True, kw_only=True):
    """A date: EDTF level 1 ("" when no part of it is possible), its first year, and what makes it doubtful.

    Flags: future (needs `today`), impossible (an impossible part was left out), ambiguous (3/4/2012 keeps its
    year only; 1300 in an Arabic record nothing), buddhist, hijri and persian (converted), assumed (in a calendar that
    nothing names), approximate ("ca.", "?", a decade, a converted Islamic day).
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


def to_gregorian(parts: Parts, text: str, reckoning: Reckoning, *, fixed: bool = False) -> Parts:
    """Return the parts in the common era; Hijri and Persian ones are only flagged, as their days and months shift too.

    `fixed`: the way in which they are written fixes the calendar, as W3CDTF does with a month.
    """
    if words.GREGORIAN.search(text):
        return parts
    if _is_buddhist(parts, text, reckoning):
        return replace(parts, year=parts.year - 543, flags=parts.flags | {"buddhist"}, rule="Buddhist era")
    marked = _calendar_marked(parts, text)
    if marked:
        return _in_calendar(parts, marked, reckoning)
    if fixed or reckoning.calendar == "gregorian":
        return parts
    return _bare(parts, reckoning)


def _is_buddhist(parts: Parts, text: str, reckoning: Reckoning) -> bool:
    if reckoning.calendar == "buddhist" or words.BUDDHIST.search(text):
        return parts.year > 2343
    return parts.year in _BUDDHIST_YEARS


def _calendar_marked(parts: Parts, text: str) -> str:
    """Return the calendar that a month's name or a mark in the text names, or ""."""
    if "persian" in parts.flags or (words.PERSIAN.search(text) and parts.year in _PERSIAN_YEARS):
        return "persian"
    return "hijri" if "hijri" in parts.flags or (words.HIJRI.search(text) and parts.year in _HIJRI_YEARS) else ""


def _bare(parts: Parts, reckoning: Reckoning) -> Parts:
    """Convert a year without a mark by the feed's calendar or the record's language, but never into the future."""
    named = reckoning.calendar if reckoning.calendar in _FIRST_DAY else ""
    name = named or _CALENDAR_BY_LANGUAGE.get(reckoning.language, "")
    if not name or parts.year not in _BARE_YEARS or _is_future(parts.year, name, reckoning.today):
        return parts
    if named:
        return replace(parts, flags=parts.flags | {name}, rule=name.capitalize())
    if parts.year not in _LIKELY_BARE_YEARS[name]:
        return replace(parts, flags=parts.flags | {"ambiguous", "unsettled"}, rule="year of one of two calendars")
    return replace(parts, flags=parts.flags | {name, "assumed"}, rule=f"{name.capitalize()}, assumed")


def _in_calendar(parts: Parts, name: str, reckoning: Reckoning) -> Parts:
    """Flag the parts as of a calendar; one that is marked so, and in the future there, is no date."""
    future = {"future", "unsettled"} if _is_future(parts.year, name, reckoning.today) else set[str]()
    rule = parts.rule if name in parts.flags else name.capitalize()
    return replace(parts, flags=parts.flags | {name} | future, rule=rule)


def _is_future(year: int, name: str, today: str | None) -> bool:
    return today is not None and _FIRST_DAY[name](year, 1, 1)[0] > int(today[:4])


_MONTHS = range(1, 13)
_MONTHS_AND_SEASONS = {*_MONTHS, 21, 22, 23, 24}
_FIRST_DAY = {"hijri": islamic.to_gregorian, "persian": persian.to_gregorian}


def to_date(parts: Parts) -> Date:
    """Return the date in EDTF; a part that is impossible is left out and flagged."""
    if "unsettled" in parts.flags:
        return Date(edtf="", year=None, flags=tuple(sorted(parts.flags - {"unsettled"})), rule=parts.rule)
    if "persian" in parts.flags:
        return _from_persian(parts)
    if "hijri" in parts.flags:
        return _from_hijri(parts)
    return _from_gregorian(parts)


def _from_gregorian(parts: Parts) -> Date:
    if not 1000 <= parts.year < 3000:
        return Date(edtf="", year=None, flags=("impossible",), rule=parts.rule)
    month, day = parts.month if parts.month in _MONTHS_AND_SEASONS else None, _possible_day(parts)
    is_possible = month == parts.month and (day == parts.day or month not in _MONTHS)
    flags = parts.flags if is_possible else parts.flags | {"impossible"}
    edtf = "-".join([f"{parts.year:04d}", *(f"{part:02d}" for part in (month, day) if part)])
    return Date(edtf=edtf, year=parts.year, flags=tuple(sorted(flags)), rule=parts.rule)


def _possible_day(parts: Parts) -> int | None:
    """Return the day if its month has it; a season has none."""
    if parts.month is None or parts.month not in _MONTHS or parts.day is None:
        return None
    return parts.day if 1 <= parts.day <= calendar.monthrange(parts.year, parts.month)[1] else None


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
    return _span(start, end, bool(month), flags, parts.rule)


def _from_persian(parts: Parts) -> Date:
    """Convert from the Persian solar calendar: a year or month to the span that it touches, a day exactly."""
    flags = tuple(sorted(parts.flags))
    month, day = parts.month if parts.month in range(1, 13) else None, parts.day
    if month and day and 1 <= day <= persian.month_length(parts.year, month):
        year, gregorian_month, gregorian_day = persian.to_gregorian(parts.year, month, day)
        return Date(
            edtf=f"{year:04d}-{gregorian_month:02d}-{gregorian_day:02d}", year=year, flags=flags, rule=parts.rule
        )
    start = persian.to_gregorian(parts.year, month or 1, 1)
    end = persian.to_gregorian(parts.year, month or 12, 29)
    return _span(start, end, bool(month), flags, parts.rule)


def _span(
    start: tuple[int, int, int], end: tuple[int, int, int], to_the_month: bool, flags: tuple[str, ...], rule: str
) -> Date:
    first, last = (f"{year:04d}-{month:02d}" if to_the_month else f"{year:04d}" for year, month, _ in (start, end))
    return Date(edtf=first if first == last else f"{first}/{last}", year=start[0], flags=flags, rule=rule)


def gregorian_of_same_year(first: int, second: int) -> int | None:
    """Return the Gregorian one of two years that are the same in two calendars (2554 and 2011, 1434 and 2013)."""
    for other, own in ((first, second), (second, first)):
        if own in range(1000, 2200) and _is_same_year(other, own):
            return own
    return None


def _is_same_year(other: int, own: int) -> bool:
    if other in _BUDDHIST_YEARS and own == other - 543:
        return True
    if (other in _PERSIAN_YEARS and own - other in (621, 622)) or (other in _RUMI_YEARS and own - other in (584, 585)):
        return True
    if other not in _HIJRI_YEARS:
        return False
    return bool(islamic.to_gregorian(other, 1, 1)[0] <= own <= islamic.to_gregorian(other, 12, 29)[0])
