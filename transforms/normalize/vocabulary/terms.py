"""Partners' terms to the library's lists: one TOML table a list, and one way of matching for all of them.

A term is found by itself, by a code or label of the list, by the last part of a URI, without what stands in brackets,
or as the part of a path ("Education > Physics"). Everything is compared folded (see `tables.fold`) and without spaces,
so "conferenceObject", "conference object" and "Conference Object" are one. A term means one thing in one list,
whatever the language; what is in no list is None, and the caller counts it as unmapped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from schemas import Competency, Concept, Subject, read_vocabulary
from transforms.normalize.folding import compact, in_serbian_latin
from transforms.normalize.vocabulary.ages import age_range, level_of_age
from transforms.normalize.vocabulary.times import learning_time, time_bounds

__all__ = ["FIELDS", "age_range", "competency", "learning_time", "level_of_age", "lookup", "subjects", "time_bounds"]

FIELDS = (
    "resource_type",
    "level",
    "context",
    "audience",
    "difficulty",
    "media_type",
    "subject",
    "isced_f",
    "unesco",
    "competency",
    "interactivity_type",
    "role",
    "relation_kind",
    "cost",
)
_LONGEST = 300  # characters; what is longer is no term
_LIKE_SERBIAN = 6  # letters from which a Russian label of the thesaurus counts as a Serbian word too: "лед" is no "LED"

_UNESCO = "http://vocabularies.unesco.org/thesaurus/"
_ASPECTS = 3  # a competency's code is framework.aspect.level

_MIME = re.compile(
    r"(application|audio|chemical|font|image|message|model|multipart|text|video)/[a-z0-9][a-z0-9.+_-]{0,100}"
)
_MIME_URI = re.compile(r"^https?://(?:www\.)?(?:purl\.org/net/mediatypes|iana\.org/assignments/media-types)/", re.I)
_FRAMEWORKS = {
    "ICT-CFT": re.compile(r"ICT[\s-]*CFT|ICT competency framework", re.IGNORECASE),
    "AI-CFT": re.compile(r"AI[\s-]*CFT|AI competency framework", re.IGNORECASE),
}
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_PATH = re.compile(r"(?:(?<!\s)\s++)?(?:::|>|→|\||\\)\s*+|(?<!\s)\s++[-/]\s++")


class _Entry(NamedTuple):
    code: str
    label: str
    uri: str | None


@lru_cache(maxsize=32768)
def lookup(field: str, said: str, language: str | None = None) -> Concept | None:
    """The concept of the field's list that the term means, or None; `source` is the term as said.

    `field` is one of FIELDS; "subject" is ISCED-F 2013 and, where that has no such field, the UNESCO Thesaurus.
    `language` is the term's where it is known; the lists need it for nothing now. Raises ValueError for other fields.
    """
    if field not in FIELDS:
        raise ValueError(f"no vocabulary named {field!r}: use one of {', '.join(FIELDS)}")
    if not said.strip() or len(said) > _LONGEST:
        return None
    if field == "subject":
        return lookup("isced_f", said, language) or lookup("unesco", said, language)
    entry = _media_type(said) if field == "media_type" else _find(field, said)
    return Concept(code=entry.code, label=entry.label, source=said, uri=entry.uri) if entry else None


@lru_cache(maxsize=16384)
def subjects(said: str) -> tuple[Subject, ...]:
    """The subject in every scheme that has it: ISCED-F and UNESCO Thesaurus; empty when neither does."""
    field, concept = lookup("isced_f", said), lookup("unesco", said)
    found = []
    if field:
        found.append(Subject(scheme="isced-f", code=field.code, label=field.label))
    if concept:
        found.append(Subject(scheme="unesco", code=concept.code, label=concept.label))
    return tuple(found)


def competency(said: str, scheme: str = "") -> Competency | None:
    """The cell of UNESCO's ICT-CFT or AI-CFT that is named: framework, aspect and level, in the framework's words.

    Under the framework's own name as `scheme` a cell's name or number alone will do ("Networking", "6.2").
    """
    named = next((name for name, pattern in _FRAMEWORKS.items() if pattern.search(scheme)), None)
    found = lookup("competency", said) or (lookup("competency", f"{named} {said}") if named else None)
    parts = found.code.split(".") if found else []
    if len(parts) != _ASPECTS:
        return None
    levels = read_vocabulary("competency_levels")[parts[0]]
    aspect = str(levels["aspects"][int(parts[1]) - 1])
    return Competency(
        framework="ict-cft" if parts[0] == "ict-cft" else "ai-cft",
        aspect=aspect,
        level=levels["levels"][int(parts[2]) - 1],
    )


def _find(field: str, said: str) -> _Entry | None:
    index = _index(field)
    for form in _forms(said):
        if (accented := _accented(form)) in index:
            return index[accented]
        key = compact(form)
        for spelling in (key, *_other_spellings(key)):
            if spelling in index:
                return index[spelling]
    return None


def _accented(term: str) -> str:
    """The key of a term that counts only with its accents: French "collège" is not English "college"."""
    return f"={' '.join(unicodedata.normalize('NFC', term).casefold().split())}"


def _other_spellings(key: str) -> Iterator[str]:
    """The same word without a plural's s, with or without the Arabic article."""
    if len(key) > 4 and key.endswith("s"):
        yield key[:-1]
    if key.startswith("ال"):
        yield key[2:]
    elif "\u0620" <= key[:1] <= "\u064a":
        yield "ال" + key


