"""The steps of a publication, without Airflow: match the live records, publish, report."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.feed import keep_measures, rare_garbage_collection, transforms_version
from pipeline.matching import match_live_records
from pipeline.progress import with_run_in_log
from schemas import Environment, Feed, Unusual, environment

if TYPE_CHECKING:
    from loaders.publication import ReadState

log = logging.getLogger("elib.catalog")
WEB_URL_VARIABLE = "ELIB_WEB_URL"
_MAX_ERROR_CHARS = 2_000


class PublicationUnfinished(Exception):
    """The catalog is published, and what follows a publication is not done; the next try goes on there."""


def match(*, full: bool = False) -> dict[str, Any]:
    """Find which live records are one work, and write the result into a folder for the publication.

    Only records that changed since the last publication are compared again, unless `full`, and then its publication
    reads every record as well; the result is the same. A match that fails is recorded as a failed publication, which
    the report and the notification show. Nothing is matched when nothing has changed, in the catalog, the declarations
    or the code, since all of it was published.
    Returns {"folder": relative to ELIB_HOME, "records": how many, "evaluated": how many pairs were compared, "seconds":
    what it took, "full": as it was called}; where nothing has changed, folder is None and "holds" the publication that
    still holds.
    """
    env, began = environment(), time.monotonic()
    with _recording_failure(env):
        _prepare_match(env)
        matched = None if full else _standing_match(env)
        if matched is None:
            matched = _match(env, full=full) | {"full": full}
        return matched | {"seconds": round(time.monotonic() - began, 3)}


def begin_match() -> dict[str, Any]:
    """Match in this process where the records are few, else write the buckets of a match that others go on with.

    Returns {"matched": what `match` returns, or None, "jobs": the arguments of `score_bucket`, one dict per bucket}.
    """
    from loaders.publication import keep_read_state
    from pipeline import matching

    env, began = environment(), time.time()
    with _recording_failure(env):
        _prepare_match(env)
        matched, jobs = _standing_match(env), list[dict[str, Any]]()
        if matched is None:
            read = _begin_reading(env)
            matched, jobs = matching.begin_match(env)
            keep_read_state(env.home / (matched or jobs[0])["folder"], read)
    if matched is not None:
        matched |= {"seconds": round(time.time() - began, 3)}
    return {"matched": matched, "jobs": [job | {"began": began} for job in jobs]}


def score_bucket(job: dict[str, Any]) -> None:
    """Score the pairs of a bucket of `begin_match`."""
    from pipeline import matching

    env = environment()
    with _recording_failure(env):
        matching.score_bucket(env, job["folder"], job["bucket"])


def join_match(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what `match` returns, once every bucket of `begin_match` is scored."""
    from loaders.publication import keep_read_state, read_by_match
    from pipeline import matching

    env, (job, *_) = environment(), jobs
    with _recording_failure(env):
        matched = matching.join_match(env, job["folder"])
        if (read := read_by_match(env.home / job["folder"])) and (env.home / matched["folder"]).exists():
            keep_read_state(env.home / matched["folder"], read)
    return matched | {"seconds": round(time.time() - job["began"], 3)}


def _prepare_match(env: Environment) -> None:
    from loaders.restored import check_reprocessed

    check_reprocessed(env)
    _settle_corrections(env)


@contextmanager
def _recording_failure(env: Environment) -> Iterator[None]:
    """Record an exception of a match as a failed publication, unless the match was only interrupted."""
    from loaders.restored import NotReprocessed
    from loaders.store import is_interruption

    try:
        yield
    except NotReprocessed as error:
        _record_failure(env, "restored", str(error))
        raise
    except BaseException as error:
        if not is_interruption(error):
            _record_failure(env, *_crash(env, "match", error))
        raise


def _standing_match(env: Environment) -> dict[str, Any] | None:
    """Return what stands for a match because nothing has changed since a publication; None when there is work to do."""
    from loaders.declarations import feeds_in_use
    from loaders.publication import nothing_changed
    from pipeline.unchanged import publication_inputs

    inputs = publication_inputs(feeds_in_use(env))
    standing = nothing_changed(env, inputs)
    if standing is None:
        _tell_other_code(env, inputs)
        return None
    log.info("Nothing has changed since %s, so that nothing is matched again.", standing)
    return {"folder": None, "holds": standing, "evaluated": 0}


