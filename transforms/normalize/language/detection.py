"""Detect the language of a short text by its script, models that must agree, and letters and words.

Measured in docs/decisions/045-language-detection.md; `python bench/langid.py` prints the table by language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from schemas import Base
from transforms.normalize.language import agreement, evidence, models, profiles
from transforms.normalize.language.agreement import LanguageScore, WrittenText
from transforms.normalize.language.ngrams import UNKNOWN
from transforms.normalize.language.script import candidate_languages, tag_with_script

_MAX_READ_CHARS = 120
_MAX_REMEMBERED_TEXTS = 16_384
_MAX_CONFIDENCE = 0.99
_MAX_LIKELIHOOD_UNKNOWN = 0.3
_MAX_LIKELIHOOD_DOUBTFUL = 0.5  # below it langdetect, where it has a profile of the language, must not rule it out
# Characters, and how likely the language of a shorter text must be. Names mislead, in Latin letters most: they are
# mostly in English titles, and small languages, which write words of larger ones, are taken for these.
_MIN_LIKELIHOOD = ((16, 0.9), (20, 0.8), (25, 0.7), (30, 0.55), (math.inf, 0.3))
_MIN_LIKELIHOOD_ENGLISH = ((16, 0.85), (20, 0.5), (30, 0.4), (math.inf, 0.3))
_MIN_LIKELIHOOD_SMALL = ((30, 0.9), (math.inf, 0.3))
_MIN_LIKELIHOOD_ELSEWHERE = ((16, 0.8), (20, 0.7), (30, 0.5), (math.inf, 0.3))  # not in Latin letters
_SMALL = frozenset(("af", "ca", "eu", "fil", "gl", "ha", "ht", "ku", "mt", "so", "sw", "xh", "zu"))
_MIN_CHARS_FAMILY = 24  # from which it is enough that a text is so likely in Serbian, Croatian or Bosnian
_TWO_WORDS = re.compile(r"[^\W\d_]\S+\s.*?[^\W\d_]\S")
_NUMBERS = re.compile(r"[\d_፡]+")  # and the sign between words in Ethiopic
_NOISE = re.compile(r"(?:https?://|www\.)\S+|(?<!\S)(?=\S+@\S)\S++|[\d_፡]+")


class Detection(Base, frozen=True, kw_only=True):
    """The language of a text, and how likely it is."""

    tag: str  # BCP 47, or "und"
    confidence: float  # 0 to 1, two places
    family: float = 0.0  # that it is this language or one of its family (Serbian, Croatian, Bosnian); never less


_Question = tuple[str, str | None]  # a text, shortened, and the language of its hint
_UNKNOWN = Detection(tag="und", confidence=0.0)
_REMEMBERED: dict[_Question, Detection] = {}


def detect(text: str, hint: str | None = None) -> Detection:
    """Return the language of a text, from its first 120 characters; Serbian and Chinese with the script.

    `hint` is a declared tag; it tips the balance between close languages. The answer is "und" with a low confidence
    where the text is too little: numbers, single words in a script of many languages, nonsense.
    """
    question = _question(text, hint)
    detection = _REMEMBERED.get(question)
    if detection is None:
        detect_batch(((text, hint),))
        detection = _REMEMBERED[question]
    return detection


def detect_batch(texts: Iterable[tuple[str, str | None]]) -> None:
    """Detect the languages of many texts, each with its hint or None, and remember them for `detect`.

    Running the fast model on all of them in a row keeps it in the processor's cache, which halves its time.
    """
    questions = dict.fromkeys(_question(text, hint) for text, hint in texts)
    prepared = {question: _prepare(*question) for question in questions if question not in _REMEMBERED}
    if len(_REMEMBERED) + len(prepared) > _MAX_REMEMBERED_TEXTS:
        _REMEMBERED.clear()
        prepared = {question: _prepare(*question) for question in questions}
    rankings = {
        question: models.fasttext_ranking(written.text)
        for question, written in prepared.items()
        if isinstance(written, WrittenText)
    }
    for question, written in prepared.items():
        if isinstance(written, WrittenText):
            _REMEMBERED[question] = _detection(written, _decide(written, rankings[question]))
        else:
            _REMEMBERED[question] = written


def _question(text: str, hint: str | None) -> _Question:
    return text[:_MAX_READ_CHARS], hint.partition("-")[0] if hint else None


def _prepare(text: str, hint: str | None) -> WrittenText | Detection:
    """Return the text as the models read it, or its language where script and letters, or their lack, are enough."""
    flat = without_noise(text)
    script, languages = candidate_languages(flat)
    if script is None or not languages:
        return _UNKNOWN
    if len(languages) == 1:
        tag = tag_with_script(languages[0], script, flat)
        return Detection(tag=tag, confidence=_MAX_CONFIDENCE, family=_MAX_CONFIDENCE)
    if not _TWO_WORDS.search(flat):
        return Detection(tag="und", confidence=0.2)
    letters = evidence.distinctive_letters(flat, script)
    written = WrittenText(flat, script, languages, letters, hint if hint in languages else None)
    if script != "Latn" and letters and (language := evidence.only_writer_of(letters, script)):
        return _detection(written, LanguageScore(language, _MAX_CONFIDENCE, _MAX_CONFIDENCE))
    return written


def without_noise(text: str) -> str:
    """Return the text on one line in lower case, without numbers and addresses."""
    noisy = "@" in text or "http" in text or "www." in text  # the pattern for them is slow
    return " ".join((_NOISE if noisy else _NUMBERS).sub(" ", text).lower().split())


def _detection(written: WrittenText, score: LanguageScore) -> Detection:
    tag = tag_with_script(score.language, written.script, written.text)
    return Detection(tag=tag, confidence=round(score.likelihood, 2), family=round(score.family, 2))


def _decide(written: WrittenText, ranking: models.Ranking) -> LanguageScore:
    """Decide by all means; a text is in no language unless that is likely, the likelier the shorter it is."""
    score = agreement.decide(written, models.shares(ranking))
    chars = len(written.text)
    likelihood = score.likelihood if chars < _MIN_CHARS_FAMILY else max(score.likelihood, score.family)
    needed = next(least for limit, least in _steps(score.language, written.script) if chars < limit)
    if score.language == UNKNOWN or likelihood < needed or _is_ruled_out(written, score.language, likelihood):
        return LanguageScore(UNKNOWN, min(score.likelihood, _MAX_LIKELIHOOD_UNKNOWN), 0.0)
    return score


def _is_ruled_out(written: WrittenText, language: str, likelihood: float) -> bool:
    """Return whether a language is not sure, and impossible to langdetect, which is slow and asked last."""
    if likelihood >= _MAX_LIKELIHOOD_DOUBTFUL or language == written.hint:
        return False
    return profiles.langdetect_allows(written.text, language) is False


def _steps(language: str, script: str) -> tuple[tuple[float, float], ...]:
    """Return how likely a language must be, by the length of the text."""
    if script != "Latn":
        return _MIN_LIKELIHOOD_ELSEWHERE
    if language == "en":
        return _MIN_LIKELIHOOD_ENGLISH
    return _MIN_LIKELIHOOD_SMALL if language in _SMALL else _MIN_LIKELIHOOD
