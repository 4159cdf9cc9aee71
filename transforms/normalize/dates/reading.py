"""One written date, told by its shape: numbers, ranges, decades, names of months, a year somewhere in a text."""

from __future__ import annotations

import re
from itertools import pairwise

from transforms.normalize.dates import words
from transforms.normalize.dates.parts import Date, Parts, era, made, same_year
from transforms.normalize.folding import fold

ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ]\s*\d{1,2}:\d{2}.*|T\d{2}.*|Z)?")
_COMPACT = re.compile(r"((?:1[5-9]|2[0-6])\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:T?\d{4,6}.*)?")
_YMD = re.compile(r"([12]\d{3})([./年 ])\s?(\d{1,2})(?:[./月 ]\s?(\d{1,2})日?)?(?:[T ]\s*\d{1,2}:\d{2}.*)?")
_DMY = re.compile(r"(\d{1,2})\s*([./-])\s*(\d{1,2})\s*[./-]\s*([12]\d{3})\.?(?:[T, ]+\d{1,2}:\d{2}.*)?")
_MY = re.compile(r"(\d{1,2})[./-]([12]\d{3})")
_SHORT = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}(?:[T ].*)?")
_RANGE = re.compile(
    r"(?:between |entre |from )?([12]\d{3}(?:-\d{2}(?:-\d{2})?)?)"
    r"\s*(?:/|--|–|—|‒|\.\.|\bto\b|\band\b|\bet\b|\s-\s|-)\s*([12]\d{3}(?:-\d{2}(?:-\d{2})?)?)",
    re.I,
)
_SHORT_RANGE = re.compile(r"([12]\d)(\d{2})\s*[-–/]\s*(\d{2})")
_OPEN = re.compile(r"([12]\d{3})\s*(?:-|–|/|/\.\.|-\s*present|\.\.)|(?:\.\./|/)\s*([12]\d{3})", re.I)
_BOUND = re.compile(
    r"(before|avant|vor|antes de|до|пре|قبل) ([12]\d{3})|(after|après|nach|después de|после|بعد) ([12]\d{3})", re.I
)
_ISO_DAY = re.compile(r"(?<!\d)[12]\d{3}-\d{2}-\d{2}(?!\d)")
_DECADE = re.compile(r"\[?(?:([12]\d{2})(?:0\s?['’]?s|[-uxX?]\??|0-?е)|([12]\d)(?:--|uu|xx|XX|\?\?)\??)\]?")
_CENTURY = re.compile(r"(1\d|2[01])(?:th|st) century", re.I)
_CORRECTED = re.compile(r"\d{3,4}\s*\[(?:i\.e\.?\s*)?([12]\d{3})\??\]")
TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?\b)?", re.I)
_ZONE = re.compile(r"\b(?:GMT|UTC|Z|[ECMP][SD]T|CES?T|BST|MSK)\b(?:\s*[+-]\d{1,2}:?\d{0,2})?|[+-]\d{4}\b(?!\d)")
_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?!\d)")
_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")


def span(text: str, said: str, tongue: str) -> Date | None:
    """A range or an open range; `said` is the whole statement, whose marks of an era count for both ends."""
    plain = _without_eras(text).strip(" .,")
    found, short = _RANGE.fullmatch(plain), _SHORT_RANGE.fullmatch(plain)
    if found:
        return _range(found[1], found[2], said, tongue)
    if short and is_short_range(plain):
        return _range(short[1] + short[2], short[1] + short[3], said, tongue)
    found = _OPEN.fullmatch(plain)
    if found:
        one = made(era(_iso(found[1] or found[2]), said, tongue))
        edtf = f"{one.edtf.split('/')[0]}/.." if found[1] else f"../{one.edtf.split('/')[-1]}"
        return Date(edtf=edtf, year=one.year, flags=one.flags, rule="open range")
    found = _BOUND.fullmatch(plain)
    if found:
        edtf = f"../{found[2]}" if found[1] else f"{found[4]}/.."
        return Date(edtf=edtf, year=int(found[2] or found[4]), flags=("approximate",), rule="before or after")
    return None


def many_years(text: str) -> Date | None:
    """A decade or a century, whose last digits are left open."""
    found, century = _DECADE.fullmatch(text), _CENTURY.fullmatch(text)
    if found or century:
        digits = (found[1] or found[2]) if found else str(int(century[1]) - 1) if century else ""
        return Date(edtf=digits.ljust(4, "X"), year=int(digits.ljust(4, "0")), flags=("approximate",), rule="decade")
    return None


def is_short_range(text: str) -> bool:
    """Whether "1998-99" is two years: not a month, and not EDTF's season ("2012-21") unless the year after."""
    found = _SHORT_RANGE.fullmatch(text)
    if not found:
        return False
    first, last = int(found[2]), int(found[3])
    return last > max(12, first) and (last not in range(21, 25) or last == first + 1)


