"""The rows of a resource: what its columns say, and what a version of it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas import Resource

_ENCODER = msgspec.json.Encoder(order="deterministic")
_SILENT = ("provenance", "unmapped", "terms")  # what a version does not tell word for word


class _License(msgspec.Struct):
    uri: str | None = None


class _Language(msgspec.Struct):
    tag: str


class _Type(msgspec.Struct):
    code: str


class _Columns(msgspec.Struct):
    """The parts of a record that a resource has columns for."""

    title: dict[str, str] = {}
    languages: list[_Language] = []
    license: _License | None = None
    resource_types: list[_Type] = []
    url: str | None = None
    issued: str | None = None
    issued_year: int | None = None


_COLUMNS = msgspec.json.Decoder(_Columns)


def text_of(record: Resource) -> str:
    """The record's text in the catalog: equal records have equal texts."""
    return _ENCODER.encode(record).decode()


def sha256_of(text: str) -> str:
    """The sha256 of a text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def columns(text: str) -> dict[str, Any]:
    """The columns that repeat parts of a record's text."""
    record = _COLUMNS.decode(text)
    language = record.languages[0].tag if record.languages else None
    return {
        "title": _title(record.title, language),
        "language": language,
        "license_uri": record.license.uri if record.license else None,
        "resource_type": record.resource_types[0].code if record.resource_types else None,
        "url": record.url,
        "issued": record.issued,
        "issued_year": record.issued_year,
    }


def _title(titles: dict[str, str], language: str | None) -> str | None:
    """The title in the resource's own language, in whatever script; else the first."""
    if len(titles) > 1 and language is not None:
        own = language.partition("-")[0]
        same = (text for tag, text in titles.items() if tag.partition("-")[0] == own)
        return titles.get(language) or next(same, None) or next(iter(titles.values()))
    return next(iter(titles.values()), None)


def changes(old: str, new: str) -> dict[str, Any]:
    """What differs between two texts of a record: {field: {from, to}}; of long-winded fields only that they differ."""
    before: dict[str, Any] = msgspec.json.decode(old)
    after: dict[str, Any] = msgspec.json.decode(new)
    found: dict[str, Any] = {}
    for field in sorted({*before, *after}):
        if before.get(field) != after.get(field):
            told = {"from": before.get(field), "to": after.get(field)}
            found[field] = True if field in _SILENT else told
    return found


def version(resource_id: str, number: int, run_id: str, at: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """A row of resource_version."""
    text = _ENCODER.encode(said).decode()
    return {"resource_id": resource_id, "version": number, "run_id": run_id, "changed_at": at, "changes": text}


def best(scores: Sequence[int | None]) -> int | None:
    """The best quality of a resource's records."""
    return max((score for score in scores if score is not None), default=None)
