"""A shared record as rows to read: each field, its values with their languages, and where they came from."""

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
_ASIDE = frozenset({"key", "terms", "provenance", "unmapped"})  # shown in another way


def _said(*parts: str | None) -> _Value:
    return {"text": " · ".join(part for part in parts if part), "language": ""}


# how a value of each kind reads
_READ: dict[type, Callable[[Any], _Value]] = {
    str: _said,
    int: lambda one: _said(str(one)),
    Text: lambda one: {"text": one.text, "language": one.language},
    Identifier: lambda one: _said(one.scheme, one.value),
    Language: lambda one: _said(one.tag, one.origin, f"{one.confidence:.2f}"),
    Contributor: lambda one: _said(one.name, one.role, one.kind, one.id),
    Concept: lambda one: _said(one.code, one.label, f"← {one.source}"),
    Link: lambda one: _said(one.url, one.media_type, one.role),
    License: lambda one: _said(one.label or one.statement, one.uri, one.origin, f"← {one.statement}"),
    AgeRange: lambda one: _said(f"{'…' if one.min is None else one.min}–{'…' if one.max is None else one.max}"),
    Subject: lambda one: _said(one.scheme, one.code, one.label),
    Competency: lambda one: _said(one.framework, one.aspect, one.level),
    Relation: lambda one: _said(one.kind, one.target),
}


def rows(made: Resource) -> list[dict[str, Any]]:
    """The fields that are filled, in the schema's order."""
    found = []
    for one in msgspec.structs.fields(made):
        value = getattr(made, one.name)
        if one.name not in _ASIDE and value not in (None, (), {}):
            origins = [f"{x.path} ({x.rule})" for x in made.provenance.get(one.name, ())]
            found.append({"field": one.name, "values": values(value), "from": list(dict.fromkeys(origins))})
    return found


def values(value: Any) -> list[_Value]:
    if isinstance(value, dict):
        return [{"text": text, "language": tag} for tag, text in value.items()]
    return [_READ[type(one)](one) for one in (value if isinstance(value, tuple) else (value,))]


def pretty(payload: str) -> str:
    """A payload laid out to be read, when it is XML or JSON; otherwise as it came."""
    try:
        if payload.lstrip().startswith("<"):
            parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True, huge_tree=True)
            root = etree.fromstring(payload.encode(), parser)
            return etree.tostring(root, pretty_print=True, encoding="unicode")
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (etree.XMLSyntaxError, ValueError):
        return payload
