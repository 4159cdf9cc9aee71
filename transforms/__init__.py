"""From a source record to the shared record: crosswalks, normalization, rules. Pure: no stores, no sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas import Assessment, Feed, SourceRecord

__all__ = ["reject_defect", "transform", "transform_all"]


def transform(record: SourceRecord, feed: Feed) -> Assessment:
    """Return the assessment of one source record: a resource with its issues and score, a tombstone or a rejection.

    Never raises for bad input.
    """
    return next(transform_all([record], feed))


def transform_all(records: Iterable[SourceRecord], feed: Feed) -> Iterator[Assessment]:
    """Yield the assessment of every source record, in order; much faster than one by one, in constant memory."""
    from transforms.assessment import assess  # the crosswalks and their tables, when they are needed

    return assess(records, feed)


def reject_defect(assessment: Assessment, error: Exception) -> Assessment:
    """Return a rejection by name in place of an assessment on which a later step raised an unexpected exception."""
    from transforms.assessment import reject_defect

    return reject_defect(assessment, error)
