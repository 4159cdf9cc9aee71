"""What letters, words, beginnings and endings say against a language, as logarithms to add to a score."""

from __future__ import annotations

import math
import re
import tomllib
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import schemas
from transforms.normalize.language.script import CANDIDATES

_TABLE = Path(schemas.__file__).parent / "vocabularies" / "language_evidence.toml"
_WORD = re.compile(r"""[^\s\d.,;:!?()\[\]{}<>"«»„“”/|+*=&%#@…–—]+""")  # marks belong to words, so not \\w+
_FOREIGN_LETTER = -2.5  # for each letter that the language does not write, up to three
KNOWN_WORD = 2.0  # for each word that speaks for a language
_WEAK = 0.7  # where it does so weakly, or only two letters of the word do
_ENOUGH = 0.5  # of the fast model, where a small word agrees with it
_BORROWED_LETTER = -0.8  # for each plain letter that the language uses in foreign words only

_Shelf = dict[str, dict[str, float]]  # a word or part of it → language → weight

_NONE: frozenset[str] = frozenset()


class _Neighbours(NamedTuple):
    """Languages that are easily taken for one another, and the words that tell them apart, with their weights."""

    languages: frozenset[str]
    whole: _Shelf
    beginnings: _Shelf
    endings: _Shelf
    inside: _Shelf
    pairs: dict[tuple[str, str], dict[str, float]]  # two words that follow one another, or the end of the first
    seconds: frozenset[str]  # the second words of the pairs
    longest: int  # letters of a beginning or an ending


def believed(language: str, sure: float, text: str) -> bool:
    """Whether the fast model is to be believed alone: by how sure it is, or by a small word that agrees."""
    if sure >= _said_of("sure").get(language, 2.0):
        return True
    return sure >= _ENOUGH and not _small_words(language).isdisjoint(text.split())


@cache
def leaning(language: str, script: str) -> float:
    """What the library expects of a language of the script before it reads, as a logarithm."""
    return _said_of("leaning").get(language, 0.0) if language in CANDIDATES[script] else 0.0


@cache
def _small_words(language: str) -> frozenset[str]:
    return frozenset(_table()["small_words"].get(language, "").split())


@cache
def _said_of(table: str) -> dict[str, float]:
    return {language: said for languages, said in _table()[table].items() for language in languages.split()}


def telling(text: str, script: str) -> frozenset[str]:
    """The letters of a lower-case text that not every language of its script writes as its own."""
    return frozenset(filter(str.isalpha, set(text) - _plain(script))) if _own(script) else _NONE


@lru_cache(maxsize=4096)
def signed(letters: frozenset[str], script: str) -> str | None:
    """The language that alone writes one of these letters, and writes all the others too."""
    own, common = _own(script), _common(script)
    writers = [one for one in own if not letters - own[one] - common]
    if len(writers) != 1:
        return None
    elsewhere = _NONE.union(*(letters for one, letters in own.items() if one != writers[0]))
    return writers[0] if letters & own[writers[0]] - elsewhere else None


@lru_cache(maxsize=65536)
def against(language: str, letters: frozenset[str], script: str) -> float:
    """What these letters say against a language, as a logarithm: at most three count of each kind."""
    if not letters:
        return 0.0
    known, lent = _alphabets(script)[language]
    foreign, borrowed = len(letters - known), len(letters & lent)
    if not foreign and not borrowed:
        return 0.0
    return _FOREIGN_LETTER * min(3, foreign) + _BORROWED_LETTER * min(3, borrowed)


@lru_cache(maxsize=4096)
def odds(letters: frozenset[str], script: str) -> dict[str, float]:
    """Each candidate of the script, with the factor by which these letters make it less likely."""
    return {one: math.exp(against(one, letters, script)) for one in CANDIDATES[script]}


