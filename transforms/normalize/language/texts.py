"""Sort the texts of a field by language, and check declared languages against the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import langcodes

from schemas import Base, Text
from transforms.normalize.language.detection import Detection, detect
from transforms.normalize.language.script import TWO_SCRIPTS, script_of, tag_with_script
from transforms.normalize.language.tags import language_tag
from transforms.remembering import remember

# How confident a detection must be to contradict a declared language.
_MIN_CONFIDENCE = 0.85
_MIN_CONFIDENCE_NEIGHBOURS = 0.95  # speakers of both read one another's texts
_MIN_CONFIDENCE_MALAY = 0.98  # the models take Malay for Indonesian even when they are rather sure
_NEVER = 2.0  # no detection is so confident
_MAX_NEIGHBOUR_DISTANCE = 10  # CLDR's distance between such languages: nb and no 1, hr and sr 4
_MALAY = frozenset(("id", "ms"))  # CLDR gives them a large distance
_MIN_CHARS = 20  # a shorter text contradicts only by its script
_MIN_CONFIDENCE_SHORT = 0.99


class Contradiction(NamedTuple):
    """A text that is not in its declared language."""

    position: int  # among the given texts
    declared: str
    detected: str
    confidence: float


class TaggedTexts(Base, frozen=True, kw_only=True):
    """The texts of a field, sorted by language."""

    by_language: dict[str, str]  # the first text of each language
    further: tuple[Text, ...] = ()  # later texts of one language, in order
    tags: tuple[str, ...] = ()  # one per given text, in order; "und" where the language is unknown
    contradictions: tuple[Contradiction, ...] = ()


def tag_texts(texts: Sequence[tuple[str, str | None]]) -> TaggedTexts:
    """Sort plain texts, each with its declared language or None, by BCP 47 tag.

    A declared tag stands; where the text contradicts it, the contradiction is listed. A tag that is absent or names no
    language is replaced by the detection, or "und". A declared "sr" gains the script that the text is written in.
    """
    by_language: dict[str, str] = {}
    further: list[Text] = []
    tags: list[str] = []
    contradictions: list[Contradiction] = []
    for index, (text, declaration) in enumerate(texts):
        declared = language_tag(declaration) if declaration else None
        detection = detect(text, hint=declared)
        tag = _with_script_of(declared, text) if declared else detection.tag
        if declared and (confidence := contradicts(declared, detection, len(text))):
            contradictions.append(Contradiction(index, declared, detection.tag, confidence))
        tags.append(tag)
        if tag in by_language:
            further.append(Text(language=tag, text=text))
        else:
            by_language[tag] = text
    return TaggedTexts(
        by_language=by_language, further=tuple(further), tags=tuple(tags), contradictions=tuple(contradictions)
    )


def _with_script_of(declared: str, text: str) -> str:
    """Return the declared tag; where it lacks a script and that matters, with the script of the text."""
    language = declared.partition("-")[0]
    script = script_of(text) if language in TWO_SCRIPTS else None
    if script is None or script not in TWO_SCRIPTS[language]:
        return declared
    return _with_subtag(declared, tag_with_script(language, script, text))


@remember(4096)
def _with_subtag(declared: str, written: str) -> str:
    tag, script = langcodes.Language.get(declared), langcodes.Language.get(written).script
    return tag.update_dict({"script": script}).to_tag() if script and not tag.script else declared


def contradicts(declared: str, detection: Detection, chars: int) -> float:
    """Return how confident we are that a text of so many characters is not in the declared language; 0 when not."""
    needed, neighbours = _needed_confidence(declared, detection.tag)
    confidence = detection.confidence if neighbours else max(detection.family, detection.confidence)
    too_short = chars < _MIN_CHARS and confidence < _MIN_CONFIDENCE_SHORT
    return 0.0 if detection.tag == "und" or confidence < needed or too_short else confidence


@remember(4096)
def _needed_confidence(declared: str, detected: str) -> tuple[float, bool]:
    """Return how confident a detection must be to contradict a declaration, and whether they are neighbours."""
    declared_tag, detected_tag = langcodes.Language.get(declared), langcodes.Language.get(detected)
    scripts = {declared_tag.script, detected_tag.script} - {None}
    if declared_tag.language == detected_tag.language:
        return (_MIN_CONFIDENCE if len(scripts) == 2 else _NEVER), False
    if declared_tag.language == "bs" and declared_tag.script != "Latn" and detected == "sr-Cyrl":
        return _NEVER, True  # Cyrillic Bosnian is detected as Serbian
    if {declared_tag.language, detected_tag.language} == _MALAY:
        return _MIN_CONFIDENCE_MALAY, True
    distance = langcodes.tag_distance(declared, detected, ignore_script=True)
    if distance > _MAX_NEIGHBOUR_DISTANCE:
        return _MIN_CONFIDENCE, False
    return (_NEVER if distance <= 1 else _MIN_CONFIDENCE_NEIGHBOURS), True
