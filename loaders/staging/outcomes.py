"""Outcomes as Parquet: a row per assessed record, with the columns that the catalog derives from it and its issues."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked

from loaders.staging.folder import outcome_path
from loaders.store import feed_name_of, whole_file
from schemas import Assessment, Environment, Issue, Rejection, Resource, Tombstone, arrow_array, arrow_table

_BATCH_ASSESSMENTS = 1_000  # in memory at a time
_LIST_INDEX = re.compile(r"\[\d+\]")
ISSUE_SCHEMA = pa.struct(
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
        ("codes", pa.string()),  # of the errors, sorted, separated by ";"
        ("has_title", pa.bool_()),
        ("has_language", pa.bool_()),
        ("has_license", pa.bool_()),
        ("license_open", pa.bool_()),
        ("uncoded_terms", pa.string()),
        ("issues", pa.list_(ISSUE_SCHEMA)),
    ]
)
UNMAPPED_TERM_MAX_CHARS = 400
_DICTIONARY_COLUMNS = [
    "format",
    "datestamp",
    "kind",
    "reason",
    "codes",
    "uncoded_terms",
]  # the others seldom repeat a value


def write_outcomes(env: Environment, chunk: str, assessments: Iterable[Assessment]) -> int:
    """Write the assessments of a chunk's records as one whole file, in constant memory; return how many."""
    written = 0
    with whole_file(outcome_path(env, chunk)) as temporary, _open_writer(temporary) as writer:
        for batch in chunked(assessments, _BATCH_ASSESSMENTS):
            writer.write_table(_to_table(batch))
            written += len(batch)
    return written


class OutcomeWriter:
    """Writes assessments one by one, with a fixed number in memory. The file can be read after `close`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = _open_writer(path)
        self._batch: list[Assessment] = []

    def add(self, assessment: Assessment) -> None:
        """Add an assessment to the file."""
        self._batch.append(assessment)
        if len(self._batch) >= _BATCH_ASSESSMENTS:
            self._flush()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(_to_table(self._batch))
        self._batch = []


def _open_writer(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, OUTCOMES, compression="zstd", use_dictionary=_DICTIONARY_COLUMNS)


def _to_table(batch: list[Assessment]) -> pa.Table:
    return arrow_table(map(_to_row, batch), OUTCOMES)


def _to_row(assessment: Assessment) -> dict[str, Any]:
    errors = assessment.errors
    row: dict[str, Any] = {
        "identifier": assessment.identifier,
        "format": assessment.format,
        "datestamp": assessment.datestamp,
        "sha256": assessment.sha256,
        "score": assessment.score,
        "errors": len(errors),
        "codes": ";".join(sorted({issue.code for issue in errors})),
        "issues": [issue_columns(issue) for issue in assessment.issues],
    }
    outcome = assessment.outcome
    if isinstance(outcome, Resource):
        columns = resource_columns(outcome)
        return {**row, "kind": "resource", "uncoded_terms": columns.pop("unmapped"), **columns}
    if isinstance(outcome, Tombstone):
        return {**row, "kind": "tombstone", "reason": outcome.reason}
    return {**row, "kind": "rejection", "reason": without_nul(outcome.reason)}


def read_outcomes(env: Environment, chunk: str, identifiers: Collection[str] | None = None) -> Iterator[Assessment]:
    """Yield the assessments that were written for a chunk, in order; of these records only, if they are given."""
    path = outcome_path(env, chunk)
    feed = feed_name_of(path.parent.parent.name)
    import pyarrow.compute as pc  # here, because every task imports this module

    wanted = None if identifiers is None else arrow_array(sorted(identifiers), pa.string())
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ASSESSMENTS):
            rows = batch if wanted is None else batch.filter(pc.is_in(batch["identifier"], wanted))
            for row in rows.to_pylist():
                yield _from_row(feed, row)


def _from_row(feed: str, row: dict[str, Any]) -> Assessment:
    key = f"{feed}:{row['identifier']}"
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
        issues=tuple(
            Issue(key=key, code=issue["code"], severity=issue["severity"], path=issue["path"], value=issue["value"])
            for issue in row["issues"]
        ),
        score=row["score"],
    )


def resource_columns(resource: Resource) -> dict[str, Any]:
    """Return the columns of a catalog row that are derived from a resource: JSON, digest, flags and uncoded terms."""
    text = msgspec.json.encode(resource, order="deterministic")
    license_ = resource.license
    uncoded = sorted({(term.field, shorten_term(term.source)) for term in resource.terms if term.code is None})
    return {
        "record": text.decode(),
        "record_sha256": sha256(text).hexdigest(),
        "has_title": any(resource.title.values()),
        "has_language": bool(resource.languages),
        "has_license": license_ is not None and license_.uri is not None,
        "license_open": None if license_ is None else license_.open,
        "unmapped": msgspec.json.encode(uncoded).decode() if uncoded else None,
    }


def issue_columns(issue: Issue) -> dict[str, str]:
    """Return an issue as a row of ISSUE_SCHEMA."""
    path, value = without_nul(issue.path), without_nul(issue.value)
    return {
        "finding": issue_id(issue.key, issue.code, path, value),
        "code": issue.code,
        "severity": issue.severity,
        "path": path,
        "value": value,
    }


def issue_id(key: str, code: str, path: str, value: str) -> str:
    """Return an issue's id (column `finding`): the same for equal key, code, path without list index, and value.

    It begins with the key, so that the issues of neighbouring records are stored together.
    """
    text = "\x00".join((code, _LIST_INDEX.sub("[]", path), value))
    return f"{key}#{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def names_code(reason: str | None, code: str) -> bool:
    """Return whether the reason for which a version waits names the code of a rule."""
    return code in (reason or "").removeprefix("errors: ").split(";")


def without_nul(text: str) -> str:
    """Replace NUL, which PostgreSQL cannot store, by its symbol."""
    return text.replace("\x00", "␀")


def shorten_term(source: str) -> str:
    """Return a vocabulary term cut to 400 characters, because PostgreSQL's indexes take at most 2,700 bytes."""
    text = without_nul(source)
    return text if len(text) <= UNMAPPED_TERM_MAX_CHARS else f"{text[:UNMAPPED_TERM_MAX_CHARS]}…"
