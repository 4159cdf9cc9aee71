"""Tell names of organisations from names of people: by the words of corporate.toml, or as acronyms."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from babel import Locale

from schemas import read_vocabulary
from transforms.normalize.folding import fold
from transforms.remembering import remember

Kind = Literal["person", "organisation"]
BRACKETS = re.compile(r"(?:(?<!\s)\s++)?[(\[][^()\[\]]*[)\]]\s*+$")
_MAX_ENDING_CHARS = 3  # as long as a person's name in characters: no organisation has so short a one
_NUMBERED = re.compile(r"\s(?:№|n[ro]\.?|n°)\s?\d{1,4}\b", re.IGNORECASE)  # "Gymnasium Nr. 5"
_MIDDLE_INITIAL = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]\.)+ [^\W\d_]+")  # "William H. Press"
_FUNCTION_WORD = re.compile(r"\s(?:pour|dans|aux|sur|para|für|для|with|at)\s", re.I)


@remember(16384)
def is_corporate(name: str) -> bool:
    """Return whether a name is certainly an organisation's, by its words or as an acronym."""
    if _is_acronym(name) or _FUNCTION_WORD.search(name) or _NUMBERED.search(name):
        return True
    core = BRACKETS.sub("", name)
    if _MIDDLE_INITIAL.fullmatch(core):
        return False
    if core != name and len(core.split()) > 2 and re.search(r"\([A-Z]{2}[\w &-]*\)$", name):
        return True  # "Real Time and Interoperability (TRIO)"
    return has_corporate_word(core)


def has_corporate_word(name: str) -> bool:
    """Return whether a name has a word that only names of organisations have."""
    lists = _corporate()
    folded = fold(name)
    if folded.endswith(lists["endings"]) or any(phrase in folded for phrase in lists["phrases"]):
        return len(folded) > _MAX_ENDING_CHARS
    return any(
        word in lists["words"] or word.startswith(lists["stems"]) or word.startswith(lists["beginnings"])
        for word in folded.split()
    )


def _is_acronym(name: str) -> bool:
    """Whether a name is like "UNESCO" or "FIOCRUZ/ICICT"."""
    if not name.isupper() or not name.isascii():
        return False
    return all(part.isalpha() and 2 <= len(part) <= 8 for part in name.split("/"))


def is_place_name(name: str) -> bool:
    """Return whether a name is a country's, in one of the library's languages (CLDR), or a place of corporate.toml."""
    return fold(name) in _countries()


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    locales = ("en", "fr", "es", "pt", "de", "ru", "ar", "th", "sr_Cyrl", "sr_Latn")
    names = (name for locale in locales for code, name in Locale.parse(locale).territories.items() if len(code) == 2)
    return frozenset(map(fold, names)) | {"usa", "uk", "u s a"} | frozenset(read_vocabulary("corporate")["places"])


@lru_cache(maxsize=1)
def _corporate() -> dict[str, Any]:
    rows = read_vocabulary("corporate")
    return {
        "words": frozenset(fold(word) for word in rows["words"]),
        "stems": tuple(fold(stem) for stem in rows["stems"]),
        "endings": tuple(fold(end) for end in rows["endings"]),
        "phrases": tuple(fold(phrase) for phrase in rows["phrases"]),
        "beginnings": tuple(fold(start) for start in rows["beginnings"]),
    }


@lru_cache(maxsize=1)
def placeholder_names() -> frozenset[str]:
    """Return folded names that name nobody, such as "anonymous"."""
    return frozenset(fold(name) for name in read_vocabulary("corporate")["nobody"])
