"""What models, letters, words and the library's leaning say together where the fast model alone is not enough."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from transforms.normalize.language import (
    evidence as detect_evidence,
)
from transforms.normalize.language import (
    models as detect_models,
)
from transforms.normalize.language import (
    profiles as detect_profiles,
)

_DOUBTFUL = 0.6  # less likely than this needs langdetect's word for it, where it has a profile
_UNLIKELY = 0.4  # less likely than this is not said at all
_SEEN = 0.5  # unless one of the models gave it this much
_HEARD = 0.15  # what one of the models must give a language in Latin letters at the least
_FLOOR = 1e-3  # the share of a language that a model does not name
_LEAST = 2 * math.log(_FLOOR)  # the score of a language that neither names
_CALM = 1.5  # the scores count the same evidence more than once: divided by this they are honest
_RIVALS = 6  # the likeliest languages; words are asked where two of them are neighbours
FAMILY = ("sr", "hr", "bs")  # one language to the models: they count little, words count most
_CLOSE = frozenset(FAMILY)
_FAMILY_SHARE = 0.2
_FAMILY_CALM = 1.0  # words count the same evidence once
_SURE_OF_FAMILY = 0.97  # at most, however many words agree: each writes the others' words at times
_UNHEARD = ("uz", "Cyrl")  # fastText knows it in Latin letters only
_UNREAD = frozenset("әҝҹ")  # no model reads Azerbaijani in Cyrillic: letters and words must do
_BEHIND = 1.5  # how far behind the best it then starts

_Scores = dict[str, float]  # language → probability, or its logarithm


class Writing(NamedTuple):
    """A text to be told: one line in lower case."""

    text: str
    script: str
    languages: tuple[str, ...]  # the candidates
    letters: frozenset[str]  # those that speak against a candidate
    hint: str | None  # the candidate that somebody declared


class Told(NamedTuple):
    language: str
    likelihood: float
    family: float  # how likely it is that the text is in one of the language's family


def family_share(fast: _Scores, writing: Writing) -> float:
    """What the fast model gives the close family, among the candidates that write the letters of the text."""
    odds = detect_evidence.odds(writing.letters, writing.script)
    found = {one: share * odds[one] for one, share in fast.items() if one in odds}
    return _seen(FAMILY[0], found) / (sum(found.values()) or 1.0)


def of_family(writing: Writing, fast: _Scores, family: float) -> Told:
    """Which of Serbian, Croatian and Bosnian a text is in that is so likely in one of them: words must tell."""
    scores = {one: _FAMILY_SHARE * math.log(fast.get(one, 0.0) + _FLOOR) + _leaning(one) for one in FAMILY}
    for one, weight in detect_evidence.words(writing.text, "Latn", _CLOSE).items():
        if one in scores:
            scores[one] += weight
    best, odds = _best(scores, writing.hint if writing.hint in _CLOSE else None, _FAMILY_CALM)
    return Told(best, min(odds[best] * family, _SURE_OF_FAMILY), family)


def agreed(writing: Writing, fast: _Scores) -> Told:
    """What both models, letters and words say together, and langdetect where that is little; "und" where it is less."""
    slow = detect_models.py3langid(writing.text, writing.script)
    best, odds = _best(_scores(writing, fast, slow), writing.hint, _CALM)
    likelihood = min(0.99, odds[best])
    family = min(0.99, sum(odds.get(one, 0.0) for one in _family(best)))
    if _doubted(writing, best, family, max(_seen(best, fast), _seen(best, slow))):
        return Told("und", min(likelihood, 0.3), 0.0)
    close = best in _CLOSE and writing.script == "Latn"
    return Told(best, min(likelihood, _SURE_OF_FAMILY) if close else likelihood, family)


def _best(scores: _Scores, hint: str | None, calm: float) -> tuple[str, _Scores]:
    """The language with the best score, and the likelihood of each."""
    if hint is not None:
        scores[hint] = scores.get(hint, _LEAST) + detect_evidence.KNOWN_WORD
    top = max(scores.values())
    odds = {one: math.exp((score - top) / calm) for one, score in scores.items()}
    whole = sum(odds.values())
    return min(one for one, score in scores.items() if score == top), {one: said / whole for one, said in odds.items()}


def _family(language: str) -> tuple[str, ...]:
    return FAMILY if language in _CLOSE else (language,)


def _seen(language: str, told: _Scores) -> float:
    """What a model gives a language, or its family."""
    return sum(told.get(one, 0.0) for one in _family(language))


def _leaning(language: str) -> float:
    return detect_evidence.leaning(language, "Latn")


def _doubted(writing: Writing, best: str, likelihood: float, heard: float) -> bool:
    """Whether the likeliest language is too unlikely to be named, or langdetect, which is slow, does not see it."""
    if likelihood < _UNLIKELY or (heard < _HEARD and writing.script == "Latn"):
        return True
    return likelihood < _DOUBTFUL and heard < _SEEN and detect_profiles.sees(writing.text, best) is False


def _scores(writing: Writing, fast: _Scores, slow: _Scores) -> _Scores:
    """The logarithm of what the models, the letters, the library's leaning and the words say together."""
    text, script, _, letters, _ = writing
    scores = {}
    for one in _likely(writing, fast, slow):
        further = slow.get(one, 0.0)
        told = further if (one, script) == _UNHEARD else fast.get(one, 0.0)
        scores[one] = math.log((told + _FLOOR) * (further + _FLOOR)) + detect_evidence.leaning(one, script)
        scores[one] += detect_evidence.against(one, letters, script)
    if script == "Latn":
        _pool(scores)
    elif script == "Cyrl" and letters & _UNREAD:
        scores["az"] = max(scores.values()) - _BEHIND + 2 * detect_evidence.against("az", letters, script)
    rivals = frozenset(sorted(scores, key=scores.__getitem__, reverse=True)[:_RIVALS])
    for language, weight in detect_evidence.words(text, script, rivals).items():
        if language in scores:
            scores[language] += weight
    return scores


def _likely(writing: Writing, fast: _Scores, slow: _Scores) -> Iterable[str]:
    """The candidates that a model names; all of a script that few languages write."""
    if writing.script != "Latn":
        return writing.languages
    named = (one for one in fast if one in writing.languages)
    return dict.fromkeys((*named, *(one for one, share in slow.items() if share > _FLOOR), *FAMILY))


def _pool(scores: _Scores) -> None:
    """Bring the close family together, so that words decide among its languages."""
    top = max(scores[one] for one in FAMILY)
    for one in FAMILY:
        scores[one] = top + _FAMILY_SHARE * (scores[one] - top) + _leaning(one)
