"""Publish the catalog: each cluster of live records becomes one resource, in one transaction."""

from loaders.publication.across import keep_across, read_across, write_across
from loaders.publication.match_state import (
    NothingMatched,
    Outdated,
    StateUnreadable,
    judgements,
    newest_publication,
    read_features,
    read_found,
    read_live,
    read_state,
    stale_keys,
    without,
    write_found,
)

__all__ = [
    "NothingMatched",
    "Outdated",
    "StateUnreadable",
    "judgements",
    "keep_across",
    "newest_publication",
    "read_across",
    "read_features",
    "read_found",
    "read_live",
    "read_state",
    "stale_keys",
    "without",
    "write_across",
    "write_found",
]
