"""What letters, words, beginnings and endings say against a language, as logarithms to add to a score."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from schemas import read_vocabulary
from transforms.normalize.language.ngrams import WORD
from transforms.normalize.language.script import CANDIDATES
from transforms.remembering import remember

KNOWN_WORD = 2.0  # for each word that speaks for a language
_WEAK_WORD = 0.7  # for one that does so weakly, or by two letters only
_FOREIGN_LETTER = -2.5  # for each letter that the language does not write
_BORROWED_LETTER = -0.8  # for each letter that it writes in foreign words only
_MAX_COUNTED_LETTERS = 3  # of each kind
_NO_LETTERS: frozenset[str] = frozenset()

_Weights = dict[str, float]  # language → weight


class _Neighbours(NamedTuple):
    """Languages that are easily mistaken for one another, and the words and parts of words that tell them apart."""

    languages: frozenset[str]
    words: dict[str, _Weights]
    beginnings: dict[str, _Weights]
    endings: dict[str, _Weights]
    inside: dict[str, _Weights]
    pairs: dict[tuple[str, str], _Weights]  # two words in a row, or the end of the first and the second
    second_words: frozenset[str]  # of the pairs
    max_affix_chars: int  # of the beginnings and endings


@cache
def expectation(language: str, script: str) -> float:
    """Return how much more likely the library expects a language of the script to be, as a logarithm."""
    return _number("leaning", language, 0.0) if language in CANDIDATES[script] else 0.0


@cache
def _number(section: str, language: str, default: float) -> float:
    """Return the number of a language in a section that gives several languages one number."""
    rows = _vocabulary()[section].items()
    return next((float(number) for languages, number in rows if language in languages.split()), default)


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


@lru_cache(maxsize=65536)
def letters_against(language: str, letters: frozenset[str], script: str) -> float:
    """Return what letters say against a language, as a logarithm."""
    if not letters:
        return 0.0
    alphabet, borrowed = _alphabets(script)[language]
    foreign_count, borrowed_count = len(letters - alphabet), len(letters & borrowed)
    if not foreign_count and not borrowed_count:
        return 0.0
    foreign = _FOREIGN_LETTER * min(_MAX_COUNTED_LETTERS, foreign_count)
    return foreign + _BORROWED_LETTER * min(_MAX_COUNTED_LETTERS, borrowed_count)


@lru_cache(maxsize=4096)
def letter_odds(letters: frozenset[str], script: str) -> dict[str, float]:
    """Return each candidate of the script with the factor by which these letters make it less likely."""
    return {language: math.exp(letters_against(language, letters, script)) for language in CANDIDATES[script]}


def words_against(text: str, script: str, rivals: frozenset[str]) -> _Weights:
    """Return language → what the words of a text say against it, among neighbours two of which are rivals.

    The neighbour for which most words speak gets nothing, the others lose what they lack: words tell neighbours
    apart, and say nothing about other languages.
    """
    against: _Weights = {}
    words = WORD.findall(text)
    for number, group in enumerate(_neighbours().get(script, ())):
        if len(group.languages & rivals) < 2:
            continue
        weights = _weights_of_words(words, script, number)
        most = max(weights.values())
        for language, weight in weights.items():
            against[language] = against.get(language, 0.0) + weight - most
    return against


def _weights_of_words(words: list[str], script: str, number: int) -> _Weights:
    """Return what words, and pairs of them, say for each language of a group of neighbours."""
    group = _neighbours()[script][number]
    weights = dict.fromkeys(group.languages, 0.0)
    for word in words:
        for language, weight in _weights_of_word(word, script, number):
            weights[language] += weight
    for first, second in pairwise(words) if group.second_words else ():
        if second in group.second_words:
            pair = group.pairs.get((first, second)) or group.pairs.get((first[-2:], second), {})
            for language, weight in pair.items():
                weights[language] += weight
    return weights


@remember(32768)
def _weights_of_word(word: str, script: str, number: int) -> tuple[tuple[str, float], ...]:
    """Return what a word says: as a whole if it is known, else by its longest known beginning and ending."""
    group = _neighbours()[script][number]
    if word in group.words:
        return tuple(group.words[word].items())
    lengths = range(min(len(word), group.max_affix_chars), 1, -1)
    beginning = next((group.beginnings[word[:size]] for size in lengths if word[:size] in group.beginnings), {})
    ending = next((group.endings[word[-size:]] for size in lengths if word[-size:] in group.endings), {})
    weights = ending | beginning
    if not beginning:
        for part, weights_of_part in group.inside.items():
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
def _neighbours() -> dict[str, tuple[_Neighbours, ...]]:
    groups: dict[str, tuple[_Neighbours, ...]] = {}
    for row in _vocabulary()["neighbours"]:
        groups[row["script"]] = (*groups.get(row["script"], ()), _read_neighbours(row["languages"], row["words"]))
    return groups


def _read_neighbours(languages: str, rows: dict[str, str]) -> _Neighbours:
    """Read a group of language_evidence.toml, where - marks the open side of a part, _ a pair and ~ a weak word."""
    group = _Neighbours(frozenset(languages.split()), {}, {}, {}, {}, {}, _NO_LETTERS, 0)
    for spoken_for, markers in rows.items():
        for marker in markers.split():
            part = marker.lstrip("~")
            open_before, open_after, part = part.startswith("-"), part.endswith("-"), part.strip("-")
            weak = marker.startswith("~") or (len(part) < 3 and (open_before or open_after))
            weights = dict.fromkeys(spoken_for.split(), _WEAK_WORD if weak else KNOWN_WORD)
            if "_" in part:
                first, _, second = part.partition("_")
                group.pairs.setdefault((first, second), {}).update(weights)
            else:
                kinds = (group.words, group.beginnings, group.endings, group.inside)
                kinds[open_after + 2 * open_before].setdefault(part, {}).update(weights)
    max_affix_chars = max(map(len, (*group.beginnings, *group.endings)), default=0)
    second_words = frozenset(second for _, second in group.pairs)
    return group._replace(second_words=second_words, max_affix_chars=max_affix_chars)


def _vocabulary() -> dict[str, Any]:
    return read_vocabulary("language_evidence")