def _tell_other_code(env: Environment, inputs: str) -> None:
    """Say so when all of the work is done because other software than this published last."""
    from loaders.publication import published_inputs
    from loaders.store import this_worker
    from pipeline.unchanged import is_other_code

    if is_other_code(published_inputs(env), inputs):
        log.warning(
            "Another version of this software than that of %s published last, so that everything is matched and "
            "published again: after an upgrade that happens once; every night, it means that workers have different "
            "versions, and each needs the same",
            this_worker(),
        )


def _settle_corrections(env: Environment) -> None:
    """Publish the waiting versions that corrections mend; let those wait again whose correction was undone."""
    from loaders.curation import settle_corrections
    from transforms.rules import errors_left

    settled = settle_corrections(env, errors_left)
    if settled.published:
        log.info("Corrections mend the versions that waited of: %s", ", ".join(settled.published))
    if settled.waiting_again:
        log.warning("No correction mends any more, and wait again: %s", ", ".join(settled.waiting_again))


def _record_failure(env: Environment, cause: str, sentence: str) -> None:
    """Record a failed publication, unless another one runs, which will record its own end."""
    from loaders import store
    from loaders.publication import begin_publication, publication_lock

    try:
        with publication_lock(env):
            store.fail_run(env, begin_publication(env), cause, sentence)
    except store.FeedBusy as busy:
        log.warning("%s; this failure is not recorded in the catalog: %s", busy, sentence)


def _crash(env: Environment, step: str, error: BaseException) -> tuple[str, str]:
    """Return the cause and the sentence of a step that raised an error which nobody expects."""
    from loaders.store import storage_sentence

    if sentence := storage_sentence(error, env):
        return "unusable_file", sentence
    what = f"{step}: {type(error).__name__}: {error}"[:_MAX_ERROR_CHARS]
    return "crashed", f"{what}. The catalog is unchanged; the next publication does the work again."


def _match(env: Environment, *, full: bool) -> dict[str, Any]:
    """Match, and keep beside the result what was read, so that its publication can tell whether that has changed."""
    from loaders.publication import keep_read_state

    read = _begin_reading(env)
    matched = match_live_records(env, full=full)
    keep_read_state(env.home / matched["folder"], read)
    return matched


def _begin_reading(env: Environment) -> ReadState:
    from loaders.declarations import feeds_in_use
    from loaders.publication import begin_reading
    from pipeline.unchanged import publication_inputs

    return begin_reading(env, publication_inputs(feeds_in_use(env)))


def publish(matched: dict[str, Any]) -> dict[str, int]:
    """Publish what `match` found, in one transaction, and record the catalog rules' issues; return the counts.

    It is matched again first when another publication has made it outdated. A match that an earlier try has published
    is not published again: only what follows is done, and the counts are those of that run. Where nothing was matched
    because nothing had changed, and that still holds, the run says so and has the counts of before. Raises
    PublicationUnfinished when the catalog is published, and an error kept the rest from being done.
    """
    from loaders.publication import publication_lock
    from loaders.restored import check_reprocessed

    env = environment()
    check_reprocessed(env)
    with publication_lock(env):
        counts = _end_earlier_try(env, matched)
        if counts is None:
            counts = _begin_and_publish(env, matched)
    try:
        index_search(env)
    except Exception as error:
        raise _unfinished(env, "the search index", error) from error
    return counts


def _end_earlier_try(env: Environment, matched: dict[str, Any]) -> dict[str, int] | None:
    """Do what an earlier try has left undone after it had published the match; return the counts, or None without one.

    Where all of it was done, and records changed since, the catalog is published anew instead.
    """
    from loaders import store
    from loaders.publication import publication_of

    folder = env.home / matched["folder"] if matched["folder"] else None
    if folder is None or (run_id := publication_of(env, folder)) is None:
        return None
    if not folder.exists():
        return store.read_run(env, run_id).counts if _standing_match(env) else None
    log.warning("An earlier try has published this as %s; what follows a publication is done now", run_id)
    try:
        return _publish(env, run_id, matched)
    except Exception as error:
        raise _unfinished(env, run_id, error) from error


