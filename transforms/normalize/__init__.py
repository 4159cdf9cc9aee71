"""From a draft's values to the shared record: one package per family of fields, and `normalize`, which calls them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from transforms.normalize.identifiers import read_identifier
from transforms.normalize.urls import canonical_url, split_url, web_address

if TYPE_CHECKING:
    from schemas import Feed, Resource, SourceRecord
    from transforms.draft import Draft, Finding
    from transforms.normalize.vocabulary import TermMappings

__all__ = ["canonical_url", "normalize", "read_identifier", "split_url", "web_address"]


def normalize(
    drafts: Iterable[tuple[Draft, SourceRecord]], feed: Feed, mappings: TermMappings
) -> list[tuple[Resource, tuple[Finding, ...]]]:
    """Return the shared record of each draft, with provenance, terms and unmapped leaves, and what was noticed.

    The texts of all drafts have their languages detected together, so some tens at a time are faster than one.
    """
    from transforms.normalize.record import Assembly, assemble, latest_day

    return assemble(
        [
            Assembly(draft, record.key, record.format, feed, latest_day(record.harvested_at), mappings)
            for draft, record in drafts
        ]
    )
