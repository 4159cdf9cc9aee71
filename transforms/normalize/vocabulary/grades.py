"""Read school years ("Grade 5", "5 класс", "الصف الخامس") as levels of ISCED 2011, by the country's system."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from schemas import read_vocabulary
from transforms.normalize.folding import ascii_digits, fold
from transforms.remembering import remember

_MAX_STATEMENT_CHARS = 80
_MAX_YEAR = 13
_TOKEN = re.compile(r"\d+|[一二三四五六七八九十]+|[^\d\s一二三四五六七八九十]+")
_ROMAN_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
_ROMAN = {numeral: value for value, numeral in enumerate(_ROMAN_NUMERALS, start=1)}
_NUMBERED_LEVEL = re.compile(r"\blevels? \d")
_NUMBER = re.compile(r"\d+")
_NUMERALS = re.compile(r"[\d\s]+")
_Years = tuple[int, ...]  # the last years of ISCED 1, 2 and 3


class _Series(NamedTuple):
    """Years that are counted together: those of a school of one stage, or of all."""

    systems: dict[str, list[_Years]]  # by language; "" for those of no language in particular
    is_stage: bool = False
    is_cardinal: bool = False  # it counts with numerals only
    first: int = 1  # the year before which it tells nothing


@remember(4096)
def read_grades(statement: str, language: str | None = None) -> tuple[str, ...] | None:
    """Return the levels of ISCED 2011 of the school years that a statement names; None when it names none.

    `language` is the statement's or the record's, which tells the country's system apart. The levels are empty when
    the years are certain and their level is not: it is grade 5 of primary school here, of lower secondary there.
    """
    text = " ".join(_TOKEN.findall(fold(ascii_digits(statement[: _MAX_STATEMENT_CHARS + 1]))))
    if len(text) > _MAX_STATEMENT_CHARS:
        return None
    named = [_series()[name] for name in _names().findall(text)]
    if not named or _spans_stages(text, named):
        return None
    series = max(named, key=lambda row: (row.is_stage, bool(row.systems)))
    rest = _names().sub(" ", text)
    years = _years(rest) if not series.is_cardinal or _NUMERALS.fullmatch(rest) else ()
    return _levels(series, years, language) if years and years[0] >= series.first else None


def _spans_stages(text: str, named: list[_Series]) -> bool:
    """Whether a text counts the years of one stage and then those of another ("P5-S2")."""
    return len({id(series) for series in named if series.is_stage}) > 1 and len(_NUMBER.findall(text)) > 1


def _levels(series: _Series, years: tuple[int, ...], language: str | None) -> tuple[str, ...] | None:
    """Return the levels of years in a series; None where no system has so many."""
    by_system = [[_level(year, last_years) for year in years] for last_years in _systems_of(series, language)]
    possible = [levels for levels in by_system if None not in levels]
    if not possible:
        return None
    if any(levels != possible[0] for levels in possible):
        return ()
    return tuple(dict.fromkeys(level for level in possible[0] if level))


def _systems_of(series: _Series, language: str | None) -> list[_Years]:
    """Return the systems of a language or locale; all where it names none."""
    tag = (language or "").casefold().replace("_", "-")
    for key in (tag, tag.partition("-")[0]):
        if key and key in series.systems:
            return series.systems[key] + [
                years for name, more in series.systems.items() if name.startswith(f"{key}-") for years in more
            ]
    return [years for systems in series.systems.values() for years in systems]


def _level(year: int, last_years: _Years) -> str | None:
    return next((str(level) for level, last in enumerate(last_years, start=1) if year <= last), None)


def _years(text: str) -> tuple[int, ...]:
    """Return every year from the first to the last number in a text of nothing else; empty for another text."""
    words = [_ordinal_numbers().get(word, word) for word in _ordinal_words().findall(text)]
    numerals = list(map(int, filter(str.isdecimal, words)))
    if _names_two_series(text, numerals) or not all(map(_may_stand_beside_grade, words)):
        return ()
    numbers = numerals or [_ROMAN[word] for word in words if word in _ROMAN] or [0]
    return tuple(range(min(numbers), max(numbers) + 1)) if min(numbers) and max(numbers) <= _MAX_YEAR else ()


def _names_two_series(text: str, numerals: list[int]) -> bool:
    """Whether a text is like "Key Stage 3 Level 5", without the name of the first series."""
    return len(numerals) > 1 and bool(_NUMBERED_LEVEL.search(text))


def _may_stand_beside_grade(word: str) -> bool:
    return word.isdecimal() or word in _ROMAN or word in _fillers()


@lru_cache(maxsize=1)
def _series() -> dict[str, _Series]:
    by_name = {}
    for row in read_vocabulary("grade")["series"]:
        is_stage, is_cardinal = row.get("stage", False), row.get("cardinal", False)
        series = _Series(_systems(row["systems"]), is_stage, is_cardinal, row.get("first", 1))
        by_name.update(dict.fromkeys(map(_key, row["words"]), series))
    return by_name


def _systems(rows: dict[str, list[int]] | list[list[int]]) -> dict[str, list[_Years]]:
    if isinstance(rows, list):
        return {"": [tuple(row) for row in rows]}
    return {language: [tuple(row)] for language, row in rows.items()}


def _key(name: str) -> str:
    return " ".join(_TOKEN.findall(fold(name)))


@lru_cache(maxsize=1)
def _names() -> re.Pattern[str]:
    """Return a pattern of the words of every series, longest first."""
    return _any_of(_series())


@lru_cache(maxsize=1)
def _ordinal_words() -> re.Pattern[str]:
    """Return a pattern of the words of a text, ordinals of two words as one."""
    two = [name for name in _ordinal_numbers() if " " in name]
    return re.compile(rf"{_any_of(two).pattern}|\S+")


def _any_of(names: dict[str, _Series] | list[str]) -> re.Pattern[str]:
    by_length = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, by_length))})(?!\S)")


@lru_cache(maxsize=1)
def _ordinal_numbers() -> dict[str, str]:
    return {_key(name): number for number, names in read_vocabulary("grade")["ordinals"].items() for name in names}


@lru_cache(maxsize=1)
def _fillers() -> frozenset[str]:
    return frozenset(map(_key, read_vocabulary("grade")["fillers"]))
