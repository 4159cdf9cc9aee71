"""Feed files: the keys of a declaration, the reading of files, and the checks of their values."""

from schemas.feed.declaration import FEED_NAME, MAP_FORMAT, Expect, Feed, MapEntries, MapEntry, Request
from schemas.feed.reading import BadFeed, read_declaration, read_feed, read_feeds, read_leniently

__all__ = [
    "FEED_NAME",
    "MAP_FORMAT",
    "BadFeed",
    "Expect",
    "Feed",
    "MapEntries",
    "MapEntry",
    "Request",
    "read_declaration",
    "read_feed",
    "read_feeds",
    "read_leniently",
]
