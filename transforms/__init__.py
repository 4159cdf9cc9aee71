"""From a source record to the shared record: crosswalks, normalization, rules. Pure: no stores, no sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas import Assessment, Feed, SourceRecord

__all__ = ["transform", "transform_all"]


def transform(record: SourceRecord, feed: Feed) -> Assessment:
    """Read one source record into the shared schema, or say why we cannot. Never raises for bad input.

    The outcome is exactly one of resource, tombstone and rejection; a resource comes with its findings and score.
    """
    from transforms.outcome import assess

    return assess(record, feed)


def transform_all(records: Iterable[SourceRecord], feed: Feed) -> Iterator[Assessment]:
    """The same for many records, in order and faster; memory does not grow with them."""
    from transforms.outcome import assess_all

    return assess_all(records, feed)
