"""Typical learning times (LOM 5.9) as ISO 8601 durations."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from schemas import read_vocabulary
from transforms.normalize.folding import compact, fold

_LONGEST = 100  # characters

_PART = r"(\d{1,4}(?:[.,]\d{1,2})?)"
_ISO = re.compile(
    r"(?:P|(?=T))(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?"
    rf"(?:T(?:{_PART}H)?(?:{_PART}M)?(?:(\d{{1,6}})(?:\.\d+)?S)?)?"
)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)(?:\.\d+)?")
_IMS = re.compile(r"P?0000-00-00T(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")  # so IMS MD 1.2.1
_MEDIA = re.compile(r"(?:(\d{1,3}):)?(\d{1,5})")
_SHORT = re.compile(r"(\d{1,2})\s*h\s*([0-5]\d)(?:\s*min)?", re.IGNORECASE)
_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})?"
# Thai vowel signs are no \w
_WORD = r"[^\W\d_][^\W\d_\u0e31-\u0e3a\u0e47-\u0e4e]*(?:[\u0e31-\u0e3a\u0e47-\u0e4e][^\W\d_]*)*"
_PIECE = re.compile(rf"({_NUMBER})\s*({_WORD})")
_BETWEEN = re.compile(rf"({_NUMBER})\s*+(?:([^\W\d]++)\s*+)?(?:[-–—]|\bto\b)\s*+({_NUMBER}\D+)", re.IGNORECASE)
_OPEN = re.compile(rf"({_NUMBER})\s*+\+(\D+)|({_NUMBER}[^\d+]+)\+")
_NO_SUM = re.compile(r"[-–—/<>≤≥+×*]")  # a sign that makes a bound or a range of two times, or a product
_BRACKETS = re.compile(r"(?:(?<!\s)\s++)?[(\[][^()\[\]]*[)\]]")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_LARGE = {"day": "D", "week": "W", "month": "M"}


@lru_cache(maxsize=4096)
def learning_time(said: str, hint: str | None = None) -> str | None:
    """The duration that was said, as "PT1H30M", "P3W"; None where it is none or not certain.

    Read: ISO 8601 (also as IMS writes it, "0000-00-00T01:30"), "1h30", "01:30:00", numbers with units in the library's
    languages, lesson periods by the length in learning_time.toml. With the hint "media", a recording's length: "25:06"
    is minutes and seconds, "1506" seconds; without it "1:30" could be hours and is not read. Not read either: bounds
    and ranges, see `time_bounds`.
    """
    text = " ".join(said.split())
    if not text or len(text) > _LONGEST:
        return None
    iso = _ISO.fullmatch(text.upper().replace(" ", ""))
    if iso:
        return _iso(iso)
    clock, short = _CLOCK.fullmatch(text) or _IMS.fullmatch(text.upper()), _SHORT.fullmatch(text)
    if clock:
        return _time(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0))
    if short:
        return _time(int(short[1]) * 3600 + int(short[2]) * 60)
    if hint == "media" and (media := _MEDIA.fullmatch(text)):
        return _time(int(media[1] or 0) * 60 + int(media[2]))
    outside = _BRACKETS.sub(" ", text).strip()  # "1 hour (60 minutes)" says one time twice
    return _expressions().get(fold(text)) or _in_words(outside or text.strip("()[]"))


@lru_cache(maxsize=4096)
def time_bounds(said: str) -> str | None:
    """What "less than 1 hour", "2+ hours" and "1-2 hours" say, as "../PT1H", "PT2H/..", "PT1H/PT2H"; else None."""
    text = " ".join(said.split())
    if not text or len(text) > _LONGEST:
        return None
    between, plus = _BETWEEN.fullmatch(text), _OPEN.fullmatch(text)
    if between:
        unit = between[2] or re.sub(r"^[\d.,]+", "", between[3])
        least, most = learning_time(f"{between[1]} {unit}"), learning_time(between[3])
        return f"{least}/{most}" if least and most else None
    if plus:
        least = learning_time(plus[3] or f"{plus[1]} {plus[2]}")
        return f"{least}/.." if least else None
    for kind, pattern in _bounds().items():
        rest = pattern.sub("", text, count=1)
        if rest != text and (found := learning_time(rest)):
            return f"../{found}" if kind == "under" else f"{found}/.."
    return None


def _iso(found: re.Match[str]) -> str | None:
    years, months, weeks, days = (int(part or 0) for part in found.groups()[:4])
    hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups()[4:])
    date = "".join(
        f"{number}{letter}" for number, letter in ((years, "Y"), (months, "M"), (weeks, "W"), (days, "D")) if number
    )
    time = _time(round(hours * 3600 + minutes * 60 + seconds))
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
    plain = re.sub(_WORD, _as_digits, _phrases().sub(lambda found: compact(found[0]), plain))
    pieces, rest = _PIECE.findall(plain), _PIECE.sub(" ", plain)
    if not pieces or _NO_SUM.search(rest) or any(word not in _idle() for word in fold(rest).split()):
        return None
    units = [(float(number.replace(",", ".")), _units().get(compact(unit))) for number, unit in pieces]
    if all(unit in _SECONDS or unit == "lesson" for _, unit in units):
        return _time(round(sum(number * _seconds(unit) for number, unit in units if unit)))
    if len(units) == 1 and units[0][1] in _LARGE and units[0][0].is_integer() and units[0][0] > 0:
        return f"P{int(units[0][0])}{_LARGE[str(units[0][1])]}"
    return None


def _seconds(unit: str) -> int:
    return _SECONDS[unit] if unit in _SECONDS else int(read_vocabulary("learning_time")["lesson"]["minutes"]) * 60


def _as_digits(word: re.Match[str]) -> str:
    return _numbers().get(fold(word[0]), word[0])


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {compact(name): unit for unit, names in _unit_names().items() for name in names}


def _unit_names() -> dict[str, list[str]]:
    return {**read_vocabulary("learning_time")["units"], "lesson": read_vocabulary("learning_time")["lesson"]["names"]}


@lru_cache(maxsize=1)
def _phrases() -> re.Pattern[str]:
    """Names of units that are more than one word."""
    names = sorted((name for names in _unit_names().values() for name in names if " " in name), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=1)
def _expressions() -> dict[str, str]:
    return {
        fold(name): duration for duration, names in read_vocabulary("learning_time")["said"].items() for name in names
    }


@lru_cache(maxsize=1)
def _bounds() -> dict[str, re.Pattern[str]]:
    """Words before a time that make it an upper or a lower bound."""
    return {
        kind: re.compile(rf"^(?:{'|'.join(map(re.escape, words))})(?![^\W\d_])\s*", re.IGNORECASE)
        for kind, words in read_vocabulary("learning_time")["bounds"].items()
    }


@lru_cache(maxsize=1)
def _numbers() -> dict[str, str]:
    return {
        fold(name): number for number, names in read_vocabulary("learning_time")["numbers"].items() for name in names
    }


@lru_cache(maxsize=1)
def _idle() -> frozenset[str]:
    return frozenset(map(fold, read_vocabulary("learning_time")["idle"]["words"]))
