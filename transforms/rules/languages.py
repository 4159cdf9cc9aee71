"""Rules about the language of the resource and of the texts that describe it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from schemas import Resource
from transforms.remembering import remember
from transforms.rules.rule import Context, Rule, Violation, findings_of, from_findings
from transforms.rules.texts import finding

_TAG = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?(?:-[A-Za-z0-9]{2,8})*")
_SCRIPTS = {
    "Arab": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "Cyrl": "\u0400-\u052f",
    "Thai": "\u0e00-\u0e7f",
    "Grek": "\u0370-\u03ff",
    "Hebr": "\u0590-\u05ff",
    "Deva": "\u0900-\u097f",
    "Latn": "A-Za-z\u00c0-\u024f",
}
# Language → the scripts that it is written in, where they are few.
_SCRIPTS_OF_LANGUAGE = {
    language: set(scripts.split())
    for scripts, languages in {
        "Latn": "en fr de es it pt nl pl cs sk sl hr sv da nb nn no fi et lv lt hu ro sq tr vi id",
        "Cyrl": "ru uk be bg mk",
        "Cyrl Latn Arab": "sr uz kk tg mn az",
        "Arab": "ar fa ur ps ckb",
        "Thai": "th",
        "Grek": "el",
        "Hebr": "he",
        "Deva": "hi mr ne",
    }.items()
    for language in languages.split()
}
_MIN_LETTERS = 12  # of a text in a script, from which it counts
_MIN_CONFIDENCE = 0.5
_RELATIVES = {"hr": "sh", "sr": "sh", "bs": "sh", "id": "ms"}  # a title in one is readable to speakers of the other


def _missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if resource.languages else [("languages", "")]


def _not_declared(resource: Resource, _: Context) -> list[Violation]:
    languages = resource.languages
    if not languages or any(language.origin == "declared" for language in languages):
        return []
    return [("languages", languages[0].tag)]


def _unsure(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"languages[{number}].tag", language.tag)
        for number, language in enumerate(resource.languages)
        if language.origin == "detected" and language.confidence < _MIN_CONFIDENCE
    ]


def _contradicted(resource: Resource, context: Context) -> list[Violation]:
    """Return what normalization found, and texts in a script that their language is not written in."""
    violations = findings_of(context, "language_contradicted")
    for field, texts in (("title", resource.title), ("description", resource.description)):
        for tag, text in texts.items():
            if _is_in_another_script(tag, text):
                violations.append((f"{field}.{tag}", text))
    return violations


def _is_in_another_script(tag: str, text: str) -> bool:
    scripts = _scripts_of(tag)
    if scripts is None or (text.isascii() and scripts.latin):
        return False
    sample = text[:160]
    if scripts.outside.search(sample) is None:
        return False
    inside = len(sample) - len(scripts.inside.sub("", sample))
    if inside * 4 > len(sample):
        return False
    outside = len(sample) - len(scripts.outside.sub("", sample))
    return outside >= _MIN_LETTERS and outside > 4 * inside


class _Scripts(NamedTuple):
    """Patterns of runs of letters in the scripts of a language, and in the others."""

    inside: re.Pattern[str]
    outside: re.Pattern[str]
    latin: bool


@remember(1_000)
def _scripts_of(tag: str) -> _Scripts | None:
    """Return the patterns for a language; None where its scripts are not known."""
    base, _, rest = tag.partition("-")
    allowed = {rest[:4]} & _SCRIPTS.keys() or _SCRIPTS_OF_LANGUAGE.get(base)
    if not allowed:
        return None
    return _Scripts(_runs_of_letters(allowed), _runs_of_letters(_SCRIPTS.keys() - allowed), "Latn" in allowed)


def _runs_of_letters(scripts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of the runs of letters in these scripts."""
    return re.compile(f"[{''.join(_SCRIPTS[script] for script in sorted(scripts))}]+")


