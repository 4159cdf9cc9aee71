"""From a source record to the shared record: crosswalks, normalization, rules. Pure: no stores, no sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas import Assessment, Feed, SourceRecord, TermMapping

__all__ = ["reject_defect", "transform", "transform_all"]


def transform(record: SourceRecord, feed: Feed, mappings: Iterable[TermMapping] = ()) -> Assessment:
    """Return the assessment of one source record: a resource with its issues and score, a tombstone or a rejection.

    `mappings` are stewards' codes for partners' terms; those of other feeds are left out. Never raises for bad input.
    """
    return next(transform_all([record], feed, mappings))


def transform_all(
    records: Iterable[SourceRecord], feed: Feed, mappings: Iterable[TermMapping] = ()
) -> Iterator[Assessment]:
    """Yield the assessment of every source record, in order; much faster than one by one, in constant memory."""
    from transforms.assessment import assess  # the crosswalks and their tables, when they are needed

    return assess(records, feed, mappings)


def reject_defect(assessment: Assessment, error: Exception) -> Assessment:
    """Return a rejection by name in place of an assessment on which a later step raised an unexpected exception."""
    from transforms.assessment import reject_defect

    return reject_defect(assessment, error)