def words(text: str, script: str, rivals: frozenset[str]) -> dict[str, float]:
    """Language → what the words of the text say against it, among neighbours two of which are rivals.

    The neighbour for which most words speak gets nothing, the others lose what they lack: words tell neighbours
    apart, and say nothing about languages beyond.
    """
    found: dict[str, float] = {}
    spoken = _WORD.findall(text)
    for number, group in enumerate(_neighbours().get(script, ())):
        if len(group.languages & rivals) < 2:
            continue
        said = _spoken_for(spoken, script, number)
        most = max(said.values())
        for language, weight in said.items():
            found[language] = found.get(language, 0.0) + weight - most
    return found


def _spoken_for(spoken: list[str], script: str, number: int) -> dict[str, float]:
    """What the words, and pairs of them, say for each language of a group of neighbours."""
    group = _neighbours()[script][number]
    said = dict.fromkeys(group.languages, 0.0)
    for word in spoken:
        for language, weight in _speaks_for(word, script, number):
            said[language] += weight
    for first, second in pairwise(spoken) if group.seconds else ():
        if second in group.seconds:
            pair = group.pairs.get((first, second)) or group.pairs.get((first[-2:], second), {})
            for language, weight in pair.items():
                said[language] += weight
    return said


@lru_cache(maxsize=32768)
def _speaks_for(word: str, script: str, number: int) -> tuple[tuple[str, float], ...]:
    """What one word says: as a whole if it is known, else by its longest known beginning and ending."""
    group = _neighbours()[script][number]
    if word in group.whole:
        return tuple(group.whole[word].items())
    lengths = range(min(len(word), group.longest), 1, -1)
    begins = next((group.beginnings[word[:one]] for one in lengths if word[:one] in group.beginnings), {})
    ends = next((group.endings[word[-one:]] for one in lengths if word[-one:] in group.endings), {})
    found = ends | begins
    if not begins:
        for part, languages in group.inside.items():
            if part in word:
                found = found | languages
    return tuple(found.items())


@cache
def _plain(script: str) -> frozenset[str]:
    """Letters that every language of the script writes as its own, and signs."""
    common = _common(script) | frozenset(map(chr, range(0x80)))
    return common - _NONE.union(*_borrowed(script).values())


@cache
def _common(script: str) -> frozenset[str]:
    """The letters of a script that every language of it may write."""
    return frozenset(_table()["letters"].get(script, {}).get("common", ""))


@cache
def _alphabets(script: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Language → the letters that it writes, and those among them that it writes in foreign words only."""
    own, borrowed, common = _own(script), _borrowed(script), _common(script)
    return {one: (common | own.get(one, _NONE), borrowed.get(one, _NONE)) for one in CANDIDATES[script]}


@cache
def _own(script: str) -> dict[str, frozenset[str]]:
    return {one: frozenset(said) for one, said in _table()["letters"].get(script, {}).items() if one != "common"}


@cache
def _borrowed(script: str) -> dict[str, frozenset[str]]:
    return {one: frozenset(said) for one, said in _table()["borrowed"].get(script, {}).items()}


@cache
def _neighbours() -> dict[str, tuple[_Neighbours, ...]]:
    found: dict[str, tuple[_Neighbours, ...]] = {}
    for row in _table()["neighbours"]:
        found[row["script"]] = (*found.get(row["script"], ()), _group(row["languages"], row["words"]))
    return found


def _group(languages: str, rows: dict[str, str]) -> _Neighbours:
    group = _Neighbours(frozenset(languages.split()), {}, {}, {}, {}, {}, _NONE, 0)
    for spoken, markers in rows.items():
        for marker in markers.split():
            part = marker.lstrip("~")
            before, after, part = part.startswith("-"), part.endswith("-"), part.strip("-")
            weak = marker.startswith("~") or (len(part) < 3 and (before or after))
            said = dict.fromkeys(spoken.split(), _WEAK if weak else KNOWN_WORD)
            if "_" in part:
                first, _, second = part.partition("_")
                group.pairs.setdefault((first, second), {}).update(said)
            else:
                shelf = (group.whole, group.beginnings, group.endings, group.inside)[after + 2 * before]
                shelf.setdefault(part, {}).update(said)
    longest = max(map(len, (*group.beginnings, *group.endings)), default=0)
    return group._replace(seconds=frozenset(second for _, second in group.pairs), longest=longest)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))
