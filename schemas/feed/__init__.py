"""Feed files: what a feed declares, and the checks and defaults of its keys."""

from schemas.feed.declaration import FEED_NAME, BadFeed, Expect, Feed, Protocol, Request, read_feed, read_feeds
from schemas.feed.lenient import read_leniently

__all__ = [
    "FEED_NAME",
    "BadFeed",
    "Expect",
    "Feed",
    "Protocol",
    "Request",
    "read_feed",
    "read_feeds",
    "read_leniently",
]
