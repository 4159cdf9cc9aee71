"""Sort the texts of a field by language, and check declared languages against the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import langcodes

from schemas import Base, Text
from transforms.normalize.language.agreement import SERBO_CROATIAN
from transforms.normalize.language.detection import Detection, detect
from transforms.normalize.language.script import TWO_SCRIPTS, is_known, may_be_written_in, script_of, tag_with_script
from transforms.normalize.language.tags import language_tag, macrolanguage
from transforms.remembering import remember

# How confident a detection must be to contradict a declared language.
_MIN_CONFIDENCE = 0.85
_MIN_CONFIDENCE_NEIGHBOURS = 0.95  # speakers of both read one another's texts
_MIN_CONFIDENCE_CLOSE = 0.98  # of languages that the models take for one another even when they are rather sure
_MIN_CHARS_CLOSE = 60
_NEVER = 2.0  # no detection is so confident
_MAX_NEIGHBOUR_DISTANCE = 10  # CLDR's distance between such languages: nb and no 1, hr and sr 4
_MIN_CHARS = 20  # a shorter text contradicts only by its script
_MIN_CONFIDENCE_SHORT = 0.99


# How long a text must be, and how confident its detection, to be in another language than its record.
_MIN_CONFIDENCE_AGAINST_DEFAULT = ((30, 0.95), (_MIN_CHARS, 0.98))
_MIN_CONFIDENCE_OF_TRANSLATION = 0.5
_SURE_LANGUAGES = frozenset(("en", "fr", "es", "pt", "de", "ru"))  # no language unknown to the models is taken for them
_CLOSE = tuple(  # languages whose texts the models take for one another's, and are sure; CLDR's distances are large
    frozenset(group.split())
    for group in (
        "da no nb nn sv", "fo is da no nb nn sv", "af nl", "ba tt", "be uk", "be ru", "gl es", "gl pt", "lb de",
        "id ms", "hi ne", "hi mr", "fa ps", "cs sk", "sl hr sr bs", "am ti", "mk sr bs", "mk bg", "xh zu", "tr az",
        "tr tk", "kk ky", "kk tt", "ast es", "ast pt", "oc fr", "oc es", "an es", "mwl pt", "nds de",
    )
)  # fmt: skip


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


def tag_texts(
    texts: Sequence[tuple[str, str | None]], defaults: Sequence[str] = (), *, translated: bool = False
) -> TaggedTexts:
    """Sort plain texts, each with its declared language or None, by BCP 47 tag.

    A declared tag stands; where the text contradicts it, the contradiction is listed. A text whose tag is absent or
    names no language takes a default, else the detection, or "und". `defaults` are the tags of the record's languages,
    or the feed's; `translated` says that the texts may be translations of another field, as every text of a field but
    the first may be. A declared "sr" gains the script that the text is written in.
    """
    by_language: dict[str, str] = {}
    further: list[Text] = []
    tags: list[str] = []
    contradictions: list[Contradiction] = []
    for index, (text, declaration) in enumerate(texts):
        declared = language_tag(declaration) if declaration else None
        detection = detect(text, hint=declared or hint_of(defaults))
        tag = declared or _default_tag(text, defaults, detection, translated=translated or index > 0)
        tag = _with_script_of(tag, text) if tag else detection.tag
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


def hint_of(defaults: Sequence[str]) -> str | None:
    """Return the hint for the detection of texts with these defaults: the only one."""
    return defaults[0] if len(defaults) == 1 else None


def tag_words(words: Sequence[str], declaration: str | None, defaults: Sequence[str]) -> list[str]:
    """Return the tag of each keyword: the declared one, else the default whose script it is in, else "und".

    A keyword is too short for the models to speak against the default.
    """
    declared = language_tag(declaration) if declaration else None
    return [declared] * len(words) if declared else [_tag_of_word(word, tuple(defaults)) for word in words]


@remember(8192)
def _tag_of_word(word: str, defaults: tuple[str, ...]) -> str:
    writable = [tag for tag in defaults if may_be_written_in(tag, word)]
    if len(writable) == 1:
        return _with_script_of(writable[0], word)
    return detect(word).tag if defaults and not writable else "und"


def _default_tag(text: str, defaults: Sequence[str], detection: Detection, *, translated: bool) -> str | None:
    """Return which of the record's languages an untagged text is in; None where it is in none of them, or unclear.

    It is one that is written in the text's script, unless the detection of a long text is sure of another language;
    of several the one that is detected. Further texts of a field are often translations.
    """
    writable = [tag for tag in defaults if may_be_written_in(tag, text)]
    likely = [tag for tag in writable if not _is_overruled(tag, detection, text, translated=translated)]
    if len(likely) == len(writable) == 1:
        return likely[0]
    return _detected_of(likely, detection)


def _detected_of(tags: Sequence[str], detection: Detection) -> str | None:
    """Return the tag of the detected language, or the only one of a neighbour of it."""
    for max_distance in (0, _MAX_NEIGHBOUR_DISTANCE):
        near = [tag for tag in tags if _distance(tag, detection.tag) <= max_distance]
        if near:
            return near[0] if len(near) == 1 else None
    return None


@remember(4096)
def _distance(declared: str, detected: str) -> int:
    """Return CLDR's distance between two languages, whatever their script and region."""
    languages = declared.partition("-")[0], detected.partition("-")[0]
    return langcodes.tag_distance(*languages, ignore_script=True)


