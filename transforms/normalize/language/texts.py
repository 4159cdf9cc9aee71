"""The texts of one field by language: what was declared, checked against what is written there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import langcodes

from schemas import Base, Text
from transforms.normalize.language import script as detect_script
from transforms.normalize.language import tags as language
from transforms.normalize.language.detection import Detection, detect, detect_ahead

_SURE = 0.85  # a detection this confident is set against a declared tag
_SURE_OF_NEIGHBOURS = 0.95  # and this confident where speakers of both read one another's texts
_NEIGHBOURS = 10  # CLDR's distance between such languages: nb and no 1, hr and sr 4
_SURE_OF_MALAY = 0.98  # the models take Malay for Indonesian even when they are rather sure
_MALAY = frozenset(("id", "ms"))  # CLDR holds them for distant
_NEVER = 2.0  # more than any detection is sure
_LONG_ENOUGH = 20  # characters below which only another script is a contradiction


class _LangTexts(Base, frozen=True, kw_only=True):
    """The texts of a field, one a language."""

    by_language: dict[str, str]  # the first text of each language
    further: tuple[Text, ...] = ()  # second and later texts of one language, in order
    tags: tuple[str, ...] = ()  # one a given text, in order; "und" where nothing tells
    contradictions: tuple[tuple[int, str, str, float], ...] = ()  # (index, declared, detected, confidence)


def langmap_ahead(told: Iterable[Sequence[tuple[str, str | None]]]) -> None:
    """Tell the languages of the texts of many fields, so that `langmap` knows them; faster than field by field."""
    detect_ahead([(text, language.tag(declared) if declared else None) for said in told for text, declared in said])


def langmap(said: Sequence[tuple[str, str | None]]) -> _LangTexts:
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
        tag = _scripted(known, _written(known, text)) if known else found.tag
        if known and (sure := contradicts(known, found, len(text))):
            contradictions.append((index, known, found.tag, sure))
        tags.append(tag)
        if tag in by_language:
            further.append(Text(language=tag, text=text))
        else:
            by_language[tag] = text
    return _LangTexts(
        by_language=by_language, further=tuple(further), tags=tuple(tags), contradictions=tuple(contradictions)
    )


def _written(declared: str, text: str) -> str:
    """The declared language with the script that the text is in, where that matters."""
    name = declared.partition("-")[0]
    script = detect_script.script_of(text) if name in detect_script.TWO_SCRIPTS else None
    return detect_script.tagged(name, script, text) if script in detect_script.TWO_SCRIPTS.get(name, ()) else name


@lru_cache(maxsize=4096)
def _scripted(declared: str, written: str) -> str:
    """The declared tag with the script of the other one, where it has none."""
    one, other = langcodes.Language.get(declared), langcodes.Language.get(written)
    if other.script and not one.script:
        return one.update_dict({"script": other.script}).to_tag()
    return declared


def contradicts(declared: str, found: Detection, length: int) -> float:
    """How surely a text of so many characters is not in the declared language or script; 0 where that is open."""
    needed, near = _needed(declared, found.tag)
    sure = found.confidence if near else max(found.family, found.confidence)
    if found.tag == "und" or sure < needed or (length < _LONG_ENOUGH and sure < 0.99):
        return 0.0
    return sure


@lru_cache(maxsize=4096)
def _needed(declared: str, found: str) -> tuple[float, bool]:
    """How sure a detection must be to contradict a declaration; whether the two languages are near."""
    one, other = langcodes.Language.get(declared), langcodes.Language.get(found)
    if one.language == other.language:
        return (_SURE if one.script and other.script and one.script != other.script else _NEVER), False
    if one.language == "bs" and one.script != "Latn" and found == "sr-Cyrl":  # in Cyrillic it is told as Serbian
        return _NEVER, True
    if {one.language, other.language} == _MALAY:
        return _SURE_OF_MALAY, True
    distance = langcodes.tag_distance(declared, found, ignore_script=True)
    if distance > _NEIGHBOURS:
        return _SURE, False
    return (_NEVER if distance <= 1 else _SURE_OF_NEIGHBOURS), True
