"""Match the live records of the catalog: bring their features up to date, compare what changed, make clusters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.feed import rare_garbage_collection
from pipeline.progress import with_progress
from schemas import Environment

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger("elib.catalog")
_SHOWN_CROWDED = 20  # values that too many records share, in the log


def match_live_records(env: Environment, *, full: bool) -> dict[str, Any]:
    """Match the live records, and write the result into a folder; see pipeline.catalog.match."""
    import pyarrow as pa

    from loaders.declarations import feeds_in_use
    from loaders.publication import (
        drop_keys,
        keep_catalog_issues,
        newest_publication,
        read_judgements,
        stale_keys,
        write_match_result,
    )
    from loaders.store import temporary_folder
    from transforms.match import Resources, changes, cluster, find_links, match, matcher_version
    from transforms.rules import apply_catalog_rules

    version, after_publication = matcher_version(), newest_publication(env)
    features_before, pairs, stored = _read_last_match(env, version, full=full)
    changed_records, gone_keys = stale_keys(env, stored)
    with rare_garbage_collection():
        computed = _live_features(env, changed_records)
    features_now = (
        computed if stored is None else pa.concat_tables([drop_keys(stored, gone_keys), computed]).sort_by("key")
    )
    changed = None if features_before is None else changes(features_before, features_now)
    del features_before, stored, computed  # a million features are a gigabyte
    decisions = read_judgements(env)
    log.info("match: %d live records, comparing", features_now.num_rows)
    with temporary_folder(env.home / "match") as spill:
        matched = match(
            features_now, before=changed, known=pairs, judgements=decisions, resources=Resources(folder=spill)
        )
        linked = find_links(features_now, spill)
    one_to_one = frozenset(feed.name for feed in feeds_in_use(env).feeds if feed.one_to_one)
    for name, records in linked.crowded[:_SHOWN_CROWDED]:
        log.info("match: %s is shared by %d records, so that it links none of them", name, records)
    log.info("match: %d links; %d values are shared by too many records", len(linked.links), len(linked.crowded))
    clusters = cluster(matched.pairs, features_now, decisions, one_to_one, linked.links)
    folder = write_match_result(
        env,
        version,
        features_now,
        matched.pairs,
        clusters.clusters,
        clusters.matches,
        clusters.related,
        after_publication=after_publication,
    )
    keep_catalog_issues(folder, apply_catalog_rules(features_now))
    log.info(
        "%d records, %d compared again, %d clusters", features_now.num_rows, matched.evaluated, len(clusters.clusters)
    )
    return {
        "folder": str(folder.relative_to(env.home)),
        "records": features_now.num_rows,
        "evaluated": matched.evaluated,
    }


def _read_last_match(
    env: Environment, version: str, *, full: bool
) -> tuple[pa.Table | None, pa.Table | None, pa.Table | None]:
    """Return the last match's features and pairs, or None twice to compare every record; then features to reuse."""
    from loaders.publication import StateUnreadable, read_features, read_state

    try:
        features_before, pairs = (None if full else read_state(env, version)) or (None, None)
        stored = read_features(env, version) if features_before is None else features_before
    except StateUnreadable as error:
        log.warning("The last match's result cannot be read, so every record is compared again: %s", error)
        return None, None, None
    return features_before, pairs, stored


def _live_features(env: Environment, versions: Mapping[str, str]) -> pa.Table:
    """Return the features of live records, given as key and sha256, in key order.

    What transform has stored is taken from there, and the rest computed from the catalog.
    """
    import pyarrow as pa

    from loaders.publication import read_live_records, stored_features
    from transforms.match import FEATURES, Live, features

    stored = stored_features(env, versions, FEATURES)
    missing = versions.keys() - stored["key"].to_pylist()
    live = with_progress("match: features", read_live_records(env, missing) if missing else (), len(missing))
    computed = features(Live(record=record, feed=feed, record_sha256=sha256) for feed, sha256, record in live)
    return pa.concat_tables([stored, computed]).sort_by("key")
