"""Typical learning times (LOM 5.9) as ISO 8601 durations."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from transforms.normalize.tables import fold, table

LONGEST = 100  # characters

_ISO = re.compile(
    r"(?:P|(?=T))(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?"
)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)(?:\.\d+)?")
_SHORT = re.compile(r"(\d{1,2})\s*h\s*([0-5]\d)(?:\s*min)?", re.IGNORECASE)
_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})?"
# Thai vowel signs are no \w
_WORD = r"[^\W\d_][^\W\d_\u0e31-\u0e3a\u0e47-\u0e4e]*(?:[\u0e31-\u0e3a\u0e47-\u0e4e][^\W\d_]*)*"
_PIECE = re.compile(rf"({_NUMBER})\s*({_WORD})")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_LARGE = {"day": "D", "week": "W", "month": "M"}


@lru_cache(maxsize=4096)
def learning_time(said: str) -> str | None:
    """The duration that was said, as "PT1H30M", "P3W"; None where it is none or not certain.

    Read: ISO 8601, "1h30", "01:30:00", numbers with units in the library's languages. Not read: ranges ("1-2 hours"),
    bounds ("less than 1 hour") and didactic hours, whose length differs by country.
    """
    text = " ".join(said.split())
    if not text or len(text) > LONGEST:
        return None
    iso = _ISO.fullmatch(text.upper().replace(" ", ""))
    if iso:
        return _iso(iso)
    clock, short = _CLOCK.fullmatch(text), _SHORT.fullmatch(text)
    if clock:
        return _time(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3]))
    if short:
        return _time(int(short[1]) * 3600 + int(short[2]) * 60)
    return _in_words(text)


def _iso(found: re.Match[str]) -> str | None:
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    date = "".join(
        f"{number}{letter}" for number, letter in ((years, "Y"), (months, "M"), (weeks, "W"), (days, "D")) if number
    )
    time = _time(hours * 3600 + minutes * 60 + seconds)
    if not date:
        return time
    return f"P{date}" + (time.removeprefix("P") if time else "")


def _time(seconds: int) -> str | None:
    """Whole hours, minutes and seconds; None for no time at all."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = "".join(f"{number}{letter}" for number, letter in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return f"PT{parts}" if parts else None


def _in_words(text: str) -> str | None:
    plain = "".join(str(unicodedata.digit(letter, letter)) if letter.isdigit() else letter for letter in text)
    plain = re.sub(_WORD, _as_digits, plain)
    pieces = _PIECE.findall(plain)
    rest = fold(_PIECE.sub(" ", plain))
    if (
        not pieces
        or any(word not in _idle() for word in rest.split())
        or re.search(rf"{_NUMBER}\s*[-–/]\s*{_NUMBER}", plain)
    ):
        return None
    units = [(float(number.replace(",", ".")), _units().get(fold(unit))) for number, unit in pieces]
    if all(unit in _SECONDS for _, unit in units):
        return _time(round(sum(number * _SECONDS[unit] for number, unit in units if unit)))
    if len(units) == 1 and units[0][1] in _LARGE and units[0][0].is_integer() and units[0][0] > 0:
        return f"P{int(units[0][0])}{_LARGE[str(units[0][1])]}"
    return None


def _as_digits(word: re.Match[str]) -> str:
    return _numbers().get(fold(word[0]), word[0])


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {fold(name): unit for unit, names in table("learning_time")["units"].items() for name in names}


@lru_cache(maxsize=1)
def _numbers() -> dict[str, str]:
    return {fold(name): number for number, names in table("learning_time")["numbers"].items() for name in names}


@lru_cache(maxsize=1)
def _idle() -> frozenset[str]:
    return frozenset(map(fold, table("learning_time")["idle"]["words"]))
