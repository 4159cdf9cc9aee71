"""What the terms of the library's lists are called in the languages of its readers, where the lists say it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from schemas.resource import Competency
from schemas.vocabulary import read_vocabulary

ENGLISH = "en"
_THESAURUS_LANGUAGES = ("en", "es", "fr", "ru")  # of a row of unesco.toml that has a label in each
_ISCED_LANGUAGES = ("fr", "ru", "ar")
_FIRST_CYRILLIC, _LAST_CYRILLIC = "\u0400", "\u04ff"


@lru_cache(maxsize=20_000)
def subject_labels(scheme: str, code: str) -> Mapping[str, str]:
    """Return the labels of a subject by language, English among them; empty for a code that the list does not have."""
    if scheme == "isced-f":
        return _isced_labels(code)
    if scheme == "unesco":
        return _thesaurus_labels(code)
    return {}


def subject_label(scheme: str, code: str | None, otherwise: str, language: str) -> tuple[str, str]:
    """Return a subject's label for a reader, and the label's language: theirs, else English, else `otherwise`, und."""
    labels = subject_labels(scheme, code) if code else {}
    for tag in (language, ENGLISH):
        if tag in labels:
            return labels[tag], tag
    return otherwise, "und"


@lru_cache(maxsize=256)
def competency_code(competency: Competency) -> str | None:
    """Return a competency's code, such as ict-cft.3.2; None for one that the framework lacks."""
    framework = read_vocabulary("competency_levels").get(competency.framework, {})
    aspects, levels = framework.get("aspects", []), framework.get("levels", [])
    if competency.aspect not in aspects or competency.level not in levels:
        return None
    return f"{competency.framework}.{aspects.index(competency.aspect) + 1}.{levels.index(competency.level) + 1}"


def competency_text(competency: Competency) -> str:
    """Return a competency as text: "ICT-CFT Pedagogy: Knowledge Deepening"."""
    return f"{competency.framework.upper()} {competency.aspect}: {competency.level}"


def competency_label(code: str, language: str) -> tuple[str, str]:
    """Return a competency's label with its framework's name, and the label's language; other texts as they are, und."""
    labels = competency_labels(code)
    if not labels:
        return code, "und"
    tag = language if language in labels else ENGLISH
    return f"{code.partition('.')[0].upper()}: {labels[tag]}", tag


def competency_labels(code: str) -> Mapping[str, str]:
    """Return the labels of a competency by language; empty for a code that no framework has."""
    row = read_vocabulary("competency").get(code)
    return {} if row is None else {ENGLISH: row["label"], **read_vocabulary("competency_labels").get(code, {})}


def _isced_labels(code: str) -> dict[str, str]:
    row = read_vocabulary("isced_f").get(code)
    if row is None:
        return {}
    translated = read_vocabulary("isced_f_labels").get(code, [])
    return {ENGLISH: row["label"], **dict(zip(_ISCED_LANGUAGES, translated, strict=False))}


def _thesaurus_labels(code: str) -> dict[str, str]:
    """Return the labels of a row: all four, or else the English one, and the Russian one by its letters.

    A label that is the English one is left out of the row, so that of three it is not known which two are Latin.
    """
    row = read_vocabulary("unesco").get(code)
    if not isinstance(row, list) or not row:
        return {}
    russian = next((label for label in row[1:4] if _is_cyrillic(label)), None)
    if len(row) >= 4 and russian == row[3]:
        return dict(zip(_THESAURUS_LANGUAGES, row, strict=False))
    return {ENGLISH: row[0]} | ({"ru": russian} if russian else {})


def _is_cyrillic(text: str) -> bool:
    return any(_FIRST_CYRILLIC <= letter <= _LAST_CYRILLIC for letter in text)
