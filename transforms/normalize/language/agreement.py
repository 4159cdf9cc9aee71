"""Weigh models, letters, words and the library's expectations where the fast model alone is not sure enough."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from transforms.normalize.language import evidence, models, ngrams, profiles

SERBO_CROATIAN = ("sr", "hr", "bs")  # one language to the models: they count little, words count most

_MIN_LIKELIHOOD = 0.35  # of a language that is named at all
_MIN_SHARE_OF_TWO = 0.5  # of the fast model's first language, where n-grams name it first as well
_MAX_LIKELIHOOD_OVERRULED = 0.6  # of another language that all together make the likeliest
_MIN_LIKELIHOOD_ALONE = 0.55  # a less likely one needs langdetect's agreement, where it has a profile of it
_MIN_SHARE_ALONE = 0.5  # of one of the models, which makes langdetect's agreement unnecessary
_MIN_SHARE_LATIN = 0.15  # that one of the models must give a language in Latin letters
_SHORT_CHARS = 30  # a text of fewer characters and at most so many words is short
_SHORT_WORDS = 4
_MIN_SHARE_SHORT = 0.04  # that each model must give the language of a shorter text
_MIN_BOTH_SHORT = 0.3  # that both must give it together
_MAX_RIVAL_SHORT = 0.4  # that both may give another one together
_MAX_RATIO_SHORT = 0.67  # of what they give another one to what they give the language
_MAX_LIKELIHOOD = 0.99
_MAX_LIKELIHOOD_SERBO_CROATIAN = 0.97  # however many words agree: each writes the others' words at times
_MAX_LIKELIHOOD_UNKNOWN = 0.3

_SHARE_FLOOR = 1e-3  # the share of a language that a model does not name
_LEAST_SCORE = 2 * math.log(_SHARE_FLOOR)  # of a language that neither model names
_TEMPERATURE = 1.0  # of scores whose parts' weights were fitted to give probabilities
_FAMILY_TEMPERATURE = 1.0  # words count the same evidence once
_FAMILY_MODEL_WEIGHT = 0.2  # of what the models say about Serbian, Croatian and Bosnian
_MIN_FAMILY_SHARE = 0.2  # with less, no letters make them likely
_RIVALS = 6  # the likeliest languages; words count where two of them are neighbours

_Shares = dict[str, float]  # language → probability
_Scores = dict[str, float]  # language → logarithm of a likelihood


class WrittenText(NamedTuple):
    """A text whose language is to be detected."""

    text: str  # one line in lower case
    script: str
    languages: tuple[str, ...]  # the candidates
    letters: frozenset[str]  # those that not every candidate writes
    hint: str | None  # the candidate that is declared

    def is_short(self) -> bool:
        """Return whether names and foreign words may outweigh the rest."""
        return len(self.text) < _SHORT_CHARS and self.text.count(" ") < _SHORT_WORDS


class LanguageScore(NamedTuple):
    """The likeliest language of a text."""

    language: str  # or "und"
    likelihood: float
    family: float  # that the text is in this language or one of its family


def family_share(fast: _Shares, written: WrittenText) -> float:
    """Return the fast model's share of Serbian, Croatian and Bosnian among languages that write the text's letters."""
    if sum(fast.get(language, 0.0) for language in SERBO_CROATIAN) < _MIN_FAMILY_SHARE:
        return 0.0
    odds = evidence.letter_odds(written.letters, written.script)
    shares = {language: share * odds[language] for language, share in fast.items() if language in odds}
    return _share_of_family(SERBO_CROATIAN[0], shares) / (sum(shares.values()) or 1.0)


def decide_in_family(written: WrittenText, fast: _Shares, family: float) -> LanguageScore:
    """Decide by words which of Serbian, Croatian and Bosnian a text is in that is so likely in one of them."""
    scores = {
        language: _FAMILY_MODEL_WEIGHT * math.log(fast.get(language, 0.0) + _SHARE_FLOOR)
        + evidence.expectation(language, "Latn")
        for language in SERBO_CROATIAN
    }
    for language, weight in evidence.words_against(written.text, "Latn", frozenset(SERBO_CROATIAN)).items():
        if language in scores:
            scores[language] += weight
    best, odds = _best(scores, written.hint if written.hint in SERBO_CROATIAN else None, _FAMILY_TEMPERATURE)
    return LanguageScore(best, min(odds[best] * family, _MAX_LIKELIHOOD_SERBO_CROATIAN), family)


def decide_together(written: WrittenText, fast: _Shares, of_ngrams: _Scores) -> LanguageScore:
    """Decide by models, n-grams, letters and words, and by langdetect where they are unsure; "und" where all are."""
    slow = models.py3langid(written.text, written.script)
    best, odds = _best(_scores(written, fast, slow, of_ngrams), written.hint, _TEMPERATURE)
    likelihood = min(_MAX_LIKELIHOOD, odds[best])
    family = min(_MAX_LIKELIHOOD, sum(odds.get(language, 0.0) for language in _family(best)))
    share = max(_share_of_family(best, fast), _share_of_family(best, slow))
    agreed = _agreed_by_two(written, fast, of_ngrams)
    if agreed is not None and likelihood < _MAX_LIKELIHOOD_OVERRULED:
        best, likelihood, family, share = agreed, max(odds.get(agreed, 0.0), fast[agreed]), fast[agreed], fast[agreed]
    if _is_doubtful(written, best, family, share) or _is_short_and_open(written, best, fast, slow):
        return LanguageScore("und", min(likelihood, _MAX_LIKELIHOOD_UNKNOWN), 0.0)
    if best in SERBO_CROATIAN and written.script == "Latn":
        return decide_in_family(written, fast, family)
    return LanguageScore(best, likelihood, family)


def _agreed_by_two(written: WrittenText, fast: _Shares, of_ngrams: _Scores) -> str | None:
    """Return the language that both the fast model and the n-grams name first, the model with a large share."""
    first = max(fast, key=fast.__getitem__, default="")
    if fast.get(first, 0.0) < _MIN_SHARE_OF_TWO or first not in written.languages or first in SERBO_CROATIAN:
        return None
    return first if max(of_ngrams, key=of_ngrams.__getitem__) == first else None


def _best(scores: _Scores, hint: str | None, temperature: float) -> tuple[str, _Shares]:
    """Return the language with the best score, and the likelihood of each."""
    if hint is not None:
        scores[hint] = scores.get(hint, _LEAST_SCORE) + evidence.KNOWN_WORD
    top = max(scores.values())
    odds = {language: math.exp((score - top) / temperature) for language, score in scores.items()}
    total = sum(odds.values())
    best = min(language for language, score in scores.items() if score == top)
    return best, {language: share / total for language, share in odds.items()}


def _family(language: str) -> tuple[str, ...]:
    return SERBO_CROATIAN if language in SERBO_CROATIAN else (language,)


def _share_of_family(language: str, shares: _Shares) -> float:
    return sum(shares.get(member, 0.0) for member in _family(language))


def _is_doubtful(written: WrittenText, best: str, likelihood: float, share: float) -> bool:
    """Whether the likeliest language is too unlikely, or langdetect, which is slow and asked last, rules it out."""
    if likelihood < _MIN_LIKELIHOOD or (share < _MIN_SHARE_LATIN and written.script == "Latn"):
        return True
    unsure = likelihood < _MIN_LIKELIHOOD_ALONE and share < _MIN_SHARE_ALONE
    return unsure and profiles.langdetect_allows(written.text, best) is False


def _is_short_and_open(written: WrittenText, best: str, fast: _Shares, slow: _Shares) -> bool:
    """Return whether a text is short, and a model hardly names the language, or both name another one as well."""
    if not written.is_short():
        return False
    share, other_share = _share_of_family(best, fast), _share_of_family(best, slow)
    rivals = (fast.keys() | slow.keys()) - set(_family(best))
    rival = max((fast.get(language, 0.0) + slow.get(language, 0.0) for language in rivals), default=0.0)
    both = share + other_share
    if min(share, other_share) < _MIN_SHARE_SHORT or both < _MIN_BOTH_SHORT:
        return True
    return rival > min(_MAX_RIVAL_SHORT, _MAX_RATIO_SHORT * both)


def _scores(written: WrittenText, fast: _Shares, slow: _Shares, of_ngrams: _Scores) -> _Scores:
    """Return the logarithm of what models, n-grams, letters and words say together."""
    text, script, _, letters, _ = written
    factors = ngrams.factors_of(script)
    scores = {}
    for language in _likely_languages(written, fast, slow, of_ngrams):
        weights = factors[language]
        score = weights.fast * math.log(fast.get(language, 0.0) + _SHARE_FLOOR)
        score += weights.slow * math.log(slow.get(language, 0.0) + _SHARE_FLOOR)
        score += weights.ngrams * of_ngrams[language] + weights.constant
        if script != "Latn" or language not in SERBO_CROATIAN:
            score += evidence.expectation(language, script)
        scores[language] = score + evidence.letters_against(language, letters, script)
    if script == "Latn":
        _pool_family(scores)
    rivals = frozenset(sorted(scores, key=scores.__getitem__, reverse=True)[:_RIVALS])
    for language, weight in evidence.words_against(text, script, rivals).items():
        if language in scores:
            scores[language] += weight
    return scores


def _likely_languages(written: WrittenText, fast: _Shares, slow: _Shares, of_ngrams: _Scores) -> Iterable[str]:
    """Return the candidates that a model or the n-grams name; of a script that few languages write, all."""
    if written.script != "Latn":
        return written.languages
    fast_languages = (language for language in fast if language in written.languages)
    slow_languages = (language for language, share in slow.items() if share > _SHARE_FLOOR)
    nearest = max(of_ngrams, key=of_ngrams.__getitem__)
    return dict.fromkeys((*fast_languages, *slow_languages, nearest, *SERBO_CROATIAN))


def _pool_family(scores: _Scores) -> None:
    """Bring the scores of Serbian, Croatian and Bosnian together, so that words decide between them."""
    top = max(scores[language] for language in SERBO_CROATIAN)
    expected = max(evidence.expectation(language, "Latn") for language in SERBO_CROATIAN)
    for language in SERBO_CROATIAN:
        distance = _FAMILY_MODEL_WEIGHT * (scores[language] - top)
        scores[language] = top + distance + evidence.expectation(language, "Latn") - expected
