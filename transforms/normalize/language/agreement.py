"""Weigh models, n-grams, letters and words against one another."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from transforms.normalize.language import evidence, models, ngrams

SERBO_CROATIAN = ("sr", "hr", "bs")  # one language to the models: words alone decide between them

_SURE = 0.97  # likelihood by the fast model and n-grams from which the slow one is not asked
_MAX_LIKELIHOOD = 0.99
_MAX_LIKELIHOOD_SERBO_CROATIAN = 0.97  # however many words agree: each writes the others' words at times
_MAX_LIKELIHOOD_UNKNOWN = 0.3
_SHARE_FLOOR = 1e-3  # the share of a language that a model does not name
_FAMILY_MODEL_WEIGHT = 0.2  # of what the fast model says about Serbian, Croatian and Bosnian

_Shares = dict[str, float]  # language → probability
_Floats = np.ndarray[Any, np.dtype[Any]]


class WrittenText(NamedTuple):
    """A text whose language is to be detected."""

    text: str  # one line in lower case
    script: str
    languages: tuple[str, ...]  # the candidates
    letters: frozenset[str]  # those that not every candidate writes
    hint: str | None  # the candidate that is declared


class LanguageScore(NamedTuple):
    """The likeliest language of a text."""

    language: str  # or "und"
    likelihood: float
    family: float  # that the text is in this language or one of its family


def decide(written: WrittenText, fast: _Shares) -> LanguageScore:
    """Decide by the fast model, n-grams and letters, and by the slow model too where these are not sure."""
    text, script = written.text, written.script
    factors = ngrams.table_of(script).factors
    fast_logarithms = logarithms(fast, script)
    parts = ngrams.ngram_evidence(text, script) + evidence.letters_against(written.letters, script) + _hint(written)
    score = _score(parts + factors.fast_alone * fast_logarithms + factors.constant_alone, script)
    if score.family < _SURE:
        slow_logarithms = logarithms(models.py3langid(text, script), script)
        parts += factors.fast * fast_logarithms + factors.slow * slow_logarithms + factors.constant
        score = _score(parts, script)
    if score.language in SERBO_CROATIAN and script == "Latn":
        return _decide_in_family(written, fast, score.family)
    return score


def logarithms(shares: _Shares, script: str) -> _Floats:
    """Return for each column the logarithm of how far a model's share is above the least one; other languages' last."""
    values = [shares.get(language, 0.0) for language in ngrams.columns_of(script)[:-1]]
    values.append(max(0.0, sum(shares.values()) - sum(values)))
    above: _Floats = np.log(np.array(values, dtype=np.float32) / np.float32(_SHARE_FLOOR) + np.float32(1))
    return above


def _hint(written: WrittenText) -> _Floats | float:
    """Return what a declared language adds to the columns."""
    return _hints(written.script)[written.hint] if written.hint else 0.0


@cache
def _hints(script: str) -> dict[str, _Floats]:
    columns = ngrams.columns_of(script)
    return {
        language: row * np.float32(evidence.KNOWN_WORD)
        for language, row in zip(columns, np.eye(len(columns), dtype=np.float32), strict=True)
    }


def _score(scores: _Floats, script: str) -> LanguageScore:
    """Return the likeliest language; Serbian, Croatian and Bosnian in Latin letters are likely together."""
    columns = ngrams.columns_of(script)
    odds = np.exp(scores - scores.max())
    shares: list[float] = (odds / odds.sum()).tolist()
    best = max(range(len(columns)), key=shares.__getitem__)
    family = shares[best]
    if script == "Latn":
        indexes = _family_indexes()
        together = sum(shares[index] for index in indexes)
        if together > family or best in indexes:
            best, family = max(indexes, key=shares.__getitem__), together
    return LanguageScore(columns[best], min(shares[best], _MAX_LIKELIHOOD), min(family, _MAX_LIKELIHOOD))


@cache
def _family_indexes() -> tuple[int, ...]:
    columns = ngrams.columns_of("Latn")
    return tuple(columns.index(language) for language in SERBO_CROATIAN)


def _decide_in_family(written: WrittenText, fast: _Shares, family: float) -> LanguageScore:
    """Decide by words which of Serbian, Croatian and Bosnian a text is in that is so likely in one of them."""
    words, leanings = evidence.words_for(written.text), evidence.leanings()
    scores = {
        language: _FAMILY_MODEL_WEIGHT * math.log(fast.get(language, 0.0) + _SHARE_FLOOR)
        + leanings[language]
        + words[language]
        for language in SERBO_CROATIAN
    }
    if written.hint in scores:
        scores[written.hint] += evidence.KNOWN_WORD
    top = max(scores.values())
    odds = {language: math.exp(score - top) for language, score in scores.items()}
    best = min(language for language, score in scores.items() if score == top)
    likelihood = min(odds[best] / sum(odds.values()) * family, _MAX_LIKELIHOOD_SERBO_CROATIAN)
    return LanguageScore(best, likelihood, family)
