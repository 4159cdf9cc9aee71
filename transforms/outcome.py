"""One source record becomes one assessment: an outcome, what the rules found, and a score."""

from __future__ import annotations

from schemas import Assessment, Feed, Rejection, SourceRecord, Tombstone
from transforms.crosswalks import Unreadable, read
from transforms.normalize.assemble import assemble
from transforms.normalize.said_dates import latest_day
from transforms.rules import check, context_of, score


def assess(record: SourceRecord, feed: Feed) -> Assessment:
    """Read one source record into the shared schema, or say why we cannot. Never raises for bad input."""
    if not record.identifier.strip():
        return _assessment(record, rejection=Rejection(key=record.key, reason="no identifier in the record"))
    if record.deleted:
        return _assessment(record, tombstone=Tombstone(key=record.key))
    if record.payload is None or not record.payload.strip():
        return _assessment(record, rejection=Rejection(key=record.key, reason="no metadata in the record"))
    try:
        draft = read(record.format, record.payload, feed.dialect)
    except Unreadable as error:
        return _assessment(record, rejection=Rejection(key=record.key, reason=str(error)))
    resource, findings = assemble(draft, record.key, record.format, feed, latest_day(record.harvested_at))
    issues = check(resource, context_of(feed, findings))
    return Assessment(
        feed=record.feed,
        identifier=record.identifier,
        format=record.format,
        datestamp=record.datestamp,
        sha256=record.sha256,
        resource=resource,
        issues=issues,
        score=score(resource, issues),
    )


def _assessment(
    record: SourceRecord, *, tombstone: Tombstone | None = None, rejection: Rejection | None = None
) -> Assessment:
    return Assessment(
        feed=record.feed,
        identifier=record.identifier,
        format=record.format,
        datestamp=record.datestamp,
        sha256=record.sha256,
        tombstone=tombstone,
        rejection=rejection,
    )
