"""Fields of the library's own lists: type, level, context, audience, difficulty, time, age, subject, competency."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from schemas import AgeRange, Competency, Concept, Subject, replace
from transforms.draft import ABOVE, IF_KNOWN, Statement, mask_emails
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.record.kinds import read_resource_types
from transforms.normalize.record.lists import split_list
from transforms.normalize.text import plain_line
from transforms.normalize.vocabulary import (
    MappedTerm,
    concept_of_code,
    concept_of_mapping,
    lookup,
    read_age_range,
    read_competency,
    read_grades,
    read_learning_time,
    read_time_bounds,
    subjects,
)

_VOCABULARIES = {  # field of the record → the library's vocabulary
    "resource_types": "resource_type",
    "levels": "level",
    "contexts": "context",
    "audiences": "audience",
    "difficulty": "difficulty",
    "interactivity_type": "interactivity_type",
    "cost": "cost",
    "formats": "media_type",
}
_NEIGHBOURS = {  # field → fields whose lists may know a value which its own does not
    "levels": ("contexts",),
    "contexts": ("levels", "resource_types"),
    "audiences": ("levels",),
    "formats": ("resource_types",),
}
_EXTENT = re.compile(  # a size among the formats: "506857 bytes", "12 p.", "xii, 240 pages"
    r"(?:[ivxlc]++\s*+,\s*+)?\d[\d., ]*+\s*+(?:bytes?|[kmg]i?b|p|pp|pages?|s|с|стр|str|min|minutes?|sheets?|หน้า)\.?",
    re.IGNORECASE,
)
_LEVEL_WORD = re.compile(r"^\s*(?:level|niveau|nivel)\b", re.IGNORECASE)
_GRADED = ("levels", "contexts")  # fields that a school year tells something of
_SINGLE_VALUED = frozenset({"difficulty", "interactivity_type", "cost"})


def read_listed_fields(assembly: Assembly) -> dict[str, Any]:
    """Return every field that takes its values from a list."""
    fields: dict[str, Any] = {}
    for field in _VOCABULARIES:
        if field not in assembly.draft.fields:
            continue
        if field == "resource_types":
            fields[field] = read_resource_types(assembly)
            continue
        concepts = _concepts(assembly, field)
        if field in _SINGLE_VALUED:
            fields[field] = next((concept.code for concept in concepts), None)
        else:
            fields[field] = tuple(concept.code for concept in concepts)
    fields["age_range"] = _age_range(assembly)
    fields["typical_learning_time"] = _learning_time(assembly)
    fields["subjects"] = _subjects(assembly)
    fields["competencies"] = _competencies(assembly)
    return fields


def _concepts(assembly: Assembly, field: str) -> tuple[Concept, ...]:
    """Return the concepts of a field, each code once."""
    concepts: dict[str, Concept] = {}
    for statement in assembly.draft.get(field):
        mapped = assembly.use_mapping(field, statement)
        if mapped is not None:
            concepts.update(_mapped_concept(mapped, statement))
            continue
        if field == "formats" and _EXTENT.fullmatch(statement.value.strip()):
            assembly.leave_unmapped(statement)
            continue
        graded = _school_years(assembly, field, statement)
        if graded is not None:
            for concept in graded:
                concepts.setdefault(concept.code, concept)
                assembly.add_origin(field, statement.path, "school year")
            continue
        marked = _with_level_uri(field, _marked_for_neighbour(assembly, field, statement))
        listed = assembly.lookup(field, _VOCABULARIES[field], marked)
        if listed is not None:
            concepts.setdefault(listed.code, listed)
            assembly.add_origin(field, statement.path, f"list {_VOCABULARIES[field]}")
    return tuple(concepts.values())


def _mapped_concept(mapped: MappedTerm, statement: Statement) -> dict[str, Concept]:
    """Return code and concept of what a steward mapped a statement to; nothing for one that is ignored."""
    if mapped.scheme is None or mapped.code is None:
        return {}
    return {mapped.code: concept_of_mapping(mapped.scheme, mapped.code, statement.value)}


def _grades(assembly: Assembly, statement: Statement) -> tuple[str, ...] | None:
    """Return the levels of school years in the system of the statement's or the record's language."""
    if any(_is_listed(field, statement) for field in _GRADED):
        return None
    return read_grades(statement.value, statement.language or _language(assembly))


def _language(assembly: Assembly) -> str | None:
    """Return the record's first language."""
    return next((language.tag for language in assembly.fields.get("languages", ())), None)


