"""Make the rows of `resource` and `resource_version` from the JSON of a record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from schemas import Resource, ResourceView

_ENCODER = msgspec.json.Encoder(order="deterministic")
_UNLISTED_FIELDS = ("provenance", "unmapped", "terms")  # a version says only that these changed, not how
_SET_SPEC = re.compile(r"[a-z]+\.[A-Za-z0-9_.!~*'()-]+")
_DERIVATION = 1  # raise it when derive_columns gives a column another value; a new column counts by its name


_VIEW = msgspec.json.Decoder(ResourceView)


def encode_record(record: Resource) -> str:
    """Encode a record as the catalog keeps it: equal records have equal JSON."""
    return _ENCODER.encode(record).decode()


def sha256_of(record_json: str) -> str:
    """Return the sha256 of a record's JSON as UTF-8, in hexadecimal."""
    return hashlib.sha256(record_json.encode()).hexdigest()


def derive_columns(record_json: str) -> dict[str, Any]:
    """Return the columns of `resource` that repeat parts of a record's JSON."""
    record = _VIEW.decode(record_json)
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


def sets_of(record_json: str, feeds: Iterable[str]) -> str:
    """Return, as JSON, the sets of the OAI-PMH provider that a resource is in: of feeds, languages, levels, types.

    A language counts without script and country. A value that no name of a set may have is left out.
    """
    record = _VIEW.decode(record_json)
    specs = {
        *(f"feed.{name}" for name in (*feeds, record.key.partition(":")[0])),
        *(f"language.{language.tag.partition('-')[0]}" for language in record.languages),
        *(f"level.{level}" for level in record.levels),
        *(f"type.{concept.code}" for concept in record.resource_types if concept.code),
    }
    return _ENCODER.encode(sorted(filter(_SET_SPEC.fullmatch, specs))).decode()


def _title(titles: dict[str, str], language: str | None) -> str | None:
    """Return the title in the resource's own language, in whatever script, or else the first."""
    if len(titles) > 1 and language is not None:
        own = language.partition("-")[0]
        same_language = (title for tag, title in titles.items() if tag.partition("-")[0] == own)
        return titles.get(language) or next(same_language, None) or next(iter(titles.values()))
    return next(iter(titles.values()), None)


DERIVED_COLUMNS = tuple(derive_columns('{"key": ""}'))
DERIVATION_VERSION = f"{_DERIVATION}: {' '.join((*DERIVED_COLUMNS, 'sets'))}"


def changes(old: str, new: str) -> dict[str, Any]:
    """Compare two records as JSON; return {field: {from, to}}, or {field: true} for the longest fields."""
    before: dict[str, Any] = msgspec.json.decode(old)
    after: dict[str, Any] = msgspec.json.decode(new)
    return {
        field: True if field in _UNLISTED_FIELDS else {"from": before.get(field), "to": after.get(field)}
        for field in sorted({*before, *after})
        if before.get(field) != after.get(field)
    }


def version_row(resource_id: str, number: int, run_id: str, at: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Make a row of `resource_version`."""
    changes_json = _ENCODER.encode(changes).decode()
    return {"resource_id": resource_id, "version": number, "run_id": run_id, "changed_at": at, "changes": changes_json}


def best_score(scores: Sequence[int | None]) -> int | None:
    """Return the highest score of a resource's records, None when none has a score."""
    return max((score for score in scores if score is not None), default=None)
