"""Typical age ranges (LOM 5.7) as people write them, in years."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from schemas import AgeRange, read_vocabulary
from transforms.normalize.folding import fold

_OLDEST = 99  # an upper end from here on is none ("14-100")
_ADULT = 18
_LONGEST = 80  # characters

_SIGNS = str.maketrans({"+": " plus ", ">": " over ", "≥": " over ", "<": " under ", "≤": " under "})
_LRE = re.compile(r"U\s*-\s*(\d{1,3})|(\d{1,3})\s*-\s*U")  # the Learning Resource Exchange's mark of an open end
_OPEN = re.compile(r"^\D*(\d{1,3})\s*[-–—]\s*$")


@lru_cache(maxsize=4096)
def age_range(said: str) -> AgeRange | None:
    """The years between which the typical user is: "7-8", "12+", "a partir de 14 anos", "adults"; None when not told.

    One age is both ends. An open end is None. Words that are not known make the whole unknown: nothing is guessed.
    """
    text = _digits(said)
    if not text or len(text) > _LONGEST:
        return None
    if said_so := _expressions().get(fold(text)):
        return _between(*map(int, said_so.split("-")))
    if lre := _LRE.fullmatch(text):
        return AgeRange(min=int(lre[2]) if lre[2] else None, max=int(lre[1]) if lre[1] else None)
    words = fold(re.sub(r"\d+", " ", text.translate(_SIGNS)))
    if words in _words()["adult"] and not re.search(r"\d", text):
        return AgeRange(min=_ADULT, max=None)
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if not numbers or len(numbers) > 2 or max(numbers) > 120 or not _all_known(words):
        return None
    return _between(numbers[0], numbers[1]) if len(numbers) == 2 else _one_number(numbers[0], text, words)


def level_of_age(ages: AgeRange) -> tuple[str, ...]:
    """The school levels (ISCED 0–3) at whose typical ages the range lies; empty for adults and open ranges.

    Ages are UNESCO's usual ones: under 6, 6–11, 12–14, 15–17 (https://uis.unesco.org, ISCED 2011, annex III).
    A level that the range only touches with one year beside others is left out.
    """
    if ages.min is None or ages.max is None or ages.max > _ADULT:
        return ()
    spans = {"0": (0, 5), "1": (6, 11), "2": (12, 14), "3": (15, 18)}
    years = {
        level: min(ages.max, last) - max(ages.min, first) + 1
        for level, (first, last) in spans.items()
        if max(ages.min, first) <= min(ages.max, last)
    }
    wide = {level for level, length in years.items() if length > 1}
    return tuple(sorted(wide or years))


def _one_number(years: int, text: str, words: str) -> AgeRange:
    if _OPEN.match(text) or _says(words, _words()["from"]):
        return AgeRange(min=years, max=None)
    if re.match(r"^\s*[-–]\s*\d", text) or _says(words, _words()["until"]):
        return AgeRange(min=None, max=years)
    return AgeRange(min=years, max=years)


def _between(first: int, last: int) -> AgeRange | None:
    if first > last:
        return None
    return AgeRange(min=first, max=None if last >= _OLDEST else last)


def _digits(said: str) -> str:
    text = " ".join(said[: _LONGEST * 2].split())
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(letter, letter)) if letter.isdigit() else letter for letter in text)


def _says(words: str, phrases: frozenset[str]) -> bool:
    return any(f" {phrase} " in f" {words} " for phrase in phrases)


def _all_known(words: str) -> bool:
    return all(word in _every_word() for word in words.split())


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    rows = {name: terms for name, terms in read_vocabulary("age_range").items() if name != "said"}
    return {name: frozenset(filter(None, map(fold, terms))) for name, terms in rows.items()}


@lru_cache(maxsize=1)
def _expressions() -> dict[str, str]:
    return {fold(name): ages for ages, names in read_vocabulary("age_range")["said"].items() for name in names}


@lru_cache(maxsize=1)
def _every_word() -> frozenset[str]:
    return frozenset(word for phrases in _words().values() for phrase in phrases for word in phrase.split())
