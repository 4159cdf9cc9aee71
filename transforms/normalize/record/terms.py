"""Fields of the library's own lists: type, level, context, audience, difficulty, time, age, subject, competency."""

from __future__ import annotations

import re
from typing import Any

from schemas import AgeRange, Competency, Concept, Subject, replace
from transforms.draft import IF_KNOWN, Statement, mask_emails
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.text import line
from transforms.normalize.vocabulary import age_range, competency, learning_time, lookup, subjects, time_bounds

_LISTS = (  # field of the record, the library's list
    ("resource_types", "resource_type"),
    ("levels", "level"),
    ("contexts", "context"),
    ("audiences", "audience"),
    ("difficulty", "difficulty"),
    ("interactivity_type", "interactivity_type"),
    ("cost", "cost"),
    ("formats", "media_type"),
)
_OF = dict(_LISTS)
_NEIGHBOURS = {  # field: fields that may know a value which it does not
    "levels": ("contexts",),
    "contexts": ("levels", "resource_types"),
    "audiences": ("levels",),
    "formats": ("resource_types",),
}
_EXTENT = re.compile(  # a size, not a kind: "506857 bytes", "12 p.", "xii, 240 pages"
    r"(?:[ivxlc]++\s*+,\s*+)?\d[\d., ]*+\s*+(?:bytes?|[kmg]i?b|p|pp|pages?|s|с|стр|str|min|minutes?|sheets?|หน้า)\.?",
    re.IGNORECASE,
)
_SINGLE = frozenset({"difficulty", "interactivity_type", "cost"})


def education(work: Assembly) -> dict[str, Any]:
    """Every field that takes its values from a list."""
    fields: dict[str, Any] = {}
    for field, list_ in _LISTS:
        if field not in work.draft.fields:
            continue
        found = _concepts(work, field, list_)
        if field in _SINGLE:
            fields[field] = next((one.code for one in found), None)
        elif field == "resource_types":
            fields[field] = found
        else:
            fields[field] = tuple(dict.fromkeys(one.code for one in found))
    fields["age_range"] = _age(work)
    fields["typical_learning_time"] = _time(work)
    fields["subjects"] = _subjects(work)
    fields["competencies"] = _competencies(work)
    return fields


def _concepts(work: Assembly, field: str, list_: str) -> tuple[Concept, ...]:
    found: dict[str, Concept] = {}
    for said in _kinds(work) if field == "resource_types" else work.draft.get(field):
        if field == "formats" and _EXTENT.fullmatch(said.value.strip()):
            work.leave(said)
            continue
        concept = work.lookup(field, list_, _by_number(field, _sure(work, field, said)))
        if concept is not None:
            found.setdefault(concept.code, concept)
            work.made(field, said.path, f"list {list_}")
    return tuple(found.values())


def _kinds(work: Assembly) -> list[Statement]:
    """The kinds said, then what may be one besides: a "Video" among media formats is, a "Text/HTML" is none."""
    told = work.draft.get("resource_types")
    perhaps = [said for said in told if said.hint == IF_KNOWN]
    if not perhaps:
        return told
    sure = [said for said in told if said.hint != IF_KNOWN]
    return sure + [said for said in perhaps if lookup("media_type", said.value) is None]


def _sure(work: Assembly, field: str, said: Statement) -> Statement:
    """The same value, marked as one that need not be known here when a neighbouring field knows it.

    A level that only the list of contexts knows ("higher education") is said as a context, where it was not.
    """
    if said.hint == IF_KNOWN or field not in _NEIGHBOURS or lookup(_OF[field], said.value, said.language):
        return said
    for other in _NEIGHBOURS[field]:
        if lookup(_OF[other], said.value, said.language) is None:
            continue
        if any(one.path == said.path and one.value == said.value for one in work.draft.get(other)):
            return replace(said, hint=IF_KNOWN)
        if field == "levels":
            work.draft.add("contexts", said)
            return replace(said, hint=IF_KNOWN)
    return said


def _by_number(field: str, said: Statement) -> Statement:
    """A level of ISCED 2011 that a taxonomy says by its number, named by its URI; other values as they are."""
    if field != "levels" or said.hint is None:
        return said
    scheme, _, number = said.hint.partition("|")
    number = number or said.value.strip()
    if len(number) == 1 and number.isdecimal() and "isced" in scheme.lower():
        return replace(said, hint=f"{scheme}|https://w3id.org/kim/isced-2011/level{number}")
    return said


def _age(work: Assembly) -> AgeRange | None:
    """The range from the least to the greatest age said."""
    ranges = []
    for said in work.draft.get("age_range"):
        found = age_range(said.value)
        work.term("age_range", said.value, None if found is None else _ages(found))
        if found is not None:
            ranges.append(found)
            work.made("age_range", said.path, "age range")
    if not ranges:
        return None
    least = [one.min for one in ranges if one.min is not None]
    most = [one.max for one in ranges if one.max is not None]
    open_end = any(one.max is None for one in ranges)
    return AgeRange(min=min(least) if least else None, max=None if open_end else max(most))


def _ages(found: AgeRange) -> str:
    return f"{'' if found.min is None else found.min}-{'' if found.max is None else found.max}"


def _time(work: Assembly) -> str | None:
    """The first duration said; a bound ("more than 3 hours") is a term, but no duration."""
    first = None
    for said in work.draft.get("typical_learning_time"):
        found = learning_time(said.value, said.hint)
        work.term("typical_learning_time", said.value, found or time_bounds(said.value))
        if found is not None:
            first = first or found
            work.made("typical_learning_time", said.path, "learning time")
    return first


def _subjects(work: Assembly) -> tuple[Subject, ...]:
    """Concepts of ISCED-F and the UNESCO Thesaurus; a subject of the partner's own scheme stays as said."""
    found: dict[Subject, None] = {}
    for said in work.draft.get("subjects"):
        scheme, _, number = (said.hint or "").partition("|")
        coded = subjects(number) if "/" in number or "isced" in scheme.lower() else ()
        schemes = {one.scheme for one in coded}
        concepts = coded + tuple(one for one in subjects(said.value) if one.scheme not in schemes)
        for one in concepts:
            found[one] = None
            work.made("subjects", said.path, f"list {one.scheme}")
        if concepts or said.hint != IF_KNOWN:
            work.term("subjects", said.value, concepts[0].code if concepts else None)
        if not concepts and said.hint != IF_KNOWN and (label := mask_emails(line(said.value))):
            found[Subject(scheme="source", code=number or None, label=label)] = None
            work.made("subjects", said.path, "subject as said")
    return tuple(found)


def _competencies(work: Assembly) -> tuple[Competency, ...]:
    """Only what names a competency of UNESCO's frameworks for teachers."""
    found: dict[Competency, None] = {}
    for said in work.draft.get("competencies"):
        scheme, _, number = (said.hint or "").partition("|")
        one = competency(said.value, scheme) or (competency(number, scheme) if number else None)
        work.term("competencies", said.value, f"{one.framework} {one.aspect}, {one.level}" if one else None)
        if one is not None:
            found[one] = None
            work.made("competencies", said.path, "list competency")
    return tuple(found)
