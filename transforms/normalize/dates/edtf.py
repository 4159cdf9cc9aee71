"""Read dates as EDTF level 1 (https://www.loc.gov/standards/datetime/), and choose among the dates of a record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas import Base, read_vocabulary
from transforms.normalize.dates import words
from transforms.normalize.dates.calendars import Date, Reckoning, to_date, to_gregorian
from transforms.normalize.dates.shapes import (
    ISO,
    TIME,
    is_short_range,
    iso_parts,
    read_date_in_two_calendars,
    read_decade_or_century,
    read_range,
    read_school_year,
    read_single_date,
)
from transforms.normalize.folding import ascii_digits
from transforms.remembering import remember

_MAX_DATE_CHARS = 120  # a longer statement is a sentence, not a date
_OPENAIRE = re.compile(r"info:eu-repo/date/(\w+)/(.+)")  # https://guidelines.openaire.eu
_FIRST_DATE = re.compile(r"\d{4}(?:-\d\d){0,2}")  # of an EDTF date or interval
_THAI_DIGIT = re.compile("[\u0e50-\u0e59]")
_UNCERTAIN = re.compile(r"^[^\[]*+\[.*\?\s*+\]|\?\s*+\]?\.?$|^\?")
_ERA = re.compile(r"(明治|大正|昭和|平成|令和|民國|民国)\s*(元|\d{1,3})\s*年")
_YEAR_BEFORE_ERA = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民國": 1911, "民国": 1911}
_CHINESE_NUMBER = re.compile(r"[〇○零一二三四五六七八九十百]{1,6}(?=[年月日號号])|[〇○零一二三四五六七八九]{4}$")
_CHINESE_DIGITS = dict(zip("〇○零一二三四五六七八九", (0, 0, 0, *range(1, 10)), strict=True))
_ETHIOPIAN_YEAR = re.compile(
    r"([12]\d{3})\s?ዓ\.?\s?ም\.?|ዓ\.?\s?ም\.?\s?([12]\d{3})"
)  # begins in September of 7 years later
_RANK_WITHOUT_KIND, _RANK_OF_TIMESTAMP = 4, 6  # among those of dates.toml


class ChosenDates(Base, frozen=True, kw_only=True):
    """When a resource was issued and modified, with the index of each among the statements."""

    issued: Date | None = None
    modified: Date | None = None
    issued_index: int | None = None
    modified_index: int | None = None
    flags: tuple[str, ...] = ()  # of all statements


class _Statement(NamedTuple):
    """A statement with the date that it names, and how near it is to "issued": lower first, None for other dates."""

    position: int
    kind: str
    date: Date
    rank: tuple[int, int] | None


@remember(32768)
def read_date(
    statement: str, *, language: str | None = None, today: str | None = None, calendar: str | None = None
) -> Date | None:
    """Return the date that a statement names, or None when it names none. Never raises.

    `language` is the record's ("ar" makes 1434 a Hijri year, "fa" 1399 a Persian one), `calendar` that of years without
    a mark (gregorian, hijri, persian or buddhist; None: the language tells); `today` is the last day on
    which it was harvested anywhere ("2026-11-26"), after which a date is in the future. Times of day and zones are left
    out: the date is the one written.
    """
    text = _with_western_year(ascii_digits(" ".join(statement[: _MAX_DATE_CHARS * 4].split())))
    if not text or len(text) > _MAX_DATE_CHARS or words.BEFORE_COMMON_ERA.search(text):
        return None
    reckoning = Reckoning(_calendar_language(statement, language), calendar or "", today)
    iso = ISO.fullmatch(text)
    if iso and not is_short_range(text):
        parts = to_gregorian(iso_parts(iso), text, reckoning, fixed=bool(iso[2]))
        return _with_flags(to_date(parts), "", today)
    date = _read_text(text, reckoning)
    return _with_flags(date, _qualifier(text), today) if date else None


def _with_western_year(text: str) -> str:
    """Write years of Japanese eras and of the Republic of China, and Chinese numbers, as ours: "令和2年" is 2020年."""
    if "ዓ" in text:
        return _ETHIOPIAN_YEAR.sub(_years_of_ethiopian, text)
    if "年" not in text and not _CHINESE_NUMBER.search(text):
        return text
    text = _CHINESE_NUMBER.sub(lambda match: str(_chinese_number(match[0])), text)
    return _ERA.sub(lambda match: f"{_YEAR_BEFORE_ERA[match[1]] + (1 if match[2] == '元' else int(match[2]))}年", text)


def _years_of_ethiopian(match: re.Match[str]) -> str:
    year = int(match[1] or match[2])
    return f"{year + 7}/{year + 8}"


def _chinese_number(text: str) -> int:
    """Return the number of digits alone ("二〇一九", "一〇八"), or with ten and hundred ("一百零八", "三十一")."""
    total = digits = 0
    for sign in text:
        if sign in "十百":
            total, digits = total + (digits or 1) * (10 if sign == "十" else 100), 0
        else:
            digits = digits * 10 + _CHINESE_DIGITS[sign]
    return total + digits


def _read_text(text: str, reckoning: Reckoning) -> Date | None:
    bare = _without_additions(text)
    return (
        read_date_in_two_calendars(text, reckoning)
        or read_decade_or_century(words.CIRCA.sub("", text).strip())
        or read_range(bare, text, reckoning)
        or read_school_year(bare, text, reckoning)
        or read_single_date(bare, text, reckoning)
    )


def says_no_date(statement: str) -> bool:
    """Return whether a statement says that there is no date ("n.d.", "без даты"), or says nothing."""
    text = " ".join(statement[:_MAX_DATE_CHARS].casefold().split())
    return not text or any(re.search(pattern, text) for pattern in read_vocabulary("dates")["no_date"]["patterns"])


def _calendar_language(statement: str, language: str | None) -> str:
    """Return the code of the language whose calendar counts: Thai where the digits are, else the record's."""
    return "th" if _THAI_DIGIT.search(statement) else (language or "").split("-")[0].split("_")[0].lower()


