"""Outcomes as Parquet: one row an assessment, with what the catalog says of its record and what the rules found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked

from loaders.store import whole_file
from schemas import Assessment, Issue, Rejection, Resource, Tombstone

ROWS = 1_000  # outcomes held in memory
OUTCOMES_FOLDER = "outcomes"  # of a staging: a file for each of its chunks
_INDEX = re.compile(r"\[\d+\]")
FINDING = pa.struct(
    [
        ("finding", pa.string()),
        ("code", pa.string()),
        ("severity", pa.string()),
        ("path", pa.string()),
        ("value", pa.string()),
    ]
)
OUTCOMES = pa.schema(
    [
        ("identifier", pa.string()),
        ("format", pa.string()),
        ("datestamp", pa.string()),
        ("sha256", pa.string()),
        ("kind", pa.string()),  # resource, tombstone, rejection
        ("record", pa.string()),
        ("record_sha256", pa.string()),
        ("reason", pa.string()),
        ("score", pa.int32()),
        ("errors", pa.int32()),
        ("codes", pa.string()),  # of the errors, in order, by ";"
        ("has_title", pa.bool_()),
        ("has_language", pa.bool_()),
        ("has_license", pa.bool_()),
        ("license_open", pa.bool_()),
        ("unmapped", pa.string()),
        ("issues", pa.list_(FINDING)),
    ]
)
_TERM = 400  # characters
_REPEATED = ["format", "datestamp", "kind", "reason", "codes", "unmapped"]  # a dictionary of the others only costs time


def write_assessments(path: Path, assessments: Iterable[Assessment]) -> int:
    """Write assessments as one whole file; returns how many. Memory does not grow with them."""
    written = 0
    with whole_file(path) as beside, _writer(beside) as writer:
        for batch in chunked(assessments, ROWS):
            writer.write_table(_table(batch))
            written += len(batch)
    return written


class OutcomeWriter:
    """Writes assessments as they come, with a fixed number of them in memory; `close` makes the file readable."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = _writer(path)
        self._held: list[Assessment] = []

    def add(self, one: Assessment) -> None:
        self._held.append(one)
        if len(self._held) >= ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(_table(self._held))
        self._held = []


def _writer(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, OUTCOMES, compression="zstd", use_dictionary=_REPEATED)


def _table(batch: list[Assessment]) -> pa.Table:
    return pa.Table.from_pylist([_row(one) for one in batch], schema=OUTCOMES)


def read_assessments(path: Path, feed: str) -> Iterator[Assessment]:
    """The assessments of a file, in order."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS):
            for row in batch.to_pylist():
                yield _assessment(feed, row)


def finding_name(key: str, code: str, path: str, value: str) -> str:
    """The name of a finding: the same for the same key, code, path without list index, and value.

    It begins with the key, so that findings lie in the order of the keys and are written in it.
    """
    said = "\x00".join((code, _INDEX.sub("[]", path), value))
    return f"{key}#{sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def _row(one: Assessment) -> dict[str, Any]:
    errors = one.errors
    row: dict[str, Any] = {
        "identifier": one.identifier,
        "format": one.format,
        "datestamp": one.datestamp,
        "sha256": one.sha256,
        "score": one.score,
        "errors": len(errors),
        "codes": ";".join(sorted({issue.code for issue in errors})),
        "issues": [_finding(one.key, issue) for issue in one.issues],
    }
    outcome = one.outcome
    if isinstance(outcome, Resource):
        return {**row, "kind": "resource", **resource_columns(outcome)}
    if isinstance(outcome, Tombstone):
        return {**row, "kind": "tombstone", "reason": outcome.reason}
    return {**row, "kind": "rejection", "reason": without_nul(outcome.reason)}


def resource_columns(resource: Resource) -> dict[str, Any]:
    """The columns that a catalog row says of a resource: its JSON, digest, flags and unmapped terms."""
    text = msgspec.json.encode(resource, order="deterministic")
    license_ = resource.license
    unmapped = sorted({(term.field, shorten_term(term.source)) for term in resource.terms if term.code is None})
    return {
        "record": text.decode(),
        "record_sha256": sha256(text).hexdigest(),
        "has_title": any(resource.title.values()),
        "has_language": bool(resource.languages),
        "has_license": license_ is not None and license_.uri is not None,
        "license_open": None if license_ is None else license_.open,
        "unmapped": msgspec.json.encode(unmapped).decode() if unmapped else None,
    }


def _finding(key: str, issue: Issue) -> dict[str, str]:
    path, value = without_nul(issue.path), without_nul(issue.value)
    return {
        "finding": finding_name(key, issue.code, path, value),
        "code": issue.code,
        "severity": issue.severity,
        "path": path,
        "value": value,
    }


def without_nul(text: str) -> str:
    """Text that PostgreSQL can hold: NUL, which it cannot, shown as its symbol."""
    return text.replace("\x00", "␀")


def shorten_term(source: str) -> str:
    """A term as it is counted: what is longer than any term is cut, because PostgreSQL's indexes take 2 700 bytes."""
    text = without_nul(source)
    return text if len(text) <= _TERM else f"{text[:_TERM]}…"


def _assessment(feed: str, row: dict[str, Any]) -> Assessment:
    key = f"{feed}:{row['identifier']}"
    found = tuple(
        Issue(key=key, code=one["code"], severity=one["severity"], path=one["path"], value=one["value"])
        for one in row["issues"]
    )
    kind = row["kind"]
    return Assessment(
        feed=feed,
        identifier=row["identifier"],
        format=row["format"],
        datestamp=row["datestamp"],
        sha256=row["sha256"],
        resource=msgspec.json.decode(row["record"], type=Resource) if kind == "resource" else None,
        tombstone=Tombstone(key=key, reason=row["reason"]) if kind == "tombstone" else None,
        rejection=Rejection(key=key, reason=row["reason"]) if kind == "rejection" else None,
        issues=found,
        score=row["score"],
    )
