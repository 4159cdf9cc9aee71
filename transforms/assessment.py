"""From source records to assessments: crosswalk, normalization and rules in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import PurePath
from traceback import walk_tb
from typing import Any

from more_itertools import constrained_batches

from schemas import (
    MAP_FORMAT,
    Assessment,
    Feed,
    Rejection,
    SourceRecord,
    TermMapping,
    Tombstone,
    UnusableFile,
    replace,
)
from transforms.crosswalks import Unreadable, read, read_mapped
from transforms.draft import Draft
from transforms.normalize import normalize
from transforms.normalize.vocabulary import TermMappings
from transforms.page_address import add_what_the_record_lacks
from transforms.rules import apply_rules, context_of, score

_MAX_BATCH_RECORDS = 50  # they go through each step together, so that its code stays in the processor's cache
_ROOM = "transforms"
_DEFECT = "a defect of the transform, which its developers should be told of"
_MAX_TEXT_CHARS = 300  # of an exception, in a rejection
_MAX_BATCH_CHARS = 2_000_000  # of payload; a longer record goes alone


def assess(records: Iterable[SourceRecord], feed: Feed, mappings: Iterable[TermMapping] = ()) -> Iterator[Assessment]:
    """Yield the assessment of every record, in order; memory does not grow with them.

    Never raises for bad input: when an exception that nobody expected is raised, each record of the batch is assessed
    alone, and the one that raises it is rejected by name.
    """
    of_feed = _mappings_of(tuple(mappings), feed.name)
    batches = constrained_batches(
        records, _MAX_BATCH_CHARS, _MAX_BATCH_RECORDS, get_len=lambda record: len(record.payload or ""), strict=False
    )
    for batch in batches:
        try:
            assessments = _assess_batch(batch, feed, of_feed)
        except UnusableFile:  # a vocabulary is broken: no record is to blame
            raise
        except Exception:
            assessments = [_assess_alone(record, feed, of_feed) for record in batch]
        yield from assessments


@lru_cache(maxsize=16)
def _mappings_of(mappings: tuple[TermMapping, ...], feed: str) -> TermMappings:
    return TermMappings(mappings, feed)


def _assess_batch(batch: Iterable[SourceRecord], feed: Feed, mappings: TermMappings) -> list[Assessment]:
    drafts = [(_read(record, feed), record) for record in batch]
    readable = [(draft, record) for draft, record in drafts if isinstance(draft, Draft)]
    assessments = iter(_assess_drafts(readable, feed, mappings))
    return [next(assessments) if isinstance(draft, Draft) else draft for draft, _ in drafts]


def _assess_alone(record: SourceRecord, feed: Feed, mappings: TermMappings) -> Assessment:
    """Return the record's assessment; a rejection that names the exception if our own code raises one on it."""
    try:
        return _assess_batch([record], feed, mappings)[0]
    except UnusableFile:
        raise
    except Exception as error:
        return _assessment(record, rejection=Rejection(key=record.key, reason=_defect(error)))


def reject_defect(assessment: Assessment, error: Exception) -> Assessment:
    """Return a rejection in place of an assessment on which our own code raised an exception that nobody expected."""
    rejection = Rejection(key=assessment.key, reason=_defect(error))
    return replace(assessment, resource=None, tombstone=None, rejection=rejection, issues=(), score=None)


def _defect(error: Exception) -> str:
    """Return why a record is rejected on which our own code failed: the exception and the innermost place in it."""
    frames = [(PurePath(frame.f_code.co_filename).parts, line) for frame, line in walk_tb(error.__traceback__)]
    places = [
        f" at {'/'.join(parts[parts.index(_ROOM) :])}:{line}"
        for parts, line in frames
        if _ROOM in parts and "site-packages" not in parts
    ]
    text = " ".join(str(error).encode("utf-8", "replace").decode().split())[:_MAX_TEXT_CHARS]
    return f"{_DEFECT}: {type(error).__name__}{''.join(places[-1:])}{f': {text}' if text else ''}"


def _read(record: SourceRecord, feed: Feed) -> Draft | Assessment:
    """Return what the crosswalk reads, or the assessment of a record that is deleted or cannot be read."""
    if not record.identifier.strip():
        return _assessment(record, rejection=Rejection(key=record.key, reason="no identifier in the record"))
    if record.deleted:
        return _assessment(record, tombstone=Tombstone(key=record.key))
    if record.payload is None or not record.payload.strip():
        return _assessment(record, rejection=Rejection(key=record.key, reason="no metadata in the record"))
    try:
        draft = _draft_of(record.format, record.payload, feed)
    except Unreadable as error:
        return _assessment(record, rejection=Rejection(key=record.key, reason=str(error)))
    add_what_the_record_lacks(draft, record, feed)
    return draft


def _draft_of(format_: str, payload: str, feed: Feed) -> Draft:
    """Return what the crosswalk of the format reads, and what the feed's [map] does. Raises Unreadable."""
    if not feed.map:
        return read(format_, payload, feed.dialect)
    draft = Draft() if format_ == MAP_FORMAT else read(format_, payload, feed.dialect)
    read_mapped(feed.map, payload, draft, has_columns=feed.traits.has_columns)
    return draft


def _assess_drafts(drafts: list[tuple[Draft, SourceRecord]], feed: Feed, mappings: TermMappings) -> list[Assessment]:
    normalized = normalize(drafts, feed, mappings)
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
