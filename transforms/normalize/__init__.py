"""What was said, made comparable: one module a field, and `normalize`, which calls them all."""

from __future__ import annotations

from collections.abc import Iterable

from schemas import Feed, Resource, SourceRecord
from transforms.draft import Draft, Finding

__all__ = ["normalize", "normalize_all"]


def normalize(draft: Draft, record: SourceRecord, feed: Feed) -> Resource:
    """The shared record of a draft, with provenance, terms and what stayed unmapped."""
    return normalize_all([(draft, record)], feed)[0][0]


def normalize_all(
    drafts: Iterable[tuple[Draft, SourceRecord]], feed: Feed
) -> list[tuple[Resource, tuple[Finding, ...]]]:
    """The same for some records, faster, each with what was noticed on the way."""
    from transforms.normalize.record import Assembly, assemble, latest_day

    return assemble([Assembly(draft, one.key, one.format, feed, latest_day(one.harvested_at)) for draft, one in drafts])
