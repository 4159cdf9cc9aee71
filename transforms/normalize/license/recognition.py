"""Recognise the licences that a statement names: by address, short name, other name, or long name in words."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from babel import Locale

from schemas import license_names, read_vocabulary
from transforms.normalize.folding import compact, fold
from transforms.normalize.license.clauses import (
    clauses_of_resource,
    is_about_metadata,
    is_about_part,
    is_excepted,
    names_part_or_all_rights,
    sign,
    without_licenses_of_others,
)
from transforms.normalize.license.creative_commons import (
    NamedLicense,
    creative_commons,
    is_ported,
    public_domain,
)
from transforms.remembering import remember

_MAX_READ_CHARS = 20_000  # of a statement; the statement itself is kept whole
_MAX_BRIEF_CHARS = 160  # a statement so short is about nothing but its licence
_WORDS_BEFORE_CHARS, _WORDS_AFTER_CHARS = 100, 200  # around "creative commons", where the words of its licence are
_RESERVED = "reserved"  # the family of all rights reserved
_RIGHTS_RESERVED = NamedLicense(_RESERVED, "", None, None, "All rights reserved", False)
_ADDRESS_ALONE = re.compile(r"[\x21-\x2e\x30-\x7e]+/[\x21-\x7e]*")
_VERSION = re.compile(r"(?<![\d.])([1-4]\.[0125])(?![\d.]*\d)")
_RIGHTS_STATEMENT_URL = re.compile(r"rightsstatements\.org/(?:vocab|page)/([A-Za-z-]+)(?:/(\d\.\d))?", re.IGNORECASE)
_LICENCE = (
    "licence",
    "license",
    "licencia",
    "licenca",
    "lizenz",
    "licenza",
    "licentie",
    "licencja",
    "лицензия",
    "лицензии",
)
_COUNTRY_LOCALES = ("en", "fr", "es", "pt", "de", "ru", "ar", "th", "sr_Cyrl", "sr_Latn")


@remember(8192)
def licenses_named(statement: str) -> tuple[NamedLicense, ...]:
    """Return the licences that a statement names for the resource.

    A licence that is denied ("Not licensed under CC BY"), former, planned, or the metadata's is none of them, nor is an
    open one of a part of the resource only.
    """
    text = _plain(statement)
    whole = _named_in(text)
    if _ADDRESS_ALONE.fullmatch(text) or all(license_.family == _RESERVED for license_ in whole):
        return whole
    resources = without_licenses_of_others(text)
    if not names_part_or_all_rights(resources):
        return whole if resources == text else _named_in(resources)
    return _named_in_clauses(resources)


def _named_in_clauses(text: str) -> tuple[NamedLicense, ...]:
    """Return the licences of the whole resource, and of its parts those that are not open."""
    named: dict[NamedLicense, None] = {}
    of_parts: dict[NamedLicense, None] = {}
    for clause in clauses_of_resource(text):
        (of_parts if is_about_part(clause) else named).update(dict.fromkeys(_named_in(clause)))
    if not of_parts and len(named) <= 1:
        return _named_in(text)
    return tuple(dict.fromkeys((*named, *(license_ for license_ in of_parts if license_.open is False))))


def is_silent(statement: str) -> bool:
    """Return whether a statement says nothing of the resource's licence: it is about the metadata only."""
    return is_about_metadata(_plain(statement))


def _plain(statement: str) -> str:
    return unicodedata.normalize("NFKC", html.unescape(statement[:_MAX_READ_CHARS])).strip()


def _named_in(text: str) -> tuple[NamedLicense, ...]:
    """Return the licences named by the surest signs: addresses, then short names, then words; and all rights reserved.

    Where a text names one by its address, another that is not open counts when it is named by its short name.
    """
    named = _named_by_surest_sign(text)
    if named and all(license_.family != _RESERVED for license_ in named) and _reserves_rights(text):
        return (*named, _RIGHTS_RESERVED)
    return named


def _named_by_surest_sign(text: str) -> tuple[NamedLicense, ...]:
    signs = (_by_address, _by_short_name, _by_other_name, _by_words)
    named = next(filter(None, (tuple(dict.fromkeys(recognise(text))) for recognise in signs)), ())
    if not any(license_.uri for license_ in named):
        return _with_version(named, text)
    if "/" not in text:
        return named
    return tuple(dict.fromkeys((*named, *(license_ for license_ in _by_short_name(text) if license_.open is False))))


