"""One record of a cluster's records: for each field the value that survives, and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas import LICENSE_PATH, Correction, CorrectionUnusable, Member, Origin, Relation, Resource, apply_correction
from transforms.normalize.license import license_of

_Members = Sequence[Resource]  # the most trusted first
_Survivor = Callable[[_Members, str], tuple[Any, _Members]]  # the value of a field, and the records that it came from


class _Merged(NamedTuple):
    """The record of a resource, and the corrections that could not be applied to it, in a sentence each."""

    record: Resource
    problems: tuple[str, ...] = ()


def _most_trusted(members: _Members, field: str) -> tuple[Any, _Members]:
    """Return the value of the first record that has one."""
    for member in members:
        value = getattr(member, field)
        if value not in (None, "", (), {}):
            return value, (member,)
    return getattr(members[0], field), ()


def _longest(members: _Members, field: str) -> tuple[Any, _Members]:
    """Of each language the longest text; of two as long that of the more trusted record."""
    return _by_language(members, field, len)


def _each_language(members: _Members, field: str) -> tuple[Any, _Members]:
    """Of each language the text of the most trusted record that has it."""
    return _by_language(members, field, lambda text: 0)


def _by_language(members: _Members, field: str, worth: Callable[[str], int]) -> tuple[Any, _Members]:
    best: dict[str, tuple[str, Resource]] = {}
    for member in members:
        for language, text in getattr(member, field).items():
            if language not in best or worth(text) > worth(best[language][0]):
                best[language] = (text, member)
    used = {id(member) for _, member in best.values()}
    return {tag: text for tag, (text, _) in best.items()}, [member for member in members if id(member) in used]


def _union(members: _Members, field: str) -> tuple[Any, _Members]:
    """Every distinct value, those of the most trusted record first."""
    seen: dict[Any, Any] = {}
    used = []
    for member in members:
        known = len(seen)
        for value in getattr(member, field):
            seen.setdefault(_name(value), value)
        if len(seen) > known:
            used.append(member)
    return tuple(seen.values()), used


def _name(value: Any) -> Any:
    """Return what makes two values of a list one: the code, tag or address, or the whole value."""
    for field in ("tag", "url"):
        if hasattr(value, field):
            return getattr(value, field)
    if hasattr(value, "code") and hasattr(value, "source") and not hasattr(value, "field"):
        return value.code
    return value


def _newest(members: _Members, field: str) -> tuple[Any, _Members]:
    """Return the latest date; of two alike that of the more trusted record."""
    dated = [(getattr(member, field), -place) for place, member in enumerate(members) if getattr(member, field)]
    if not dated:
        return None, ()
    value, place = max(dated)
    return value, (members[-place],)


def _with_issued(members: _Members, field: str) -> tuple[Any, _Members]:
    """Return the year of the record whose date of issue survives, so that the two agree."""
    _, source = _most_trusted(members, "issued")
    return (getattr(source[0], field), source) if source else _most_trusted(members, field)


SURVIVORSHIP: dict[str, _Survivor] = {
    "key": _most_trusted,
    "identifiers": _union,
    "title": _each_language,
    "description": _longest,
    "alternative_titles": _union,
    "keywords": _union,
    "languages": _union,
    "contributors": _most_trusted,
    "publishers": _most_trusted,
    "issued": _most_trusted,
    "modified": _newest,
    "issued_year": _with_issued,
    "resource_types": _union,
    "formats": _union,
    "url": _most_trusted,
    "links": _union,
    "license": _most_trusted,
    "cost": _most_trusted,
    "levels": _union,
    "contexts": _union,
    "audiences": _union,
    "age_range": _most_trusted,
    "difficulty": _most_trusted,
    "typical_learning_time": _most_trusted,
    "interactivity_type": _most_trusted,
    "subjects": _union,
    "competencies": _union,
    "coverage": _union,
    "relations": _union,
    "terms": _union,
    "unmapped": _union,
}


def merge(
    members: Sequence[Member], corrections: Sequence[Correction] = (), related: Sequence[Relation] = ()
) -> _Merged:
    """Return the record of a resource. The most trusted feed comes first, then the smaller key, which is its key.

    Provenance names, for each field, the records whose value survives. `related` are relations to other resources
    that the matcher found; corrections come last, in their order, and stand in provenance as `curation:<id>`. While a
    member's licence is withheld, the resource has none, whatever the other members state.
    """
    ordered = [member.record for member in sorted(members, key=lambda member: (-member.trust, member.record.key))]
    record = ordered[0] if len(ordered) == 1 else _merged(ordered)
    withheld = min((member.record.key for member in members if member.license_withheld), default=None)
    if withheld is not None:
        record = _without_license(record, withheld)
    if related:
        record = _relate(record, related)
    return _corrected(record, corrections) if corrections else _Merged(record)


def _without_license(record: Resource, key: str) -> Resource:
    """Return the record without a licence, because that of the member `key` is in question.

    Another member's open licence would tell readers that the question is settled, and what one partner has narrowed
    the other may only have copied.
    """
    kept = {name: origins for name, origins in record.provenance.items() if name.split(".")[0] != "license"}
    origin = Origin(key=key, path="", rule="withheld: license_narrowed")
    return msgspec.structs.replace(record, license=None, provenance={**kept, "license": (origin,)})


def _merged(ordered: _Members) -> Resource:
    values: dict[str, Any] = {}
    provenance: dict[str, tuple[Origin, ...]] = {}
    for field, survivor in SURVIVORSHIP.items():
        values[field], sources = survivor(ordered, field)
        for name, origins in _origins(field, sources).items():
            provenance[name] = origins
    return Resource(**values, provenance=provenance)


def _origins(field: str, sources: Iterable[Resource]) -> dict[str, tuple[Origin, ...]]:
    """Return what the records say of where a field, or a part of it (title.en), came from."""
    origins_of: dict[str, dict[Origin, None]] = {}
    for source in sources:
        for name, origins in source.provenance.items():
            if name == field or name.startswith((f"{field}.", f"{field}[")):
                origins_of.setdefault(name, {}).update(dict.fromkeys(origins))
    return {name: tuple(origins) for name, origins in origins_of.items()}


def _relate(record: Resource, related: Sequence[Relation]) -> Resource:
    relations = (*record.relations, *(relation for relation in related if relation not in record.relations))
    origins = (*record.provenance.get("relations", ()), Origin(key=record.key, path="", rule="matcher: related works"))
    return msgspec.structs.replace(record, relations=relations, provenance={**record.provenance, "relations": origins})


def _corrected(record: Resource, corrections: Sequence[Correction]) -> _Merged:
    problems = []
    for correction in corrections:
        try:
            record = _licensed(apply_correction(record, correction), correction)
        except CorrectionUnusable as error:
            problems.append(str(error))
    return _Merged(record, tuple(problems))


def _licensed(record: Resource, correction: Correction) -> Resource:
    """Return what a steward's licence is called, and whether it is open, as of any other licence with that address."""
    if correction.path != LICENSE_PATH or record.license is None or record.license.uri is None:
        return record
    known = license_of((record.license.uri,))
    if known is None or known.uri is None:
        return record
    return msgspec.structs.replace(record, license=msgspec.structs.replace(known, statement=record.license.statement))
