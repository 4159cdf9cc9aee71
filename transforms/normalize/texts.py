"""The texts of one field by language: what was declared, checked against what is written there."""

from __future__ import annotations

from collections.abc import Sequence

import langcodes

from schemas.base import Base
from schemas.resource import Text
from transforms.normalize import language
from transforms.normalize.detect import Detection, detect

SURE = 0.85  # a detection this confident is set against a declared tag
LONG_ENOUGH = 20  # characters below which a contradiction means nothing
MUTUAL = frozenset((frozenset(("sr", "hr")), frozenset(("sr", "bs")), frozenset(("hr", "bs"))))


class LangTexts(Base, frozen=True, kw_only=True):
    """The texts of a field, one a language."""

    by_language: dict[str, str]  # the first text of each language
    further: tuple[Text, ...] = ()  # second and later texts of one language, in order
    tags: tuple[str, ...] = ()  # one a given text, in order; "und" where nothing tells
    contradictions: tuple[tuple[int, str, str, float], ...] = ()  # (index, declared, detected, confidence)


def langmap(said: Sequence[tuple[str, str | None]]) -> LangTexts:
    """Plain texts with the languages they were said to be in, by BCP 47 tag.

    A declared tag stands; where the text contradicts it the contradiction is listed. A tag that is absent or names no
    language takes the detection, or "und". A declared "sr" gains the script that the text is written in.
    """
    by_language: dict[str, str] = {}
    further: list[Text] = []
    tags: list[str] = []
    contradictions: list[tuple[int, str, str, float]] = []
    for index, (text, declared) in enumerate(said):
        known = language.tag(declared) if declared else None
        found = detect(text, hint=known)
        tag = _scripted(known, found) if known else found.tag
        if known and _contradicts(tag, found, text):
            contradictions.append((index, tag, found.tag, found.confidence))
        tags.append(tag)
        if tag in by_language:
            further.append(Text(language=tag, text=text))
        else:
            by_language[tag] = text
    return LangTexts(
        by_language=by_language, further=tuple(further), tags=tuple(tags), contradictions=tuple(contradictions)
    )


def _scripted(declared: str, found: Detection) -> str:
    """The declared tag with the text's script, where the language is written in two and none was said."""
    one, other = langcodes.Language.get(declared), langcodes.Language.get(found.tag)
    if one.language == other.language and other.script and not one.script:
        return one.update_dict({"script": other.script}).to_tag()
    return declared


def _contradicts(declared: str, found: Detection, text: str) -> bool:
    if found.tag == "und" or found.confidence < SURE or len(text) < LONG_ENOUGH:
        return False
    one, other = langcodes.Language.get(declared), langcodes.Language.get(found.tag)
    if one.language == other.language:
        return bool(one.script and other.script and one.script != other.script)
    return frozenset((one.language, other.language)) not in MUTUAL or found.confidence >= 0.95