def _school_years(assembly: Assembly, field: str, statement: Statement) -> tuple[Concept, ...] | None:
    """Return the levels of school years that no list knows ("Grade 5"), or the context school; None for other terms.

    Years whose level differs from country to country have a context only.
    """
    grades = _grades(assembly, statement) if field in _GRADED else None
    if grades is None:
        return None
    codes = grades if field == "levels" else ("school",)
    if codes:
        assembly.add_term(field, statement.value, " ".join(codes))
    elif statement not in assembly.draft.get("contexts"):
        assembly.draft.add("contexts", statement)
    return tuple(concept_of_code(_VOCABULARIES[field], code, statement.value) for code in codes)


def _marked_for_neighbour(assembly: Assembly, field: str, statement: Statement) -> Statement:
    """Mark a value that only a neighbouring field's list knows, so that it does not count as an uncoded term here.

    A level that only the list of contexts knows ("higher education") is added as a context.
    """
    if statement.hint == IF_KNOWN or field not in _NEIGHBOURS or _is_listed(field, statement):
        return statement
    for other in _NEIGHBOURS[field]:
        if not _is_listed(other, statement):
            continue
        if any(
            neighbour.path == statement.path and neighbour.value == statement.value
            for neighbour in assembly.draft.get(other)
        ):
            return replace(statement, hint=IF_KNOWN)
        if field == "levels":
            assembly.draft.add("contexts", statement)
            return replace(statement, hint=IF_KNOWN)
    return statement


def _is_listed(field: str, statement: Statement) -> bool:
    return lookup(_VOCABULARIES[field], statement.value, statement.language) is not None


def _with_level_uri(field: str, statement: Statement) -> Statement:
    """Give a level of ISCED 2011 that a taxonomy names by its number the level's URI as hint."""
    if field != "levels" or statement.hint is None:
        return statement
    scheme, _, number = statement.hint.partition("|")
    number = _LEVEL_WORD.sub("", number or statement.value).strip()
    if len(number) == 1 and number.isdecimal() and "isced" in scheme.lower():
        return replace(statement, hint=f"{scheme}|https://w3id.org/kim/isced-2011/level{number}")
    return statement


def _age_range(assembly: Assembly) -> AgeRange | None:
    """Return the range from the least to the greatest age stated."""
    ranges: list[AgeRange] = []
    for statement in assembly.draft.get("age_range"):
        mapped = assembly.use_mapping("age_range", statement)
        if mapped is not None:
            ranges.extend(filter(None, [read_age_range(mapped.code or "")]))
            continue
        ages = read_age_range(statement.value)
        assembly.add_term("age_range", statement.value, None if ages is None else _code(ages))
        if ages is not None:
            ranges.append(ages)
            assembly.add_origin("age_range", statement.path, "age range")
    return _outer_range(ranges) if ranges else None


def _outer_range(ranges: list[AgeRange]) -> AgeRange:
    """Return the range that covers all; an open upper end stays open."""
    lower_ends = [ages.min for ages in ranges if ages.min is not None]
    upper_ends = [ages.max for ages in ranges if ages.max is not None]
    upper_end = max(upper_ends) if len(upper_ends) == len(ranges) else None
    return AgeRange(min=min(lower_ends, default=None), max=upper_end)


def _code(ages: AgeRange) -> str:
    return f"{'' if ages.min is None else ages.min}-{'' if ages.max is None else ages.max}"


def _learning_time(assembly: Assembly) -> str | None:
    """Return the first duration stated; a bound ("more than 3 hours") is a term, but no duration."""
    first = None
    for statement in assembly.draft.get("typical_learning_time"):
        mapped = assembly.use_mapping("typical_learning_time", statement)
        if mapped is not None:
            first = first or mapped.code
            continue
        duration = read_learning_time(statement.value, statement.hint)
        assembly.add_term("typical_learning_time", statement.value, duration or read_time_bounds(statement.value))
        if duration is not None:
            first = first or duration
            assembly.add_origin("typical_learning_time", statement.path, "learning time")
    return first


def _subjects(assembly: Assembly) -> tuple[Subject, ...]:
    """Return concepts of ISCED-F and the UNESCO Thesaurus; a subject that neither knows keeps the partner's label.

    Of a taxon path the narrowest node counts, and where no list has it the nearest above that one has. Of a list in
    one statement each subject counts.
    """
    described: dict[Subject, None] = {}
    above: list[Statement] = []
    for statement in _single_subjects(assembly):
        if statement.hint and statement.hint.startswith(ABOVE):
            above.append(replace(statement, hint=statement.hint.removeprefix(ABOVE)))
            continue
        _add_subject(assembly, described, statement, above)
        above = []
    return tuple(described)


