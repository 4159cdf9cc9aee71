"""The words by which a text is found: the same for what is indexed and for what is searched.

A word has one spelling (case, accents, vowel signs, Arabic letter variants and digit shapes are folded, Cyrillic is
written in Latin letters), and may have others by which it is found as well: Arabic without its article, Serbian đ as
dj, German ü as ue. A run of a script that is written without spaces gives its overlapping pairs of letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from transforms.spelling import fold

MAX_WORD_CHARS = 60
_UNSPACED = (  # scripts that are written without spaces between words: first and last code point
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x3400, 0x9FFF),  # Han
    (0xAC00, 0xD7A3),  # Hangul: its words have spaces, but their particles have none
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_LETTERS = str.maketrans(  # beyond those of `fold`: Persian and Urdu forms of Arabic letters
    {"ک": "ك", "ڪ": "ك", "ی": "ي", "ے": "ي", "ہ": "ه", "ھ": "ه", "ە": "ه", "ۀ": "ه", "ڤ": "ف", "ŋ": "n", "ħ": "h"}
)
_SIGNS = dict.fromkeys(  # that may be left out: points of Hebrew, signs of the Quran, letters like apostrophes
    [*range(0x0591, 0x05C8), *range(0x06D6, 0x06EE), *range(0x08D3, 0x0900), *range(0x02B9, 0x02C0)]
)
_OTHER_LETTERS = (  # a letter of the text as it is written → how some write it instead of leaving its mark out
    ("đ", "dj"),
    ("ђ", "dj"),
    ("ä", "ae"),
    ("ö", "oe"),
    ("ü", "ue"),
    ("ø", "oe"),
    ("å", "aa"),
    ("х", "kh"),
    ("ц", "ts"),
    ("ч", "ch"),
    ("ш", "sh"),
    ("щ", "shch"),
    ("ж", "zh"),
    ("ю", "yu"),
    ("я", "ya"),
    ("ё", "yo"),
)
_OTHERWISE = re.compile("|".join(letter for letter, _ in _OTHER_LETTERS))
_OTHERWISE_OF = dict(_OTHER_LETTERS)
_ARTICLES = (  # with the conjunctions and prepositions that are written before it
    "وبال",
    "فبال",
    "وكال",
    "وال",
    "بال",
    "كال",
    "فال",
    "ولل",
    "ال",
    "لل",
)
_MIN_WITHOUT_ARTICLE_CHARS = 3
_WORDS_KEPT = 100_000
_MAX_KEPT_CHARS = 30
_CHUNK = re.compile(r"\S+")


class SearchWord(NamedTuple):
    """A word of a text: its spellings, the usual one first; or the pairs of a run without spaces, which has none."""

    spellings: tuple[str, ...]
    pairs: tuple[str, ...] = ()
    is_beginning: bool = False  # it is searched as the beginning of a word wherever it stands


class MarkedText(NamedTuple):
    """A piece of a text, and whether it is one of the words that were searched."""

    text: str
    is_marked: bool


def search_words(text: str) -> list[str]:
    """Return the words of a text in their usual spelling, in order, each cut to MAX_WORD_CHARS.

    A run of a script without spaces gives its overlapping pairs of letters.
    """
    words: list[str] = []
    for word in query_words(text):
        words.extend(word.pairs or word.spellings[:1])
    return words


def indexed_words(text: str) -> list[str]:
    """Return the words of a text in order, then the other spellings by which it is found too.

    Also the last letter of each run without spaces, so that a run of one letter finds it as the beginning of a word.
    """
    words: list[str] = []
    others: dict[str, None] = {}
    for word in query_words(text):
        words.extend(word.pairs or word.spellings[:1])
        others.update(dict.fromkeys(word.spellings[1:]))
        if word.pairs:
            others[word.pairs[-1][-1]] = None
    return [*words, *others]


def query_words(text: str) -> list[SearchWord]:
    """Return the words of a text in order, with the spellings or pairs of each; `photo*` is the beginning of a word."""
    words: list[SearchWord] = []
    for chunk in text.split():
        words.extend(_words_of(chunk))
        if words and chunk.endswith("*"):
            words[-1] = words[-1]._replace(is_beginning=True)
    return words


class _Words(dict[str, tuple[SearchWord, ...]]):
    """The words of what stands between spaces, kept: a catalog says few words often."""

    def __missing__(self, chunk: str) -> tuple[SearchWord, ...]:
        words = tuple(_read(chunk))
        if len(chunk) <= _MAX_KEPT_CHARS:
            if len(self) >= _WORDS_KEPT:
                self.clear()
            self[chunk] = words
        return words


_KNOWN_WORDS = _Words()
_words_of = _KNOWN_WORDS.__getitem__


def _read(chunk: str) -> Iterator[SearchWord]:
    usual = _folded(chunk)
    others = [_folded(other) for other in _written_otherwise(chunk)]
    for place, word in enumerate(usual):
        if word.isascii():
            spellings = {word[:MAX_WORD_CHARS]: None}
            spellings.update({other[place][:MAX_WORD_CHARS]: None for other in others if len(other) == len(usual)})
            yield SearchWord(tuple(spellings))
        else:
            yield from _runs(word)


def _folded(chunk: str) -> list[str]:
    if chunk.isascii():
        return fold(chunk).split()
    plain = unicodedata.normalize("NFC", fold(chunk)).translate(_SIGNS).translate(_LETTERS)
    return plain.split()


def _written_otherwise(chunk: str) -> list[str]:
    if chunk.isascii():
        return []
    plain = unicodedata.normalize("NFC", chunk).casefold()
    other = _OTHERWISE.sub(lambda match: _OTHERWISE_OF[match[0]], plain)
    return [other] if other != plain else []


def _runs(word: str) -> Iterator[SearchWord]:
    """Yield the parts of a word by whether its script has spaces."""
    for is_unspaced, letters in groupby(word, _is_unspaced):
        run = "".join(letters)
        if is_unspaced and len(run) > 1:
            yield SearchWord((), tuple(run[start : start + 2] for start in range(len(run) - 1)))
        else:
            cut = run[:MAX_WORD_CHARS]
            yield SearchWord((cut, *_without_article(cut)), is_beginning=is_unspaced)


def _without_article(word: str) -> Iterator[str]:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= _MIN_WITHOUT_ARTICLE_CHARS:
            yield word[len(article) :]
            return


def _is_unspaced(letter: str) -> bool:
    point = ord(letter)
    return point >= 0x0E00 and any(first <= point <= last for first, last in _UNSPACED)


def mark(text: str, wanted: Sequence[SearchWord]) -> list[MarkedText]:
    """Return a text in pieces, those marked that are words of a search, or begin with its last word."""
    spellings = {spelling for word in wanted for spelling in word.spellings}
    pairs = {pair for word in wanted for pair in word.pairs}
    beginning = wanted[-1].spellings[:1] if wanted else ()
    pieces: list[MarkedText] = []
    end = 0
    for chunk in _CHUNK.finditer(text):
        for start, stop in _marks(chunk[0], spellings, pairs, beginning):
            pieces.append(MarkedText(text[end : chunk.start() + start], False))
            pieces.append(MarkedText(text[chunk.start() + start : chunk.start() + stop], True))
            end = chunk.start() + stop
    pieces.append(MarkedText(text[end:], False))
    return [piece for piece in pieces if piece.text]


def _marks(chunk: str, spellings: set[str], pairs: set[str], beginning: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield where the words of a chunk are that were searched: its whole without punctuation, or pairs within it."""
    words = _words_of(chunk)
    if any(_is_searched(word, spellings, beginning) for word in words):
        letters = [place for place, letter in enumerate(chunk) if _is_of_word(letter)] or [0, len(chunk) - 1]
        yield letters[0], letters[-1] + 1
    elif pairs and any(word.pairs for word in words):
        yield from _marked_pairs(chunk, pairs)


def _marked_pairs(chunk: str, pairs: set[str]) -> Iterator[tuple[int, int]]:
    covered = [False] * len(chunk)
    for place in range(len(chunk) - 1):
        if chunk[place : place + 2] in pairs:
            covered[place] = covered[place + 1] = True
    place = 0
    for is_covered, run in groupby(covered):
        length = len(list(run))
        if is_covered:
            yield place, place + length
        place += length


def _is_searched(word: SearchWord, spellings: set[str], beginning: tuple[str, ...]) -> bool:
    return any(spelling in spellings for spelling in word.spellings) or any(
        spelling.startswith(beginning) for spelling in word.spellings if beginning
    )


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter)[0] == "M"
