"""Read the numbers of a title, which alone tell parts of a series and editions of a work apart."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from transforms.match.folding import roman

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
_PART = frozenset(WORDS["part"])
_EDITION = frozenset(WORDS["edition"])
ORDINALS: dict[str, int] = WORDS["ordinals"]
_DIGITS = re.compile(r"\d+")
_MAX_DIGITS = 100  # of a numeral that is read as a number; Python refuses 4,300
_SURE_ROMAN = frozenset({"ii", "iii", "iv", "vii", "viii", "ix", "xii", "xiii", "xiv", "xv"})  # words of no language

_TELLING = frozenset({*_PART, *_EDITION, *ORDINALS, *_SURE_ROMAN})  # without one, a digit or a last Roman: no number


def edition_and_numbers(title: str, year: int | None) -> tuple[str, str]:
    """Return the edition of a folded title, and its other numerals in order; the record's own year is neither."""
    words = title.split()
    if not (_DIGITS.search(title) or _TELLING.intersection(words) or roman(words[-1] if words else "")):
        return "", ""
    editions: list[str] = []
    numbers: list[str] = []
    for place in range(len(words)):
        found = [one for one in _numerals(words, place) if not (len(one) == 4 and one == str(year))]
        if not found:
            continue
        beside = words[max(0, place - 1) : place] + words[place + 1 : place + 2]
        edition = not _PART.intersection(words[max(0, place - 1) : place]) and _EDITION.intersection(beside)
        (editions if edition else numbers).extend(found)
    if not editions and _EDITION.intersection(words) & {"revised", "rev", "updated", "revisee"}:
        editions.append("revised")
    return " ".join(editions), " ".join(numbers)


def _numerals(words: list[str], place: int) -> list[str]:
    """Return the numerals that one word of a title holds, in decimal digits."""
    word = words[place]
    if not word.isalpha() and any(map(str.isdigit, word)):
        return [str(int(digits)) if len(digits) <= _MAX_DIGITS else digits for digits in _DIGITS.findall(word)]
    if word in ORDINALS:
        return [str(ORDINALS[word])]
    after_part = place > 0 and words[place - 1] in _PART
    if after_part and len(word) == 1 and word not in "ivxl":
        return [word]
    if word in _SURE_ROMAN or after_part or (place > 0 and place == len(words) - 1):
        value = roman(word)
        return [] if value is None else [str(value)]
    return []