def _unfinished(env: Environment, what: str, error: Exception) -> Exception:
    """Return what is raised for an error after the catalog was published: itself when it was only an interruption."""
    from loaders.search import IndexBusy
    from loaders.store import is_interruption, storage_sentence

    if is_interruption(error):
        return error
    why = str(error) if isinstance(error, IndexBusy) else storage_sentence(error, env)
    if why is None:
        log.error("A defect of the software, or of the machine:", exc_info=error)
        why = f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARS]
    return PublicationUnfinished(f"The catalog is published, but what follows is not done ({what}): {why}")


def _begin_and_publish(env: Environment, matched: dict[str, Any]) -> dict[str, int]:
    """Begin a publication, publish what was matched, and return the counts; an error ends the run as failed."""
    from loaders import store
    from loaders.declarations import Undeclared
    from loaders.publication import NothingMatched, Outdated, begin_publication

    run_id, began = begin_publication(env), time.monotonic()
    try:
        try:
            with with_run_in_log(None, run_id):
                counts = _publish_found(env, run_id, matched)
        except (NothingMatched, Outdated) as error:
            log.warning("%s; the records are matched again", error)
            if matched["folder"]:
                shutil.rmtree(env.home / matched["folder"], ignore_errors=True)
            counts = _publish(env, run_id, _match(env, full=False))
    except Undeclared as error:
        store.fail_run(env, run_id, "undeclared", str(error))
        raise
    except BaseException as error:
        if not store.is_interruption(error):  # which is like a kill: the next publication ends the run
            store.fail_run(env, run_id, *_crash(env, "publish", error))  # unless it is loaded, and stays so
            if isinstance(error, Exception) and store.read_run(env, run_id).status == "loaded":
                raise _unfinished(env, run_id, error) from error
        raise
    seconds = {"match": float(matched.get("seconds", 0)), "publish": time.monotonic() - began}
    keep_measures(env, run_id, seconds=seconds)
    return counts


def index_search(env: Environment) -> int:
    """Bring both search indexes up to the catalog; return how many documents were written into the console's.

    The publication stands also when this fails; the next one does it again.
    """
    from loaders.search import update_index
    from transforms.search_words import search_words

    index_library(env)
    return update_index(env, search_words)


def index_library(env: Environment, *, anew: bool = False, wait_seconds: float = 600) -> int:
    """Bring the library's search index up to what is published, or make it anew; return how many documents changed.

    Raises loaders.search.IndexBusy when another process writes it for longer than `wait_seconds`.
    """
    from loaders.declarations import feeds_in_use
    from loaders.search import update_library_index
    from transforms.search_words import indexed_words

    partners = {feed.name: feed.partner for feed in feeds_in_use(env).feeds}
    return update_library_index(env, indexed_words, partners, anew=anew, wait_seconds=wait_seconds)


def _publish_found(env: Environment, run_id: str, matched: dict[str, Any]) -> dict[str, int]:
    """Publish a match, or end the run when there is none because nothing has changed.

    Raises Outdated when something has changed since.
    """
    from loaders.declarations import update_declarations
    from loaders.publication import Outdated, publish_unchanged
    from pipeline.unchanged import publication_inputs

    if matched["folder"]:
        return _publish(env, run_id, matched)
    inputs = publication_inputs(update_declarations(env))
    counts = publish_unchanged(env, run_id, inputs)
    if counts is None:
        _tell_other_code(env, inputs)
        raise Outdated(f"nothing had changed since {matched['holds']}, and now something has")
    log.info("Nothing has changed since %s, so that nothing is published again.", matched["holds"])
    return counts


