"""By what signs a statement names a licence, surest first: addresses, short names, other names, long names in words."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from babel import Locale

from schemas import read_vocabulary
from transforms.normalize.folding import compact, fold
from transforms.normalize.license.known import Reading, creative_commons, public_domain

_LONGEST = 20_000  # characters of a statement that are read; the statement itself is kept whole
_BRIEF = 160  # a statement so short speaks of nothing but its licence
_CC_URI = re.compile(
    r"creativecommons\.org/(?:licen[sc]es?|l)/([a-z]+(?:-[a-z]+)*(?:\+|%2B)?)(?:/(\d\.\d))?(?:/(?!deed|legalcode|rdf)([a-z]{2,8})\b)?",
    re.IGNORECASE,
)
_CC_PUBLIC = re.compile(
    r"creativecommons\.org/(?:publicdomain/(zero|mark)|licenses/(zero|publicdomain))\b", re.IGNORECASE
)
_CC_SLUG = re.compile(
    r"(?<![a-z])(?:cc[\s_:/.-]*|creative commons[\s_:-]+|(?<!\S)(?=by-))"
    r"(by(?:[\s_/+-]*(?:nc|nd|sa)(?![a-z]))*)(?![a-z])"
    r"(?:[\s_-]+(igo)(?![a-z]))?"
    r"(?:[\s,_/-]*\(?v?(\d\.\d(?!\.?\d)|\d(?!\.?\d)(?=\W*(?:$|[;,)]|igo|unported|international|generic|licen[cs]e))))?"
    r"(?:[\s_/-]+(igo|[a-z]{2})(?![a-z]))?",  # "CC BY, 3 June" has no version
    re.IGNORECASE,
)
_CC_MARK = re.compile(r"\bcc[\s_-]?(?:pd)?m(?:ark)?\b|\bpublic domain mark\b|\bpdm\b", re.IGNORECASE)
_CC_ZERO = re.compile(r"\bcc[\s_-]?(?:0|zero)(?!\.?\d)", re.IGNORECASE)
_VERSION = re.compile(r"(?<![\d.])([1-4]\.[0125])(?![\d.]*\d)")
_RIGHTS_URI = re.compile(r"rightsstatements\.org/(?:vocab|page)/([A-Za-z-]+)(?:/(\d\.\d))?", re.IGNORECASE)


@lru_cache(maxsize=8192)
def readings(statement: str) -> tuple[Reading, ...]:
    """Every licence that one statement names, surest signs first: addresses, then short names, then words.

    "Not licensed under CC BY" names none.
    """
    text = unicodedata.normalize("NFKC", html.unescape(statement[:_LONGEST])).strip()
    if _denied().search(text.casefold()):
        return ()
    for signs in (_addresses, _short_names, _other_names, _words):
        found = tuple(dict.fromkeys(signs(text)))
        if found:
            return found if any(one.uri for one in found) else _with_version(found, text)
    return ()


def _with_version(found: tuple[Reading, ...], text: str) -> tuple[Reading, ...]:
    """The same licence with the version that its long name has: "Creative Commons Attribution 4.0 (CC BY)"."""
    long = tuple(one for one in _words(text) if one.uri and one.family == found[0].family)
    return long if len(found) == 1 and long else found


def _addresses(text: str) -> Iterator[Reading]:
    if "." not in text:
        return
    for kind, version, jurisdiction in _CC_URI.findall(text):
        reading = creative_commons(kind.lower().replace("%2b", "+"), version, jurisdiction.lower())
        if reading is not None:
            yield reading
    for public, old in _CC_PUBLIC.findall(text):
        yield public_domain((public or old).lower())
    for code, version in _RIGHTS_URI.findall(text):
        reading = _rights_statement(code, version)
        if reading is not None:
            yield reading


def _short_names(text: str) -> Iterator[Reading]:
    for match in _CC_SLUG.finditer(text):
        kind = "-".join(re.findall("by|nc|nd|sa", match[1].lower()))
        version = _whole(match[3] or "")
        country = match[2] or _jurisdiction(match[4] or "", match.end(), text)
        if version and version != "4.0" and not country:
            country = _named_country(text[match.end(3) :])
        reading = creative_commons(kind, version, country.lower())
        if reading is not None:
            yield reading
    if _CC_ZERO.search(text):
        yield public_domain("zero")
    if _CC_MARK.search(text):
        yield public_domain("mark")


def _whole(version: str) -> str:
    """A version with its decimal; "2" alone could be 2.0, 2.1 or 2.5 and names none."""
    return {"1": "1.0", "3": "3.0", "4": "4.0", "2": ""}.get(version, version)


def _jurisdiction(letters: str, end: int, text: str) -> str:
    """The letters after a version, where they are a country's: in capitals, or the end of a slug."""
    if letters.isupper() or letters.lower() == "igo" or end == len(text):
        return letters.lower()
    return ""


