"""Words in dates: month and season names of the library's languages (CLDR, through babel), marks of eras."""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

from schemas import read_vocabulary
from transforms.normalize.folding import fold

BUDDHIST = re.compile(r"พ\.? ?ศ\.?|\bB\. ?E\.|\bBE\b|\(BE\)")
HIJRI = re.compile(
    r"هـ|(?<=\d)\s*[هھ](?!\w)|(?<=\d)\s?H\b|\bA\. ?H\.|\bAH\b|للهجرة|هجري|هجرية|\bhijri\b|\bhégire\b|\bhicri\b"
    r"|\bхиджры\b|(?<=\d)\s*ق(?!\w)|قمری|قمري",
    re.IGNORECASE,
)
# Checked before HIJRI, as "هـ.ش" holds the sign of both; AP and SH: anno Persico, solar Hijri.
PERSIAN = re.compile(
    r"(?:ه(?:ـ)?\.? ?|(?<=\d)\s*)ش(?!\w)|شمسی|شمسي|خورشیدی|\bA\. ?P\.|(?<=\d )(?:AP|SH)\b|\bshamsi\b", re.IGNORECASE
)
BEFORE_COMMON_ERA = re.compile(
    r"\bB\. ?C\.|\bBC\b|\bBCE\b|\bav\. ?J|\bv\. ?Chr|\ba\. ?C\.|до н\. ?э|п\. ?н\. ?е|ق\. ?م(?!\w)|قبل الميلاد|ก่อนคริสต์"
)
GREGORIAN = re.compile(r"(?<=\d)\s*م(?!\w)|ميلادي|\bC\. ?E\.|\bCE\b|\bA\. ?D\.|\bAD\b|ค\.? ?ศ\.?")
CIRCA = re.compile(
    r"\b(?:ca?\.|ca|circa|about|approx\w*|vers|environ|um|etwa|hacia|cerca de|около|приблизительно|oko|око)\s*(?=\d)"
    r"|حوالي|نحو|ประมาณ",
    re.I,
)
COPYRIGHT = re.compile(r"(?:\b(?:copyright|cop\.?|dl|impr\.?|d\.l\.)\s*|[©℗]\s*|\b[cp](?=\d{4}))", re.I)
ORDINAL_ENDING = re.compile(
    r"(?<=\d)\s?(?:г\.?|гг\.?|год[ауи]?\.?|року?|р\.|r\.|roku|god(?:ine)?\.?|године)(?=\W|$)|(?<=\d)-?[йяе](?=\W|$)|(?<=\d)(?:st|nd|rd|th|er|º|ª)\b",
    re.I,
)

_MIN_CHARS = 5  # of a month's name in a language that is not the record's


@lru_cache(maxsize=64)
def months(language: str = "") -> dict[str, int]:
    """Return folded month and season names → 1–12 and 21–24; without a language only names that mean one month."""
    numbers_by_name: dict[str, set[int]] = {}
    for locale, min_chars in _locales(language):
        for number, name in _names(locale):
            if len(name) >= min_chars:
                numbers_by_name.setdefault(name, set()).add(number)
    for code, names in read_vocabulary("dates")["months"].items():
        for name in names:
            numbers_by_name.setdefault(fold(name), {int(code)})
    return {name: numbers.pop() for name, numbers in numbers_by_name.items() if len(numbers) == 1 and name}


@lru_cache(maxsize=1)
def hijri_months() -> dict[str, int]:
    """Return folded names of the Islamic months → 1–12."""
    return {fold(name): int(code) for code, names in read_vocabulary("dates")["hijri_months"].items() for name in names}


@lru_cache(maxsize=1)
def persian_months() -> dict[str, int]:
    """Return folded names of the months of the Persian calendar, in Iran and in Afghanistan → 1–12."""
    names_by_code = read_vocabulary("dates")["persian_months"]
    return {fold(name): int(code) for code, names in names_by_code.items() for name in names}


def _locales(language: str) -> list[tuple[str, int]]:
    """Return the locales of a language, else all, each with how many letters a name of a month must have."""
    dates = read_vocabulary("dates")
    locales = [(name, 1) for name in dates["locales"]] + [(name, _MIN_CHARS) for name in dates["further_locales"]]
    return [(name, 1) for name, _ in locales if language and name.split("_")[0] == language] or locales


@lru_cache(maxsize=64)
def _names(locale: str) -> tuple[tuple[int, str], ...]:
    names = Locale.parse(locale).months
    return tuple(
        (number, fold(str(name)))
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for number, name in names[context][width].items()
        if not str(name).isdigit()
    )
