"""What is unusual in the last night of each feed, by its own earlier nights; nothing is held because of it."""

from __future__ import annotations

from sqlalchemy import Connection

from loaders.browse import feed_nights
from schemas import Unusual
from transforms.feed_health import unusual


def unusual_feeds(connection: Connection, feed: str | None = None) -> dict[str, tuple[Unusual, ...]]:
    """Return what is unusual, by feed; feeds of which nothing is are left out."""
    judged = {name: unusual(nights) for name, nights in feed_nights(connection, feed).items()}
    return {name: odd for name, odd in judged.items() if odd}