def _publish(env: Environment, run_id: str, matched: dict[str, Any]) -> dict[str, int]:
    from loaders.declarations import check_declared, update_declarations
    from loaders.publication import (
        publish_match,
        read_by_match,
        read_catalog_issues,
        read_match_result,
        write_catalog_issues,
    )
    from pipeline.feed_terms import feed_terms
    from pipeline.unchanged import is_other_code, publication_inputs
    from transforms.merge import merge
    from transforms.rules import CATALOG_RULE_CODES

    folder = env.home / matched["folder"]
    across, read = read_catalog_issues(folder), read_by_match(folder)
    feeds = update_declarations(env)
    if feeds.undeclared:
        check_declared(feeds, read_match_result(folder).clusters)
    inputs = publication_inputs(feeds)
    is_of_match = read is not None and read.inputs == inputs
    if read is not None and is_other_code(read.inputs, inputs):
        log.warning(
            "The records were matched by %s with another version of this software than publishes them here: until each "
            "worker has the same version, every night does all of the work",
            read.worker or "another worker",
        )

    def write_issues() -> None:
        write_catalog_issues(env, run_id, across, CATALOG_RULE_CODES, inputs if is_of_match else None)

    with rare_garbage_collection():
        return publish_match(
            env,
            run_id,
            folder,
            merge=merge,
            trust=feeds.trust,
            terms=feed_terms(feeds),
            merge_version=transforms_version(),
            inputs=inputs,
            then=write_issues,
            whole=bool(matched.get("full")),
        )


def report() -> dict[str, str]:
    """Write every report: the night, the feeds, the partners' fix-it lists, duplicates to review.

    Partners' trials that are kept no longer are removed, and so is what readers wrote in reports that were decided long
    ago.

    Returns their folder, relative to ELIB_HOME, and their number.
    """
    from loaders.declarations import feeds_in_use
    from loaders.publication import unreported_publication
    from loaders.reader_reports import forget_old_messages
    from loaders.reports import write_all_reports
    from loaders.store import engine, sweep
    from loaders.trials import remove_old_trials
    from transforms.rules import rule_texts

    env, began = environment(), time.monotonic()
    sweep(env.reports)
    remove_old_trials(env)
    forget_old_messages(env)
    with rare_garbage_collection():
        in_use = feeds_in_use(env)
        absences = {feed.name: _waiting_absences(env, feed) for feed in in_use.feeds}
        paths = write_all_reports(
            engine(env),
            env.reports,
            in_use.feeds,
            rules=rule_texts(),
            troubles=in_use.troubles,
            absences=absences,
            unusual=_unusual(env),
            web_url=_web_url(),
        )
    if (publication := unreported_publication(env)) is not None:
        keep_measures(env, publication, seconds={"report": time.monotonic() - began})
    return {"reports": str(env.reports.relative_to(env.home)), "written": str(len(paths))}


def report_feed(name: str | None) -> None:
    """Write the report of the night and that of one feed, whose run was held or failed; None: of the night only."""
    from loaders.declarations import feeds_in_use
    from loaders.reports import write_feed_report, write_night_report
    from loaders.store import engine
    from transforms.rules import rule_texts

    env, rules, web_url = environment(), rule_texts(), _web_url()
    in_use = feeds_in_use(env)
    for feed in in_use.feeds:
        if feed.name == name:
            write_feed_report(engine(env), env.reports, feed, rules=rules, troubles=in_use.troubles, web_url=web_url)
    write_night_report(
        engine(env),
        env.reports,
        in_use.feeds,
        rules=rules,
        troubles=in_use.troubles,
        unusual=_unusual(env),
        web_url=web_url,
    )


def _unusual(env: Environment) -> dict[str, tuple[Unusual, ...]]:
    """Return what is unusual in the last night of feeds, by feed."""
    from loaders.store import read_transaction
    from pipeline.feed_health import unusual_feeds

    with read_transaction(env) as connection:
        return unusual_feeds(connection)


def _web_url() -> str:
    """Return the web's public address; empty without one."""
    return os.environ.get(WEB_URL_VARIABLE, "").strip()


def _waiting_absences(env: Environment, feed: Feed) -> list[str]:
    """Return the identifiers of the feed's records that wait to be deleted; none where landing cannot be read."""
    from loaders.staging import waiting_absences

    try:
        return list(waiting_absences(env, feed).lists)
    except Exception as error:  # the feed's own run says what is damaged; the reports are written all the same
        log.warning("%s: the records that wait to be deleted cannot be listed: %s", feed.name, error)
        return []


def publish_now() -> dict[str, int]:
    """Match, publish and report in this process; return the counts of the publication."""
    counts = publish(match())
    report()
    return counts
