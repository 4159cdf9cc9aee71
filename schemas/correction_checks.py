"""Whether a field says what the shared schema lets it say, beyond its shape: codes, dates, durations, tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from schemas.resource import Resource
from schemas.vocabulary import read_vocabulary

_DURATION = re.compile(r"P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")  # ISO 8601, 5.5.2
_MEDIA_TYPE = re.compile(r"[a-z0-9][\w.+-]*/[\w.+-]+")
_OLDEST = 120  # years


def misfit(record: Resource, field: str) -> str | None:
    """What is wrong with the first value of a field that is none of its own, and what it expects; None if all fit."""
    check = _CHECKS.get(field)
    return None if check is None else check(record)


def _date(value: str | None) -> str | None:
    from edtf import EDTFParseException, parse_edtf  # half a second to import, and corrections of dates are rare

    try:
        if value is not None:
            parse_edtf(value)
    except EDTFParseException:
        return f"{value!r} is no date in EDTF, such as 2015-05 or 2015/2017"
    return None


def _duration(record: Resource) -> str | None:
    said = record.typical_learning_time
    fits = said is None or _DURATION.fullmatch(said)
    return None if fits else f"{said!r} is no duration in ISO 8601, such as PT1H30M"


def _ages(record: Resource) -> str | None:
    said = record.age_range
    ages = [] if said is None else [age for age in (said.min, said.max) if age is not None]
    fits = ages == sorted(ages) and all(0 <= age <= _OLDEST for age in ages)
    return None if fits else f"{ages} are no ages from the youngest to the oldest"


def _listed(name: str, values: Iterable[str | None]) -> str | None:
    known = read_vocabulary(name)
    odd = next((value for value in values if value is not None and value not in known), None)
    return None if odd is None else f"{odd!r} is none of {', '.join(known)}"


def _tags(tags: Iterable[str]) -> str | None:
    import langcodes

    odd = next((tag for tag in tags if not langcodes.tag_is_valid(tag)), None)
    return None if odd is None else f"{odd!r} is no language tag (BCP 47), such as sr-Latn"


def _media_types(record: Resource) -> str | None:
    odd = next((value for value in record.formats if not _MEDIA_TYPE.fullmatch(value)), None)
    return None if odd is None else f"{odd!r} is no media type, such as application/pdf"


_CHECKS: dict[str, Callable[[Resource], str | None]] = {
    "title": lambda one: _tags(one.title),
    "description": lambda one: _tags(one.description),
    "alternative_titles": lambda one: _tags(text.language for text in one.alternative_titles),
    "keywords": lambda one: _tags(text.language for text in one.keywords),
    "coverage": lambda one: _tags(text.language for text in one.coverage),
    "languages": lambda one: _tags(language.tag for language in one.languages),
    "contributors": lambda one: _listed("role", (person.role for person in one.contributors)),
    "issued": lambda one: _date(one.issued),
    "modified": lambda one: _date(one.modified),
    "resource_types": lambda one: _listed("resource_type", (kind.code for kind in one.resource_types)),
    "formats": _media_types,
    "levels": lambda one: _listed("level", one.levels),
    "contexts": lambda one: _listed("context", one.contexts),
    "audiences": lambda one: _listed("audience", one.audiences),
    "age_range": _ages,
    "difficulty": lambda one: _listed("difficulty", [one.difficulty]),
    "typical_learning_time": _duration,
    "interactivity_type": lambda one: _listed("interactivity_type", [one.interactivity_type]),
    "relations": lambda one: _listed("relation_kind", (relation.kind for relation in one.relations)),
}
