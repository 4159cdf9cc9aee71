"""One source record becomes one assessment: an outcome, what the rules found, and a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from more_itertools import constrained_batches

from schemas import Assessment, Feed, Rejection, SourceRecord, Tombstone
from transforms.crosswalks import Unreadable, read
from transforms.draft import Draft
from transforms.normalize import normalize_all
from transforms.rules import check_all, context_of, score

_TOGETHER = 50  # records that go through each step together: its code stays in the processor's cache
_AT_ONCE = 2_000_000  # characters of their payloads; a longer record goes alone


def assess(record: SourceRecord, feed: Feed) -> Assessment:
    """Read one source record into the shared schema, or say why we cannot. Never raises for bad input."""
    return next(assess_all((record,), feed))


def assess_all(records: Iterable[SourceRecord], feed: Feed) -> Iterator[Assessment]:
    """The assessment of every record, in order; much faster than one by one. Memory does not grow with them."""
    for some in constrained_batches(records, _AT_ONCE, _TOGETHER, get_len=_length, strict=False):
        drafts = [_drafted(record, feed) for record in some]
        read_ = [(draft, record) for draft, record in zip(drafts, some, strict=True) if isinstance(draft, Draft)]
        judged = iter(_judged(read_, feed))
        for draft in drafts:
            yield next(judged) if isinstance(draft, Draft) else draft


def _length(record: SourceRecord) -> int:
    return len(record.payload or "")


def _drafted(record: SourceRecord, feed: Feed) -> Draft | Assessment:
    """What the crosswalk reads; at once the assessment of a record that is none, is gone or cannot be read."""
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


def _judged(drafts: list[tuple[Draft, SourceRecord]], feed: Feed) -> list[Assessment]:
    normalized = normalize_all(drafts, feed)
    resources = [resource for resource, _ in normalized]
    found = check_all(resources, [context_of(feed, findings) for _, findings in normalized])
    return [
        _assessment(record, resource=resource, issues=issues, score=score(resource, issues))
        for (_, record), resource, issues in zip(drafts, resources, found, strict=True)
    ]


def _assessment(record: SourceRecord, **said: Any) -> Assessment:
    """What is said of a record, with what names it."""
    return Assessment(
        feed=record.feed,
        identifier=record.identifier,
        format=record.format,
        datestamp=record.datestamp,
        sha256=record.sha256,
        **said,
    )
