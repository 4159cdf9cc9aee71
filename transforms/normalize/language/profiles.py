"""What langdetect's profiles say of a text: all of its short n-grams at once, instead of a random draw of them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

import numpy as np

_SMOOTHING = 0.5 / 10_000  # langdetect's own: alpha over its base frequency
_DRAWN = 25  # n-grams after which langdetect's draws have mostly converged: so many count, however many there are
_LEAST = 0.1  # langdetect names no language that is less likely
_WORD = re.compile(r"[^\W\d_]+")

_Logarithms = np.ndarray[Any, np.dtype[np.float64]]


def sees(text: str, language: str) -> bool | None:
    """Whether langdetect's profiles hold a language possible for a lower-case text; None where they lack it."""
    place = _places().get(language)
    if place is None:
        return None
    words = [_weighed(word) for word in set(_WORD.findall(unicodedata.normalize("NFC", text)))]
    met = sum(known for known, _ in words)
    if not met:
        return False
    scores = np.add.reduce([weight for _, weight in words]) * min(1.0, _DRAWN / met)
    odds = np.exp(scores - scores.max())
    return bool(odds[place] >= _LEAST * odds.sum())


@lru_cache(maxsize=4096)
def _weighed(word: str) -> tuple[int, _Logarithms]:
    """How many n-grams of a word and the spaces around it are known, and what they say together of each language."""
    said = f" {word} "
    parts = (said[at : at + length] for length in (1, 2, 3) for at in range(len(said) - length + 1))
    known = [weight for part in parts if part != " " and (weight := _likelihood(part)) is not None]
    return len(known), np.add.reduce(known, axis=0) if known else np.zeros(len(_places()))


@lru_cache(maxsize=8192)
def _likelihood(part: str) -> _Logarithms | None:
    """How likely an n-gram is in each language, as logarithms; None where no profile has it."""
    told = _factory().word_lang_prob_map.get(part)
    return None if told is None else np.log(np.array(told) + _SMOOTHING)


@cache
def _places() -> dict[str, int]:
    return {language: place for place, language in enumerate(_factory().langlist)}


@cache
def _factory() -> Any:
    from langdetect import detector_factory

    detector_factory.init_factory()
    return detector_factory._factory
