"""Fold texts for comparison: terms match however they are capitalised, accented, spaced and punctuated."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["ascii_digits", "compact", "fold", "in_serbian_latin"]

_ARABIC_MARKS = re.compile("[\u0640\u064b-\u065f\u0670]")  # tatweel and vowel signs, which are optional
_ARABIC_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه"})
_SERBIAN = dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True))
_SERBIAN |= {"љ": "lj", "њ": "nj", "џ": "dž"}
_GAP = re.compile(r"[\W_]+", re.UNICODE)


def fold(text: str) -> str:
    """Return the text as terms are compared: NFKC, casefolded, without accents of Latin, Greek and Cyrillic letters or
    Arabic vowel signs, with one space for every run of spaces and punctuation. Thai and Indic marks are letters.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    if not plain.isascii():
        plain = _ARABIC_MARKS.sub("", plain).translate(_ARABIC_LETTERS)
        plain = "".join(map(_unaccented, plain))
        plain = "".join(letter if _is_word(letter) else " " for letter in plain)
        return " ".join(plain.split())
    return _GAP.sub(" ", plain).strip()


@lru_cache(maxsize=4096)
def _unaccented(letter: str) -> str:
    """Return a Latin, Greek or Cyrillic letter without its accent; Cyrillic й and all other letters as they are."""
    if letter in "йЙ" or letter.isascii():
        return letter
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 1:
        return "" if "\u0300" <= letter <= "\u036f" else letter
    return parts[0] if "\u00c0" <= letter <= "\u04ff" or "\u1e00" <= letter <= "\u1fff" else letter


@lru_cache(maxsize=4096)
def _is_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter).startswith("M")


def in_serbian_latin(text: str) -> str | None:
    """Return a Serbian term in Cyrillic letters in Latin ones; None for a text with other letters."""
    low = text.casefold()
    letters = set(low) - set(" -/,.()")
    if not letters or not letters <= _SERBIAN.keys():
        return None
    return "".join(_SERBIAN.get(letter, letter) for letter in low)


def compact(text: str) -> str:
    """Return the folded text without its spaces: terms are written apart, hyphenated or as one word."""
    return fold(text).replace(" ", "")


def ascii_digits(text: str) -> str:
    """Return the text with the digits of any script in ASCII."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(letter, letter)) if letter.isdigit() else letter for letter in text)
