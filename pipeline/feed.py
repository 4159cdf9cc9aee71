"""The steps of a feed's run, without Airflow: harvest, plan, transform, check, stage, gate, load.

Tasks, the command line and the benchmarks call them. A step that cannot go on ends its run as failed, with a cause and
a sentence.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from more_itertools import chunked

from pipeline.progress import LoggedProgress, with_progress, with_run_in_log
from schemas import (
    ROOT,
    Ask,
    Assessment,
    BadFeed,
    Environment,
    Feed,
    HarvestFailed,
    Reason,
    TermMapping,
    UnusableFile,
    arrow_array,
    environment,
    one_line,
    read_feed,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from loaders.landing import Landed
    from loaders.store import Run

log = logging.getLogger("elib.feed")
_KEPT = "What was received is kept beside landing's parts as raw-*.bin. "
_MAX_ERROR_CHARS = 2_000
_BESIDE_LOADS = ("transform", "check")  # steps that wait for no load of another feed
_BATCH_FEATURES = 1_000  # records of which match features are made at a time
# The one chunk of a run without any: Airflow skips a task that is mapped over none, after a pause.
_EMPTY_CHUNK = "nothing"


def load_feed(env: Environment, name: str) -> Feed:
    """Return the feed: its file, or its last good declaration while the file cannot be used. Raises BadFeed."""
    from loaders.declarations import feed_in_use

    return feed_in_use(env, name)


def _feed_to_harvest(env: Environment, name: str) -> Feed:
    """Return the feed of its file. Raises HarvestFailed: no partner is asked on the strength of an old declaration."""
    try:
        return read_feed(env.feeds / f"{name}.toml")
    except BadFeed as error:
        sentence = f"{name} is not harvested: {error.sentence} (in {env.feeds}). What was loaded before stays."
        raise HarvestFailed("bad_feed_file", sentence, again=False) from error


@contextmanager
def _recorded_failure(env: Environment, run_id: str, step: str) -> Iterator[None]:
    """End the run as failed, with a cause and a sentence, when the step raises; the exception is raised on.

    UnusableFile is raised instead when the reason is a damaged file. A lost lock, or a PostgreSQL that went away, ends
    no run: it is as if the process had been killed, and the step can be tried again.
    """
    from loaders import staging, store

    feed, began = store.feed_name_of(run_id), time.monotonic()
    log.info("%s: %s begins", feed, step)
    try:
        with with_run_in_log(feed, run_id):
            yield
        _measure(env, run_id, step, began)
    except HarvestFailed as failed:
        _measure(env, run_id, step, began)
        _fail_run(env, run_id, failed.cause, failed.sentence)
        raise
    except (KeyboardInterrupt, SystemExit):
        _fail_run(env, run_id, "interrupted", f"{step} was stopped; the next run goes on from what was landed.")
        raise
    except BaseException as error:
        if store.is_interruption(error):
            log.error("%s: %s was interrupted: %s", feed, step, one_line(str(error).partition("\n")[0]))
            raise
        damage = staging.find_damage(env, run_id, error)
        if sentence := store.storage_sentence(damage or error, env):
            _fail_run(env, run_id, "unusable_file", sentence)
        else:
            what = f"{step}: {type(error).__name__}: {error}"[:_MAX_ERROR_CHARS]
            _fail_run(env, run_id, "crashed", f"{what}. What was landed is kept; the task's log has the details.")
        if damage is not None:
            raise damage from error
        raise


def _measure(env: Environment, run_id: str, step: str, began: float) -> None:
    """Log how long a step took, and keep it with the run; that it cannot be kept is logged and stops nothing.

    Steps that go on beside other feeds' loads do not wait for the catalog: `stage` keeps theirs with its own.
    """
    from loaders import staging, store

    seconds = time.monotonic() - began
    log.info("%s: %s took %.1f s", store.feed_name_of(run_id), step, seconds)
    with _logged_if_not_kept(run_id):
        if step in _BESIDE_LOADS:
            staging.keep_seconds(env, run_id, step, seconds)
        else:
            earlier = staging.take_seconds(env, run_id) if step == "stage" else {}
            store.add_measures(env, run_id, seconds={**earlier, step: seconds})


def keep_measures(env: Environment, run_id: str, **measures: Any) -> None:
    """Add to the measures of a run; that they cannot be kept is logged and stops nothing."""
    from loaders import store

    with _logged_if_not_kept(run_id):
        store.add_measures(env, run_id, **measures)


@contextmanager
def _logged_if_not_kept(run_id: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.warning("%s: what was measured is not recorded: %s", run_id, one_line(str(error).partition("\n")[0]))


def _fail_run(env: Environment, run_id: str, cause: str, sentence: str) -> None:
    """End the run as failed; that this fails, on a full disk say, is logged and does not hide why the run failed."""
    from loaders import store

    try:
        store.fail_run(env, run_id, cause, sentence)
    except Exception as error:
        why = one_line(str(error).partition("\n")[0])
        log.warning("%s: its failure is not recorded in the catalog: %s", run_id, why)


@lru_cache(maxsize=1)
def transforms_version() -> str:
    """Return a digest of today's crosswalks, rules and vocabularies."""
    digest = hashlib.sha256()
    for folder in ("transforms", "schemas"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".toml"} and path.name != "version.py":  # a new number reads nothing otherwise
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def harvest(
    name: str,
    *,
    full: bool | Callable[[], bool] = False,
    credentials: dict[str, str] | Callable[[], dict[str, str]] | None = None,
    take_over: bool = True,
    dag: str | None = None,
    is_dag_active: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """Begin a run of the feed and land what the partner sends; the partner of a retired feed is not asked.

    `full` and `credentials` may be functions; they are called after the run has begun, so that their errors end it as
    failed and appear in the report and the notification. Returns {"run_id": the run, "listed": how many records the
    list has}. Raises HarvestFailed: the run is then failed, and what came before is landed. No run begins on a bad
    feed file. `take_over`, `dag` and `is_dag_active` are those of begin_run, which may raise FeedBusy: commands pass
    take_over=False, and have the feed's lock; tasks of a DAG pass its id, and may try again whenever their process was
    killed.
    """
    from loaders import store

    env = environment()
    feed = _feed_to_harvest(env, name)
    with store.feed_lock(env, name, wait=take_over or dag is not None):
        run_id = store.begin_run(
            env,
            name,
            version=transforms_version(),
            take_over=take_over and dag is None,
            dag=dag,
            is_dag_active=is_dag_active,
        )
        with _recorded_failure(env, run_id, "harvest"), store.locked_run(env, run_id):
            listed = _land(env, feed, run_id, full, credentials)
    return {"run_id": run_id, "listed": listed}


def _land(
    env: Environment,
    feed: Feed,
    run_id: str,
    full: bool | Callable[[], bool],
    credentials: dict[str, str] | Callable[[], dict[str, str]] | None,
) -> int:
    """Land what the partner sends; return how many records the list has. The arguments are those of `harvest`."""
    import harvesters
    from loaders import declarations, store
    from loaders.landing import ask as next_ask
    from loaders.landing import land

    name = feed.name
    declarations.keep_declaration(env, feed)
    if feed.status == "retired":
        return 0
    _check_format(feed)
    full = (full() if callable(full) else full) or declarations.awaits_whole_list(env, name)
    credentials = (credentials() if callable(credentials) else credentials) or _credentials_of(feed)
    ask = next_ask(env.landing, feed, full=full, credentials=credentials)
    with _measured_harvest(env, run_id) as progress:
        pages = harvesters.harvest(feed, ask, env, progress)
        landed = land(env.landing, feed, run_id, pages, ask=ask, progress=progress)
    if landed.full and landed.nameless and not (landed.listed or ask.listed_so_far):
        raise _nothing_read(landed)
    notes = (*landed.notes, *_unread(landed), *_nothing_listed(landed, ask))
    _log_notes(name, notes)
    store.note_listed(env, run_id, listed=landed.listed, notes=notes)
    log.info("%s: %d records listed, %d of them new or changed payloads", name, landed.listed, landed.kept)
    return landed.listed


@contextmanager
def _measured_harvest(env: Environment, run_id: str) -> Iterator[LoggedProgress]:
    """Yield the progress of a harvest; afterwards keep its requests, its retries and the server's own count."""
    from harvesters.client import counted_traffic
    from loaders.store import feed_name_of

    progress = LoggedProgress(feed_name_of(run_id))
    with counted_traffic() as traffic:
        try:
            yield progress
        finally:
            counts = {"requests": traffic.requests, "retries": traffic.retries}
            keep_measures(env, run_id, promised=progress.total, **counts)


def _log_notes(name: str, notes: Iterable[str]) -> None:
    for note in map(one_line, notes):
        log.warning("%s: %s", name, note)


def _unread(landed: Landed) -> Iterator[str]:
    """Yield a note on what could not be read and has no identifier to be rejected under."""
    if landed.nameless:
        yield (
            f"{landed.nameless} records or parts of the list could not be read, and have no identifier "
            f"(the first: {landed.nameless_reason}). {_KEPT if landed.raw else ''}"
            "Until they can be read, no record of that time counts as deleted because a list lacks it"
        )


def _nothing_listed(landed: Landed, ask: Ask) -> Iterator[str]:
    """Yield a note on a whole list that is empty: a misspelt set or filter looks the same."""
    if landed.complete and landed.full and not (landed.listed or landed.nameless or ask.listed_so_far):
        yield "the whole list holds no record: compare the feed's url, sets and [request] with what the partner offers"


def _nothing_read(landed: Landed) -> HarvestFailed:
    """Return the failure of a whole list of which no record can be read; it must not pass for an empty list."""
    sentence = f"none of the {landed.nameless} records can be read (the first: {landed.nameless_reason})"
    advice = f"{_KEPT if landed.raw else ''}Compare the feed file with what the partner sends."
    return HarvestFailed("malformed", f"{sentence}. {advice}")


def _check_format(feed: Feed) -> None:
    """Raise HarvestFailed, before the partner is asked, when no crosswalk reads the feed's format or dialect."""
    from schemas import MAP_FORMAT
    from transforms.crosswalks import ALIASES, CROSSWALKS, DIALECTS

    until = "Every run fails until this is changed."
    known = sorted({*CROSSWALKS, *ALIASES})
    if feed.format not in known and not (feed.map and feed.format == MAP_FORMAT):
        sentence = f"format = {feed.format!r}: no crosswalk reads it; put one of {', '.join(known)}. {until}"
        raise HarvestFailed("bad_format", sentence, again=False)
    if feed.dialect is not None and feed.dialect not in DIALECTS:
        sentence = f"dialect = {feed.dialect!r} is not known; put one of {', '.join(sorted(DIALECTS))}. {until}"
        raise HarvestFailed("bad_format", sentence, again=False)


def _credentials_of(feed: Feed) -> dict[str, str]:
    """Return the feed's credentials from the environment, for runs without Airflow."""
    import os

    from harvesters.client import from_environment

    return from_environment(feed.connection, os.environ)


def begin_reprocess(
    name: str,
    *,
    take_over: bool = False,
    dag: str | None = None,
    is_dag_active: Callable[[str], bool] | None = None,
) -> str:
    """Begin a run over every record that ever landed, without asking the partner; return its id.

    `take_over`, `dag` and `is_dag_active` are those of begin_run. Raises FeedBusy; only `take_over` waits for a process
    that works on the feed.
    """
    from loaders import store

    env, version = environment(), transforms_version()
    how: dict[str, Any] = {"take_over": take_over, "dag": dag, "is_dag_active": is_dag_active}
    with store.feed_lock(env, name, wait=take_over):  # begin_run would wait for hours, in the one slot of the pool
        return store.begin_run(env, name, "reprocess", version=version, **how)


def plan(name: str, run_id: str) -> list[str]:
    """Compare landing with the catalog, write the chunks to transform, and return their paths, relative to ELIB_HOME.

    A run that has nothing to transform gets one empty chunk.
    """
    from loaders import staging
    from loaders.restored import waiting_keys

    env = environment()
    with _recorded_failure(env, run_id, "plan"):
        feed = load_feed(env, name)
        planned = staging.plan_staging(
            env,
            run_id,
            withdraw=feed.status == "retired",
            absent_after=feed.absent_after,
            whole_state=bool(waiting_keys(env, name)),  # of a restored backup, which the gate compares
        )
        _fix_mappings(env, name, run_id)
    return list(planned.chunks) or [_EMPTY_CHUNK]


def _fix_mappings(env: Environment, name: str, run_id: str) -> None:
    """Keep today's mappings of terms beside the plan, so that every chunk has the same, and name them in the run."""
    from loaders import catalog, staging, store

    mappings = catalog.active_mappings(env, name)
    staging.write_mappings(env, run_id, mappings)
    if mappings:
        _warn_of_unknown_codes(name, mappings)
        store.note_version(env, run_id, f"{transforms_version()}+{mappings_version(mappings)}")


def _warn_of_unknown_codes(name: str, mappings: Iterable[TermMapping]) -> None:
    from transforms.normalize.vocabulary import scheme_of_code

    for each in mappings:
        if each.code is not None and scheme_of_code(each.field, each.scheme, each.code) is None:
            log.warning("%s: mapping %d is not used: no list of %s has %r", name, each.id, each.field, each.code)


def mappings_version(mappings: Sequence[TermMapping]) -> str:
    """Return a digest of what mappings say, in their order; that of the same ones made again is the same."""
    rows = [(each.field, each.value, each.feed, each.scheme, each.code) for each in mappings]
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()[:12]


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Let the garbage collector run rarely: walking the same models and records is a third of transform's time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def feed_of_chunk(chunk: str) -> str | None:
    """Return the feed of a path that `plan` returned; None for the one of a run without any."""
    from loaders.store import feed_name_of

    return None if chunk == _EMPTY_CHUNK else feed_name_of(Path(chunk).parts[1])


def transform(name: str, chunk: str) -> dict[str, int]:
    """Transform a chunk of source records, write outcomes and match features, and return {"records": how many}."""
    if chunk == _EMPTY_CHUNK:
        return {"records": 0}
    from loaders import staging, store
    from loaders.publication import write_chunk_features
    from transforms import transform_all

    env = environment()
    feed = load_feed(env, name)
    run_id = Path(chunk).parts[1]  # staging/<run id>/…
    with (
        _recorded_failure(env, run_id, "transform"),
        store.locked_run(env, run_id, shared=True) as run,
        rare_garbage_collection(),
    ):
        _tell_other_code(run)
        mappings = staging.read_mappings(env, run_id)
        parts: list[pa.Table] = []
        transformed = staging.keep_erased_out(env, name, transform_all(staging.read_chunk(env, chunk), feed, mappings))
        assessments = _with_features(with_progress(f"{name}: transform", transformed), parts)
        records = staging.write_outcomes(env, chunk, assessments)
        # Features are made while the resources are in memory, before `write_outcomes` makes the JSON whose sha256 names
        # the version; reading that digest back from the file is quicker than making every record's JSON twice.
        write_chunk_features(env, chunk, _of_versions(parts, staging.record_versions(env, chunk)))
        return {"records": records}


def _tell_other_code(run: Run) -> None:
    """Say so when another worker began the run with other crosswalks, rules or vocabularies than are used here."""
    from loaders.store import this_worker

    if run.transform_version and run.transform_version.partition("+")[0] != transforms_version():
        log.warning(
            "%s: the run was begun with another version of this software than that of %s, which normalizes records of "
            "it: install the same version on each worker, then reprocess the feed",
            run.feed,
            this_worker(),
        )


def _with_features(assessments: Iterable[Assessment], parts: list[pa.Table]) -> Iterator[Assessment]:
    """Yield the assessments, and append the match features of their resources to `parts`."""
    for batch in chunked(assessments, _BATCH_FEATURES):
        try:
            parts.append(_features_of(batch))
        except Exception:  # each alone, so that it is one record's, by name
            yield from [_with_features_alone(assessment, parts) for assessment in batch]
            continue
        yield from batch


def _with_features_alone(assessment: Assessment, parts: list[pa.Table]) -> Assessment:
    """Append the match features of an assessment to `parts`; return a rejection if our own code raises on it."""
    from transforms import reject_defect

    try:
        parts.append(_features_of([assessment]))
    except UnusableFile:
        raise
    except Exception as error:
        return reject_defect(assessment, error)
    return assessment


def _features_of(assessments: list[Assessment]) -> pa.Table:
    from transforms.match import Live, features

    return features(
        Live(feed=assessment.feed, record_sha256="", record=assessment.resource)
        for assessment in assessments
        if assessment.resource is not None
    )


def _of_versions(parts: list[pa.Table], versions: dict[str, str]) -> pa.Table:
    """Return the features with the sha256 of their records' texts, given by key; those of other keys are left out."""
    import pyarrow as pa

    from transforms.match import FEATURES

    rows = pa.concat_tables([pa.Table.from_batches([], schema=FEATURES), *parts])
    rows = rows.filter(arrow_array([key in versions for key in rows["key"].to_pylist()], pa.bool_()))
    digests = arrow_array([versions[key] for key in rows["key"].to_pylist()], pa.string())
    return rows.set_column(rows.schema.get_field_index("record_sha256"), FEATURES.field("record_sha256"), digests)


def check(name: str, run_id: str) -> int:
    """Apply the batch rules to the feed as it would stand after the load; return how many issues they make."""
    from loaders import store

    env = environment()
    with (
        _recorded_failure(env, run_id, "check"),
        store.locked_run(env, run_id, shared=True),
        rare_garbage_collection(),
    ):
        return _apply_batch_rules(env, run_id)


def _apply_batch_rules(env: Environment, run_id: str) -> int:
    """Write the batch rules' issues (those that need a record's neighbours or history); return how many.

    When the run changes no record, nothing is judged and the issues stay as they are.
    """
    from loaders import staging

    planned = staging.read_staging_plan(env, run_id)
    if not planned.transform and not planned.deleted:
        return 0
    from loaders.catalog import BatchFacts, shared_facts
    from loaders.store import feed_name_of
    from pipeline.judging import narrowed_licenses, waiting_issues
    from transforms.rules import apply_batch_rules, common_digests, decode_facts, encode_facts, facts_of_json

    feed = load_feed(env, feed_name_of(run_id))

    def read(records: Iterable[tuple[str, str | bytes]]) -> Iterator[BatchFacts]:
        for sha256, record in with_progress(f"{feed.name}: check", records):
            facts = facts_of_json(record)
            yield BatchFacts(facts.key, sha256, common_digests(facts), encode_facts(facts))

    shared = shared_facts(env, run_id, planned.chunks, read, transforms_version())
    issues = [
        *apply_batch_rules(map(decode_facts, shared)),
        *narrowed_licenses(env, feed, run_id, planned.chunks),
        *waiting_issues(env, run_id, planned.chunks),
    ]
    return staging.write_batch_issues(env, run_id, issues)


def stage(name: str, run_id: str) -> dict[str, int]:
    """Compare the outcomes with the catalog, write the rows to load, and return the run's counts.

    The counts say what the load would do. The run becomes landed. A reprocess notes what it changes, by kind.
    """
    from loaders import catalog, staging, store
    from pipeline.judging import mended_versions

    env = environment()
    with _recorded_failure(env, run_id, "stage"):
        mended = mended_versions(env, run_id, staging.read_staging_plan(env, run_id).chunks)
        staging.write_judged_versions(env, run_id, "mended", sorted(mended))
        counts = staging.stage(env, run_id)
        if counts["changed"] and store.read_run(env, run_id).kind == "reprocess":
            for what, records in catalog.note_changes(env, run_id):
                log.info("%s: %s: %d records", name, what, records)
    return counts


def gate(name: str, run_id: str, counts: dict[str, int]) -> bool:
    """Judge the run and hold it for a steward when it must not be loaded. True: the run may be loaded.

    The results of the gate are written under reports/gate.
    """
    from loaders import store
    from loaders.shell import elib_command

    env = environment()
    with _recorded_failure(env, run_id, "gate"):
        reasons = _judge_run(env, load_feed(env, name), run_id, counts)
        if reasons:
            from loaders.reports import reason_sentence

            store.hold_run(env, run_id, reasons)
            decide = f"then decide: {elib_command('review', 'show', run_id)}"
            why = " ".join(reason_sentence(reason, decide=decide) for reason in reasons)
            log.warning("%s: HELD: %s", name, why)
    return not reasons


def _judge_run(env: Environment, feed: Feed, run_id: str, counts: dict[str, int]) -> tuple[Reason, ...]:
    """Return why the run must not be loaded; empty when it may be. The results are written under reports/gate."""
    from loaders import store
    from loaders.catalog import read_gate_inputs
    from loaders.restored import waiting_keys

    restored_keys = waiting_keys(env, feed.name)
    first_run = _first_run_of_registration(env, feed, counts) or _first_harvest_since_reopened(
        env, feed, run_id, counts
    )
    if not restored_keys and not any(
        counts[name] for name in ("added", "changed", "deleted", "rejected", "quarantined")
    ):
        return first_run if counts["landed"] else _first_harvest_of_nothing(env, feed, run_id) or first_run
    from loaders.reports import write_gate_results
    from transforms.gate import SharesBefore, judge, with_restored

    inputs = read_gate_inputs(env, run_id, by_record=bool(restored_keys))
    history = SharesBefore(**(inputs.shares_before or {}))
    facts = with_restored(inputs.facts, restored_keys)
    reprocess = store.read_run(env, run_id).kind == "reprocess"
    result = judge(facts, feed, history, counts, reprocess=reprocess)
    keep_measures(env, run_id, **_standing(result.results))
    reasons = (*first_run, *result.reasons)
    write_gate_results(env.reports, run_id, bool(reasons), reasons, result.results)
    return reasons


def _standing(results: dict[str, Any]) -> dict[str, Any]:
    """Return the live records and their shares, as they would stand after the load; empty for a quiet run."""
    sums = results.get("sums")
    if not sums or not sums["live_after"]:
        return {}
    live = sums["live_after"]
    shares = {"language": sums["with_language"] / live, "license": sums["with_license"] / live}
    return {"records": live, "shares": shares | {"errors": sums["failed"] / sums["judged"]}}


def _first_run_of_registration(env: Environment, feed: Feed, counts: dict[str, int]) -> tuple[Reason, ...]:
    """Return why a run of a feed that its partner registered is held: none of its runs was loaded yet.

    A restored backup has no runs; a feed of which it has published records had one that a person let pass.
    """
    from loaders.declarations import is_new_registration
    from loaders.restored import waiting_feeds

    if not is_new_registration(env, feed.name) or feed.name in waiting_feeds(env):
        return ()
    figures: dict[str, int | float | str] = {
        "records": counts["landed"],
        "errors": counts["rejected"] + counts["quarantined"],
    }
    return (Reason(code="first_run", figures=figures),)


def _first_harvest_since_reopened(
    env: Environment, feed: Feed, run_id: str, counts: dict[str, int]
) -> tuple[Reason, ...]:
    """Return why a harvest of a feed that had ended is held: nothing of its partner was loaded since."""
    from loaders import store
    from loaders.declarations import awaits_whole_list

    is_harvest = feed.status != "retired" and store.read_run(env, run_id).kind == "harvest"
    if not is_harvest or not awaits_whole_list(env, feed.name):
        return ()
    figures: dict[str, int | float | str] = {
        "records": counts["landed"],
        "errors": counts["rejected"] + counts["quarantined"],
    }
    return (Reason(code="reopened", figures=figures),)


def _first_harvest_of_nothing(env: Environment, feed: Feed, run_id: str) -> tuple[Reason, ...]:
    """Return why a run without any record is held: no run of the feed was loaded yet, and records are expected of it.

    Once a person has released such a run, an empty list is no reason any more.
    """
    from loaders import store

    if feed.status != "active" or feed.expect.may_be_empty or store.read_run(env, run_id).kind != "harvest":
        return ()
    with store.read_transaction(env) as connection:
        was_loaded = store.base_run(connection, feed.name) is not None
    return () if was_loaded else (Reason(code="nothing_listed"),)


def load(name: str, run_id: str, passed: bool) -> dict[str, int]:
    """Load the run in one transaction and return its counts; do nothing, and return {}, when it is held."""
    from loaders import catalog

    env = environment()
    if not passed:
        return {}
    with _recorded_failure(env, run_id, "load"):
        return catalog.load(env, run_id)


def run_feed(name: str, run_id: str) -> dict[str, int]:
    """Run every step after the harvest in this process; return the run's counts, empty when it is held."""
    from loaders.store import feed_lock

    with feed_lock(environment(), name):
        for chunk in plan(name, run_id):
            transform(name, chunk)
        check(name, run_id)
        counts = stage(name, run_id)
        return load(name, run_id, gate(name, run_id, counts))
