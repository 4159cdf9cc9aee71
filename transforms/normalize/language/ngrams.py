"""What the n-grams of a text's words say of its language, by a table that `python -m bench.train_langid` learns."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PATH = Path(__file__).with_name("ngrams.tsv")
WORD = re.compile(r"""[^\s\d.,;:!?()\[\]{}<>"«»„“”/|+*=&%#@…–—]+""")  # \w would leave out combining marks
_SCALE = 10.0  # n-grams overlap: their sum says the same many times
_MAX_CHARS = 4  # of an n-gram; a longer word counts as a whole too
_STEP = 0.2  # weights are written as one character each: 64 steps around zero
_STEPS = 32
_FIRST_CHARACTER = 48  # "0"
_NGRAM_BEHIND = 0.3  # how far a language of which the table knows nothing is behind the best

_Floats = np.ndarray[Any, np.dtype[Any]]


class Factors(NamedTuple):
    """How much the parts of the detection count for a language."""

    fast: float  # of the logarithm of fastText's share
    slow: float  # of the logarithm of py3langid's share
    ngrams: float  # of `ngram_evidence`
    constant: float


class _Table(NamedTuple):
    """The n-grams of one script."""

    languages: tuple[str, ...]
    factors: dict[str, Factors]
    rows: dict[str, int]  # n-gram → row of the weights
    weights: _Floats
    unknown: _Floats  # columns of languages without a text to learn from
    known: tuple[str, ...]  # the other languages


def ngrams_of(word: str) -> list[str]:
    """Return the letters of a word, its n-grams with the blanks around it, and the word itself."""
    padded = f" {word} "
    parts = [
        padded[start : start + size] for size in range(2, _MAX_CHARS + 1) for start in range(len(padded) - size + 1)
    ]
    return [*word, *parts, padded] if len(padded) > _MAX_CHARS else [*word, *parts]


def ngram_evidence(text: str, script: str) -> dict[str, float]:
    """Return language → what the n-grams of a lower-case text say for it, as a logarithm; empty without a table."""
    table = _tables().get(script)
    if table is None:
        return {}
    rows = [row for word in WORD.findall(text) for row in _rows_of_word(word, script)]
    score = scaled(table.weights.take(rows, 0).sum(0)) if rows else np.zeros(len(table.languages), dtype=np.float32)
    score[table.unknown] = score.max() - _NGRAM_BEHIND
    return dict(zip(table.languages, score.tolist(), strict=True))


def lead(evidence: dict[str, float], script: str) -> tuple[str, float]:
    """Return the language that n-grams speak for most, and how far it is before the next one that they know."""
    known = _tables()[script].known
    scores = [evidence[language] for language in known]
    second, first = sorted(scores)[-2:]
    return known[scores.index(first)], first - second


def factors_of(script: str) -> dict[str, Factors]:
    """Return language → how much the parts of the detection count for it, in texts of a script; empty for others."""
    table = _tables().get(script)
    return table.factors if table else {}


def scaled(score: _Floats) -> _Floats:
    """Return a sum of the weights of n-grams as a logarithm that compares with the models'."""
    return score / _SCALE


def rounded(weights: _Floats) -> _Floats:
    """Return weights as the table holds them."""
    return np.clip(np.round(weights / _STEP), -_STEPS, _STEPS - 1) * _STEP


def encode(weights: _Floats) -> str:
    """Return rounded weights as one character each."""
    return "".join(chr(_FIRST_CHARACTER + _STEPS + round(float(weight) / _STEP)) for weight in weights)


@lru_cache(maxsize=16384)
def _rows_of_word(word: str, script: str) -> tuple[int, ...]:
    rows = _tables()[script].rows
    return tuple([row for row in map(rows.get, ngrams_of(word)) if row is not None])


@cache
def _tables() -> dict[str, _Table]:
    parts = PATH.read_text(encoding="utf-8").split("#") if PATH.exists() else []
    return dict(map(_read_table, filter(None, parts)))


def _read_table(part: str) -> tuple[str, _Table]:
    head, *lines = part.removesuffix("\n").split("\n")
    script, _, names = head.partition("\t")
    languages = tuple(names.split())
    numbers = [line.removeprefix("=").split() for line in lines[:4]]
    factors = {name: Factors(*map(float, column)) for name, *column in zip(languages, *numbers, strict=True)}
    ngrams, _, codes = zip(*(line.partition("\t") for line in lines[4:]), strict=True)
    steps = np.frombuffer("".join(codes).encode("ascii"), dtype=np.uint8).reshape(len(codes), len(languages))
    weights = (steps.astype(np.float32) - (_FIRST_CHARACTER + _STEPS)) * np.float32(_STEP)
    rows = {ngram: row for row, ngram in enumerate(ngrams)}
    unknown = np.logical_not(weights.any(axis=0))
    known = tuple(language for language, without in zip(languages, unknown, strict=True) if not without)
    return script, _Table(languages, factors, rows, weights, unknown, known)
