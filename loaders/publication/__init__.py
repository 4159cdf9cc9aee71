"""Publish the catalog: each cluster of live records becomes one resource, in one transaction."""

from loaders.publication.alike import Alike, NoFeatures, records_alike, resource_ids
from loaders.publication.catalog_issues import keep_catalog_issues, read_catalog_issues, write_catalog_issues
from loaders.publication.feature_store import write_chunk_features
from loaders.publication.feature_update import FeatureUpdate, Sums, update_features
from loaders.publication.match_state import (
    KeptMatch,
    LastMatch,
    NothingMatched,
    Outdated,
    StateUnreadable,
    check_last_match,
    keep_read_state,
    kept_match_version,
    newest_publication,
    publication_of,
    read_by_match,
    read_judgements,
    read_last_match,
    read_live_records,
    read_match_result,
    write_match_result,
)
from loaders.publication.publication import (
    begin_publication,
    nothing_changed,
    publication_lock,
    publish_match,
    publish_unchanged,
    published_inputs,
    unreported_publication,
)
from loaders.publication.resources import has_outdated_columns, has_outdated_merges
from loaders.publication.unchanged import ReadState, begin_reading

__all__ = [
    "Alike",
    "FeatureUpdate",
    "KeptMatch",
    "LastMatch",
    "NoFeatures",
    "NothingMatched",
    "Outdated",
    "ReadState",
    "StateUnreadable",
    "Sums",
    "begin_publication",
    "begin_reading",
    "check_last_match",
    "has_outdated_columns",
    "has_outdated_merges",
    "keep_catalog_issues",
    "keep_read_state",
    "kept_match_version",
    "newest_publication",
    "nothing_changed",
    "publication_lock",
    "publication_of",
    "publish_match",
    "publish_unchanged",
    "published_inputs",
    "read_by_match",
    "read_catalog_issues",
    "read_judgements",
    "read_last_match",
    "read_live_records",
    "read_match_result",
    "records_alike",
    "resource_ids",
    "unreported_publication",
    "update_features",
    "write_catalog_issues",
    "write_chunk_features",
    "write_match_result",
]
