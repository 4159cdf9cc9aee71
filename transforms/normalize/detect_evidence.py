"""What letters, words, beginnings and endings say against a language, as logarithms to add to a score."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import schemas
from transforms.normalize.detect_script import CANDIDATES

TABLE = Path(schemas.__file__).parent / "vocabularies" / "language_evidence.toml"
WORD = re.compile(r"""[^\s\d.,;:!?()\[\]{}<>"«»„“”/|+*=&%#@…–—]+""")  # marks belong to words, so not \\w+
FOREIGN_LETTER = -2.5  # for each letter that the language does not write, up to three
KNOWN_WORD = 2.0  # for each word that speaks for a language
WEAK = 0.7  # where it does so weakly, or only two letters of the word do
BORROWED_LETTER = -0.8  # for each plain letter that the language uses in foreign words only


Weights = np.ndarray[tuple[int], np.dtype[np.float64]]  # one a language, in the order of the script's candidates
Shelf = dict[str, dict[str, float]]  # a word or part of it → language → weight

NONE: frozenset[str] = frozenset()


class Neighbours(NamedTuple):
    """Languages that are easily taken for one another, and the words that tell them apart, with their weights."""

    languages: frozenset[str]
    whole: Shelf
    beginnings: Shelf
    endings: Shelf
    inside: Shelf
    longest: int  # letters of a beginning or an ending


@cache
def easy(long: bool) -> frozenset[str]:
    """The languages about which a sure fast model is right, in short texts or in long ones."""
    return frozenset(_table()["easy"].split()) | frozenset(_table()["easy_when_long"].split() if long else ())


@cache
def leaning(script: str) -> Weights:
    """What the library expects of each language of the script before it reads."""
    said = {language: weight for row, weight in _table()["leaning"].items() for language in row.split()}
    return np.array([said.get(one, 0.0) for one in CANDIDATES[script]])


def letters(text: str, script: str) -> Weights:
    """What the letters of the text say against each language of the script, three at most. `text` is lower case."""
    strange, borrowed = [], []
    for letter in set(text) - _silent(script):
        foreign, lent = _letter(letter, script)
        if foreign is not None:
            strange.append(foreign)
        if lent is not None:
            borrowed.append(lent)
    if not strange and not borrowed:
        return np.zeros(len(CANDIDATES[script]))
    return FOREIGN_LETTER * _three(strange, script) + BORROWED_LETTER * _three(borrowed, script)


def _three(counted: list[Weights], script: str) -> Weights:
    return np.minimum(3.0, sum(counted)) if counted else np.zeros(len(CANDIDATES[script]))


@cache
def _silent(script: str) -> frozenset[str]:
    """Letters and signs that say nothing against any language of the script."""
    signs = frozenset(map(chr, range(0x80))) | _common().get(script, NONE)
    return frozenset(one for one in signs if all(said is None for said in _letter(one, script)))


@lru_cache(maxsize=16384)
def _letter(letter: str, script: str) -> tuple[Weights | None, Weights | None]:
    """Which languages do not write a letter, which only in foreign words: 1 or 0 for each; None where all are 0."""
    own, borrowed = _own(script), _borrowed(script)
    foreign = letter.isalpha() and letter not in _common().get(script, NONE)
    lack = np.array([float(foreign and letter not in own.get(one, NONE)) for one in CANDIDATES[script]])
    lent = np.array([float(letter in borrowed.get(one, NONE)) for one in CANDIDATES[script]])
    return lack if lack.any() else None, lent if lent.any() else None


def words(text: str, script: str, rivals: frozenset[str]) -> dict[str, float]:
    """Language → what the words of the text say against it, among neighbours two of which are rivals.

    The neighbour for which most words speak gets nothing, the others lose what they lack: words tell neighbours
    apart, and say nothing about languages beyond.
    """
    found: dict[str, float] = {}
    spoken = WORD.findall(text)
    for number, group in enumerate(_neighbours().get(script, ())):
        if len(group.languages & rivals) < 2:
            continue
        said = dict.fromkeys(group.languages, 0.0)
        for word in spoken:
            for language, weight in _speaks_for(word, script, number):
                said[language] += weight
        most = max(said.values())
        for language, weight in said.items():
            found[language] = found.get(language, 0.0) + weight - most
    return found


@lru_cache(maxsize=65536)
def _speaks_for(word: str, script: str, number: int) -> tuple[tuple[str, float], ...]:
    """What one word says: as a whole if it is known, else by its longest parts, once a language."""
    group = _neighbours()[script][number]
    if word in group.whole:
        return tuple(group.whole[word].items())
    found: dict[str, float] = {}
    for length in range(min(len(word), group.longest), 1, -1):
        for shelf, part in ((group.beginnings, word[:length]), (group.endings, word[-length:])):
            if part in shelf:
                found = shelf[part] | found
    for part, languages in group.inside.items():
        if part in word:
            found.update(languages)
    return tuple(found.items())


@cache
def _common() -> dict[str, frozenset[str]]:
    """By script, the letters that prove nothing; other scripts' letters prove nothing either."""
    return {script: frozenset(letters["common"]) for script, letters in _table()["letters"].items()}


@cache
def _own(script: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(letters) for language, letters in _table()["letters"].get(script, {}).items()}


@cache
def _borrowed(script: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(letters) for language, letters in _table()["borrowed"].get(script, {}).items()}


@cache
def _neighbours() -> dict[str, tuple[Neighbours, ...]]:
    found: dict[str, tuple[Neighbours, ...]] = {}
    for row in _table()["neighbours"]:
        found[row["script"]] = (*found.get(row["script"], ()), _group(row["languages"], row["words"]))
    return found


def _group(languages: str, rows: dict[str, str]) -> Neighbours:
    group = Neighbours(frozenset(languages.split()), {}, {}, {}, {}, 0)
    for spoken, markers in rows.items():
        for marker in markers.split():
            part = marker.lstrip("~")
            before, after, part = part.startswith("-"), part.endswith("-"), part.strip("-")
            weak = marker.startswith("~") or (len(part) < 3 and (before or after))
            shelf = (group.whole, group.beginnings, group.endings, group.inside)[after + 2 * before]
            shelf.setdefault(part, {}).update(dict.fromkeys(spoken.split(), WEAK if weak else KNOWN_WORD))
    return group._replace(longest=max(map(len, (*group.beginnings, *group.endings)), default=0))


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