def _other_names(text: str) -> Iterator[Reading]:
    low = text.casefold()
    for row, pattern in _known():
        if (len(low) <= _BRIEF or not row.get("brief")) and pattern.search(low) and not _is_creative_commons(low):
            label = str(row["label"])
            yield Reading(row.get("family", label), "", row.get("uri"), row.get("spdx"), label, row.get("open"))
            return
    code = _rights_labels().get(fold(text))
    if code is not None:
        yield _rights_reading(code, None)


def _is_creative_commons(low: str) -> bool:
    """Whether Creative Commons is named: "Public Domain Dedication" and the like are then its own words."""
    return "creative commons" in low


def _words(text: str) -> Iterator[Reading]:
    words = _cc_words()
    letters = compact(text)
    named = next((place for name in words["name"] if (place := letters.find(name)) >= 0), None)
    if named is None and not (len(letters) <= _BRIEF and any(letters.startswith(word) for word in words["by"])):
        return
    near = letters[max(0, (named or 0) - 100) : (named or 0) + 200]
    said = {part for part in ("by", "nc", "nd", "sa") if any(word in near for word in words[part])}
    version = _only_version(text)
    if named is None and len(said) < 2 and not version:
        return
    if any(word in near for word in words["zero"]):
        yield public_domain("zero")
    elif "by" not in said:
        yield Reading("creative-commons", "", None, None, "Creative Commons", None)
    else:
        kind = "-".join(part for part in ("by", "nc", "nd", "sa") if part in said)
        reading = creative_commons(kind, version, _country(text, version))
        if reading is not None:
            yield reading


def _only_version(text: str) -> str:
    found = set(_VERSION.findall(text))
    return found.pop() if len(found) == 1 else ""


def _country(text: str, version: str) -> str:
    after = text.partition(version)[2] if version else ""
    if re.match(r"\W*igo\b", after, re.I) or any(word in compact(after) for word in _cc_words()["igo"][1:]):
        return "igo"
    return _named_country(after)


def _named_country(after: str) -> str:
    """The country whose name follows a version: "3.0 Serbia"."""
    words = f"{fold(after[:80])} "
    return next((code for name, code in _countries().items() if words.startswith(f"{name} ")), "")


def _rights_statement(code: str, version: str) -> Reading | None:
    known = {name.casefold(): name for name in read_vocabulary("licenses")["rights_statements"]}.get(code.casefold())
    return None if known is None else _rights_reading(known, version or None)


def _rights_reading(code: str, version: str | None) -> Reading:
    row = read_vocabulary("licenses")["rights_statements"][code]
    uri = f"http://rightsstatements.org/vocab/{code}/1.0/" if version in (None, "1.0") else None
    family = "reserved" if code.startswith("InC") else code
    return Reading(family, "", uri, None, row["label"], row.get("open"))


@lru_cache(maxsize=1)
def _denied() -> re.Pattern[str]:
    return re.compile("|".join(read_vocabulary("licenses")["denied"]["patterns"]))


@lru_cache(maxsize=1)
def _known() -> tuple[tuple[dict[str, Any], re.Pattern[str]], ...]:
    return tuple((row, re.compile("|".join(row["patterns"]))) for row in read_vocabulary("licenses")["known"])


@lru_cache(maxsize=1)
def _cc_words() -> dict[str, tuple[str, ...]]:
    words = read_vocabulary("licenses")["creative_commons"]["words"]
    return {part: tuple(compact(term) for term in terms) for part, terms in words.items()}


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Names of the countries with versions of their own: the table's, and CLDR's in the library's languages."""
    rows = read_vocabulary("licenses")["creative_commons"]
    codes = set(" ".join(rows["jurisdictions"].values()).split())
    found = {fold(name): code for name, code in rows["countries"].items()}
    for locale in ("en", "fr", "es", "pt", "de", "ru", "ar", "th", "sr_Cyrl", "sr_Latn"):
        for territory, name in Locale.parse(locale).territories.items():
            code = "uk" if territory == "GB" else territory.lower()
            if code in codes:
                found.setdefault(fold(name), code)
    return found


@lru_cache(maxsize=1)
def _rights_labels() -> dict[str, str]:
    return {fold(row["label"]): code for code, row in read_vocabulary("licenses")["rights_statements"].items()}
