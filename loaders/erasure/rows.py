"""Erase from one row of the catalog, wherever it is kept: in its table, in an undo log, or as JSON in a curation."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from loaders.landing import Erasure, Erasures
from loaders.staging import resource_columns, without_placeholders
from schemas import Resource, redact

_SHA256_COLUMNS = ("payload_sha256", "pending_sha256")
_KEPT_COLUMNS = ("key", "feed", "identifier", "finding", "id", "run_id", "resource_id", "left_key", "right_key", "by")


def erased_row(row: dict[str, Any], erasures: Erasures, erasure: Erasure) -> dict[str, Any]:
    """Return the row without the text of an erasure; digests follow what they are digests of."""
    texts = erasures.texts_of(erasure)
    if not texts:
        return row
    erased = {
        name: redact(value, texts) if isinstance(value, str) and name not in _KEPT_COLUMNS else value
        for name, value in row.items()
    }
    for name in _SHA256_COLUMNS:
        if name in row:
            erased[name] = erasures.replaced.get(row[name], row[name])
    if erased.get("record") != row.get("record"):
        erased |= _record_columns(erased)
    if erased.get("pending_record") != row.get("pending_record"):
        record = without_placeholders(erased["pending_record"])
        erased |= {"pending_record": record, "pending_record_sha256": _digest(record)}
    return erased


def _record_columns(row: dict[str, Any]) -> dict[str, Any]:
    record = without_placeholders(row["record"])
    columns = resource_columns(msgspec.json.decode(record, type=Resource))
    return {name: value for name, value in columns.items() if name in row}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
