"""What each task of the catalog's DAG does, without Airflow: match a snapshot, publish it, report the night."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.feed import rarely_collected
from pipeline.halves import MANY, by_halves
from schemas import Environment, environment

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger("elib.catalog")


def match(*, full: bool = False) -> dict[str, Any]:
    """Find which live records are one work; what was found waits in a folder for the publication.

    Only what changed since the last publication is looked at again, unless `full`; the result is the same. A match that
    fails is a publication that failed: the catalog says so, and the report and the notification with it.
    """
    from loaders.backup import NotReprocessed, check_reprocessed

    env = environment()
    try:
        check_reprocessed(env)
        return _match(env, full)
    except NotReprocessed as error:
        _unpublished(env, "restored", str(error))
        raise
    except BaseException as error:
        said = f"match: {type(error).__name__}: {error}"[:2000]
        _unpublished(env, "crashed", f"{said}. The catalog is as it was; the next publication does it all.")
        raise


def _unpublished(env: Environment, cause: str, sentence: str) -> None:
    """Note a publication that did not come to be, unless another is going on, which will say how it ended."""
    from loaders import store
    from loaders.publication import publication

    try:
        store.fail_run(env, publication.begin(env), cause, sentence)
    except store.FeedBusy as busy:
        log.warning("%s; this is not noted in the catalog: %s", busy, sentence)


def _match(env: Environment, full: bool) -> dict[str, Any]:
    import pyarrow as pa

    from loaders.declarations import feeds_in_use
    from loaders.publication import (
        StateUnreadable,
        judgements,
        keep_across,
        newest_publication,
        read_features,
        read_state,
        stale_keys,
        without,
        write_found,
    )
    from transforms.match import changes, cluster, match, matcher_version
    from transforms.rules import apply_catalog_rules

    version, since = matcher_version(), newest_publication(env)
    try:
        before, pairs = (None if full else read_state(env, version)) or (None, None)
        kept = read_features(env, version) if before is None else before
    except StateUnreadable as error:
        log.warning("What the last match left cannot be read, so that every record is matched anew: %s", error)
        before = pairs = kept = None
    fresh, gone = stale_keys(env, kept)
    with rarely_collected():
        made = _live_features(env, fresh)
    now = made if kept is None else pa.concat_tables([without(kept, gone), made]).sort_by("key")
    changed = None if before is None else changes(before, now)
    del before, kept, made  # a million features are a gigabyte
    decided = judgements(env)
    found = match(now, before=changed, known=pairs, judgements=decided)
    one_to_one = frozenset(feed.name for feed in feeds_in_use(env).feeds if feed.one_to_one)
    clusters = cluster(found.pairs, now, decided, one_to_one)
    folder = write_found(
        env, version, now, found.pairs, clusters.clusters, clusters.matches, clusters.related, since=since
    )
    keep_across(folder, apply_catalog_rules(now))
    log.info("%d records, %d looked at again, %d clusters", now.num_rows, found.evaluated, len(clusters.clusters))
    return {"folder": str(folder.relative_to(env.home)), "records": now.num_rows, "evaluated": found.evaluated}


def _live_features(env: Environment, keys: Collection[str], *, many: int = MANY) -> pa.Table:
    """The features of live records, in key order; of `many` or more by two processes."""
    from loaders.publication import read_live
    from loaders.store import close_connections
    from transforms.match import Live, features

    def make(some: Sequence[str]) -> pa.Table:
        return features(Live(record=one, feed=feed, record_sha256=sha) for feed, sha, one in read_live(env, some))

    close_connections(env)
    return by_halves(make, sorted(keys), env.home, many=many)


def publish(matched: dict[str, Any]) -> dict[str, int]:
    """Publish what was matched, whole or not at all; then note what unrelated records of different feeds share.

    What another publication has made old, or what is published already, is matched again first.
    """
    from loaders import store
    from loaders.backup import check_reprocessed
    from loaders.declarations import Undeclared
    from loaders.publication import NothingMatched, Outdated, publication

    env = environment()
    check_reprocessed(env)
    run_id = publication.begin(env)
    try:
        try:
            return _publish(env, run_id, matched)
        except (NothingMatched, Outdated) as error:
            log.warning("%s; it is matched again", error)
            shutil.rmtree(env.home / matched["folder"], ignore_errors=True)
            return _publish(env, run_id, _match(env, full=False))
    except Undeclared as error:
        store.fail_run(env, run_id, "undeclared", str(error))
        raise
    except BaseException as error:
        said = f"publish: {type(error).__name__}: {error}"[:2000]
        store.fail_run(env, run_id, "crashed", f"{said}. The catalog is as it was; the next publication does it all.")
        raise


def _publish(env: Environment, run_id: str, matched: dict[str, Any]) -> dict[str, int]:
    from loaders.declarations import check_declared, update_declarations
    from loaders.publication import publication, read_across, read_found, write_across
    from transforms.merge import merge
    from transforms.rules import CATALOG_RULE_CODES

    folder = env.home / matched["folder"]
    across = read_across(folder)
    feeds = update_declarations(env)
    if feeds.undeclared:
        check_declared(feeds, read_found(folder).clusters)
    with rarely_collected():
        counts = publication.publish(env, run_id, folder, merge=merge, trust=feeds.trust)
    write_across(env, run_id, across, CATALOG_RULE_CODES)
    return counts


def report() -> dict[str, str]:
    """Write every report: the night, the feeds, the partners' fix-it lists, duplicates to review."""
    from loaders.declarations import feeds_in_use
    from loaders.reports import write_all_reports
    from loaders.store import engine
    from transforms.rules import rule_texts

    env = environment()
    with rarely_collected():
        known = feeds_in_use(env)
        paths = write_all_reports(engine(env), env.reports, known.feeds, rules=rule_texts(), troubles=known.troubles)
    return {"reports": str(env.reports.relative_to(env.home)), "written": str(len(paths))}


def publish_now() -> dict[str, int]:
    """Match, publish and report in this process."""
    counts = publish(match())
    report()
    return counts