def _reserves_rights(text: str) -> bool:
    """Return whether a text that names a licence reserves all rights too: without an exception, and not of a logo."""
    low = text.casefold()
    match = sign("reserved").search(low)
    return match is not None and not is_excepted(low[: match.start()], low[match.end() :])


def _with_version(named: tuple[NamedLicense, ...], text: str) -> tuple[NamedLicense, ...]:
    """Take the version from the long name: "Creative Commons Attribution 4.0 (CC BY)"."""
    if not named:
        return named
    versions = tuple(license_ for license_ in _by_words(text) if license_.uri and license_.family == named[0].family)
    return versions if len(named) == 1 and versions else named


def _by_address(text: str) -> Iterator[NamedLicense]:
    if "." not in text:
        return
    for kind, version, jurisdiction in license_names.CC_URL.findall(text):
        if license_ := creative_commons(kind.lower().replace("%2b", "+"), version, jurisdiction.lower()):
            yield license_
    for name, old_name in license_names.CC_PUBLIC_DOMAIN_URL.findall(text):
        yield public_domain((name or old_name).lower())
    yield from _by_wikidata(text)
    codes = {code.casefold(): code for code in read_vocabulary("licenses")["rights_statements"]}
    for code, version in _RIGHTS_STATEMENT_URL.findall(text):
        if code.casefold() in codes:
            yield _rights_statement(codes[code.casefold()], version or None)


def _by_wikidata(text: str) -> Iterator[NamedLicense]:
    """Yield the licence of a Wikidata item, https://www.wikidata.org/wiki/Q20007257."""
    items = read_vocabulary("licenses")["creative_commons"]["wikidata"]
    for item in license_names.WIKIDATA_URL.findall(text):
        kind, _, version = items.get(item.upper(), "").partition(" ")
        if kind == "zero":
            yield public_domain("zero")
        elif kind and (license_ := creative_commons(kind, version, "")):
            yield license_


def _by_short_name(text: str) -> Iterator[NamedLicense]:
    for match in license_names.CC_SHORT_NAME.finditer(text):
        if _is_by_in_prose(match, text):
            continue
        kind = "-".join(re.findall("by|nc|nd|sa", match[1].lower()))
        version = _with_decimal(match[3] or "")
        if license_ := creative_commons(kind, version, _jurisdiction(match, version, text).lower()):
            yield license_
    if license_names.CC_ZERO.search(text):
        yield public_domain("zero")
    if license_names.CC_MARK.search(text):
        yield public_domain("mark")


def _is_by_in_prose(match: re.Match[str], text: str) -> bool:
    """Return whether "cc by" is a part of a sentence, as in "cc by email": small, without a version, and going on."""
    if match[3] or not re.fullmatch(r"cc by", match[0].strip()):
        return False
    return bool(re.match(r"\s+(?!licen|lizen|3|4)\w", text[match.end() :]))


def _with_decimal(version: str) -> str:
    """Complete a version; "2" alone could be 2.0, 2.1 or 2.5 and names none. "40" is 4.0, as in "cc-by-40"."""
    if len(version) == 2:
        return f"{version[0]}.{version[1]}"
    return {"1": "1.0", "3": "3.0", "4": "4.0", "2": ""}.get(version, version)


def _jurisdiction(match: re.Match[str], version: str, text: str) -> str:
    """Return the code after a short name, where Creative Commons ported that version; else that of the country named.

    Two letters that begin a sentence ("3.0 NO modifications", "3.0 IT Department") name no country.
    """
    letters = match[4] or ""
    if match[2]:
        return match[2]
    if letters.lower() == "igo":
        return letters
    goes_on = re.match(r"\s+(?!licen[cs]e|lizenz|licencia|licença|deed|unported)[^\W\d_]", text[match.end() :])
    if letters and not goes_on and (letters.isupper() or match.end() == len(text)) and is_ported(version, letters):
        return letters
    return _leading_country(text[match.end(3) :]) if version not in ("", "4.0") else ""


def _by_other_name(text: str) -> Iterator[NamedLicense]:
    low = text.casefold()
    names_creative_commons = "creative commons" in low  # "Public Domain Dedication" and the like are then its words
    for row, pattern in _other_licenses():
        if (
            (len(low) <= _MAX_BRIEF_CHARS or not row.get("brief"))
            and pattern.search(low)
            and not names_creative_commons
        ):
            label = str(row["label"])
            yield NamedLicense(row.get("family", label), "", row.get("uri"), row.get("spdx"), label, row.get("open"))
            return
    code = _rights_statement_codes().get(fold(text))
    if code is not None:
        yield _rights_statement(code, None)


