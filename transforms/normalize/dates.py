"""Dates as they are written to EDTF level 1 (https://www.loc.gov/standards/datetime/); what is doubtful is flagged."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from convertdate import islamic

from schemas.base import Base
from transforms.normalize import dates_words as words
from transforms.normalize.tables import fold, table

LONGEST = 120  # characters; a longer statement is a sentence, not a date
BUDDHIST_YEARS = range(2400, 2700)  # nobody published then, counting from Christ's birth; BE 2400 is CE 1857
HIJRI_YEARS = range(1250, 1500)  # CE 1834 to 2077


class Date(Base, frozen=True, kw_only=True):
    """One date: EDTF level 1 ("" where nothing possible was said), its first year, and what makes it doubtful.

    Flags: future (needs `year_now`), impossible (the part that cannot be was left out), ambiguous (3/4/2012 keeps its
    year only), buddhist and hijri (converted), approximate ("ca.", "?", a decade, a converted Islamic day).
    """

    edtf: str
    year: int | None
    flags: tuple[str, ...] = ()
    rule: str


class Issued(Base, frozen=True, kw_only=True):
    """When a resource came out and when it was changed, with the place of each in what was said."""

    issued: Date | None = None
    modified: Date | None = None
    path_index: int | None = None
    modified_index: int | None = None
    flags: tuple[str, ...] = ()


class _Parts(Base, frozen=True, kw_only=True):
    year: int
    month: int | None = None
    day: int | None = None
    flags: frozenset[str] = frozenset()
    rule: str


_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ]\s*\d{1,2}:\d{2}.*|T\d{2}.*|Z)?")
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
_DECADE = re.compile(r"\[?(?:([12]\d{2})(?:0\s?['’]?s|[-uxX?]\??|0-?е)|([12]\d)(?:--|uu|xx|XX|\?\?)\??)\]?")
_CENTURY = re.compile(r"(1\d|2[01])(?:th|st) century", re.I)
_CORRECTED = re.compile(r"\d{3,4}\s*\[(?:i\.e\.?\s*)?([12]\d{3})\??\]")
_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?\b)?", re.I)
_ZONE = re.compile(r"\b(?:GMT|UTC|Z|[ECMP][SD]T|CES?T|BST|MSK)\b(?:\s*[+-]\d{1,2}:?\d{0,2})?|[+-]\d{4}\b(?!\d)")
_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?!\d)")
_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_QUALIFIED = re.compile(r"\[.*\?\s*\]|\?\s*\]?\.?$|^\?")


@lru_cache(maxsize=32768)
def date(said: str, *, language: str | None = None, year_now: int | None = None) -> Date | None:
    """The date that was said, or None when it says none. Never raises.

    `language` is the record's ("th" makes 2554 a Buddhist year, "ar" 1434 a Hijri one); `year_now` is the year of the
    harvest, after which a date is in the future. Times of day and zones are left out: the date is the one written.
    """
    text = _tidy(said)
    if not text or len(text) > LONGEST:
        return None
    tongue = (language or "").split("-")[0].split("_")[0].lower()
    if any("\u0e50" <= letter <= "\u0e59" for letter in said):
        tongue = "th"
    iso = _ISO.fullmatch(text)
    if iso and not _is_short_range(text):
        return _flagged(_made(_era(_numeric_parts(iso), text, tongue)), "", year_now)
    uncertain, approximate = bool(_QUALIFIED.search(text)), bool(words.CIRCA.search(text)) or text.endswith("~")
    bare = _bare(text)
    found = _many_years(text) or _span(bare, tongue) or _single(bare, text, tongue)
    if found is None:
        return None
    mark = "?" if uncertain else "~" if approximate else ""
    return _flagged(found, mark, year_now)


def issued(
    said: Sequence[tuple[str, str | None]], *, language: str | None = None, year_now: int | None = None
) -> Issued:
    """When the resource came out and was changed, among several dates, each with the source's word for it or None.

    A named meaning decides ("issued" before "created" before "available"; "accessioned" is the archive's, never the
    work's). Of dates of unknown meaning the earliest one without a time of day wins, a timestamp only where there is
    nothing else. Impossible and future dates come after all others.
    """
    read = [(at, kind, date(text, language=language, year_now=year_now), text) for at, (text, kind) in enumerate(said)]
    candidates = [
        (_rank(kind, text, found), at, found) for at, kind, found, text in read if found is not None and found.edtf
    ]
    first = min((one for one in candidates if one[0] is not None), key=lambda one: (one[0], one[1]), default=None)
    changed = [
        (found.edtf, at, found)
        for at, kind, found, _ in read
        if found is not None and found.edtf and _kind(kind) in table("dates")["modified"]
    ]
    last = max(changed, default=None, key=lambda one: one[0])
    flags = dict.fromkeys(flag for _, _, found, _ in read if found is not None for flag in found.flags)
    return Issued(
        issued=first[2] if first else None,
        modified=last[2] if last else None,
        path_index=first[1] if first else None,
        modified_index=last[1] if last else None,
        flags=tuple(flags),
    )


def _kind(kind: str | None) -> str:
    return re.sub(r"[^a-z]", "", (kind or "").lower().rpartition("date.")[2])


def _rank(kind: str | None, text: str, found: Date) -> tuple[int, int, str] | None:
    """How near a date is to "issued"; None for one that is of something else."""
    doubtful = 1 if {"impossible", "future"} & set(found.flags) else 0
    name = _kind(kind)
    if not name or name in ("date", "unknown", "other", "none"):
        return (doubtful, 6 if _TIME.search(text) else 4, found.edtf)
    place = table("dates")["issued"].get(name)
    return None if place is None else (doubtful, place, found.edtf)


def _tidy(said: str) -> str:
    """One line, with the digits of any script in ASCII."""
    text = " ".join(said[: LONGEST * 4].split())
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(letter, letter)) if letter.isdigit() else letter for letter in text)


def _bare(text: str) -> str:
    """The text without brackets, qualifiers, copyright signs and ordinal endings."""
    text = words.CIRCA.sub(" ", words.COPYRIGHT.sub(" ", text))
    text = words.SPACED_DIGITS.sub(" ", re.sub(r"[\[\]()<>?~]|^\s*(?:i\.e\.|d\.)\s*", " ", text))
    return " ".join(text.split()).strip(" .,;:")


def _span(text: str, tongue: str) -> Date | None:
    """A range, an open range or a decade."""
    found = _RANGE.fullmatch(text)
    if found:
        return _range(found[1], found[2], tongue)
    found = _SHORT_RANGE.fullmatch(text)
    if found and _is_short_range(text):
        return _range(found[1] + found[2], found[1] + found[3], tongue)
    found = _OPEN.fullmatch(text)
    if found:
        year = found[1] or found[2]
        return Date(edtf=f"{year}/.." if found[1] else f"../{year}", year=int(year), rule="open range")
    return None


def _many_years(text: str) -> Date | None:
    """A decade or a century, whose last digits are left open."""
    found, century = _DECADE.fullmatch(text), _CENTURY.fullmatch(text)
    if found or century:
        digits = (found[1] or found[2]) if found else str(int(century[1]) - 1) if century else ""
        return Date(edtf=digits.ljust(4, "X"), year=int(digits.ljust(4, "0")), flags=("approximate",), rule="decade")
    return None


def _is_short_range(text: str) -> bool:
    """Whether "1998-99" is two years: not a month, and not EDTF's season ("2012-21") unless the year after."""
    found = _SHORT_RANGE.fullmatch(text)
    if not found:
        return False
    first, last = int(found[2]), int(found[3])
    return last > max(12, first) and (last not in range(21, 25) or last == first + 1)


def _range(start: str, end: str, tongue: str) -> Date | None:
    first, last = (_made(_era(_iso(part), part, tongue)) for part in (start, end))
    if first is None or last is None or not first.edtf or not last.edtf:
        return None
    flags = dict.fromkeys(first.flags + last.flags)
    if first.edtf == last.edtf:
        return Date(edtf=first.edtf, year=first.year, flags=tuple(flags), rule="range")
    if first.edtf[:4] > last.edtf[:4]:
        return Date(edtf=first.edtf, year=first.year, flags=(*flags, "impossible"), rule="range")
    return Date(edtf=f"{first.edtf}/{last.edtf}", year=first.year, flags=tuple(flags), rule="range")


def _iso(text: str) -> _Parts:
    year, month, day = ([int(part) for part in text.split("-")] + [0, 0])[:3]
    return _Parts(year=year, month=month or None, day=day or None, rule="ISO 8601")


def _single(bare: str, text: str, tongue: str) -> Date | None:
    both, corrected = _gregorian_beside_hijri(text), _CORRECTED.search(text)
    if both:
        return both
    if corrected:
        return Date(edtf=corrected[1], year=int(corrected[1]), rule="year in brackets after another")
    plain = " ".join(
        re.sub(rf"{words.GREGORIAN.pattern}|{words.HIJRI.pattern}|{words.BUDDHIST.pattern}", " ", bare).split()
    )
    parts = _numeric(plain.strip(" .,/-")) or _in_words(plain, tongue) or _year_in_text(plain)
    return _made(_era(parts, text, tongue)) if parts else None


def _numeric(text: str) -> _Parts | None:
    found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if found:
        return _numeric_parts(found)
    found = _YMD.fullmatch(text)
    if found:
        year, month, day = (int(part or 0) for part in found.group(1, 3, 4))
        return _Parts(year=year, month=month or None, day=(month and day) or None, rule="year first")
    found = _DMY.fullmatch(text)
    if found:
        return _day_or_month_first(int(found[1]), int(found[3]), int(found[4]), found[2])
    found = _MY.fullmatch(text)
    if found:
        return _Parts(year=int(found[2]), month=int(found[1]), rule="month and year")
    return None


def _numeric_parts(found: re.Match[str]) -> _Parts:
    year, month, day = (int(part or 0) for part in found.groups())
    return _Parts(year=year, month=month or None, day=(month and day) or None, rule="ISO 8601")


def _day_or_month_first(first: int, second: int, year: int, separator: str) -> _Parts:
    """12/31/2012 and 31/12/2012 speak for themselves, 3.4.2012 is always day first; 3/4/2012 keeps its year only."""
    if separator == "." or first > 12 or first == second:
        return _Parts(year=year, month=second, day=first, rule="day first")
    if second > 12:
        return _Parts(year=year, month=first, day=second, rule="month first")
    return _Parts(year=year, flags=frozenset({"ambiguous"}), rule="day or month first")


def _in_words(text: str, tongue: str) -> _Parts | None:
    """A date with a month's or season's name, in any order: "Apr 29 16:35:48 PDT 2013", "15 มีนาคม 2554"."""
    years = _YEAR.findall(text)
    if len(set(years)) != 1:
        return None
    rest = _YEAR.sub(" ", _ZONE.sub(" ", _TIME.sub(" ", text)))
    letters = fold(re.sub(r"\d+", " ", rest))
    hijri = _named(letters, words.hijri_months())
    if hijri:
        return _Parts(
            year=int(years[0]), month=hijri, day=_day(rest), flags=frozenset({"hijri"}), rule="Islamic month's name"
        )
    month = _named(letters, words.months(tongue)) or _named(letters, words.months())
    if month is None:
        return None
    day = _day(rest) if month <= 12 else None
    return _Parts(year=int(years[0]), month=month, day=day, rule="month's name" if month <= 12 else "season")


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


def _year_in_text(text: str) -> _Parts | None:
    """The year in "Paris, 1998"; of two different ones the first, as ambiguous."""
    if _SHORT.fullmatch(text):
        return None
    years = list(dict.fromkeys(int(year) for year in _YEAR.findall(text)))
    if not years or len(text) > 60 or len(years) > 2:
        return None
    flags = frozenset({"ambiguous"}) if len(years) > 1 else frozenset[str]()
    return _Parts(year=years[0], flags=flags, rule="year in text")


def _gregorian_beside_hijri(text: str) -> Date | None:
    """ "1434هـ / 2013م" says both: the Gregorian one counts."""
    if not words.HIJRI.search(text):
        return None
    years = [int(year) for year in _YEAR.findall(text)]
    own = [year for year in years if year not in HIJRI_YEARS and year < 2100]
    if len(years) == 2 and len(own) == 1:
        return Date(edtf=str(own[0]), year=own[0], rule="Gregorian beside Hijri")
    return None


def _era(parts: _Parts, text: str, tongue: str) -> _Parts:
    """The parts counted from Christ's birth."""
    thai = parts.year in BUDDHIST_YEARS or (words.BUDDHIST.search(text) and parts.year > 2343)
    if thai and not words.GREGORIAN.search(text):
        flags = parts.flags | {"buddhist"}
        return _Parts(year=parts.year - 543, month=parts.month, day=parts.day, flags=flags, rule="Buddhist era")
    marked = "hijri" in parts.flags or bool(words.HIJRI.search(text))
    if parts.year in HIJRI_YEARS and (marked or (tongue == "ar" and not words.GREGORIAN.search(text))):
        flags = parts.flags | {"hijri"}
        return _Parts(year=parts.year, month=parts.month, day=parts.day, flags=flags, rule="Hijri")
    return parts


def _made(parts: _Parts) -> Date:
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


def _from_hijri(parts: _Parts) -> Date:
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


def _flagged(found: Date, mark: str, year_now: int | None) -> Date:
    """With the qualifier that EDTF has for it, and the flags that need more than the date itself."""
    edtf, flags = found.edtf, list(found.flags)
    if mark and edtf and edtf[-1].isdigit() and ".." not in edtf:
        edtf = "/".join(part + mark for part in edtf.split("/"))
    if mark and "approximate" not in flags:
        flags.append("approximate")
    if year_now is not None and found.year is not None and found.year > year_now:
        flags.append("future")
    return Date(edtf=edtf, year=found.year, flags=tuple(flags), rule=found.rule)
