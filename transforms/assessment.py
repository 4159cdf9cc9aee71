"""From source records to assessments: crosswalk, normalization and rules in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from more_itertools import constrained_batches

from schemas import Assessment, Feed, Rejection, SourceRecord, Tombstone
from transforms.crosswalks import Unreadable, read
from transforms.draft import Draft
from transforms.normalize import normalize
from transforms.rules import apply_rules, context_of, score

_MAX_BATCH_RECORDS = 50  # they go through each step together, so that its code stays in the processor's cache
_MAX_BATCH_CHARS = 2_000_000  # of payload; a longer record goes alone


def assess(records: Iterable[SourceRecord], feed: Feed) -> Iterator[Assessment]:
    """Yield the assessment of every record, in order; never raises for bad input. Memory does not grow with them."""
    batches = constrained_batches(
        records, _MAX_BATCH_CHARS, _MAX_BATCH_RECORDS, get_len=lambda record: len(record.payload or ""), strict=False
    )
    for batch in batches:
        drafts = [_read(record, feed) for record in batch]
        readable = [(draft, record) for draft, record in zip(drafts, batch, strict=True) if isinstance(draft, Draft)]
        assessments = iter(_assess_drafts(readable, feed))
        for draft in drafts:
            yield next(assessments) if isinstance(draft, Draft) else draft


def _read(record: SourceRecord, feed: Feed) -> Draft | Assessment:
    """Return what the crosswalk reads, or the assessment of a record that is deleted or cannot be read."""
    if not record.identifier.strip():
        return _assessment(record, rejection=Rejection(key=record.key, reason="no identifier in the record"))
    if record.deleted:
        return _assessment(record, tombstone=Tombstone(key=record.key))
    if record.payload is None or not record.payload.strip():
        return _assessment(record, rejection=Rejection(key=record.key, reason="no metadata in the record"))
    try:
        return read(record.format, record.payload, feed.dialect)
    except Unreadable as error:
        return _assessment(record, rejection=Rejection(key=record.key, reason=str(error)))


def _assess_drafts(drafts: list[tuple[Draft, SourceRecord]], feed: Feed) -> list[Assessment]:
    normalized = normalize(drafts, feed)
    issues_by_record = apply_rules((resource, context_of(feed, findings)) for resource, findings in normalized)
    return [
        _assessment(record, resource=resource, issues=issues, score=score(resource, issues))
        for (_, record), (resource, _), issues in zip(drafts, normalized, issues_by_record, strict=True)
    ]


def _assessment(record: SourceRecord, **fields: Any) -> Assessment:
    return Assessment(
        feed=record.feed,
        identifier=record.identifier,
        format=record.format,
        datestamp=record.datestamp,
        sha256=record.sha256,
        **fields,
    )