def _is_overruled(default: str, detection: Detection, text: str, *, translated: bool) -> bool:
    """Return whether a text is long, and surely not in the language that its record has; less is asked of others."""
    if translated and detection.family >= _MIN_CONFIDENCE_OF_TRANSLATION:
        return _distance(default, detection.tag) > _MAX_NEIGHBOUR_DISTANCE
    if not _may_overrule(default, detection.tag):
        return False
    confidence = contradicts(default, detection, len(text))
    return any(len(text) >= chars and confidence >= needed for chars, needed in _MIN_CONFIDENCE_AGAINST_DEFAULT)


@remember(4096)
def _may_overrule(default: str, detected: str) -> bool:
    """Return whether the models do not take texts of the one language for the other."""
    language, other = default.partition("-")[0], detected.partition("-")[0]
    if _are_close(language, other):
        return False
    return is_known(language) or (other in _SURE_LANGUAGES and not any(language in group for group in _CLOSE))


def _are_close(language: str, other: str) -> bool:
    return language != other and any(group.issuperset((language, other)) for group in _CLOSE)


@remember(4096)
def _is_written_in(language: str, script: str | None) -> bool:
    """Return whether a language is written in a script that was detected; where none is told, it may be."""
    if script is None:
        return True
    return script in {langcodes.Language.get(language).maximize().script, *TWO_SCRIPTS.get(language, ())}


def overrules(detection: Detection, default: str, text: str) -> bool:
    """Return whether an untagged text is surely not in its record's language: by its script, or as it is long."""
    if not may_be_written_in(default, text):
        return contradicts(default, detection, len(text)) > 0
    return _is_overruled(default, detection, text, translated=False)


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
    language, script = declared.partition("-")[0], langcodes.Language.get(detection.tag).script
    close = _are_close(language, detection.tag.partition("-")[0]) and _is_written_in(language, script)
    too_short = chars < (_MIN_CHARS_CLOSE if close else _MIN_CHARS) and (close or confidence < _MIN_CONFIDENCE_SHORT)
    return 0.0 if detection.tag == "und" or confidence < needed or too_short else confidence


def _is_believed_serbo_croatian(declared: langcodes.Language, detected: langcodes.Language) -> bool:
    """Return whether a declared Serbian, Croatian or Bosnian is believed against a detection of another of the three.

    In Latin letters always; Cyrillic Bosnian is detected as Serbian.
    """
    if not {declared.language, detected.language} <= set(SERBO_CROATIAN):
        return False
    if not {declared.script, detected.script} - {"Latn", None}:
        return True
    return declared.language == "bs" and declared.script != "Latn" and detected.to_tag() == "sr-Cyrl"


@remember(4096)
def _needed_confidence(declared: str, detected: str) -> tuple[float, bool]:
    """Return how confident a detection must be to contradict a declaration, and whether they are neighbours."""
    declared_tag, detected_tag = langcodes.Language.get(declared), langcodes.Language.get(detected)
    if declared_tag.language == detected_tag.language:
        two_scripts = len({declared_tag.script, detected_tag.script} - {None}) == 2
        return (_MIN_CONFIDENCE if two_scripts else _NEVER), False
    if _is_believed_serbo_croatian(declared_tag, detected_tag):
        return _NEVER, True
    language, other = str(declared_tag.language), str(detected_tag.language)
    if not _is_written_in(language, detected_tag.script):
        return _MIN_CONFIDENCE, False
    if not _may_be_told(language, other):
        return _NEVER, True
    if _are_close(language, other):
        return _MIN_CONFIDENCE_CLOSE, True
    return _needed_at_distance(langcodes.tag_distance(declared, detected, ignore_script=True))


def _may_be_told(declared: str, detected: str) -> bool:
    """Return whether the models can tell two languages: not members of one macrolanguage, nor one they do not know.

    Texts in languages unknown to them are taken for a relative's; only the best known languages are hardly ever.
    """
    if macrolanguage(declared) == macrolanguage(detected):
        return False
    return is_known(declared) or detected in _SURE_LANGUAGES


def _needed_at_distance(distance: int) -> tuple[float, bool]:
    if distance > _MAX_NEIGHBOUR_DISTANCE:
        return _MIN_CONFIDENCE, False
    return (_NEVER if distance <= 1 else _MIN_CONFIDENCE_NEIGHBOURS), True
