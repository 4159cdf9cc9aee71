"""Tell what is told of each feed beside its metadata: its partner, and the licence of the metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from transforms.metadata_license import metadata_license

if TYPE_CHECKING:
    from loaders.declarations import FeedsInUse


def feed_terms(in_use: FeedsInUse) -> dict[str, str]:
    """Return, by feed, what is told of it beside its metadata, as JSON: its partner, and the metadata's licence."""
    license_of_feeds = metadata_license(in_use.feeds, in_use.unconsented)
    told = {feed.name: (feed.partner, license_of_feeds((feed.name,))) for feed in in_use.feeds}
    return {name: msgspec.json.encode(terms).decode() for name, terms in told.items()}
