"""Read the numbers of a title, which alone tell parts of a series and editions of a work apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from schemas import read_toml
from transforms.match.folding import roman

WORDS: dict[str, Any] = read_toml(Path(__file__).parent / "words.toml")
_PART = frozenset(WORDS["part"])
_EDITION = frozenset(WORDS["edition"])
ORDINALS: dict[str, int] = WORDS["ordinals"]
_REVISED = frozenset({"revised", "rev", "updated", "revisee"})  # words of an edition without a number
_DIGITS = re.compile(r"\d+")
_MAX_DIGITS = 100  # of a numeral that is read as a number; Python refuses 4,300
_SURE_ROMAN = frozenset({"ii", "iii", "iv", "vii", "viii", "ix", "xii", "xiii", "xiv", "xv"})  # words of no language

_TELLING = frozenset({*_PART, *_EDITION, *ORDINALS, *_SURE_ROMAN})  # without one, a digit or a last Roman: no number


def edition_and_numbers(title: str, year: int | None) -> tuple[str, str]:
    """Return the edition of a folded title, and its other numerals in order; the record's own year is neither."""
    words = title.split()
    if not _may_have_numerals(title, words):
        return "", ""
    editions: list[str] = []
    numbers: list[str] = []
    for place in range(len(words)):
        numerals = [numeral for numeral in _numerals(words, place) if not (len(numeral) == 4 and numeral == str(year))]
        if numerals:
            (editions if _counts_editions(words, place) else numbers).extend(numerals)
    if not editions and _EDITION.intersection(words) & _REVISED:
        editions.append("revised")
    return " ".join(editions), " ".join(numbers)


def without_edition(title: str) -> str:
    """Return a folded title without the words that tell its edition."""
    words = title.split()
    kept = (
        word
        for place, word in enumerate(words)
        if word not in _EDITION and not (_counts_editions(words, place) and _numerals(words, place))
    )
    return " ".join(kept)


def _may_have_numerals(title: str, words: list[str]) -> bool:
    """Whether it is worth while to look at each word; most titles have no numeral."""
    return bool(_DIGITS.search(title) or _TELLING.intersection(words) or roman(words[-1] if words else ""))


def _counts_editions(words: list[str], place: int) -> bool:
    """Whether the numeral at a place counts editions ("2nd edition"), not parts ("part 2")."""
    before, after = words[max(0, place - 1) : place], words[place + 1 : place + 2]
    return _PART.isdisjoint(before) and not _EDITION.isdisjoint(before + after)


def _numerals(words: list[str], place: int) -> list[str]:
    """Return the numerals that one word of a title holds, in decimal digits."""
    word = words[place]
    if not word.isalpha() and any(map(str.isdigit, word)):
        return [str(int(digits)) if len(digits) <= _MAX_DIGITS else digits for digits in _DIGITS.findall(word)]
    if word in ORDINALS:
        return [str(ORDINALS[word])]
    after_part = place > 0 and words[place - 1] in _PART
    numeral = _letter_numeral(word, after_part, last=0 < place == len(words) - 1)
    return [] if numeral is None else [numeral]


def _letter_numeral(word: str, after_part: bool, last: bool) -> str | None:
    """Return a part's letter ("part b") or the value of a Roman numeral, where the word can be one."""
    if after_part and len(word) == 1 and word not in "ivxl":
        return word
    value = roman(word) if word in _SURE_ROMAN or after_part or last else None
    return None if value is None else str(value)
