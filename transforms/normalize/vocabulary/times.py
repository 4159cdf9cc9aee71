"""Read typical learning times (LOM 5.9) as ISO 8601 durations."""

from __future__ import annotations

import re
from functools import lru_cache

from schemas import read_vocabulary
from transforms.normalize.folding import ascii_digits, compact, fold
from transforms.remembering import remember

_MAX_STATEMENT_CHARS = 100

_PART = r"(\d{1,4}(?:[.,]\d{1,2})?)"
_ISO = re.compile(
    r"(?:P|(?=T))(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?"
    rf"(?:T(?:{_PART}H)?(?:{_PART}M)?(?:(\d{{1,6}})(?:\.\d+)?S)?)?"
)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)(?:\.\d+)?")
_IMS_CLOCK = re.compile(r"P?0000-00-00T(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")  # as IMS MD 1.2.1 writes durations
_RECORDING_LENGTH = re.compile(r"(?:(\d{1,3}):)?(\d{1,5})")
_HOURS_AND_MINUTES = re.compile(r"(\d{1,2})\s*h\s*([0-5]\d)(?:\s*min)?", re.IGNORECASE)
_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})?"
# \w leaves out Thai vowel signs
_WORD = r"[^\W\d_][^\W\d_\u0e31-\u0e3a\u0e47-\u0e4e]*(?:[\u0e31-\u0e3a\u0e47-\u0e4e][^\W\d_]*)*"
_PIECE = re.compile(rf"({_NUMBER})\s*({_WORD})")
_TIME_RANGE = re.compile(rf"({_NUMBER})\s*+(?:([^\W\d]++)\s*+)?(?:[-–—]|\bto\b)\s*+({_NUMBER}\D+)", re.IGNORECASE)
_OPEN_RANGE = re.compile(rf"({_NUMBER})\s*+\+(\D+)|({_NUMBER}[^\d+]+)\+")
_BOUND_SIGN = re.compile(r"[-–—/<>≤≥+×*]")  # a sign that makes a bound or a range of two times, or a product
_BRACKETS = re.compile(r"(?:(?<!\s)\s++)?[(\[][^()\[\]]*[)\]]")
_SECONDS_PER_UNIT = {"second": 1, "minute": 60, "hour": 3600}
_LETTER_OF_LARGE_UNIT = {"day": "D", "week": "W", "month": "M"}


@remember(4096)
def read_learning_time(statement: str, hint: str | None = None) -> str | None:
    """Return the duration that a statement names, such as "PT1H30M" or "P3W"; None when it is not certain.

    Read: ISO 8601 (also as IMS writes it, "0000-00-00T01:30"), "1h30", "01:30:00", numbers with units in the library's
    languages, lesson periods of the length in learning_time.toml. With the hint "media" also a recording's length:
    "25:06" is minutes and seconds, "1506" seconds; without it "1:30" could be hours, and is not read. Bounds and ranges
    are read by `read_time_bounds`.
    """
    text = " ".join(statement.split())
    if not text or len(text) > _MAX_STATEMENT_CHARS:
        return None
    if iso := _ISO.fullmatch(text.upper().replace(" ", "")):
        return _from_iso(iso)
    seconds = _clock_seconds(text, hint)
    if seconds is not None:
        return _duration(seconds)
    outside = _BRACKETS.sub(" ", text).strip()  # "1 hour (60 minutes)" gives one time twice
    return _durations_named().get(fold(text)) or _from_words(outside or text.strip("()[]"))


def _clock_seconds(text: str, hint: str | None) -> int | None:
    """Return the seconds of "01:30:00" and "1h30", and of a recording's "25:06" and "1506"."""
    if clock := _CLOCK.fullmatch(text) or _IMS_CLOCK.fullmatch(text.upper()):
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
    if clock := _HOURS_AND_MINUTES.fullmatch(text):
        return int(clock[1]) * 3600 + int(clock[2]) * 60
    if hint == "media" and (clock := _RECORDING_LENGTH.fullmatch(text)):
        return int(clock[1] or 0) * 60 + int(clock[2])
    return None


