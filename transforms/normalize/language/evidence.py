"""What letters say against a language, and words of Serbian, Croatian and Bosnian for it, as logarithms."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from schemas import read_vocabulary
from transforms.normalize.language.ngrams import WORD, columns_of
from transforms.normalize.language.script import CANDIDATES
from transforms.remembering import remember

KNOWN_WORD = 2.0  # for each word that speaks for a language
_WEAK_WORD = 0.7  # for one that does so weakly, or by two letters only
_FOREIGN_LETTER = -2.5  # for each letter that the language does not write
_BORROWED_LETTER = -0.8  # for each letter that it writes in foreign words only
_MAX_COUNTED_LETTERS = 3  # of each kind
_NO_LETTERS: frozenset[str] = frozenset()

_Weights = dict[str, float]  # language → weight
_Floats = np.ndarray[Any, np.dtype[np.float32]]


class _Words(NamedTuple):
    """The words and parts of words that tell Serbian, Croatian and Bosnian apart."""

    words: dict[str, _Weights]
    beginnings: dict[str, _Weights]
    endings: dict[str, _Weights]
    inside: dict[str, _Weights]
    pairs: dict[tuple[str, str], _Weights]  # two words in a row, or the end of the first and the second
    second_words: frozenset[str]  # of the pairs
    max_affix_chars: int  # of the beginnings and endings


def leanings() -> _Weights:
    """Return how much more the library expects Serbian, Croatian and Bosnian in Latin letters than one another."""
    weights: _Weights = _vocabulary()["leaning"]
    return weights


def distinctive_letters(text: str, script: str) -> frozenset[str]:
    """Return the letters of a lower-case text that not every language of its script writes as its own."""
    if not _own_letters(script):
        return _NO_LETTERS
    return frozenset(filter(str.isalpha, set(text) - _undistinctive_letters(script)))


@lru_cache(maxsize=4096)
def only_writer_of(letters: frozenset[str], script: str) -> str | None:
    """Return the language that alone writes one of these letters, and writes all the others too."""
    own, common = _own_letters(script), _common_letters(script)
    writers = [language for language in own if not letters - own[language] - common]
    if len(writers) != 1:
        return None
    elsewhere = _NO_LETTERS.union(*(alphabet for language, alphabet in own.items() if language != writers[0]))
    return writers[0] if letters & own[writers[0]] - elsewhere else None


@lru_cache(maxsize=4096)
def letters_against(letters: frozenset[str], script: str) -> _Floats:
    """Return what letters say against each column of a script, as a logarithm; nothing against unknown languages."""
    against = np.zeros(len(columns_of(script)), dtype=np.float32)
    if letters:
        foreign, borrowed = (np.minimum(sum(counts), _MAX_COUNTED_LETTERS) for counts in zip(
            *(_letter_counts(letter, script) for letter in sorted(letters)), strict=True
        ))  # fmt: skip
        against[:-1] = _FOREIGN_LETTER * foreign + _BORROWED_LETTER * borrowed
    return against


@lru_cache(maxsize=4096)
def _letter_counts(letter: str, script: str) -> tuple[_Floats, _Floats]:
    """Return which languages of a script do not write a letter, and which only in foreign words."""
    alphabets = _alphabets(script).values()
    foreign = np.array([letter not in alphabet for alphabet, _ in alphabets], dtype=np.float32)
    return foreign, np.array([letter in borrowed for _, borrowed in alphabets], dtype=np.float32)


def words_for(text: str) -> _Weights:
    """Return what the words of a lower-case text, and pairs of them, say for Serbian, Croatian and Bosnian."""
    words, known = WORD.findall(text), _words()
    weights = dict.fromkeys(leanings(), 0.0)
    for word in words:
        for language, weight in _weights_of_word(word):
            weights[language] += weight
    for first, second in pairwise(words):
        if second in known.second_words:
            pair = known.pairs.get((first, second)) or known.pairs.get((first[-2:], second), {})
            for language, weight in pair.items():
                weights[language] += weight
    return weights


@remember(32768)
def _weights_of_word(word: str) -> tuple[tuple[str, float], ...]:
    """Return what a word says: as a whole if it is known, else by its longest known beginning and ending."""
    known = _words()
    if word in known.words:
        return tuple(known.words[word].items())
    lengths = range(min(len(word), known.max_affix_chars), 1, -1)
    beginning = next((known.beginnings[word[:size]] for size in lengths if word[:size] in known.beginnings), {})
    ending = next((known.endings[word[-size:]] for size in lengths if word[-size:] in known.endings), {})
    weights = ending | beginning
    if not beginning:
        for part, weights_of_part in known.inside.items():
            if part in word:
                weights = weights | weights_of_part
    return tuple(weights.items())


@cache
def _undistinctive_letters(script: str) -> frozenset[str]:
    """Return letters that every language of the script writes as its own, and signs."""
    common = _common_letters(script) | frozenset(map(chr, range(0x80)))
    return common - _NO_LETTERS.union(*_borrowed_letters(script).values())


@cache
def _common_letters(script: str) -> frozenset[str]:
    """Return the letters of a script that every language of it may write."""
    return frozenset(_vocabulary()["letters"].get(script, {}).get("common", ""))


@cache
def _alphabets(script: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Return language → the letters that it writes, and those among them that it writes in foreign words only."""
    own, borrowed, common = _own_letters(script), _borrowed_letters(script), _common_letters(script)
    return {
        language: (common | own.get(language, _NO_LETTERS), borrowed.get(language, _NO_LETTERS))
        for language in CANDIDATES[script]
    }


@cache
def _own_letters(script: str) -> dict[str, frozenset[str]]:
    rows = _vocabulary()["letters"].get(script, {}).items()
    return {language: frozenset(letters) for language, letters in rows if language != "common"}


@cache
def _borrowed_letters(script: str) -> dict[str, frozenset[str]]:
    rows = _vocabulary()["borrowed"].get(script, {}).items()
    return {language: frozenset(letters) for language, letters in rows}


@cache
def _words() -> _Words:
    """Read the words of language_evidence.toml, where - marks the open side of a part, _ a pair and ~ a weak word."""
    words = _Words({}, {}, {}, {}, {}, frozenset(), 0)
    for spoken_for, markers in _vocabulary()["words"].items():
        for marker in markers.split():
            part = marker.lstrip("~")
            open_before, open_after, part = part.startswith("-"), part.endswith("-"), part.strip("-")
            weak = marker.startswith("~") or (len(part) < 3 and (open_before or open_after))
            weights = dict.fromkeys(spoken_for.split(), _WEAK_WORD if weak else KNOWN_WORD)
            if "_" in part:
                first, _, second = part.partition("_")
                words.pairs.setdefault((first, second), {}).update(weights)
            else:
                kinds = (words.words, words.beginnings, words.endings, words.inside)
                kinds[open_after + 2 * open_before].setdefault(part, {}).update(weights)
    max_affix_chars = max(map(len, (*words.beginnings, *words.endings)), default=0)
    second_words = frozenset(second for _, second in words.pairs)
    return words._replace(second_words=second_words, max_affix_chars=max_affix_chars)


def _vocabulary() -> dict[str, Any]:
    return read_vocabulary("language_evidence")
