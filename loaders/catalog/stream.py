"""The end of the pipe: assessments from a stream, staged as a held run a feed; the gate is not asked."""

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

from loaders.catalog import loading as catalog_load
from loaders.landing import LONGEST
from loaders.staging import (
    CHUNK_RECORDS,
    OutcomeWriter,
    StagingPlan,
    merge_outcomes,
    staging_folder,
    write_catalog_state,
)
from loaders.store import (
    base_run,
    begin_run,
    create_parquet_view,
    fail_run,
    hold_run,
    locked_run,
    note_planned,
    note_staged,
    now,
    open_workspace,
    read_transaction,
    write_parquet,
)
from schemas import FEED_NAME, Assessment, Base, Environment, Reason

_REASON = "its records came by the pipe, and no gate has judged them"
_DAY = 86_400  # seconds
SHA256 = re.compile("[0-9a-f]{64}")
_SQL = Path(__file__).with_name("stream.sql")


class BadLine(ValueError):
    """A line that is not an assessment: its number, and why."""


class PipedFeed(Base, frozen=True, kw_only=True):
    """What the pipe brought of one feed."""

    feed: str
    run_id: str
    counts: dict[str, int]
    held: bool


def _assessments(lines: Iterable[bytes]) -> Iterator[Assessment]:
    """The assessments that JSON lines say. Raises BadLine naming the first line that says none."""
    decoder = msgspec.json.Decoder(Assessment)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            read = decoder.decode(line)
            check_assessment(read)
        except (msgspec.DecodeError, ValueError) as error:
            raise BadLine(f"line {number}: not an assessment: {error}") from error
        yield read


def check_assessment(one: Assessment) -> None:
    """Raises ValueError when an assessment contradicts itself, or names a feed that no feed can be called."""
    if not FEED_NAME.fullmatch(one.feed):
        raise ValueError(f"feed {one.feed!r}: a feed's name has small letters, digits and _ only")
    if not one.identifier:
        raise ValueError("its record has no identifier")
    if "\x00" in one.identifier:
        raise ValueError(f"no store takes the NUL in its record's identifier {one.identifier!r}")
    if len(one.identifier.encode()) > LONGEST:
        raise ValueError(f"its record's identifier has more than {LONGEST} bytes: {one.identifier[:80]}…")
    said = [outcome for outcome in (one.resource, one.tombstone, one.rejection) if outcome is not None]
    if len(said) != 1:
        raise ValueError(f"{one.key}: {len(said)} outcomes; a record has one")
    others = {about.key for about in (*said, *one.issues)} - {one.key}
    if others:
        raise ValueError(f"{one.key}: it speaks of {min(others)!r} too")
    if one.resource is not None and not SHA256.fullmatch(one.sha256 or ""):
        raise ValueError(f"{one.key}: sha256 {one.sha256!r} is none; it tells whether the payload has changed")


def pipe(
    env: Environment, lines: Iterable[bytes], *, load_by: str | None = None, take_over: bool = False
) -> list[PipedFeed]:
    """Stage what the lines say, a held run a feed in name order; or load it past the gate in the name of `load_by`.

    Nothing is staged when a line is bad (BadLine), as the last one is of a pipe that was cut within it; one that ends
    between two lines cannot be told from a whole one. `take_over` is that of catalog_run.begin (FeedBusy).
    """
    env.staging.mkdir(parents=True, exist_ok=True)
    for left in env.staging.glob("pipe-*"):  # of a pipe that was killed
        if time.time() - left.stat().st_mtime > _DAY:
            shutil.rmtree(left)
    spool = env.staging / f"pipe-{now().replace(':', '')}"
    try:
        writers: dict[str, OutcomeWriter] = {}
        try:
            for one in _assessments(lines):
                if one.feed not in writers:
                    writers[one.feed] = OutcomeWriter(spool / f"{one.feed}.parquet")
                writers[one.feed].add(one)
        finally:
            for writer in writers.values():
                writer.close()
        return [_feed(env, feed, spool / f"{feed}.parquet", load_by, take_over) for feed in sorted(writers)]
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _feed(env: Environment, feed: str, spooled: Path, load_by: str | None, take_over: bool) -> PipedFeed:
    run_id = begin_run(env, feed, take_over=take_over)
    try:
        counts = _staged(env, feed, run_id, spooled)
        if load_by is None:
            hold_run(env, run_id, [Reason(code="pipe")])
        else:
            catalog_load.load(env, run_id, by=load_by, reason=_REASON, ungated=True)
    except BaseException as error:
        fail_run(env, run_id, "crashed", f"the pipe: {type(error).__name__}: {error}"[:2000])
        raise
    return PipedFeed(feed=feed, run_id=run_id, counts=counts, held=load_by is None)


def _staged(env: Environment, feed: str, run_id: str, spooled: Path) -> dict[str, int]:
    with locked_run(env, run_id):
        folder = staging_folder(env, run_id)
        with read_transaction(env) as connection:
            base = base_run(connection, feed, run_id)
            write_catalog_state(connection, feed, folder)
        planned = _planned(folder, spooled, run_id)
        counts = merge_outcomes(folder, sorted((folder / "outcomes").glob("*.parquet")), planned)
        counted = {"listed": planned.listed, "duplicates": planned.duplicates}
        note_planned(env, run_id, **counted, base=base, until=None)
        note_staged(env, run_id, counts)
    return counts


def _planned(folder: Path, spooled: Path, run_id: str) -> StagingPlan:
    with open_workspace(folder) as duck:
        create_parquet_view(duck, "spooled", spooled, more=", file_row_number = true")
        create_parquet_view(duck, "refused", folder / "refused.parquet")
        duck.execute(_SQL.read_text(encoding="utf-8"))
        for name in ("deletions", "rejections", "restamped", "readable", "older"):
            write_parquet(duck, name, folder / f"{name}.parquet")
        listed, one_each, refused = duck.execute("SELECT * FROM counted").fetchone()
        kept = duck.execute("SELECT row FROM kept ORDER BY row").fetchnumpy()["row"]
    _write_kept(spooled, kept, folder / "outcomes")
    return StagingPlan(run_id=run_id, listed=listed, duplicates=listed - one_each, unchanged=refused)


def _write_kept(spooled: Path, kept: Any, folder: Path) -> None:
    """Write the rows with these numbers (in order) as chunks of outcomes."""
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    with pq.ParquetFile(spooled) as file:
        for number, batch in enumerate(file.iter_batches(CHUNK_RECORDS)):
            first, last = kept.searchsorted((start, start + batch.num_rows))
            pq.write_table(
                pa.Table.from_batches([batch.take(pa.array(kept[first:last] - start))]),
                folder / f"chunk-{number:05d}.parquet",
                compression="zstd",
            )
            start += batch.num_rows
