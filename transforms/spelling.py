"""One spelling for each text, in any script, so that two partners' spellings of one title are equal.

Case, accents, punctuation, Arabic letter variants and digit shapes are folded (Unicode NFKD, UAX 15), and Cyrillic is
written in Latin letters as Serbian does, because Serbia's partners write the same title in both.
"""

from __future__ import annotations

import re
import unicodedata

_CYRILLIC = {  # where Serbian has no such letter, the Latin one that Russian, Kazakh and others commonly use
    **dict(
        zip("абвгдђежзијклмнопрстћуфхцчшщыэіїєґўқғңһәөүұ", "abvgddezzijklmnoprstcufhccssyeiieguqgnhaouu", strict=True)
    ),
    **{"љ": "lj", "њ": "nj", "џ": "dz", "ю": "ju", "я": "ja", "ъ": "", "ь": ""},
}
_SERBIAN = {**_CYRILLIC, "ђ": "đ", "ж": "ž", "ћ": "ć", "ч": "č", "џ": "dž", "ш": "š"}
_LETTERS = {
    "đ": "d",
    "ł": "l",
    "ø": "o",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
    "ð": "d",
    "þ": "th",
    "ى": "ي",
    "ة": "ه",
    "ـ": "",
}
_DROPPED = ((0x0300, 0x036F), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x200B, 0x200F), (0xFE00, 0xFE0F))
_ROMAN = re.compile(r"(?=[ivxl])(xl|l?x{0,3})(ix|iv|v?i{0,3})")
_ROMAN_VALUE = {"i": 1, "v": 5, "x": 10, "l": 50}


class _Folding(dict[int, str]):
    """A translation table that is filled with a code point the first time that it is met."""

    def __missing__(self, point: int) -> str:
        folded = self[point] = "".join(map(_letter, unicodedata.normalize("NFKD", chr(point)).casefold()))
        return folded


def _letter(character: str) -> str:
    point = ord(character)
    if any(first <= point <= last for first, last in _DROPPED):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    character = _CYRILLIC.get(character, character)
    character = _LETTERS.get(character, character)
    return " " if character and unicodedata.category(character[0])[0] in "PSZC" else character


class _Words(dict[str, str]):
    """The one spelling of what stands between spaces, kept: a catalog says few words often."""

    def __missing__(self, word: str) -> str:
        folded = " ".join(word.translate(_FOLDING).split())
        if len(word) <= _LONG_WORD:
            if len(self) >= _WORDS_KEPT:
                self.clear()
            self[word] = folded
        return folded


_FOLDING = _Folding()
_WORDS = _Words()
_WORDS_KEPT = 100_000
_LONG_WORD = 30  # characters; longer ones, such as titles without spaces, seldom come again


def fold(text: str) -> str:
    """Return the text in its one spelling, words separated by one space; empty when it has no letter and no digit."""
    if text.isascii():
        return " ".join(text.translate(_FOLDING).split())
    return " ".join(filter(None, map(_WORDS.__getitem__, text.split())))


def roman(word: str) -> int | None:
    """Return the value of a Roman numeral up to 89; None when the folded word is not one."""
    if not word or len(word) > 8 or not _ROMAN.fullmatch(word):
        return None
    values = [_ROMAN_VALUE[letter] for letter in word]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def cyrillic_to_latin(word: str) -> str:
    """Return a lower-case word in Latin letters with their marks, as Serbian writes it; other letters stay."""
    return "".join(_SERBIAN.get(letter, letter) for letter in word)
