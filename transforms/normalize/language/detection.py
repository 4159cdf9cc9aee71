"""The language of a short text: script, then models that must agree, then letters and words that tell neighbours apart.

Measured in docs/decisions/045-language-detection.md; `python bench/langid.py` prints the table by language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas import Base
from transforms.normalize.language import (
    agreement as detect_agreement,
)
from transforms.normalize.language import (
    evidence as detect_evidence,
)
from transforms.normalize.language import (
    models as detect_models,
)
from transforms.normalize.language import (
    script as detect_script,
)
from transforms.normalize.language.agreement import FAMILY, Told, Writing

_LENGTH = 120  # characters that are read
REMEMBERED = 16_384  # texts
_EASY = 0.25  # where the fast model is believed alone it is wrong about so much less often than it says
_FAMILY_SEEN = 0.6  # from here on the fast model is believed that a text is in one of the close family
_TWO_WORDS = re.compile(r"[^\W\d_]\S+\s.*?[^\W\d_]\S")
_NUMBERS = re.compile(r"[\d_፡]+")  # and the sign that parts words in Ethiopic
_NOISE = re.compile(r"(?:https?://|www\.)\S+|(?<!\S)(?=\S+@\S)\S++|[\d_፡]+")


class Detection(Base, frozen=True, kw_only=True):
    tag: str  # BCP 47, or "und"
    confidence: float  # 0 to 1, two places
    family: float = 0.0  # the same for the language or one of its family (Serbian, Croatian, Bosnian); never less


_Asked = tuple[str, str | None]  # the text, shortened, and the language of its hint
_UNKNOWN = Detection(tag="und", confidence=0.0)


_KNOWN: dict[_Asked, Detection] = {}


def detect(text: str, hint: str | None = None) -> Detection:
    """The language of a text, from its first 120 characters; Serbian and Chinese with the script.

    `hint` is the tag that somebody declared; it tips the balance where languages are close. "und" with a low
    confidence where there is too little to tell: numbers, single words in a script of many languages, nonsense.
    """
    asked = _asked(text, hint)
    found = _KNOWN.get(asked)
    if found is None:
        detect_ahead(((text, hint),))
        found = _KNOWN[asked]
    return found


def detect_ahead(said: Iterable[tuple[str, str | None]]) -> None:
    """Tell the language of many texts, each with its hint, so that `detect` knows it; faster than one by one.

    The fast model is asked for all of them in a row: it then stays in the processor's cache, and takes half the time.
    """
    asked = dict.fromkeys(_asked(text, hint) for text, hint in said)
    written = {one: _written(*one) for one in asked if one not in _KNOWN}
    if len(_KNOWN) + len(written) > REMEMBERED:
        _KNOWN.clear()
        written = {one: _written(*one) for one in asked}
    told = {one: detect_models.fasttext_first(it.text) for one, it in written.items() if isinstance(it, Writing)}
    for one, it in written.items():
        _KNOWN[one] = _tagged(it, _judged(it, *told[one])) if isinstance(it, Writing) else it


def _asked(text: str, hint: str | None) -> _Asked:
    return text[:_LENGTH], hint.partition("-")[0] if hint else None


def _written(text: str, hint: str | None) -> Writing | Detection:
    """The text as the models read it; at once its language where script and letters, or their lack, say enough."""
    noisy = "@" in text or "http" in text or "www." in text  # the pattern for them is slow
    flat = " ".join((_NOISE if noisy else _NUMBERS).sub(" ", text).lower().split())
    script, languages = detect_script.candidates(flat)
    if script is None or not languages:
        return _UNKNOWN
    if len(languages) == 1:
        return Detection(tag=detect_script.tagged(languages[0], script, flat), confidence=0.99, family=0.99)
    if not _TWO_WORDS.search(flat):
        return Detection(tag="und", confidence=0.2)
    letters = detect_evidence.telling(flat, script)
    writing = Writing(flat, script, languages, letters, hint if hint in languages else None)
    if script != "Latn" and letters and (signed := detect_evidence.signed(letters, script)):
        return _tagged(writing, Told(signed, 0.99, 0.99))
    return writing


def _tagged(writing: Writing, told: Told) -> Detection:
    tag = detect_script.tagged(told.language, writing.script, writing.text)
    return Detection(tag=tag, confidence=round(told.likelihood, 2), family=round(told.family, 2))


def _judged(writing: Writing, first: str, sure: float, ranked: detect_models.Ranked) -> Told:
    """What the cheapest says that is sure: the fast model alone, it and words, or all together."""
    text, script, languages, letters, _ = writing
    alone = first in languages and not (script == "Latn" and first in FAMILY)
    if alone and detect_evidence.believed(first, sure, text) and not detect_evidence.against(first, letters, script):
        likelihood = min(0.99, 1 - (1 - sure) * _EASY)
        return Told(first, likelihood, likelihood)
    fast = detect_models.shares(ranked)
    family = detect_agreement.family_share(fast, writing) if script == "Latn" else 0.0
    if family >= _FAMILY_SEEN:
        return detect_agreement.of_family(writing, fast, min(0.99, 1 - (1 - family) * _EASY))
    return detect_agreement.agreed(writing, fast)