def _tag_malformed(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"languages[{number}].tag", language.tag)
        for number, language in enumerate(resource.languages)
        if not _TAG.fullmatch(language.tag)
    ]


def _no_title_in_language(resource: Resource, _: Context) -> list[Violation]:
    """Find a record without a title in a language of the resource, where both are known."""
    if not resource.languages or not resource.title or "und" in resource.title:
        return []
    languages = {_base(language.tag) for language in resource.languages}
    title_languages = {_base(tag) for tag in resource.title}
    return [] if languages & title_languages else [("title", ", ".join(resource.title))]


def _base(tag: str) -> str:
    from transforms.normalize.language import macrolanguage  # here, because most tasks only need the rules' names

    language = macrolanguage(tag.partition("-")[0])
    return _RELATIVES.get(language, language)


def _example_language(tag: str, origin: str = "declared", confidence: float = 1.0) -> dict[str, object]:
    """Return a language for an example."""
    return {"tag": tag, "origin": origin, "confidence": confidence}


_ENGLISH = {"languages": [_example_language("en")]}

RULES = (
    Rule(
        code="language_missing", path="languages", severity="warning", part="language", find=_missing,
        wrong="The language of the resource is not known.",
        why="Readers filter by language first; such a record is shown to none of them.",
        mend="Fill the language (LOM 1.3, dc:language) with a BCP 47 tag such as en, fr, sr-Latn.",
        good=_ENGLISH, bad={"languages": []},
    ),
    Rule(
        code="language_not_declared", path="languages", severity="info", part="language", find=_not_declared,
        wrong="The record does not say its language; we detected it from the text.",
        why="The detection is often wrong for short texts.",
        mend="Fill the language (LOM 1.3, dc:language).",
        good=_ENGLISH, bad={"languages": [_example_language("en", "detected", 0.97)]},
    ),
    Rule(
        code="language_unsure", path="languages", severity="warning", part="language", find=_unsure,
        wrong="The language was detected, and the detection is unsure.",
        why="Readers may be sent to a resource that they cannot read.",
        mend="Fill the language (LOM 1.3, dc:language).",
        good=_ENGLISH, bad={"languages": [_example_language("en", "detected", 0.31)]},
    ),
    Rule(
        code="language_contradicted", path="languages", severity="warning", part="language", find=_contradicted,
        wrong="The declared language contradicts the text.",
        why="An Arabic text marked as English is read out wrongly, and is found by neither group of readers.",
        mend="Correct the language mark of the text or of the resource.",
        good={"title": {"ar": "النباتات والضوء في المدرسة"}}, bad={"title": {"en": "النباتات والضوء في المدرسة"}},
    ),
    Rule(
        code="language_undetermined", path="languages", severity="info", part="language",
        find=from_findings("language_undetermined"),
        wrong="The language of a text could not be detected.",
        why="The text is shown without a language, and read out in the wrong voice.",
        mend="Mark the language of each text (xml:lang, or the language attribute).",
        good={"findings": []}, bad={"findings": finding("language_undetermined", "title.und", "Zoom 3")},
    ),
    Rule(
        code="language_tag_malformed", path="languages", severity="warning", part="language", find=_tag_malformed,
        wrong="A language is not a BCP 47 tag.",
        why="Filters and browsers do not understand it.",
        mend="Write en, fr, ar, sr-Latn, not English, en_US or fre.",
        good=_ENGLISH, bad={"languages": [_example_language("en_US")]},
    ),
    Rule(
        code="title_in_another_language", path="title", severity="info", part="language", find=_no_title_in_language,
        wrong="There is no title in any language of the resource.",
        why="Either the title's mark or the resource's language is wrong, or only a translated title was given.",
        mend="Add the title in the language of the resource.",
        good=_ENGLISH | {"title": {"en": "Plants and light"}},
        bad=_ENGLISH | {"title": {"fr": "Les plantes et la lumière"}},
    ),
)  # fmt: skip
