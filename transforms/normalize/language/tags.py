"""From names and codes of languages to BCP 47 tags (RFC 5646), without guessing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

import langcodes
from babel import Locale

from schemas import read_vocabulary
from transforms.remembering import remember

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.IGNORECASE)
_CODE_LIST_ADDRESS = re.compile(r"https?://\S*?[/#]([A-Za-z_-]{2,12})/?(?:\.html)?", re.IGNORECASE)
_NAME_AND_QUALIFIER = re.compile(r"([^()\[\]]++)[(\[]([^()\[\]]+)[)\]]")
_SEPARATORS = re.compile(r"[;|,/\n\t]|(?<![^\S\n\t])[^\S\n\t]++(?:and|et|und|и|y|e|و|i|და)\s++|\s&\s")
_PRIVATE_CODE = re.compile(r"q[a-t][a-z]")


@remember(8192)
def language_tag(statement: str) -> str | None:
    """Return the BCP 47 tag of a language given as code, locale, name in ten languages, or address of a code list.

    None when it names no language: placeholders ("*", "mul", "und", "zxx"), private codes, unknown words. No script is
    added ("sr" stays "sr"), except where the region implies it ("zh-TW").
    """
    spelling = _normalize(statement)
    if not spelling or spelling in _placeholders():
        return None
    if address := _CODE_LIST_ADDRESS.fullmatch(statement.strip()):
        return language_tag(address[1])
    return _by_code(spelling) or _by_name(spelling) or _by_qualified_name(spelling)


@remember(8192)
def language_tags(statement: str) -> tuple[str, ...]:
    """Return the tags of every language in one string ("en;fr", "en|uk", "English, French"), in order, each once."""
    whole = language_tag(statement)
    tags = [whole] if whole else [language_tag(part) for part in _SEPARATORS.split(statement)]
    if not any(tags):  # "eng fre": only when every word is a language
        tags = [language_tag(word) for word in statement.split()]
        tags = tags if all(tags) else []
    return tuple(dict.fromkeys(filter(None, tags)))


def _normalize(statement: str) -> str:
    """Return the form that is looked up: NFC, lower case, single spaces, no punctuation around it."""
    return " ".join(unicodedata.normalize("NFC", statement).casefold().split()).strip(" .,;:\"'")


def _by_code(spelling: str) -> str | None:
    locale, _, modifier = spelling.partition("@")
    code = locale.partition(".")[0].replace("_", "-")
    if modifier:
        return _with_subtag(_by_code(code), modifier)
    if known := read_vocabulary("languages")["codes"].get(code):
        return str(known)
    if not _CODE.fullmatch(code) or _PRIVATE_CODE.fullmatch(code.split("-")[0]) or not langcodes.tag_is_valid(code):
        return None
    return langcodes.standardize_tag(code, macro=True)


def _by_name(spelling: str) -> str | None:
    names = _names()
    if spelling in names:
        return names[spelling]
    noise = read_vocabulary("languages")["noise"]
    bare = " ".join(word for word in spelling.split() if word not in noise)
    return names.get(bare)


def _by_qualified_name(spelling: str) -> str | None:
    """Read a language with a region or a script: "Português(BR)", "Serbian (Latin)"."""
    if not (parts := _NAME_AND_QUALIFIER.fullmatch(spelling)):
        return None
    return _with_subtag(_by_name(parts[1].rstrip()) or _by_code(parts[1].rstrip()), parts[2])


def _with_subtag(language: str | None, qualifier: str) -> str | None:
    subtag = _subtags().get(_normalize(qualifier))
    if language is None or subtag is None:
        return language
    part = "script" if len(subtag) == 4 else "territory"
    return langcodes.Language.get(language).update_dict({part: subtag}).to_tag()


def macrolanguage(language: str) -> str:
    """Return the language that ISO 639-3 counts another one to ("nb" to "no"), or the language itself."""
    return _macrolanguages().get(language, language)


@cache
def _macrolanguages() -> dict[str, str]:
    rows = read_vocabulary("languages")["macrolanguages"].items()
    return {member: language for language, members in rows for member in members.split()}


@cache
def _placeholders() -> frozenset[str]:
    placeholders = read_vocabulary("languages")["placeholders"]
    return frozenset((*map(_normalize, placeholders), *placeholders))


@cache
def _names() -> dict[str, str]:
    """Return name → tag; the vocabulary's spellings win over CLDR's, and an earlier locale over a later one."""
    names: dict[str, str] = {}
    for locale in _locales():
        for code, name in locale.languages.items():
            known = _by_code(code.casefold())
            if known and _normalize(name) not in _placeholders():
                names.setdefault(_normalize(name), known)
    spellings = read_vocabulary("languages")["spellings"].items()
    return names | {_normalize(name): langcodes.standardize_tag(code) for name, code in spellings}


@cache
def _subtags() -> dict[str, str]:
    """Return names and codes of regions and scripts → subtag."""
    subtags: dict[str, str] = {}
    for locale in _locales():
        for code, name in (*locale.scripts.items(), *locale.territories.items()):
            subtags.setdefault(_normalize(name), code)
            subtags.setdefault(code.casefold(), code)
    return subtags | {_normalize(name): str(code) for name, code in read_vocabulary("languages")["qualifiers"].items()}


def _locales() -> Iterator[Locale]:
    return (Locale.parse(name) for name in read_vocabulary("languages")["locales"])
