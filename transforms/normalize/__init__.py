"""What was said, made comparable: one module a field, and `normalize`, which calls them all."""

from __future__ import annotations

from schemas import Feed, Resource, SourceRecord
from transforms.draft import Draft

__all__ = ["normalize"]


def normalize(draft: Draft, record: SourceRecord, feed: Feed) -> Resource:
    """The shared record of a draft, with provenance, terms and what stayed unmapped."""
    from transforms.normalize.assemble import assemble
    from transforms.normalize.said_dates import latest_day

    return assemble(draft, record.key, record.format, feed, latest_day(record.harvested_at))[0]
