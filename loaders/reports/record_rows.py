"""Show a shared record as rows: each field, its values with their languages, and where they came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
from lxml import etree

from schemas import (
    AgeRange,
    Competency,
    Concept,
    Contributor,
    Identifier,
    Language,
    License,
    Link,
    Relation,
    Resource,
    Subject,
    Text,
)

_Value = dict[str, str]  # text, and language where it is known
_NOT_ROWS = frozenset({"key", "terms", "provenance", "unmapped"})  # shown in another way


def _joined(*parts: str | None) -> _Value:
    return {"text": " · ".join(part for part in parts if part), "language": ""}


# How a value of each type is shown.
_SHOWN: dict[type, Callable[[Any], _Value]] = {
    str: _joined,
    int: lambda number: _joined(str(number)),
    Text: lambda text: {"text": text.text, "language": text.language},
    Identifier: lambda identifier: _joined(identifier.scheme, identifier.value),
    Language: lambda language: _joined(language.tag, language.origin, f"{language.confidence:.2f}"),
    Contributor: lambda person: _joined(person.name, person.role, person.kind, person.id),
    Concept: lambda concept: _joined(concept.code, concept.label, f"← {concept.source}"),
    Link: lambda link: _joined(link.url, link.media_type, link.role),
    License: lambda licence: _joined(
        licence.label or licence.statement, licence.uri, licence.origin, f"← {licence.statement}"
    ),
    AgeRange: lambda ages: _joined(f"{'…' if ages.min is None else ages.min}–{'…' if ages.max is None else ages.max}"),
    Subject: lambda subject: _joined(subject.scheme, subject.code, subject.label),
    Competency: lambda competency: _joined(competency.framework, competency.aspect, competency.level),
    Relation: lambda relation: _joined(relation.kind, relation.target),
}


def record_rows(resource: Resource) -> list[dict[str, Any]]:
    """Return the filled fields, in the schema's order: field, values, and the paths and rules they came from."""
    rows = []
    for field in msgspec.structs.fields(resource):
        value = getattr(resource, field.name)
        if field.name not in _NOT_ROWS and value not in (None, (), {}):
            origins = [f"{origin.path} ({origin.rule})" for origin in resource.provenance.get(field.name, ())]
            rows.append({"field": field.name, "values": _values(value), "from": list(dict.fromkeys(origins))})
    return rows


def _values(value: Any) -> list[_Value]:
    if isinstance(value, dict):
        return [{"text": text, "language": tag} for tag, text in value.items()]
    return [_SHOWN[type(part)](part) for part in (value if isinstance(value, tuple) else (value,))]


def indented(payload: str) -> str:
    """Indent a payload that is XML or JSON; return any other as it is."""
    try:
        if payload.lstrip().startswith("<"):
            parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True, huge_tree=True)
            root = etree.fromstring(payload.encode(), parser)
            return etree.tostring(root, pretty_print=True, encoding="unicode")
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (etree.XMLSyntaxError, ValueError):
        return payload