def _by_words(text: str) -> Iterator[NamedLicense]:
    """Yield the Creative Commons licence that a text writes out: by the name, or by its parts in a brief text.

    "Attribution" alone, without the name, a second part or a version, is not enough.
    """
    letters = compact(text)
    name_at = _position_of_name(letters)
    if name_at is None and not _is_brief_and_begins_with_by(letters):
        return
    near = letters[max(0, (name_at or 0) - _WORDS_BEFORE_CHARS) : (name_at or 0) + _WORDS_AFTER_CHARS]
    parts = _parts_named(near)
    version = _only_version(text)
    if name_at is None and len(parts) < 2 and not version:
        return
    if license_ := _license_of_parts(near, parts, version, text):
        yield license_


def _position_of_name(letters: str) -> int | None:
    """Return where "creative commons" begins, in the first language of the vocabulary in which it is there."""
    return next((index for name in _cc_words()["name"] if (index := letters.find(name)) >= 0), None)


@lru_cache(maxsize=1)
def _after_licence() -> tuple[str, ...]:
    """Return the words of attribution directly after "licence": "sous licence Attribution – Partage …"."""
    return tuple(f"{licence}{by}" for licence in _LICENCE for by in _cc_words()["by"])


def _is_brief_and_begins_with_by(letters: str) -> bool:
    if len(letters) > _MAX_BRIEF_CHARS:
        return False
    return letters.startswith(_cc_words()["by"]) or _contains_any(letters, _after_licence())


def _parts_named(letters: str) -> list[str]:
    """Return the parts of a licence whose words a text holds, in the order of a short name."""
    return [part for part in ("by", "nc", "nd", "sa") if _contains_any(letters, _cc_words()[part])]


def _only_version(text: str) -> str:
    """Return the version that a text names; "" when it names none, or several."""
    versions = set(_VERSION.findall(text))
    return versions.pop() if len(versions) == 1 else ""


def _license_of_parts(near: str, parts: list[str], version: str, text: str) -> NamedLicense | None:
    """Return CC0, the licence of the parts, or, without attribution, Creative Commons and no more."""
    if _contains_any(near, _cc_words()["zero"]):
        return public_domain("zero")
    if "by" not in parts:
        return NamedLicense("creative-commons", "", None, None, "Creative Commons", None)
    return creative_commons("-".join(parts), version, _country_after(version, text))


def _contains_any(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _country_after(version: str, text: str) -> str:
    after = text.partition(version)[2] if version else ""
    if re.match(r"\W*igo\b", after, re.I) or _contains_any(compact(after), _cc_words()["igo"][1:]):
        return "igo"
    return _leading_country(after)


def _leading_country(text: str) -> str:
    """Return the code of the country whose name a text begins with, as after "3.0" in "3.0 Serbia"."""
    words = f"{fold(text[:80])} "
    return next((code for name, code in _countries().items() if words.startswith(f"{name} ")), "")


def _rights_statement(code: str, version: str | None) -> NamedLicense:
    """Return a statement of rightsstatements.org; only version 1.0 exists."""
    row = read_vocabulary("licenses")["rights_statements"][code]
    uri = f"http://rightsstatements.org/vocab/{code}/1.0/" if version in (None, "1.0") else None
    family = "reserved" if code.startswith("InC") else code
    return NamedLicense(family, "", uri, None, row["label"], row.get("open"))


@lru_cache(maxsize=1)
def _other_licenses() -> tuple[tuple[dict[str, Any], re.Pattern[str]], ...]:
    return tuple((row, re.compile("|".join(row["patterns"]))) for row in read_vocabulary("licenses")["known"])


@lru_cache(maxsize=1)
def _cc_words() -> dict[str, tuple[str, ...]]:
    words = read_vocabulary("licenses")["creative_commons"]["words"]
    return {part: tuple(compact(term) for term in terms) for part, terms in words.items()}


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Return name → code of countries with versions of their own: the vocabulary's names, and CLDR's."""
    rows = read_vocabulary("licenses")["creative_commons"]
    codes = set(" ".join(rows["jurisdictions"].values()).split())
    names = {fold(name): code for name, code in rows["countries"].items()}
    for locale in _COUNTRY_LOCALES:
        for territory, name in Locale.parse(locale).territories.items():
            code = "uk" if territory == "GB" else territory.lower()
            if code in codes:
                names.setdefault(fold(name), code)
    return names


@lru_cache(maxsize=1)
def _rights_statement_codes() -> dict[str, str]:
    return {fold(row["label"]): code for code, row in read_vocabulary("licenses")["rights_statements"].items()}
