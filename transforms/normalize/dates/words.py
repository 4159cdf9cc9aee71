"""The words of dates: month and season names of the library's languages (CLDR, through babel), marks of eras."""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

from schemas import read_vocabulary
from transforms.normalize.folding import fold

BUDDHIST = re.compile(r"พ\.? ?ศ\.?|\bB\. ?E\.|\bBE\b|\(BE\)")
HIJRI = re.compile(r"هـ|(?<=\d)\s*ه(?!\w)|\bA\. ?H\.|\bAH\b|للهجرة|الموافق|هجري|\bhijri\b|\bhégire\b", re.IGNORECASE)
GREGORIAN = re.compile(r"(?<=\d)\s*م(?!\w)|ميلادي|\bC\. ?E\.|\bCE\b|\bA\. ?D\.|\bAD\b|ค\.? ?ศ\.?")
CIRCA = re.compile(
    r"\b(?:ca?\.|ca|circa|about|approx\w*|vers|environ|um|etwa|hacia|cerca de|около|приблизительно|oko|око)\s*(?=\d)"
    r"|حوالي|نحو|ประมาณ",
    re.I,
)
COPYRIGHT = re.compile(r"(?:\b(?:copyright|cop\.?|dl|impr\.?|d\.l\.)\s*|[©℗]\s*|\b[cp](?=\d{4}))", re.I)
SPACED_DIGITS = re.compile(r"(?<=\d)(?:г\.|гг\.|год[ау]?|года|-?[йяе])(?=\W|$)|(?<=\d)(?:st|nd|rd|th|er|º|ª)\b", re.I)


@lru_cache(maxsize=64)
def months(language: str = "") -> dict[str, int]:
    """Folded month and season names → 1–12 and 21–24. Names that two languages read differently need the language."""
    found: dict[str, set[int]] = {}
    for locale in _locales(language):
        for number, name in _names(locale):
            found.setdefault(name, set()).add(number)
    for code, names in read_vocabulary("dates")["months"].items():
        for name in names:
            found.setdefault(fold(name), set()).add(int(code)) if fold(name) not in found else None
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1 and name}


@lru_cache(maxsize=1)
def hijri_months() -> dict[str, int]:
    """Folded names of the Islamic months → 1–12."""
    return {fold(name): int(code) for code, names in read_vocabulary("dates")["hijri_months"].items() for name in names}


def _locales(language: str) -> list[str]:
    named: list[str] = read_vocabulary("dates")["locales"]
    own = [name for name in named if language and name.split("_")[0] == language]
    return own or named


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
