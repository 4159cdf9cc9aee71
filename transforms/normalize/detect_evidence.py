"""What letters, words, beginnings and endings say against a language, as logarithms to add to a score."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import schemas

TABLE = Path(schemas.__file__).parent / "vocabularies" / "language_evidence.toml"
WORD = re.compile(r"""[^\s\d.,;:!?()\[\]{}<>"«»„“”/|+*=&%#@…–—]+""")  # marks belong to words, so not \\w+
FOREIGN_LETTER = -2.5  # for each letter that the language does not write, up to three
KNOWN_WORD = 2.0  # for each word that speaks for a language
WEAK = 0.7  # where it does so weakly, or only two letters of the word do
BORROWED_LETTER = -0.8  # for each plain letter that the language uses in foreign words only


Shelf = dict[str, dict[str, float]]  # a word or part of it → language → weight


NONE: frozenset[str] = frozenset()


class Neighbours(NamedTuple):
    """Languages that are easily taken for one another, and the words that tell them apart, with their weights."""

    languages: frozenset[str]
    whole: Shelf
    beginnings: Shelf
    endings: Shelf
    inside: Shelf


@cache
def easy(long: bool) -> frozenset[str]:
    """The languages about which a sure fast model is right, in short texts or in long ones."""
    return frozenset(_table()["easy"].split()) | frozenset(_table()["easy_when_long"].split() if long else ())


@cache
def leaning() -> dict[str, float]:
    """Language → what the library expects of it before it reads."""
    return {language: weight for row, weight in _table()["leaning"].items() for language in row.split()}


def letters(text: str, script: str, languages: Iterable[str]) -> dict[str, float]:
    """Language → what the letters of the text say against it, three letters at most. `text` is lower case."""
    used = frozenset(text)
    strange = frozenset(filter(str.isalpha, used - _common().get(script, frozenset())))
    own, borrowed = _own(script), _borrowed(script)
    return {
        one: FOREIGN_LETTER * min(3, len(strange - own.get(one, NONE)))
        + BORROWED_LETTER * min(3, len(used & borrowed.get(one, NONE)))
        for one in languages
    }


def words(text: str, script: str, rivals: frozenset[str]) -> dict[str, float]:
    """Language → what the words of the text say against it, among neighbours two of which are rivals.

    The neighbour for which most words speak gets nothing, the others lose what they lack: words tell neighbours
    apart, and say nothing about languages beyond.
    """
    found: dict[str, float] = {}
    spoken = WORD.findall(text)
    for group in _neighbours().get(script, ()):
        if len(group.languages & rivals) < 2:
            continue
        said = dict.fromkeys(group.languages, 0.0)
        for word in spoken:
            for language, weight in _speaks_for(word, group).items():
                said[language] += weight
        most = max(said.values())
        for language, weight in said.items():
            found[language] = found.get(language, 0.0) + weight - most
    return found


def _speaks_for(word: str, group: Neighbours) -> dict[str, float]:
    """What one word says: as a whole if it is known, else by its longest parts, once a language."""
    if word in group.whole:
        return group.whole[word]
    found: dict[str, float] = {}
    for length in range(len(word), 1, -1):
        for shelf, part in ((group.beginnings, word[:length]), (group.endings, word[-length:])):
            for language, weight in shelf.get(part, {}).items():
                found.setdefault(language, weight)
    for part, languages in group.inside.items():
        if part in word:
            found.update(languages)
    return found


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
    group = Neighbours(frozenset(languages.split()), {}, {}, {}, {})
    for spoken, markers in rows.items():
        for marker in markers.split():
            part = marker.lstrip("~")
            before, after, part = part.startswith("-"), part.endswith("-"), part.strip("-")
            weak = marker.startswith("~") or (len(part) < 3 and (before or after))
            shelf = (group.whole, group.beginnings, group.endings, group.inside)[after + 2 * before]
            shelf.setdefault(part, {}).update(dict.fromkeys(spoken.split(), WEAK if weak else KNOWN_WORD))
    return group


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
