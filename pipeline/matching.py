"""Match the live records of the catalog: bring their features up to date, compare what changed, make clusters."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from more_itertools import chunked

from pipeline.feed import rare_garbage_collection
from pipeline.progress import with_progress
from schemas import Base, Environment, FeatureNames, Judgement, UnusableFile

if TYPE_CHECKING:
    import pyarrow as pa

    from loaders.publication import FeatureUpdate, LastMatch
    from transforms.match import Changes

log = logging.getLogger("elib.catalog")
BUCKETS_VARIABLE = "ELIB_MATCH_BUCKETS_ABOVE"
_DEFAULT_BUCKETS_ABOVE = 2_000_000
_UNREADABLE = "The last match's result cannot be read, so every record is compared again: %s"
_Result = TypeVar("_Result")
_SHOWN_CROWDED = 20  # values that too many records share, in the log
_MADE_RECORDS = 20_000  # whose features are made at a time
_FOLDER_PREFIX, _BUCKETS = "buckets-", "buckets"  # the folder of a match in buckets, and of the buckets in it
_BEGUN_FILE, _DONE_FILE = "begun.json", "done.json"  # in that folder: what it goes on with, and its result


class _Begun(Base, frozen=True, kw_only=True):
    """What a match found out before it compares records."""

    version: str
    after_publication: str | None
    records: int
    features: FeatureNames  # in the folder of the match
    sums: tuple[int, int, int]
    judgements: tuple[Judgement, ...]
    one_to_one: tuple[str, ...]


class _Compared(NamedTuple):
    """The pairs of an earlier match that still count, and what changed since it."""

    pairs: Path
    changes: Changes


def match_live_records(env: Environment, *, full: bool) -> dict[str, Any]:
    """Match the live records, and write the result into a folder; see pipeline.catalog.match."""
    return _unless_damaged(env, lambda reuse: _match(env, full=full, reuse=reuse))


def _match(env: Environment, *, full: bool, reuse: bool) -> dict[str, Any]:
    from loaders.store import temporary_folder
    from transforms.match import Resources, score_bucket

    with temporary_folder(env.home / "match") as work:
        begun, earlier = _begin(env, work, full=full, reuse=reuse)
        if not _is_for_buckets(begun, earlier):
            return _match_at_once(env, work, begun, earlier)
        for bucket in _plan_buckets(work, begun):
            score_bucket(work / _BUCKETS, bucket, resources=Resources(folder=work))
        return _join(env, work, begun)


def begin_match(env: Environment) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Do as `match_live_records` does where records are few; else write buckets for `score_bucket` and `join_match`.

    Returns the result of the match, or None; then what to call `score_bucket` with, once each, in any process. What
    earlier matches in buckets have left is removed: only one is made at a time.
    """
    return _unless_damaged(env, lambda reuse: _begin_match(env, reuse=reuse))