def _qualifier(text: str) -> str:
    """Return EDTF's mark of an uncertain or approximate date, or ""."""
    if _UNCERTAIN.search(text):
        return "?"
    return "~" if words.CIRCA.search(text) or text.endswith("~") else ""


def choose_dates(
    statements: Sequence[tuple[str, str | None]],
    *,
    language: str | None = None,
    today: str | None = None,
    calendar: str | None = None,
) -> ChosenDates:
    """Return when a resource was issued and modified, among statements with the source's kind of date or None.

    A kind decides ("issued" before "created" before "available"; "accessioned" is the archive's, never the work's).
    Of dates without a kind the earliest one without a time of day wins, a timestamp only where there is nothing else.
    Impossible and future dates come after all others.
    """
    return _choose_dates(tuple(statements), language, today, calendar)


@remember(32768)
def _choose_dates(
    statements: tuple[tuple[str, str | None], ...], language: str | None, today: str | None, calendar: str | None
) -> ChosenDates:
    read = list(_read_statements(statements, language, today, calendar))
    flags = dict.fromkeys(flag for statement in read for flag in statement.date.flags)
    dated = [statement for statement in read if statement.date.edtf]
    issued, modified = _issued(dated), _modified(dated)
    return ChosenDates(
        issued=issued and issued.date,
        modified=modified and modified.date,
        issued_index=issued and issued.position,
        modified_index=modified and modified.position,
        flags=tuple(flags),
    )


def _read_statements(
    statements: Sequence[tuple[str, str | None]], language: str | None, today: str | None, calendar: str | None
) -> Iterator[_Statement]:
    """Yield the statements that name a date; a kind is written as in dates.toml, "dc.date.issued" as "issued"."""
    for position, (text, kind) in enumerate(map(_split_openaire, statements)):
        date = read_date(text, language=language, today=today, calendar=calendar)
        if date is not None:
            name = re.sub(r"[^a-z]", "", (kind or "").lower().rpartition("date.")[2])
            yield _Statement(position, name, date, _rank(name, text, date))


def _issued(dated: list[_Statement]) -> _Statement | None:
    """Choose the first by rank, date and index, or a finer date of its rank: "2019-05-06" for "2019".

    The first of January is what systems fill in for a year, and says no more than the year.
    """
    ranked = [
        (statement.rank, statement.date.edtf, statement.position, statement) for statement in dated if statement.rank
    ]
    if not ranked:
        return None
    rank, edtf, _, first = min(ranked, key=lambda row: row[:3])
    finer = [
        row for row in ranked if row[0] == rank and row[1].startswith(f"{edtf}-") and not row[1].endswith("-01-01")
    ]
    return min(finer, key=lambda row: row[1:3])[3] if finer else first


def _modified(dated: list[_Statement]) -> _Statement | None:
    """Choose the latest of the dates of changes."""
    changes = [statement for statement in dated if statement.kind in read_vocabulary("dates")["modified"]]
    return max(changes, default=None, key=lambda statement: statement.date.edtf)


def _split_openaire(statement: tuple[str, str | None]) -> tuple[str, str | None]:
    """Split "info:eu-repo/date/embargoEnd/2026-11-01" into date and kind."""
    match = _OPENAIRE.fullmatch(statement[0].strip())
    return (match[2], match[1]) if match else statement


def _rank(kind: str, text: str, date: Date) -> tuple[int, int] | None:
    doubtful = 1 if {"impossible", "future"} & set(date.flags) else 0
    if not kind or kind in ("date", "unknown", "other", "none"):
        return (doubtful, _RANK_OF_TIMESTAMP if TIME.search(text) else _RANK_WITHOUT_KIND)
    rank = read_vocabulary("dates")["issued"].get(kind)
    return None if rank is None else (doubtful, rank)


def _without_additions(text: str) -> str:
    """Remove brackets, qualifiers, copyright signs and ordinal endings."""
    text = words.CIRCA.sub(" ", words.COPYRIGHT.sub(" ", text))
    text = words.ORDINAL_ENDING.sub(" ", re.sub(r"[\[\]()<>?~]|^\s*(?:i\.e\.|d\.)\s*", " ", text))
    return " ".join(text.split()).strip(" .,;:")


def _with_flags(date: Date, qualifier: str, today: str | None) -> Date:
    """Add EDTF's qualifier, "?" or "~" or "", and the flags that need more than the date itself."""
    edtf = date.edtf
    if qualifier and edtf and edtf[-1].isdigit() and ".." not in edtf:
        edtf = "/".join(part + qualifier for part in edtf.split("/"))
    flags = dict.fromkeys((*date.flags, *(["approximate"] if qualifier else [])))
    if _is_after(edtf, today):
        flags["future"] = None
    return Date(edtf=edtf, year=date.year, flags=tuple(flags), rule=date.rule)


def _is_after(edtf: str, today: str | None) -> bool:
    first = _FIRST_DATE.match(edtf)
    return today is not None and first is not None and first[0] > today[: len(first[0])]
