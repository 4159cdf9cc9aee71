"""What each task of a feed's DAG does, without Airflow: also for the command line, `make reprocess` and `make bench`.

Every step runs under the feed's lock and ends its run as failed, with a cause and a sentence, when it cannot go on.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas import ROOT, Ask, BadFeed, Environment, Feed, HarvestFailed, Reason, environment, read_feed

if TYPE_CHECKING:
    from loaders.landing import Landed

log = logging.getLogger("elib.feed")
_SAY_EVERY = 5.0  # seconds between two lines of progress
_NOTHING = "nothing"  # the one chunk of a run that has none: Airflow skips what is mapped over nothing, after a pause


def feed_of(env: Environment, name: str) -> Feed:
    """The feed as it counts: its file, or its last good declaration while the file cannot be used. Raises BadFeed."""
    from loaders.declarations import feed_in_use

    return feed_in_use(env, name)


def _feed_to_harvest(env: Environment, name: str) -> Feed:
    """The feed as its file declares it now. Raises HarvestFailed: on an old declaration nobody is asked anything."""
    try:
        return read_feed(env.feeds / f"{name}.toml")
    except BadFeed as error:
        sentence = f"{name} is not harvested: {error.sentence} (in {env.feeds}). What was loaded before stays."
        raise HarvestFailed("bad_feed_file", sentence, again=False) from error


@contextmanager
def _failing_by_name(env: Environment, run_id: str, step: str) -> Iterator[None]:
    """Whatever ends a step ends its run as failed, with a cause and a sentence; the exception goes on."""
    from loaders import store

    try:
        yield
    except HarvestFailed as failed:
        store.fail_run(env, run_id, failed.cause, failed.sentence)
        raise
    except (KeyboardInterrupt, SystemExit):
        store.fail_run(env, run_id, "interrupted", f"{step} was stopped; the next run goes on from what was landed.")
        raise
    except BaseException as error:
        said = f"{step}: {type(error).__name__}: {error}"[:2000]
        store.fail_run(env, run_id, "crashed", f"{said}. What was landed is kept; the task's log has the whole story.")
        raise


@lru_cache(maxsize=1)
def transforms_version() -> str:
    """A name for today's crosswalks, rules and vocabularies: it changes when any of them does."""
    digest = hashlib.sha256()
    for folder in ("transforms", "schemas"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".toml"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def harvest(
    name: str,
    *,
    full: bool | Callable[[], bool] = False,
    credentials: dict[str, str] | Callable[[], dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Begin a run of the feed and land what the partner says; a retired feed is asked nothing.

    `full` and `credentials` may be functions, which are called after the run has begun: what hinders them is then a run
    that failed, which the report and the notification name. Raises HarvestFailed; the run is then failed, and what came
    before is landed. No run begins on a bad feed file.
    """
    from harvesters import harvest as pages
    from loaders import declarations, store
    from loaders.landing import ask, land

    env = environment()
    feed = _feed_to_harvest(env, name)
    run_id = store.begin_run(env, name, version=transforms_version())
    with _failing_by_name(env, run_id, "harvest"), store.locked_run(env, run_id):
        declarations.keep_declaration(env, feed)
        if feed.status == "retired":
            return {"run_id": run_id, "listed": 0}
        _check_format(feed)
        full = full() if callable(full) else full
        secrets = (credentials() if callable(credentials) else credentials) or _secrets_of(feed)
        asked = ask(env.landing, feed, full=full, credentials=secrets)
        say = Progress(name)
        landed = land(env.landing, feed, run_id, pages(feed, asked, env, say), asked=asked, progress=say)
        if landed.full and landed.nameless and not (landed.listed or asked.listed_so_far):
            raise _nothing_read(landed)
        notes = (*landed.notes, *_unread(landed), *_nothing_listed(landed, asked))
        for note in notes:
            log.warning("%s: %s", name, note)
        store.note_landed(env, run_id, listed=landed.listed, notes=notes)
    log.info("%s: %d records listed, %d of them new or changed payloads", name, landed.listed, landed.kept)
    return {"run_id": run_id, "listed": landed.listed}


def _unread(landed: Landed) -> Iterator[str]:
    """What an operator should know of what cannot be read and has no name to be rejected under."""
    if landed.nameless:
        yield (
            f"{landed.nameless} records or parts of the list could not be read, and nothing says which "
            f"(the first: {landed.nameless_reason}). What came of them lies beside what was landed as raw-*.bin. "
            "Until they can be read, no record of that time is taken for deleted because a list lacks it"
        )


def _nothing_listed(landed: Landed, asked: Ask) -> Iterator[str]:
    """What an operator should know of a whole list that is empty: a misspelt set or filter looks the same."""
    if landed.complete and landed.full and not (landed.listed or landed.nameless or asked.listed_so_far):
        yield "the whole list holds no record: compare the feed's url, sets and [request] with what the partner offers"


def _nothing_read(landed: Landed) -> HarvestFailed:
    """A whole list of which not one record can be read is no empty list."""
    sentence = f"of the list nothing can be read, {landed.nameless} times (the first: {landed.nameless_reason})"
    return HarvestFailed("malformed", f"{sentence}. Compare the feed file with what the partner sends, in landing.")


def _check_format(feed: Feed) -> None:
    """Raises HarvestFailed, before the partner is asked, when nothing of ours reads the feed's format or dialect."""
    from transforms.crosswalks import ALIASES, CROSSWALKS
    from transforms.crosswalks.dialects import DIALECTS

    until = "Every run fails until this is changed."
    known = sorted({*CROSSWALKS, *ALIASES})
    if feed.format not in known:
        sentence = f"format = {feed.format!r}: no crosswalk reads it; put one of {', '.join(known)}. {until}"
        raise HarvestFailed("bad_format", sentence, again=False)
    if feed.dialect is not None and feed.dialect not in DIALECTS:
        sentence = f"dialect = {feed.dialect!r} is not known; put one of {', '.join(sorted(DIALECTS))}. {until}"
        raise HarvestFailed("bad_format", sentence, again=False)


def _secrets_of(feed: Feed) -> dict[str, str]:
    """The feed's credentials from the environment, for runs without Airflow."""
    import os

    from harvesters.client import from_environment

    return from_environment(feed.connection, os.environ)


class Progress:
    """Says into the task's log, now and then, how far a harvest has come."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = self.last = time.monotonic()

    def __call__(self, listed: int, total: int | None) -> None:
        from harvesters.progress import progress_line

        now = time.monotonic()
        if now - self.last >= _SAY_EVERY:
            self.last = now
            log.info("%s: %s", self.name, progress_line(listed, total, now - self.began))


def begin_reprocess(name: str, *, take_over: bool = False) -> str:
    """A run that judges every record that ever landed again, without asking the partner.

    Raises FeedBusy, also when a harvest is unfinished, unless `take_over` ends it.
    """
    from loaders import store

    return store.begin_run(environment(), name, "reprocess", version=transforms_version(), take_over=take_over)


def plan(name: str, run_id: str) -> list[str]:
    """What to judge: the chunks to transform, as paths relative to ELIB_HOME; NOTHING alone where there is none."""
    from loaders import staging

    env = environment()
    with _failing_by_name(env, run_id, "plan"):
        planned = staging.plan_staging(env, run_id, withdraw=feed_of(env, name).status == "retired")
    return list(planned.chunks) or [_NOTHING]


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Models, tables and records at work are not walked for garbage again and again: a third of the transform stage."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def transform(name: str, chunk: str) -> dict[str, int]:
    """Read a chunk of source records into the shared schema."""
    if chunk == _NOTHING:
        return {"records": 0}
    from loaders import staging
    from transforms import transform_all

    env = environment()
    feed = feed_of(env, name)
    run_id = Path(chunk).parts[1]  # staging/<run id>/…
    with _failing_by_name(env, run_id, "transform"), rarely_collected():
        outcomes = transform_all(staging.read_chunk(env, chunk), feed)
        return {"records": staging.write_outcomes(env, chunk, outcomes)}


def check(name: str, run_id: str) -> int:
    """How much the batch rules find in the feed as it would stand: rules that need a record's neighbours or history."""
    env = environment()
    with _failing_by_name(env, run_id, "check"), rarely_collected():
        return _check_neighbours(env, run_id)


def _check_neighbours(env: Environment, run_id: str) -> int:
    """Write what the batch rules find in the feed as it would stand; returns how many findings.

    Nothing is judged, and the findings stay as they are, when the run changes no record.
    """
    from loaders import staging
    from loaders.catalog import accepted_records, deleted_keys, open_findings, staged_records
    from loaders.store import feed_of
    from transforms.rules import Facts, apply_batch_rules, decode_facts

    planned = staging.read_staging_plan(env, run_id)
    if not planned.transform and not planned.deleted:
        return 0
    staged = {one.key: one for one in map(decode_facts, staged_records(env, planned.chunks))}
    gone = deleted_keys(env, run_id)
    before: dict[str, Facts] = {}
    for one in map(decode_facts, accepted_records(env, feed_of(run_id))):
        if one.key in staged:
            before[one.key] = one
        elif one.key not in gone:
            staged[one.key] = one
    narrowed = open_findings(env, feed_of(run_id), "license_narrowed")
    found = apply_batch_rules(staged.values(), before=before, narrowed_before=narrowed)
    return staging.write_batch_issues(env, run_id, found)


def stage(name: str, run_id: str) -> dict[str, int]:
    """The funnel of the run: what the load would do, counted."""
    from loaders import staging

    env = environment()
    with _failing_by_name(env, run_id, "stage"):
        return staging.stage(env, run_id)


def gate(name: str, run_id: str, counts: dict[str, int]) -> bool:
    """Whether the run may be loaded; a run that may not is held, with its reasons, for a steward."""
    from loaders import store
    from loaders.reports import reason_sentence

    env = environment()
    with _failing_by_name(env, run_id, "gate"):
        reasons = _judge_run(env, feed_of(env, name), run_id, counts)
        if reasons:
            store.hold_run(env, run_id, reasons)
            log.warning("%s: HELD: %s", name, " ".join(map(reason_sentence, reasons)))
    return not reasons


def _judge_run(env: Environment, feed: Feed, run_id: str, counts: dict[str, int]) -> tuple[Reason, ...]:
    """Why the run must not be loaded as it is; nothing when it may. The verdict is kept under reports/gate."""
    from loaders import staging
    from loaders.backup import waiting_keys
    from loaders.catalog import quality_shares

    promised = waiting_keys(env, feed.name)
    if not promised and not any(counts[name] for name in ("added", "changed", "deleted", "rejected", "quarantined")):
        return ()
    from loaders.reports import write_gate_results
    from transforms.gate import History, judge, with_promised

    history = History(**(quality_shares(env, feed.name) or {}))
    result = judge(with_promised(staging.gate_facts(env, run_id), promised), feed, history, counts)
    write_gate_results(env.reports, run_id, result.held, result.reasons, result.results)
    return result.reasons


def load(name: str, run_id: str, passed: bool) -> dict[str, int]:
    """Load the run, whole or not at all; a held run is left to the steward."""
    from loaders import catalog

    env = environment()
    if not passed:
        return {}
    with _failing_by_name(env, run_id, "load"):
        return catalog.load(env, run_id)


def run_feed(name: str, run_id: str) -> dict[str, int]:
    """Take a run that has begun through every further step, in this process; the funnel of what was loaded."""
    for chunk in plan(name, run_id):
        transform(name, chunk)
    check(name, run_id)
    counts = stage(name, run_id)
    return load(name, run_id, gate(name, run_id, counts))