def _begin_match(env: Environment, *, reuse: bool) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    from loaders.store import temporary_folder

    parent = env.home / "match"
    for left_over in parent.glob(f"{_FOLDER_PREFIX}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with temporary_folder(parent) as temporary:
        work = temporary / "work"
        work.mkdir()
        begun, earlier = _begin(env, work, full=False, reuse=reuse)
        if not _is_for_buckets(begun, earlier):
            return _match_at_once(env, work, begun, earlier), []
        buckets = _plan_buckets(work, begun)
        if not buckets:
            return _join(env, work, begun), []
        (work / _BEGUN_FILE).write_bytes(msgspec.json.encode(begun))
        folder = work.rename(parent / f"{_FOLDER_PREFIX}{secrets.token_hex(8)}")
    name = str(folder.relative_to(env.home))
    return None, [{"folder": name, "bucket": bucket} for bucket in buckets]


def score_bucket(env: Environment, folder: str, bucket: int) -> None:
    """Score the pairs of one bucket of a match in buckets; doing it again gives the same."""
    from transforms.match import Resources
    from transforms.match import score_bucket as body

    work = _folder_of(env, folder)
    body(work / _BUCKETS, bucket, resources=Resources(folder=work))


def join_match(env: Environment, folder: str) -> dict[str, Any]:
    """Return the result of a match in buckets, all of which are scored; done again, it returns the same."""
    work = _folder_of(env, folder)
    done = work / _DONE_FILE
    if done.exists():
        result: dict[str, Any] = msgspec.json.decode(done.read_bytes())
        return result
    begun = msgspec.json.decode((work / _BEGUN_FILE).read_bytes(), type=_Begun)
    result = _join(env, work, begun)
    done.write_bytes(msgspec.json.encode(result))
    for path in work.glob("*.parquet"):
        path.unlink()
    return result


def _folder_of(env: Environment, folder: str) -> Path:
    work = env.home / folder
    if not work.is_dir():
        raise UnusableFile(work, "it is gone, since another match has begun", "start the catalog's DAG again")
    return work


def _is_for_buckets(begun: _Begun, earlier: _Compared | None) -> bool:
    return earlier is None and begun.features.changed is None and begun.records > buckets_above()


def _match_at_once(env: Environment, work: Path, begun: _Begun, earlier: _Compared | None) -> dict[str, Any]:
    from transforms.match import Resources, match_files

    pairs = work / _new_pairs_name()
    counts = match_files(
        begun.features.in_folder(work),
        pairs,
        since=None if earlier is None else earlier.changes,
        known=None if earlier is None else earlier.pairs,
        judgements=begun.judgements,
        resources=Resources(folder=work),
    )
    return _finish(env, work, begun, pairs, counts.evaluated)


def _plan_buckets(work: Path, begun: _Begun) -> list[int]:
    from transforms.match import Resources, plan_buckets

    (work / _BUCKETS).mkdir()
    numbers = plan_buckets(
        begun.features.in_folder(work),
        work / _BUCKETS,
        judgements=begun.judgements,
        resources=Resources(folder=work),
    )
    log.info("match: %d buckets", len(numbers))
    return numbers


def _join(env: Environment, work: Path, begun: _Begun) -> dict[str, Any]:
    from transforms.match import Resources, join_buckets

    pairs = work / _new_pairs_name()
    counts = join_buckets(work / _BUCKETS, pairs, resources=Resources(folder=work))
    result = _finish(env, work, begun, pairs, counts.evaluated)
    shutil.rmtree(work / _BUCKETS, ignore_errors=True)
    return result


def buckets_above() -> int:
    """Return the number of records above which all are compared in buckets. Raises ValueError, naming the variable."""
    text = os.environ.get(BUCKETS_VARIABLE, "").strip()
    if text and not text.isdecimal():
        raise ValueError(f"{BUCKETS_VARIABLE} is {text!r}; give a number of records, such as {_DEFAULT_BUCKETS_ABOVE}")
    return int(text) if text else _DEFAULT_BUCKETS_ABOVE


def _new_pairs_name() -> str:
    return f"pairs-{secrets.token_hex(8)}.parquet"


def _unless_damaged(env: Environment, match: Callable[[bool], _Result]) -> _Result:
    """Return the result of a match that reuses what the last has left; where that is damaged, of one that does not."""
    from loaders.publication import StateUnreadable, check_last_match

    try:
        return match(True)
    except Exception:
        try:
            check_last_match(env)
        except StateUnreadable as unreadable:
            log.warning(_UNREADABLE, unreadable)
            return match(False)
        raise


def _begin(env: Environment, work: Path, *, full: bool, reuse: bool) -> tuple[_Begun, _Compared | None]:
    """Bring the features up to date; return what to match, and what of the last match counts: None to compare all."""
    from loaders.declarations import feeds_in_use
    from loaders.publication import newest_publication, read_judgements, update_features
    from transforms.match import FEATURES, matcher_version

    version, after_publication = matcher_version(), newest_publication(env)
    last = _read_last_match(env, version, work) if reuse else None
    with rare_garbage_collection():
        updated = update_features(
            env,
            last and last.kept.features,
            last and last.kept.sums,
            work,
            FEATURES,
            lambda keys: _make_features(env, keys),
            whole=full or last is None or not last.is_published,
        )
    earlier = None if full or last is None else _what_still_counts(last, updated)
    begun = _Begun(
        version=version,
        after_publication=after_publication,
        records=updated.sums.records,
        features=updated.features.names(),
        sums=updated.sums,
        judgements=tuple(read_judgements(env)),
        one_to_one=tuple(feed.name for feed in feeds_in_use(env).feeds if feed.one_to_one),
    )
    log.info("match: %d live records, comparing", begun.records)
    return begun, earlier


def _what_still_counts(last: LastMatch, updated: FeatureUpdate) -> _Compared | None:
    """Return the pairs of the last match and what changed since it; None where every record must be compared."""
    from transforms.match import Changes

    if not last.is_published or updated.fresh is None or updated.gone is None:
        return None
    return _Compared(last.kept.pairs, Changes(updated.fresh, updated.gone))


def _read_last_match(env: Environment, version: str, work: Path) -> LastMatch | None:
    """Return what is kept of the last match; None, with a warning, where it cannot be read."""
    from loaders.publication import StateUnreadable, read_last_match

    try:
        return read_last_match(env, version, work)
    except StateUnreadable as error:
        log.warning(_UNREADABLE, error)
        return None


def _make_features(env: Environment, keys: list[str]) -> Iterator[pa.Table]:
    """Yield the features of live records with these keys, computed from the catalog."""
    from loaders.publication import read_live_records
    from transforms.match import Live, features

    live = with_progress("match: features", read_live_records(env, keys), len(keys))
    for some in chunked(live, _MADE_RECORDS):
        yield features(Live(record=record, feed=feed, record_sha256=sha256) for feed, sha256, record in some)


def _finish(env: Environment, work: Path, begun: _Begun, pairs: Path, evaluated: int) -> dict[str, Any]:
    """Find links, make clusters, and write the result into a folder."""
    from loaders.publication import KeptMatch, Sums, keep_catalog_issues, write_match_result
    from transforms.match import cluster_files, find_links
    from transforms.rules import apply_catalog_rules

    features = begun.features.in_folder(work)
    linked = find_links(features, work)
    for name, records in linked.crowded[:_SHOWN_CROWDED]:
        log.info("match: %s is shared by %d records, so that it links none of them", name, records)
    log.info("match: %d links; %d values are shared by too many records", len(linked.links), len(linked.crowded))
    clusters = cluster_files(pairs, features, work, begun.judgements, frozenset(begun.one_to_one), linked.links)
    issues = list(apply_catalog_rules(features, work))
    folder = write_match_result(
        env,
        begun.version,
        KeptMatch(features, Sums(*begun.sums), pairs),
        clusters.clusters,
        clusters.matches,
        clusters.related,
        after_publication=begun.after_publication,
    )
    keep_catalog_issues(folder, issues)
    log.info("%d records, %d compared again, %d clusters", begun.records, evaluated, len(clusters.clusters))
    return {"folder": str(folder.relative_to(env.home)), "records": begun.records, "evaluated": evaluated}
