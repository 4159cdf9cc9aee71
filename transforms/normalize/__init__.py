"""What was said, made comparable: one module a field, and `normalize`, which calls them all."""

from __future__ import annotations

from schemas import Feed, Resource, SourceRecord
from transforms.draft import Draft, Finding

__all__ = ["findings_of", "normalize"]


def normalize(draft: Draft, record: SourceRecord, feed: Feed) -> Resource:
    """The shared record of a draft, with provenance, terms and what stayed unmapped."""
    return findings_of(draft, record, feed)[0]


def findings_of(draft: Draft, record: SourceRecord, feed: Feed) -> tuple[Resource, tuple[Finding, ...]]:
    """The shared record of a draft, and what normalization noticed on the way."""
    from transforms.normalize.assemble import assemble

    return assemble(draft, record.key, record.format, feed)
