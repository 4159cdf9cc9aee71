"""What the n-grams of a text's words say of its language, by a table that `python -m bench.train_langid` learns.

The table `ngrams.tsv` has a part for each script of several languages: a line `#SCRIPT` with its columns, five lines
`=` with the factors of the columns (`Factors`), then a line per n-gram with a character per column. After a line `+`
with a few close languages, n-grams have a character for each of these only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from transforms.normalize.language.script import CANDIDATES

PATH = Path(__file__).with_name("ngrams.tsv")
UNKNOWN = "und"  # the last column: languages that the library does not know
WORD = re.compile(r"""[^\s\d.,;:!?()\[\]{}<>"«»„“”/|+*=&%#@…–—]+""")  # \w would leave out combining marks
_MAX_CHARS = 4  # of an n-gram; a longer word counts as a whole too
_STEP = 0.04  # weights are written as one character each: 45 steps to each side of zero
_STEPS = 45
_FIRST_CHARACTER = 36  # "$", the one after "#"

_Floats = np.ndarray[Any, np.dtype[Any]]


class Factors(NamedTuple):
    """How much the parts of the detection count, one number per column."""

    fast_alone: _Floats  # of the logarithm of fastText's share, where py3langid is not asked
    constant_alone: _Floats
    fast: _Floats  # of the same where it is
    slow: _Floats  # of the logarithm of py3langid's share
    constant: _Floats


class Table(NamedTuple):
    """What is learned for one script."""

    columns: tuple[str, ...]  # its languages, then UNKNOWN
    factors: Factors
    rows: dict[str, int]  # n-gram → row of the weights
    weights: _Floats


def columns_of(script: str) -> tuple[str, ...]:
    """Return the columns of the table of a script."""
    return (*CANDIDATES[script], UNKNOWN)


def ngrams_of(word: str) -> list[str]:
    """Return the letters of a word, its n-grams with the blanks around it, and the word itself."""
    padded = f" {word} "
    parts = [
        padded[start : start + size] for size in range(2, _MAX_CHARS + 1) for start in range(len(padded) - size + 1)
    ]
    return [*word, *parts, padded] if len(padded) > _MAX_CHARS else [*word, *parts]


def ngram_evidence(text: str, script: str) -> _Floats:
    """Return what the n-grams of a lower-case text say for each column, as a logarithm."""
    table = table_of(script)
    rows = [row for word in WORD.findall(text) for row in _rows_of_word(word, script)]
    return table.weights.take(rows, 0).sum(0) if rows else np.zeros(len(table.columns), dtype=np.float32)


@lru_cache(maxsize=16384)
def _rows_of_word(word: str, script: str) -> tuple[int, ...]:
    rows = table_of(script).rows
    return tuple([row for row in map(rows.get, ngrams_of(word)) if row is not None])


def write_part(script: str, factors: Factors, sections: Iterable[tuple[Sequence[str], Mapping[str, _Floats]]]) -> str:
    """Return the part of a script: sections have the languages that they tell apart, and weights by n-gram."""
    columns = columns_of(script)
    lines = [f"#{script}\t{' '.join(columns)}"]
    lines += [f"={' '.join(f'{number:.3f}' for number in numbers)}" for numbers in factors]
    for languages, weights in sections:
        if len(languages) < len(columns):
            lines.append(f"+{' '.join(languages)}")
        indexes = [columns.index(language) for language in languages]
        lines += [f"{ngram}\t{_encode(row[indexes])}" for ngram, row in weights.items()]
    return "\n".join(lines) + "\n"


def _encode(weights: _Floats) -> str:
    steps = np.clip(np.round(weights / _STEP), -_STEPS, _STEPS).astype(int)
    return "".join(chr(_FIRST_CHARACTER + _STEPS + step) for step in steps.tolist())


def table_of(script: str) -> Table:
    """Return the table of a script of several languages; KeyError for another."""
    return _tables()[script]


@cache
def _tables() -> dict[str, Table]:
    parts = PATH.read_text(encoding="utf-8").split("#")
    return dict(map(_read_part, filter(None, parts)))


def _read_part(part: str) -> tuple[str, Table]:
    head, *lines = part.removesuffix("\n").split("\n")
    script, _, names = head.partition("\t")
    columns, count = tuple(names.split()), len(Factors._fields)
    numbers = [np.array(line.removeprefix("=").split(), dtype=np.float32) for line in lines[:count]]
    rows: dict[str, int] = {}
    sections: list[tuple[list[int], list[int], str]] = [([*range(len(columns))], [], "")]
    for line in lines[count:]:
        if line.startswith("+"):
            sections.append(([columns.index(name) for name in line[1:].split()], [], ""))
            continue
        ngram, _, codes = line.partition("\t")
        indexes, of_section, text = sections[-1]
        of_section.append(rows.setdefault(ngram, len(rows)))
        sections[-1] = indexes, of_section, text + codes
    weights = np.zeros((len(rows), len(columns)), dtype=np.float32)
    for indexes, of_section, text in sections:
        steps = np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(len(of_section), len(indexes))
        weights[np.ix_(of_section, indexes)] = (steps.astype(np.float32) - (_FIRST_CHARACTER + _STEPS)) * _STEP
    return script, Table(columns, Factors(*numbers), rows, weights)
