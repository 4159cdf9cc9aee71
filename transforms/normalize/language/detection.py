"""Detect the language of a short text by its script, models that must agree, and letters and words.

Measured in docs/decisions/045-language-detection.md; `python bench/langid.py` prints the table by language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from schemas import Base
from transforms.normalize.language import agreement, evidence, models, ngrams
from transforms.normalize.language.agreement import SERBO_CROATIAN, LanguageScore, WrittenText
from transforms.normalize.language.script import candidate_languages, tag_with_script

_MAX_READ_CHARS = 120
_MAX_REMEMBERED_TEXTS = 16_384
_MAX_CONFIDENCE = 0.99
_ERROR_FACTOR = 0.25  # where others agree with the fast model, it is wrong so much less often than it says
_MIN_SHARE_AGREED = 0.6  # from which the fast model is trusted where n-grams speak for the same language
_MIN_SHARE_AGREED_SHORT = 0.8
_MIN_LEAD_AGREED = 0.3  # and so much more than for the next one
_MIN_SHARE_ALONE = 0.92  # from which the fast model needs no n-grams
_PREFERRED = frozenset(  # the fast model takes texts of their neighbours for them
    ("am", "da", "id", "mk", "nl", "no", "pt", "es", "sw", "tr"),
)
_MIN_LEAD_PREFERRED = 1.5
# Characters, and how likely the language of a shorter text must be: names mislead.
_MIN_LIKELIHOOD_SHORT = ((16, 0.85), (20, 0.72), (math.inf, 0.6))
_MIN_CHARS_FAMILY = 24  # from which it is enough that the family is so likely
_NEVER_SHORT = frozenset(  # names, and words that a larger language writes alike, are taken for them
    ("af", "ca", "eu", "fil", "gl", "ha", "ht", "ku", "mt", "so", "sw", "xh", "zu"),
)
_MAX_LIKELIHOOD_UNKNOWN = 0.3
_MIN_FAMILY_SHARE = 0.6  # from which the fast model is trusted that a text is Serbian, Croatian or Bosnian
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
            _REMEMBERED[question] = _detection(written, _decide(written, *rankings[question]))
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


def _decide(written: WrittenText, first: str, probability: float, ranking: models.Ranking) -> LanguageScore:
    """Decide by the cheapest sure means; a short text is in no language unless that is likely."""
    score = _decide_by_cheapest(written, first, probability, ranking)
    if not written.is_short():
        return score
    if score.language in _NEVER_SHORT:
        return LanguageScore("und", _MAX_LIKELIHOOD_UNKNOWN, 0.0)
    chars = len(written.text)
    likelihood = score.likelihood if chars < _MIN_CHARS_FAMILY else max(score.likelihood, score.family)
    if likelihood < next(least for limit, least in _MIN_LIKELIHOOD_SHORT if chars < limit):
        return LanguageScore("und", min(score.likelihood, _MAX_LIKELIHOOD_UNKNOWN), 0.0)
    return score


def _decide_by_cheapest(written: WrittenText, first: str, probability: float, ranking: models.Ranking) -> LanguageScore:
    """Decide by the fast model and n-grams, by the fast model and words, or by all together."""
    sure = LanguageScore(first, _less_error(probability), _less_error(probability))
    trusted = _is_trusted(written, first)
    if trusted and probability >= _MIN_SHARE_ALONE and first not in _PREFERRED:
        return sure
    of_ngrams = ngrams.ngram_evidence(written.text, written.script)
    nearest, lead = ngrams.lead(of_ngrams, written.script)
    if trusted and nearest == first and _is_agreed(written, first, probability, lead):
        return sure
    fast = models.shares(ranking)
    family = agreement.family_share(fast, written) if written.script == "Latn" else 0.0
    if family >= _MIN_FAMILY_SHARE and nearest in SERBO_CROATIAN:
        return agreement.decide_in_family(written, fast, _less_error(family))
    return agreement.decide_together(written, fast, of_ngrams)


def _is_agreed(written: WrittenText, first: str, probability: float, lead: float) -> bool:
    """Return whether the fast model and n-grams are sure enough of the language that both name first."""
    min_share = _MIN_SHARE_AGREED_SHORT if written.is_short() else _MIN_SHARE_AGREED
    return probability >= min_share and lead >= (_MIN_LEAD_PREFERRED if first in _PREFERRED else _MIN_LEAD_AGREED)


def _is_trusted(written: WrittenText, first: str) -> bool:
    """Return whether the fast model can be right: it knows one language of Serbian, Croatian and Bosnian."""
    if first not in written.languages or (first in SERBO_CROATIAN and written.script == "Latn"):
        return False
    return not evidence.letters_against(first, written.letters, written.script)


def _less_error(probability: float) -> float:
    return min(_MAX_CONFIDENCE, 1 - (1 - probability) * _ERROR_FACTOR)
