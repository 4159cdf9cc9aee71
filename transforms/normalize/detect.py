"""The language of a short text: script, then models that must agree, then letters and words that tell neighbours apart.

Measured in docs/decisions/045-language-detection.md; `python bench/langid.py` prints the table by language.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from schemas.base import Base
from transforms.normalize import detect_evidence, detect_models, detect_script
from transforms.normalize.detect_evidence import Weights

LENGTH = 120  # characters that are read
SURE = 0.95  # the fast model alone is believed from here on, outside the close families
DOUBTFUL = 0.6  # less likely than this needs langdetect's word for it, where it has a profile
UNLIKELY = 0.4  # less likely than this is not said at all
SEEN = 0.5  # unless one of the models gave it this much
FLOOR = 1e-3  # the share of a language that a model does not name
CALM = 1.5  # the scores count the same evidence more than once: divided by this they are honest
LONG = 60  # characters
SURE_WHEN_LONG = 0.9
FAMILY = ("sr", "hr", "bs")  # one language to the models: they count little, words count most
FAMILY_SHARE = 0.3
SURE_OF_FAMILY = 0.8  # measured: about three in four are right there, however many words agree
HINTED = 2.0  # what a declared tag weighs: as much as one word
WORD = re.compile(r"[^\W\d_]\S+")
UNREAD = re.compile("[әҝҹ]")
NUMBERS = re.compile(r"[\d_]+")
NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[\d_]+")


class Detection(Base, frozen=True, kw_only=True):
    tag: str  # BCP 47, or "und"
    confidence: float  # 0 to 1, two places
    family: float = 0.0  # the same for the language or one of its family (Serbian, Croatian, Bosnian); never less


UNKNOWN = Detection(tag="und", confidence=0.0)


def detect(text: str, hint: str | None = None) -> Detection:
    """The language of a text, from its first 120 characters; Serbian and Chinese with the script.

    `hint` is the tag that somebody declared; it tips the balance where languages are close. "und" with a low
    confidence where there is too little to tell: numbers, single words in a script of many languages, nonsense.
    """
    return _detected(text[:LENGTH], hint.partition("-")[0] if hint else None)


@lru_cache(maxsize=16384)
def _detected(text: str, hint: str | None) -> Detection:
    noisy = "@" in text or "http" in text or "www." in text  # the pattern for them is slow
    flat = " ".join((NOISE if noisy else NUMBERS).sub(" ", text).lower().split())
    script, languages = detect_script.candidates(flat)
    if script is None or not languages:
        return UNKNOWN
    if len(languages) == 1:
        return Detection(tag=detect_script.tagged(languages[0], script, flat), confidence=0.99, family=0.99)
    if len(WORD.findall(flat)) < 2:
        return Detection(tag="und", confidence=0.2)
    language, confidence, family = _judged(flat, script, languages, hint)
    return Detection(tag=detect_script.tagged(language, script, flat), confidence=confidence, family=family)


def _judged(text: str, script: str, languages: tuple[str, ...], hint: str | None) -> tuple[str, float, float]:
    """The likeliest language, how likely it is, and how likely its family is."""
    first, sure, ranked = detect_models.fasttext_first(text)
    long = len(text) >= LONG
    letters = detect_evidence.letters(text, script)
    easy = sure >= (SURE_WHEN_LONG if long else SURE) and first in languages and first in detect_evidence.easy(long)
    if easy and not letters[languages.index(first)]:
        return first, round(min(sure, 0.99), 2), round(min(sure, 0.99), 2)
    fast, slow = detect_models.shares(ranked), detect_models.py3langid(text)
    scores = _scores(text, script, languages, letters + _told(languages, fast) + _told(languages, slow))
    if hint in languages:
        scores[languages.index(hint)] += HINTED
    top = float(scores.max())
    best = min(one for one, score in zip(languages, scores.tolist(), strict=True) if score == top)
    odds = np.exp((scores - top) / CALM)
    likelihood, family = (_likelihood(of, languages, odds) for of in ((best,), _family(best)))
    if _doubted(text, script, best, family, max(_seen(best, fast), _seen(best, slow))):
        return "und", min(likelihood, 0.3), 0.0
    close = best in FAMILY and script == "Latn"
    return best, min(likelihood, SURE_OF_FAMILY) if close else likelihood, family


def _told(languages: tuple[str, ...], shares: dict[str, float]) -> Weights:
    """The logarithm of what one model says for each language."""
    logarithms: Weights = np.log(np.array([shares.get(one, 0.0) for one in languages]) + FLOOR)
    return logarithms


def _family(language: str) -> tuple[str, ...]:
    return FAMILY if language in FAMILY else (language,)


def _seen(language: str, told: dict[str, float]) -> float:
    return sum(told.get(one, 0.0) for one in _family(language))


def _doubted(text: str, script: str, best: str, likelihood: float, seen: float) -> bool:
    """Whether the likeliest language is too unlikely to be named, or langdetect, which is slow, does not see it."""
    if likelihood < UNLIKELY or (seen < 0.1 and script == "Latn"):
        return True
    return likelihood < DOUBTFUL and seen < SEEN and detect_models.langdetect_sees(text, best) is False


def _scores(text: str, script: str, languages: tuple[str, ...], told: Weights) -> Weights:
    """The logarithm of what the models and letters (told), the library's leaning and the words say together."""
    scores = told + detect_evidence.leaning(script)
    if script == "Latn":
        _pool(scores, languages)
    elif script == "Cyrl" and UNREAD.search(text):  # no model reads Azerbaijani in Cyrillic: letters and words must do
        place = languages.index("az")
        scores[place] = scores.max() - 1.5 + detect_evidence.letters(text, script)[place]
    rivals = frozenset(languages[place] for place in np.argsort(-scores, kind="stable")[:6].tolist())
    for language, weight in detect_evidence.words(text, script, rivals).items():
        if language in languages:
            scores[languages.index(language)] += weight
    return scores


def _pool(scores: Weights, languages: tuple[str, ...]) -> None:
    """Bring the close family together, so that words decide among its languages."""
    places = [languages.index(one) for one in FAMILY]
    top = scores[places].max()
    scores[places] = top + FAMILY_SHARE * (scores[places] - top) + detect_evidence.leaning("Latn")[places]


def _likelihood(of: tuple[str, ...], languages: tuple[str, ...], odds: Weights) -> float:
    """How likely it is that the text is in one of these languages, by the odds of all."""
    mine = sum(odds[languages.index(one)] for one in of if one in languages)
    return round(min(0.99, float(mine / odds.sum())), 2)
