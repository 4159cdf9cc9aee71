"""One source record becomes one assessment: an outcome, what the rules found, and a score."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from schemas import Assessment, Feed, Rejection, SourceRecord, Tombstone
from transforms.crosswalks import Unreadable, read
from transforms.normalize.assemble import assemble
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
    resource, findings = assemble(draft, record.key, record.format, feed, _today(record.harvested_at))
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


@lru_cache(maxsize=64)
def _today(harvested_at: str) -> str | None:
    """The day after the harvest, which it was already somewhere; None when the record does not say."""
    try:
        return (date.fromisoformat(harvested_at[:10]) + timedelta(days=1)).isoformat()
    except ValueError:
        return None


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