def _forms(said: str) -> Iterator[str]:
    """The term, then what of it may be the term, surest first."""
    yield said
    if ("/" in said or ":" in said or "#" in said) and " " not in said.strip():
        last = re.split(r"[/#:]", said.strip().rstrip("/#"))[-1]
        yield last
    outside = _BRACKETS.sub(" ", said)
    if outside != said:
        yield outside
        yield from _BRACKETS.findall(said)
    parts = _PATH.split(outside)
    if len(parts) > 1:
        yield parts[-1]
        yield parts[0]
    if "--" in outside:  # a subject heading: its first part is what it is about
        yield outside.partition("--")[0]
    elif "/" in outside and "://" not in outside:
        yield outside.rpartition("/")[2]
        yield outside.partition("/")[0]


@lru_cache(maxsize=32)
def _index(field: str) -> dict[str, _Entry]:
    """Every form of every term of a list → its concept. A code comes before a label, a label before other terms."""
    rows = [(_entry(field, code, row), row) for code, row in read_vocabulary(field).items()]
    index = _codes(entry for entry, _ in rows)
    for entry, _ in rows:
        for name in _names(entry):
            index.setdefault(compact(name), entry)
    for entry, row in rows:
        for term in _terms(row):
            index.setdefault(compact(term), entry)
        for term in row.get("accented", ()) if isinstance(row, dict) else ():
            index.setdefault(_accented(term), entry)
    for entry, row in rows:
        for latin in filter(None, map(in_serbian_latin, _terms(row))):
            if isinstance(row, dict) or len(latin) >= _LIKE_SERBIAN:
                index.setdefault(compact(latin), entry)
    index.pop("", None)
    return index


def _codes(entries: Iterable[_Entry]) -> dict[str, _Entry]:
    """The codes of a list, but for single digits (ISCED's levels): a bare "4" may be a class, or a place in a list."""
    index: dict[str, _Entry] = {}
    for entry in entries:
        if len(entry.code) > 1:
            index.setdefault(compact(entry.code), entry)
    return index


def _names(entry: _Entry) -> tuple[str, ...]:
    """The label, the URI and its last part."""
    return (entry.label, entry.uri, entry.uri.rstrip("/").rsplit("/", 1)[-1]) if entry.uri else (entry.label,)


def _entry(field: str, code: str, row: dict[str, Any] | list[str]) -> _Entry:
    if isinstance(row, list):  # the UNESCO Thesaurus: its labels only
        return _Entry(code, row[0], _UNESCO + code)
    return _Entry(code, row["label"], row.get("uri"))


def _terms(row: dict[str, Any] | list[str]) -> list[str]:
    return row if isinstance(row, list) else row["terms"]


def _media_type(said: str) -> _Entry | None:
    """A media type as said where it has the form of one, under its registered name; else by file ending or name."""
    low = _MIME_URI.sub("", said.strip()).lower()
    found = _MIME.match(low)
    if not found:
        return _find("media_type", low)
    name = found[0].rstrip(".+-_")
    known = _index("media_type").get(compact(name))
    return known or _Entry(name, name, None)
