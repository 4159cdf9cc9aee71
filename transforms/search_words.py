"""The words by which a text is found: the same for what is indexed and for what is searched."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from transforms.match import fold

MAX_WORD_CHARS = 60
_UNSPACED = (  # scripts that are written without spaces between words: first and last code point
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
)


def search_words(text: str) -> list[str]:
    """Return the words of a text in its one spelling, in order, each cut to MAX_WORD_CHARS.

    Case, accents, punctuation and Arabic letter variants are folded, and Cyrillic is written in Latin letters. A run of
    a script without spaces gives its overlapping pairs of letters.
    """
    return [piece for word in fold(text).split() for piece in _pieces(word)]


def _pieces(word: str) -> Iterator[str]:
    if word.isascii():
        yield word[:MAX_WORD_CHARS]
        return
    for is_unspaced, letters in groupby(word, _is_unspaced):
        run = "".join(letters)
        if is_unspaced and len(run) > 1:
            yield from (run[start : start + 2] for start in range(len(run) - 1))
        else:
            yield run[:MAX_WORD_CHARS]


def _is_unspaced(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _UNSPACED)
