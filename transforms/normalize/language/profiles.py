"""langdetect's profiles, applied to all short n-grams of a text at once instead of a random draw of them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

import numpy as np

from transforms.remembering import remember

_SMOOTHING = 0.5 / 10_000  # langdetect's own: alpha over its base frequency
_COUNTED_NGRAMS = 25  # however many there are: langdetect's draws have mostly converged after so many
_MIN_PROBABILITY = 0.1  # langdetect names no less likely language
_WORD = re.compile(r"[^\W\d_]+")

_LogProbabilities = np.ndarray[Any, np.dtype[np.float64]]  # one per language


def langdetect_allows(text: str, language: str) -> bool | None:
    """Return whether langdetect's profiles make a language possible for a lower-case text; None without a profile."""
    index = _index_of_language().get(language)
    if index is None:
        return None
    words = [_score_word(word) for word in set(_WORD.findall(unicodedata.normalize("NFC", text)))]
    ngrams = sum(count for count, _ in words)
    if not ngrams:
        return False
    scores = np.add.reduce([score for _, score in words]) * min(1.0, _COUNTED_NGRAMS / ngrams)
    odds = np.exp(scores - scores.max())
    return bool(odds[index] >= _MIN_PROBABILITY * odds.sum())


@remember(4096)
def _score_word(word: str) -> tuple[int, _LogProbabilities]:
    """Return how many n-grams of a word, with a space on both sides, are known, and the sum of their scores."""
    padded = f" {word} "
    ngrams = (padded[start : start + size] for size in (1, 2, 3) for start in range(len(padded) - size + 1))
    known = [score for ngram in ngrams if ngram != " " and (score := _score_ngram(ngram)) is not None]
    return len(known), np.add.reduce(known, axis=0) if known else np.zeros(len(_index_of_language()))


@lru_cache(maxsize=8192)
def _score_ngram(ngram: str) -> _LogProbabilities | None:
    probabilities = _factory().word_lang_prob_map.get(ngram)
    return None if probabilities is None else np.log(np.array(probabilities) + _SMOOTHING)


@cache
def _index_of_language() -> dict[str, int]:
    return {language: index for index, language in enumerate(_factory().langlist)}


@cache
def _factory() -> Any:
    from langdetect import detector_factory

    detector_factory.init_factory()
    return detector_factory._factory
