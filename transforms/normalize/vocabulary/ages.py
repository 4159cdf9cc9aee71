"""Read typical age ranges (LOM 5.7), in years."""

from __future__ import annotations

import re
from functools import lru_cache

from schemas import AgeRange, read_vocabulary
from transforms.normalize.folding import ascii_digits, fold
from transforms.remembering import remember

_OPEN_END_AGE = 99  # an upper end from here on is open ("14-100")
_MAX_AGE = 120
_ADULT_AGE = 18
_MAX_STATEMENT_CHARS = 80

_SIGNS = str.maketrans({"+": " plus ", ">": " over ", "≥": " over ", "<": " under ", "≤": " under "})
_LRE = re.compile(r"U\s*-\s*(\d{1,3})|(\d{1,3})\s*-\s*U")  # the Learning Resource Exchange's mark of an open end
_OPEN = re.compile(r"^\D*(\d{1,3})\s*[-–—]\s*$")


@remember(4096)
def read_age_range(statement: str) -> AgeRange | None:
    """Return the ages that a statement names: "7-8", "12+", "a partir de 14 anos", "adults"; else None.

    One age is both ends. An open end is None. A statement with an unknown word is not guessed at.
    """
    text = ascii_digits(" ".join(statement[: _MAX_STATEMENT_CHARS * 2].split()))
    if not text or len(text) > _MAX_STATEMENT_CHARS:
        return None
    if ages_named := _expressions().get(fold(text)):
        return _between(*map(int, ages_named.split("-")))
    if lre := _LRE.fullmatch(text):
        return AgeRange(min=int(lre[2]) if lre[2] else None, max=int(lre[1]) if lre[1] else None)
    return _from_words(text)


def _from_words(text: str) -> AgeRange | None:
    """Return the ages of at most two numbers among known words, or of a word for adults; else None."""
    words = fold(re.sub(r"\d+", " ", text.translate(_SIGNS)))
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if not numbers:
        return AgeRange(min=_ADULT_AGE, max=None) if words in _words()["adult"] else None
    if len(numbers) > 2 or max(numbers) > _MAX_AGE or not _all_known(words):
        return None
    return _between(numbers[0], numbers[1]) if len(numbers) == 2 else _one_age(numbers[0], text, words)


def _one_age(years: int, text: str, words: str) -> AgeRange:
    if _OPEN.match(text) or _contains_phrase(words, _words()["from"]):
        return AgeRange(min=years, max=None)
    if re.match(r"^\s*[-–]\s*\d", text) or _contains_phrase(words, _words()["until"]):
        return AgeRange(min=None, max=years)
    return AgeRange(min=years, max=years)


def _between(first: int, last: int) -> AgeRange | None:
    if first > last:
        return None
    return AgeRange(min=first, max=None if last >= _OPEN_END_AGE else last)


def _contains_phrase(words: str, phrases: frozenset[str]) -> bool:
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
