"""Feed files: what a feed declares, and the checks and defaults of its keys."""

from schemas.feed.declaration import NAME, BadFeed, Expect, Feed, Request, read_feed, read_feeds
from schemas.feed.lenient import read_leniently

__all__ = [
    "NAME",
    "BadFeed",
    "Expect",
    "Feed",
    "Request",
    "read_feed",
    "read_feeds",
    "read_leniently",
]
