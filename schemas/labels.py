"""What the terms of the library's lists are called in the languages of its readers, where the lists say it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

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