def _range(start: str, end: str, said: str, tongue: str) -> Date | None:
    """From the first date to the last; a converted Hijri year is itself a span, of which the outer end counts."""
    first, last = (made(era(_iso(part), said, tongue)) for part in (start, end))
    if not first.edtf or not last.edtf:
        return None
    flags = tuple(dict.fromkeys(first.flags + last.flags))
    lower, upper = first.edtf.split("/")[0], last.edtf.split("/")[-1]
    if lower[:4] > upper[:4]:
        return Date(edtf=lower, year=first.year, flags=(*flags, "impossible"), rule="range")
    edtf = lower if lower == upper else f"{lower}/{upper}"
    return Date(edtf=edtf, year=first.year, flags=flags, rule="range")


def _iso(text: str) -> Parts:
    year, month, day = ([int(part) for part in text.split("-")] + [0, 0])[:3]
    return Parts(year=year, month=month or None, day=day or None, rule="ISO 8601")


def single(bare: str, text: str, tongue: str) -> Date | None:
    """One date in numbers or words, or the one year of a text."""
    corrected = _CORRECTED.search(text)
    if corrected:
        return Date(edtf=corrected[1], year=int(corrected[1]), rule="year in brackets after another")
    plain = _without_eras(bare)
    parts = _numeric(plain.strip(" .,/-")) or _in_words(plain, tongue) or _year_in_text(plain)
    return made(era(parts, text, tongue)) if parts else None


def in_two_calendars(text: str) -> Date | None:
    """The Gregorian year of "1434هـ / 2013م" and "2554 [2011]", which say one year twice."""
    years = [int(year) for year in _YEAR.findall(text)]
    year = same_year(*years) if len(years) == 2 else None
    return None if year is None else Date(edtf=str(year), year=year, rule="one year in two calendars")


def _without_eras(text: str) -> str:
    for marks in (words.GREGORIAN, words.HIJRI, words.BUDDHIST):
        text = marks.sub(" ", text)
    return " ".join(text.split())


def _numeric(text: str) -> Parts | None:
    found = ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if found:
        return as_iso(found)
    found = _YMD.fullmatch(text)
    if found:
        year, month, day = (int(part or 0) for part in found.group(1, 3, 4))
        return Parts(year=year, month=month or None, day=(month and day) or None, rule="year first")
    found = _DMY.fullmatch(text)
    if found:
        return _day_or_month_first(int(found[1]), int(found[3]), int(found[4]), found[2])
    found = _MY.fullmatch(text)
    if found:
        return Parts(year=int(found[2]), month=int(found[1]), rule="month and year")
    return None


def as_iso(found: re.Match[str]) -> Parts:
    year, month, day = (int(part or 0) for part in found.groups())
    return Parts(year=year, month=month or None, day=(month and day) or None, rule="ISO 8601")


def _day_or_month_first(first: int, second: int, year: int, separator: str) -> Parts:
    """12/31/2012 and 31/12/2012 speak for themselves, 3.4.2012 is always day first; 3/4/2012 keeps its year only."""
    if separator == "." or first > 12 or first == second:
        return Parts(year=year, month=second, day=first, rule="day first")
    if second > 12:
        return Parts(year=year, month=first, day=second, rule="month first")
    return Parts(year=year, flags=frozenset({"ambiguous"}), rule="day or month first")


def _in_words(text: str, tongue: str) -> Parts | None:
    """A date with a month's or season's name, in any order: "Apr 29 16:35:48 PDT 2013", "15 มีนาคม 2554"."""
    years = _YEAR.findall(text)
    if len(set(years)) != 1:
        return None
    rest = _YEAR.sub(" ", _ZONE.sub(" ", TIME.sub(" ", text)))
    letters = fold(re.sub(r"\d+", " ", rest))
    hijri = _named(letters, words.hijri_months())
    if hijri:
        return Parts(
            year=int(years[0]), month=hijri, day=_day(rest), flags=frozenset({"hijri"}), rule="Islamic month's name"
        )
    month = _named(letters, words.months(tongue)) or _named(letters, words.months())
    if month is None:
        return None
    day = _day(rest) if month <= 12 else None
    return Parts(year=int(years[0]), month=month, day=day, rule="month's name" if month <= 12 else "season")


def _day(rest: str) -> int | None:
    numbers = [int(number) for number in _NUMBER.findall(rest)]
    return numbers[0] if len(numbers) == 1 and numbers[0] > 0 else None


def _named(letters: str, names: dict[str, int]) -> int | None:
    """The month that is named: one of the words, or two of them together; None when several are."""
    tokens = letters.split()
    pairs = [" ".join(pair) for pair in pairwise(tokens)]
    two = {names[pair] for pair in pairs if pair in names}
    found = two or {names[token] for token in tokens if token in names}
    return found.pop() if len(found) == 1 else None


def _year_in_text(text: str) -> Parts | None:
    """The date in "Published: 2012-03-04", the year in "Paris, 1998"; of two different ones the first, as ambiguous."""
    whole = set(_ISO_DAY.findall(text))
    if len(whole) == 1:
        return _iso(whole.pop())
    if _SHORT.fullmatch(text):
        return None
    years = list(dict.fromkeys(int(year) for year in _YEAR.findall(text)))
    if not years or len(text) > 60 or len(years) > 2:
        return None
    flags = frozenset({"ambiguous"}) if len(years) > 1 else frozenset[str]()
    return Parts(year=years[0], flags=flags, rule="year in text")
