"""A language as anybody wrote it, to BCP 47 (RFC 5646); never a guess."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import langcodes
from babel import Locale

import schemas

_TABLE = Path(schemas.__file__).parent / "vocabularies" / "languages.toml"
_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S*?[/#]([A-Za-z_-]{2,12})/?(?:\.html)?", re.IGNORECASE)
_QUALIFIED = re.compile(r"([^()\[\]]++)[(\[]([^()\[\]]+)[)\]]")
_SEPARATORS = re.compile(r"[;|,/\n\t]|(?<![^\S\n\t])[^\S\n\t]++(?:and|et|und|и|y|e|و|i|და)\s++|\s&\s")
_PRIVATE = re.compile(r"q[a-t][a-z]")


@lru_cache(maxsize=8192)
def tag(said: str) -> str | None:
    """The BCP 47 tag of one language as said: a code, a locale, a name in ten languages, or an address of a code list.

    None when no language is named: placeholders ("*", "mul", "und", "zxx"), private codes, and words nobody listed.
    A script that was not said is not invented ("sr" stays "sr"), save where the region says it ("zh-TW").
    """
    spelling = _spelling(said)
    if not spelling or spelling in _placeholders():
        return None
    if address := _ADDRESS.fullmatch(said.strip()):
        return tag(address[1])
    return _by_code(spelling) or _by_name(spelling) or _qualified(spelling)


@lru_cache(maxsize=8192)
def tags(said: str) -> tuple[str, ...]:
    """Every language named in one string ("en;fr", "en|uk", "English, French"), in order, each once."""
    whole = tag(said)
    found = [whole] if whole else [tag(part) for part in _SEPARATORS.split(said)]
    if not any(found) and len(codes := said.split()) > 1:  # "eng fre": only when every word is a language
        found = [tag(code) for code in codes]
        found = found if all(found) else []
    return tuple(dict.fromkeys(one for one in found if one))


def _spelling(said: str) -> str:
    """The form under which a spelling is looked up: NFC, lower case, single spaces, no trailing punctuation."""
    return " ".join(unicodedata.normalize("NFC", said).casefold().split()).strip(" .,;:\"'")


def _by_code(spelling: str) -> str | None:
    locale, _, modifier = spelling.partition("@")
    code = locale.partition(".")[0].replace("_", "-")
    if modifier:
        return _extended(_by_code(code), modifier)
    if known := _table()["codes"].get(code):
        return str(known)
    if not _CODE.fullmatch(code) or _PRIVATE.fullmatch(code.split("-")[0]) or not langcodes.tag_is_valid(code):
        return None
    return langcodes.standardize_tag(code, macro=True)


def _by_name(spelling: str) -> str | None:
    names = _names()
    if spelling in names:
        return names[spelling]
    noise = _table()["noise"]
    bare = " ".join(word for word in spelling.split() if word not in noise)
    return names.get(bare)


def _qualified(spelling: str) -> str | None:
    """ "Português(BR)", "Serbian (Latin)": a language with a region or a script."""
    if not (parts := _QUALIFIED.fullmatch(spelling)):
        return None
    return _extended(_by_name(parts[1].rstrip()) or _by_code(parts[1].rstrip()), parts[2])


def _extended(language: str | None, qualifier: str) -> str | None:
    subtag = _subtags().get(_spelling(qualifier))
    if language is None or subtag is None:
        return language
    part = "script" if len(subtag) == 4 else "territory"
    return langcodes.Language.get(language).update_dict({part: subtag}).to_tag()


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


@cache
def _placeholders() -> frozenset[str]:
    return frozenset(map(_spelling, _table()["placeholders"])) | frozenset(_table()["placeholders"])


@cache
def _names() -> dict[str, str]:
    """Every known name → tag; the table's own spellings win over CLDR's, and an earlier locale over a later one."""
    found: dict[str, str] = {}
    for locale in _locales():
        for code, name in locale.languages.items():
            known = _by_code(code.casefold())
            if known and _spelling(name) not in _placeholders():
                found.setdefault(_spelling(name), known)
    return found | {_spelling(name): langcodes.standardize_tag(code) for name, code in _table()["spellings"].items()}


@cache
def _subtags() -> dict[str, str]:
    """What may qualify a language: names and codes of regions and scripts → subtag."""
    found: dict[str, str] = {}
    for locale in _locales():
        for code, name in (*locale.scripts.items(), *locale.territories.items()):
            found.setdefault(_spelling(name), code)
            found.setdefault(code.casefold(), code)
    return found | {_spelling(name): str(code) for name, code in _table()["qualifiers"].items()}


def _locales() -> Iterator[Locale]:
    return (Locale.parse(name) for name in _table()["locales"])
