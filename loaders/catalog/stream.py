"""The end of the pipe: read assessments from JSON lines and stage them as one held run per feed, without the gate."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.catalog.loading import load
from loaders.landing import LANDING_MAX_IDENTIFIER_BYTES
from loaders.staging import (
    CHUNK_RECORDS,
    OUTCOMES_FOLDER,
    OutcomeWriter,
    StagingPlan,
    compare_outcomes,
    staging_folder,
    write_catalog_state,
)
from loaders.store import (
    base_run,
    begin_run,
    create_parquet_view,
    fail_run,
    feed_lock,
    hold_run,
    is_interruption,
    locked_run,
    note_planned,
    note_staged,
    now,
    open_workspace,
    read_transaction,
    whole_file,
    write_parquet,
)
from schemas import FEED_NAME, Assessment, Base, Environment, Reason

_UNGATED_REASON = "its records came by the pipe, and no gate has judged them"
_MAX_SPOOL_AGE_SECONDS = 86_400
_SHA256 = re.compile("[0-9a-f]{64}")
_SQL = Path(__file__).with_name("stream.sql")


class BadLine(ValueError):
    """A line that is not a valid assessment; the message has its number and the reason."""


class PipedFeed(Base, frozen=True, kw_only=True):
    """What came through the pipe for one feed: its run, held or loaded, and its counts."""

    feed: str
    run_id: str
    counts: dict[str, int]
    held: bool


def pipe(
    env: Environment, lines: Iterable[bytes], *, load_by: str | None = None, take_over: bool = False
) -> list[PipedFeed]:
    """Stage the assessments as one held run per feed, in name order; with `load_by` load them instead.

    Raises BadLine when a line is invalid, and then stages nothing. The last line of a pipe that was cut within a line
    is invalid; a pipe that was cut between two lines looks complete. `take_over` and FeedBusy: see `begin_run`.
    """
    env.staging.mkdir(parents=True, exist_ok=True)
    for left_over in env.staging.glob("pipe-*"):  # of a process that was killed
        if time.time() - left_over.stat().st_mtime > _MAX_SPOOL_AGE_SECONDS:
            shutil.rmtree(left_over)
    spool = env.staging / f"pipe-{now().replace(':', '')}"
    try:
        feeds = _spool(lines, spool)
        return [_stage_feed(env, feed, spool / f"{feed}.parquet", load_by, take_over) for feed in feeds]
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _spool(lines: Iterable[bytes], spool: Path) -> list[str]:
    """Write the assessments to one file per feed, and return the feeds in name order."""
    writers: dict[str, OutcomeWriter] = {}
    try:
        for assessment in _read_assessments(lines):
            if assessment.feed not in writers:
                writers[assessment.feed] = OutcomeWriter(spool / f"{assessment.feed}.parquet")
            writers[assessment.feed].add(assessment)
    finally:
        for writer in writers.values():
            writer.close()
    return sorted(writers)


def _read_assessments(lines: Iterable[bytes]) -> Iterator[Assessment]:
    decoder = msgspec.json.Decoder(Assessment)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            assessment = decoder.decode(line)
            check_assessment(assessment)
        except (msgspec.DecodeError, ValueError) as error:
            raise BadLine(f"line {number}: not an assessment: {error}") from error
        yield assessment


def check_assessment(assessment: Assessment) -> None:
    """Raise ValueError when an assessment contradicts itself, or its feed or identifier cannot be stored."""
    if not FEED_NAME.fullmatch(assessment.feed):
        raise ValueError(f"feed {assessment.feed!r}: a feed's name has small letters, digits and _ only")
    _check_identifier(assessment.identifier)
    alternatives = (assessment.resource, assessment.tombstone, assessment.rejection)
    outcomes = [outcome for outcome in alternatives if outcome is not None]
    if len(outcomes) != 1:
        raise ValueError(f"{assessment.key}: {len(outcomes)} outcomes; a record has one")
    other_keys = {part.key for part in (*outcomes, *assessment.issues)} - {assessment.key}
    if other_keys:
        raise ValueError(f"{assessment.key}: it also has the key {min(other_keys)!r}")
    if assessment.resource is not None and not _SHA256.fullmatch(assessment.sha256 or ""):
        raise ValueError(f"{assessment.key}: {assessment.sha256!r} is not the sha256 of a payload, in 64 hex digits")


def _check_identifier(identifier: str) -> None:
    if not identifier:
        raise ValueError("its record has no identifier")
    if "\x00" in identifier:
        raise ValueError(f"its record's identifier {identifier!r} contains NUL, which the catalog cannot store")
    if len(identifier.encode()) > LANDING_MAX_IDENTIFIER_BYTES:
        raise ValueError(
            f"its record's identifier has more than {LANDING_MAX_IDENTIFIER_BYTES} bytes: {identifier[:80]}…"
        )


def _stage_feed(env: Environment, feed: str, spooled: Path, load_by: str | None, take_over: bool) -> PipedFeed:
    with feed_lock(env, feed, wait=take_over):
        run_id = begin_run(env, feed, take_over=take_over)
        try:
            counts = _stage(env, feed, run_id, spooled)
            if load_by is None:
                hold_run(env, run_id, [Reason(code="pipe")])
            else:
                load(env, run_id, by=load_by, reason=_UNGATED_REASON, ungated=True)
        except BaseException as error:
            if not is_interruption(error):
                fail_run(env, run_id, "crashed", f"the pipe: {type(error).__name__}: {error}"[:2000])
            raise
    return PipedFeed(feed=feed, run_id=run_id, counts=counts, held=load_by is None)


def _stage(env: Environment, feed: str, run_id: str, spooled: Path) -> dict[str, int]:
    with locked_run(env, run_id):
        folder = staging_folder(env, run_id)
        with read_transaction(env) as connection:
            base = base_run(connection, feed, run_id)
            write_catalog_state(connection, feed, folder)
        staging_plan = _plan(folder, spooled, run_id)
        counts = compare_outcomes(folder, sorted((folder / OUTCOMES_FOLDER).glob("*.parquet")), staging_plan)
        listed, duplicates = staging_plan.listed, staging_plan.duplicates
        note_planned(env, run_id, listed=listed, duplicates=duplicates, base=base, until=None)
        note_staged(env, run_id, counts)
    return counts


def _plan(folder: Path, spooled: Path, run_id: str) -> StagingPlan:
    """Keep the newest version of each record that is not refused, as outcomes of the staging."""
    with open_workspace(folder) as duck:
        create_parquet_view(duck, "spooled", spooled, more=", file_row_number = true")
        create_parquet_view(duck, "refused", folder / "refused.parquet")
        duck.execute(_SQL.read_text(encoding="utf-8"))
        for name in ("deletions", "rejections", "restamped", "readable", "older"):
            write_parquet(duck, name, folder / f"{name}.parquet")
        listed, records, refused = duck.execute("SELECT * FROM counted").fetchone()
        kept_rows = duck.execute("SELECT row FROM kept ORDER BY row").fetchnumpy()["row"]
    _write_outcomes(spooled, kept_rows, folder / OUTCOMES_FOLDER)
    return StagingPlan(run_id=run_id, listed=listed, duplicates=listed - records, unchanged=refused)


def _write_outcomes(spooled: Path, kept_rows: Any, folder: Path) -> None:
    """Write the rows with these numbers (in order) as chunks of outcomes."""
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    with pq.ParquetFile(spooled) as file:
        for number, batch in enumerate(file.iter_batches(CHUNK_RECORDS)):
            first, last = kept_rows.searchsorted((start, start + batch.num_rows))
            kept = pa.Table.from_batches([batch.take(pa.array(kept_rows[first:last] - start))])
            with whole_file(folder / f"chunk-{number:05d}.parquet") as temporary:
                pq.write_table(kept, temporary, compression="zstd")
            start += batch.num_rows