@remember(4096)
def read_time_bounds(statement: str) -> str | None:
    """Return "less than 1 hour", "2+ hours" and "1-2 hours" as "../PT1H", "PT2H/..", "PT1H/PT2H"; else None."""
    text = " ".join(statement.split())
    if not text or len(text) > _MAX_STATEMENT_CHARS:
        return None
    if match := _TIME_RANGE.fullmatch(text):
        unit = match[2] or re.sub(r"^[\d.,]+", "", match[3])
        return _interval(f"{match[1]} {unit}", match[3])
    if match := _OPEN_RANGE.fullmatch(text):
        return _interval(match[3] or f"{match[1]} {match[2]}", None)
    return _bound_in_words(text)


def _bound_in_words(text: str) -> str | None:
    """Return the interval of a text that begins with a word for a bound, such as "up to 2 hours"; else None."""
    for kind, pattern in _bound_patterns().items():
        time = pattern.sub("", text, count=1)
        if time != text:
            interval = _interval(None, time) if kind == "under" else _interval(time, None)
            if interval is not None:
                return interval
    return None


def _interval(least: str | None, most: str | None) -> str | None:
    """Return an interval of two times, of which None is an open end; None when a time is not certain."""
    ends = [".." if time is None else read_learning_time(time) for time in (least, most)]
    return None if None in ends else f"{ends[0]}/{ends[1]}"


def _from_iso(match: re.Match[str]) -> str | None:
    years, months, weeks, days = (int(part or 0) for part in match.groups()[:4])
    hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in match.groups()[4:])
    date = "".join(
        f"{number}{letter}" for number, letter in ((years, "Y"), (months, "M"), (weeks, "W"), (days, "D")) if number
    )
    time = _duration(round(hours * 3600 + minutes * 60 + seconds))
    if not date:
        return time
    return f"P{date}" + (time.removeprefix("P") if time else "")


def _duration(seconds: int) -> str | None:
    """Return hours, minutes and seconds as a duration; None for 0."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = "".join(f"{number}{letter}" for number, letter in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return f"PT{parts}" if parts else None


def _from_words(text: str) -> str | None:
    """Return the sum of all times in hours, minutes, seconds and lessons, or one time in days, weeks or months."""
    times = _times_in_words(text)
    if not times:
        return None
    if all(unit in _SECONDS_PER_UNIT or unit == "lesson" for _, unit in times):
        return _duration(round(sum(number * _seconds(unit) for number, unit in times)))
    number, unit = times[0]
    if len(times) == 1 and unit in _LETTER_OF_LARGE_UNIT and number.is_integer() and number > 0:
        return f"P{int(number)}{_LETTER_OF_LARGE_UNIT[unit]}"
    return None


def _times_in_words(text: str) -> list[tuple[float, str]]:
    """Return each time of a text as number and unit, "" for an unknown one; nothing when the text says more."""
    plain = re.sub(_WORD, _as_digits, _phrases().sub(lambda match: compact(match[0]), ascii_digits(text)))
    pieces, rest = _PIECE.findall(plain), _PIECE.sub(" ", plain)
    if not pieces or _BOUND_SIGN.search(rest) or any(word not in _ignored_words() for word in fold(rest).split()):
        return []
    return [(float(number.replace(",", ".")), _units().get(compact(unit), "")) for number, unit in pieces]


def _seconds(unit: str) -> int:
    lesson_minutes = int(read_vocabulary("learning_time")["lesson"]["minutes"])
    return _SECONDS_PER_UNIT.get(unit, lesson_minutes * 60)


def _as_digits(word: re.Match[str]) -> str:
    return _numbers().get(fold(word[0]), word[0])


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {compact(name): unit for unit, names in _unit_names().items() for name in names}


def _unit_names() -> dict[str, list[str]]:
    return {**read_vocabulary("learning_time")["units"], "lesson": read_vocabulary("learning_time")["lesson"]["names"]}


@lru_cache(maxsize=1)
def _phrases() -> re.Pattern[str]:
    """Return a pattern of the units' names that are more than one word."""
    names = sorted((name for names in _unit_names().values() for name in names if " " in name), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=1)
def _durations_named() -> dict[str, str]:
    return {
        fold(name): duration for duration, names in read_vocabulary("learning_time")["said"].items() for name in names
    }


@lru_cache(maxsize=1)
def _bound_patterns() -> dict[str, re.Pattern[str]]:
    """Return a pattern of the words that make the time after them an upper or a lower bound."""
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
def _ignored_words() -> frozenset[str]:
    return frozenset(map(fold, read_vocabulary("learning_time")["idle"]["words"]))