def _single_subjects(assembly: Assembly) -> Iterator[Statement]:
    """Yield the statements of subjects; of a list that is no subject as a whole, where a piece is one, each piece."""
    for statement in assembly.draft.get("subjects"):
        language = statement.language or _language(assembly)
        pieces = split_list(plain_line(statement.value))[0] if statement.hint in (None, IF_KNOWN) else []
        is_list = len(pieces) > 1 and not _is_subject(assembly, statement.value, language)
        if is_list and any(_is_subject(assembly, piece, language) for piece in pieces):
            yield from (replace(statement, value=piece) for piece in pieces)
        else:
            yield statement


def _is_subject(assembly: Assembly, term: str, language: str | None) -> bool:
    return assembly.mappings.find("subjects", term) is not None or bool(subjects(term, language))


def _add_subject(
    assembly: Assembly, described: dict[Subject, None], statement: Statement, above: Sequence[Statement]
) -> None:
    """Add what a statement says: its concepts, else those of the nearest statement above it, and its label."""
    mapped = assembly.use_mapping("subjects", statement)
    if mapped is not None:
        described.update(dict.fromkeys(_mapped_subjects(mapped)))
        return
    named = _subject_concepts(statement, _language(assembly))
    broader = (_broader_concepts(assembly, each) for each in reversed(above))
    for subject in named or next(filter(None, broader), ()):
        described[subject] = None
        assembly.add_origin("subjects", statement.path, f"list {subject.scheme}")
    if named:
        assembly.add_term("subjects", statement.value, named[0].code)
    elif statement.hint != IF_KNOWN:
        assembly.add_term("subjects", statement.value, None)
        _add_subject_as_said(assembly, described, statement)


def _add_subject_as_said(assembly: Assembly, described: dict[Subject, None], statement: Statement) -> None:
    label = mask_emails(plain_line(statement.value))
    if label:
        code = (statement.hint or "").partition("|")[2] or None
        described[Subject(scheme="source", code=code, label=label)] = None
        assembly.add_origin("subjects", statement.path, "subject as said")


def _mapped_subjects(mapped: MappedTerm) -> tuple[Subject, ...]:
    if mapped.scheme is None or mapped.code is None:
        return ()
    label = concept_of_code(mapped.scheme, mapped.code, mapped.code).label
    return (Subject(scheme="unesco" if mapped.scheme == "unesco" else "isced-f", code=mapped.code, label=label),)


def _broader_concepts(assembly: Assembly, statement: Statement) -> tuple[Subject, ...]:
    mapped = assembly.mappings.find("subjects", statement.value)
    return _subject_concepts(statement, _language(assembly)) if mapped is None else _mapped_subjects(mapped)


def _subject_concepts(statement: Statement, language: str | None) -> tuple[Subject, ...]:
    """Return the subjects that the hint's number names, and those of other schemes that the label names."""
    language = statement.language or language
    scheme, _, number = (statement.hint or "").partition("|")
    by_number = _subjects_by_number(scheme, number)
    schemes = {subject.scheme for subject in by_number}
    return (*by_number, *(subject for subject in subjects(statement.value, language) if subject.scheme not in schemes))


def _subjects_by_number(scheme: str, number: str) -> tuple[Subject, ...]:
    """Return the subject that a number of ISCED-F, or a URI, names."""
    if "isced" in scheme.lower() and (field := lookup("isced_f", number)) is not None:
        return (Subject(scheme="isced-f", code=field.code, label=field.label),)
    return subjects(number) if "/" in number else ()


def _competencies(assembly: Assembly) -> tuple[Competency, ...]:
    """Return the competencies of UNESCO's frameworks for teachers that are named."""
    competencies: dict[Competency, None] = {}
    for statement in assembly.draft.get("competencies"):
        mapped = assembly.use_mapping("competencies", statement)
        if mapped is not None:
            competencies.update(dict.fromkeys(filter(None, [read_competency(mapped.code or "")])))
            continue
        scheme, _, number = (statement.hint or "").partition("|")
        cell = read_competency(statement.value, scheme) or (read_competency(number, scheme) if number else None)
        code = f"{cell.framework} {cell.aspect}, {cell.level}" if cell else None
        assembly.add_term("competencies", statement.value, code)
        if cell is not None:
            competencies[cell] = None
            assembly.add_origin("competencies", statement.path, "list competency")
    return tuple(competencies)
