"""Read one date by its shape: numbers, ranges, decades, names of months, a year somewhere in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from schemas import replace
from transforms.normalize.dates import words
from transforms.normalize.dates.calendars import (
    Date,
    Parts,
    Reckoning,
    gregorian_of_same_year,
    to_date,
    to_gregorian,
)
from transforms.normalize.folding import fold

ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ]\s*\d{1,2}:\d{2}.*|T\d{2}.*|Z)?")
_COMPACT = re.compile(r"((?:1[5-9]|2[0-6])\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:T?\d{4,6}.*)?")
_YEAR_FIRST = re.compile(
    r"([12]\d{3})([./年년 ])\s?(\d{1,2})(?:[./月월 ]\s?(\d{1,2})[日일]?|[月월])?(?:[T ]\s*\d{1,2}:\d{2}.*)?"
)
_VIETNAMESE = re.compile(r"(?:ngày\s+)?(?:(\d{1,2})\s+)?tháng\s+(\d{1,2})(?:\s+năm|[,/]|)\s+([12]\d{3})", re.IGNORECASE)
_DAY_OR_MONTH_FIRST = re.compile(r"(\d{1,2})\s*([./-])\s*(\d{1,2})\s*[./-]\s*([12]\d{3})\.?(?:[T, ]+\d{1,2}:\d{2}.*)?")
_MONTH_YEAR = re.compile(r"(\d{1,2})[./-]([12]\d{3})")
_SHORT_YEAR = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}(?:[T ].*)?")
_RANGE = re.compile(
    r"(?:between |entre |from )?([12]\d{3}(?:-\d{2}(?:-\d{2})?)?)"
    r"\s*(?:/|--|–|—|‒|\.\.|\bto\b|\band\b|\bet\b|\s-\s|-)\s*([12]\d{3}(?:-\d{2}(?:-\d{2})?)?)",
    re.I,
)
_SHORT_RANGE = re.compile(r"([12]\d)(\d{2})\s*[-–—/]\s*(\d{2})")
_SCHOOL_YEAR = re.compile(r"(?<![\d/–—-])[12]\d{3} ?[-–—/] ?(?:[12]\d)?\d{2}(?![\d/–—-])")
_OPEN_RANGE = re.compile(r"([12]\d{3})\s*(?:-|–|/|/\.\.|-\s*present|\.\.)|(?:\.\./|/)\s*([12]\d{3})", re.I)
_BEFORE_OR_AFTER = re.compile(
    r"(before|avant|vor|antes de|до|пре|قبل) ([12]\d{3})|(after|après|nach|después de|после|بعد) ([12]\d{3})", re.I
)
_ISO_DAY = re.compile(r"(?<!\d)[12]\d{3}-\d{2}-\d{2}(?!\d)")
_DECADE = re.compile(r"\[?(?:([12]\d{2})(?:0\s?['’]?s|[-uxX?]\??|0-?е)|([12]\d)(?:--|uu|xx|XX|\?\?)\??)\]?")
_DECADE_IN_WORDS = re.compile(
    r"(?:les |the |los |os |die |gli )?(?:années|anni|años|anos|década de|decada de|godine|година)\s+([12]\d{2})0"
    r"|([12]\d{2})0er(?: Jahren?)?",
    re.IGNORECASE,
)
_CENTURY = re.compile(r"(1\d|2[01])(?:th|st) century", re.I)
_CORRECTED = re.compile(r"\d{3,4}\s*\[(?:i\.e\.?\s*)?([12]\d{3})\??\]")
TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?\b)?", re.I)
_ZONE = re.compile(r"\b(?:GMT|UTC|Z|[ECMP][SD]T|CES?T|BST|MSK)\b(?:\s*[+-]\d{1,2}:?\d{0,2})?|[+-]\d{4}\b(?!\d)")
_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?!\d)")
_YEAR_OF_ANY_CALENDAR = re.compile(r"(?<!\d)\d{3,4}(?!\d)")
_YEAR_MARKED_GREGORIAN = re.compile(r"(?<!\d)([12]\d{3})\s*+(?:م(?!\w)|ميلادي|A\.? ?D\b|C\.? ?E\b|ค\.? ?ศ)")
_YEARS_OF_OTHER_MONTHS = range(1000, 1501)  # with a Hijri or Persian month's name
_EARLY_YEAR = re.compile(r"\d{3}")
_BETWEEN_CALENDARS = re.compile(r"[()\[\]=;،]|(?<=\s)/|/(?=\s)|(?<=\d)/(?=\d{4}$)|الموافق|(?<=هـ)\s*/|\s[-–—]\s")
_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")


def read_range(text: str, statement: str, reckoning: Reckoning) -> Date | None:
    """Read a range or an open range; the marks of an era in the whole statement count for both ends."""
    plain = _without_era_marks(text).strip(" .,")
    if match := _RANGE.fullmatch(plain):
        return _make_range(match[1], match[2], statement, reckoning)
    if is_short_range(plain) and (match := _SHORT_RANGE.fullmatch(plain)):
        century = int(match[1]) + (match[3] == "00")  # 1999/00
        return _make_range(match[1] + match[2], f"{century}{match[3]}", statement, reckoning)
    if match := _OPEN_RANGE.fullmatch(plain):
        known_end = to_date(to_gregorian(_parts_of_iso(match[1] or match[2]), statement, reckoning))
        edtf = f"{known_end.edtf.split('/')[0]}/.." if match[1] else f"../{known_end.edtf.split('/')[-1]}"
        return Date(edtf=edtf, year=known_end.year, flags=known_end.flags, rule="open range")
    if match := _BEFORE_OR_AFTER.fullmatch(plain):
        edtf = f"../{match[2]}" if match[1] else f"{match[4]}/.."
        return Date(edtf=edtf, year=int(match[2] or match[4]), flags=("approximate",), rule="before or after")
    return None


def read_school_year(text: str, statement: str, reckoning: Reckoning) -> Date | None:
    """Read two years that follow each other beside words without a month: "Academic year 2018-2019"."""
    match = _SCHOOL_YEAR.search(text)
    if match is None or any(map(str.isdigit, text[: match.start()] + text[match.end() :])):
        return None
    years = match[0].replace(" ", "")
    end = int(years[5:]) if len(years) == 9 else int(years[:2] + years[5:]) + 100 * (years[5:] == "00")
    is_range = len(years) == 9 or is_short_range(years)  # "2009-10" may be October
    if not is_range or end != int(years[:4]) + 1 or _parts_from_words(text, reckoning.language):
        return None
    return _make_range(years[:4], str(end), statement, reckoning)


def read_decade_or_century(text: str) -> Date | None:
    """Read a decade or a century as a year whose last digits are left open."""
    if decade := _DECADE.fullmatch(text) or _DECADE_IN_WORDS.fullmatch(text):
        digits = decade[1] or decade[2]
    elif century := _CENTURY.fullmatch(text):
        digits = str(int(century[1]) - 1)
    else:
        return None
    return Date(edtf=digits.ljust(4, "X"), year=int(digits.ljust(4, "0")), flags=("approximate",), rule="decade")


def is_short_range(text: str) -> bool:
    """Return whether "1998-99" or "2009/10" is two years.

    Not a month, and not a season of EDTF ("2012-21") unless the next year.
    """
    match = _SHORT_RANGE.fullmatch(text)
    if not match:
        return False
    first, last = int(match[2]), int(match[3])
    if "-" not in text and last == (first + 1) % 100:  # a school year: 2009/10
        return True
    return last > max(12, first) and (last not in range(21, 25) or last == first + 1)


def _make_range(start: str, end: str, statement: str, reckoning: Reckoning) -> Date | None:
    """Make a range of two dates; a converted Hijri year is a range itself, of which the outer end counts."""
    is_school_year = int(end[:4]) == int(start[:4]) + 1  # a longer range without a mark is of the common era
    first, last = (
        to_date(to_gregorian(_parts_of_iso(part), statement, reckoning, fixed="-" in part or not is_school_year))
        for part in (start, end)
    )
    if not first.edtf or not last.edtf:
        return None
    flags = tuple(dict.fromkeys(first.flags + last.flags))
    lower, upper = first.edtf.split("/")[0], last.edtf.split("/")[-1]
    if lower[:4] > upper[:4]:
        return Date(edtf=lower, year=first.year, flags=(*flags, "impossible"), rule="range")
    edtf = lower if lower == upper else f"{lower}/{upper}"
    return Date(edtf=edtf, year=first.year, flags=flags, rule="range")


def _parts_of_iso(text: str) -> Parts:
    year, month, day = ([int(part) for part in text.split("-")] + [0, 0])[:3]
    return Parts(year=year, month=month or None, day=day or None, rule="ISO 8601")


def read_single_date(bare: str, text: str, reckoning: Reckoning) -> Date | None:
    """Read one date in numbers or words, or the one year of a text."""
    corrected = _CORRECTED.search(text)
    if corrected:
        return Date(edtf=corrected[1], year=int(corrected[1]), rule="year in brackets after another")
    plain = _without_era_marks(bare)
    numbers = plain.strip(" .,/-")
    fixed = bool(ISO.fullmatch(numbers))
    parts = (
        _parts_from_numbers(numbers)
        or _parts_from_words(plain, reckoning.language)
        or _parts_from_text(plain)
        or _early_hijri_year(plain, text)
    )
    return to_date(to_gregorian(parts, text, reckoning, fixed=fixed and parts.month is not None)) if parts else None


def _early_hijri_year(plain: str, text: str) -> Parts | None:
    """Read "891 AH", a year of three digits that is marked as Hijri."""
    match = _EARLY_YEAR.fullmatch(plain)
    return Parts(year=int(match[0]), rule="Hijri") if match and words.HIJRI.search(text) else None


def read_date_in_two_calendars(text: str, reckoning: Reckoning) -> Date | None:
    """Read the Gregorian one of two dates: "1434هـ / 2013م", "2554 [2011]", "15 رمضان 1434 الموافق 23 يوليو 2013"."""
    years = [int(year) for year in _YEAR_OF_ANY_CALENDAR.findall(text)]
    year = gregorian_of_same_year(*years) if len(years) == 2 else _marked_gregorian_year(text)
    if year is None:
        return None
    own = [piece.strip() for piece in _BETWEEN_CALENDARS.split(text) if str(year) in piece]
    date = _own_date(own[0], year, reckoning) if len(own) == 1 else None
    return date or Date(edtf=str(year), year=year, rule="one year in two calendars")


def _own_date(text: str, year: int, reckoning: Reckoning) -> Date | None:
    """Read the piece of a text that has the Gregorian year: a range, or a date with more than the year."""
    if span := _RANGE.fullmatch(_without_era_marks(text)):
        return _make_range(span[1], span[2], f"{text} CE", reckoning)
    if len(_YEAR_OF_ANY_CALENDAR.findall(text)) != 1:
        return None
    date = read_single_date(_without_era_marks(text), f"{text} CE", reckoning)
    return replace(date, rule="one date in two calendars") if date is not None and date.year == year else None


def _marked_gregorian_year(text: str) -> int | None:
    """Return the one year marked as Gregorian beside others marked as of another calendar."""
    if not (words.HIJRI.search(text) or words.PERSIAN.search(text) or words.BUDDHIST.search(text)):
        return None
    marked = {int(year) for year in _YEAR_MARKED_GREGORIAN.findall(text)}
    return marked.pop() if len(marked) == 1 else None


def _without_era_marks(text: str) -> str:
    for marks in (words.GREGORIAN, words.PERSIAN, words.HIJRI, words.BUDDHIST):
        text = marks.sub(" ", text)
    return " ".join(text.split())


def _parts_from_numbers(text: str) -> Parts | None:
    if match := ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        return iso_parts(match)
    if match := _YEAR_FIRST.fullmatch(text):
        return _parts(match.group(1, 3, 4), "year first")
    if match := _VIETNAMESE.fullmatch(text):
        return _parts(match.group(3, 2, 1), "numbered month")
    if match := _DAY_OR_MONTH_FIRST.fullmatch(text):
        return _day_or_month_first(int(match[1]), int(match[3]), int(match[4]), match[2])
    if match := _MONTH_YEAR.fullmatch(text):
        return Parts(year=int(match[2]), month=int(match[1]), rule="month and year")
    return None


def iso_parts(match: re.Match[str]) -> Parts:
    """Return the parts of a match of ISO."""
    return _parts(match.groups(), "ISO 8601")


def _parts(numbers: Sequence[str | None], rule: str) -> Parts:
    year, month, day = (int(number or 0) for number in numbers)
    return Parts(year=year, month=month or None, day=(month and day) or None, rule=rule)


def _day_or_month_first(first: int, second: int, year: int, separator: str) -> Parts:
    """Tell 12/31/2012 from 31/12/2012; 3.4.2012 is always day first, 3/4/2012 keeps only its year."""
    if separator == "." or first > 12 or first == second:
        return Parts(year=year, month=second, day=first, rule="day first")
    if second > 12:
        return Parts(year=year, month=first, day=second, rule="month first")
    return Parts(year=year, flags=frozenset({"ambiguous"}), rule="day or month first")


def _parts_from_words(text: str, language: str) -> Parts | None:
    """Read a date with a month's or season's name, in any order: "Apr 29 16:35:48 PDT 2013", "15 มีนาคม 2554"."""
    years = _YEAR.findall(text)
    if len(set(years)) != 1:
        return None
    rest = _YEAR.sub(" ", _ZONE.sub(" ", TIME.sub(" ", text)))
    letters = fold(re.sub(r"\d+", " ", rest))
    if int(years[0]) in _YEARS_OF_OTHER_MONTHS:
        for name, names in (("hijri", words.hijri_months()), ("persian", words.persian_months())):
            if other := _month_named(letters, names):
                rule = f"{name.capitalize()} month's name"
                return Parts(year=int(years[0]), month=other, day=_day(rest), flags=frozenset({name}), rule=rule)
    month = _month_named(letters, words.months(language)) or _month_named(letters, words.months())
    if month is None:
        return None
    day = _day(rest) if month <= 12 else None
    return Parts(year=int(years[0]), month=month, day=day, rule="month's name" if month <= 12 else "season")


def _day(rest: str) -> int | None:
    numbers = [int(number) for number in _NUMBER.findall(rest)]
    return numbers[0] if len(numbers) == 1 and numbers[0] > 0 else None


def _month_named(letters: str, names: dict[str, int]) -> int | None:
    """Return the month that one word, or two together, name; None when several months are named."""
    tokens = letters.split()
    pairs = [" ".join(pair) for pair in pairwise(tokens)]
    two = {names[pair] for pair in pairs if pair in names}
    months = two or {names[token] for token in tokens if token in names}
    return months.pop() if len(months) == 1 else None


def _parts_from_text(text: str) -> Parts | None:
    """Read the date in "Published: 2012-03-04", the year in "Paris, 1998"; the first of two years, as ambiguous."""
    whole = set(_ISO_DAY.findall(text))
    if len(whole) == 1:
        return _parts_of_iso(whole.pop())
    if _SHORT_YEAR.fullmatch(text):
        return None
    years = list(dict.fromkeys(int(year) for year in _YEAR.findall(text)))
    if not years or len(text) > 60 or len(years) > 2:
        return None
    flags = frozenset({"ambiguous"}) if len(years) > 1 else frozenset[str]()
    return Parts(year=years[0], flags=flags, rule="year in text")
