"""Real nights in processes of their own, which a test may kill, and the catalogs that they leave."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, select

NIGHT_SECONDS = 900
_PART_RECORDS = 50
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.preloaded"])
_RUN_ID = re.compile(r"[a-z0-9_]+-\d{8}T\d{12}")
_ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
_ABOUT_RUNS = ("harvest_run", "publish_state", "catalog_change", "lease", "elib_alembic_version")
_DIGESTS_OF_RECORD = ("record_sha256", "merged_from")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


@dataclass(frozen=True)
class Limits:
    """What a night lacks: room for files beyond so many bytes, or the right to write."""

    max_file_bytes: int | None = None
    may_write: bool = True


@dataclass
class Ended:
    """How a night's process ended."""

    exit_status: int | None
    output: str
    seconds_by_step: dict[str, float] = field(default_factory=dict)

    def require_success(self) -> None:
        assert self.exit_status == 0, f"the night ended with {self.exit_status}: {self.output[-1500:]}"


def run_night(home: Path, feeds: Sequence[str], limits: Limits = Limits()) -> Ended:
    """Run a whole night in a process of its own: every feed, and the publication."""
    with _night(home, feeds, limits) as (process, steps):
        seconds: dict[str, float] = {}
        last, begun = "", time.monotonic()
        while step := _next_step(steps):
            seconds[last] = time.monotonic() - begun
            last, begun = step, time.monotonic()
        seconds[last] = time.monotonic() - begun
        del seconds[""]
        return Ended(_end_of(process), _output(home), seconds)


def kill_night(home: Path, feeds: Sequence[str], step: str, delay: float) -> bool:
    """Run a night and kill it so many seconds after the step begins. False: it ended before."""
    with _night(home, feeds, Limits()) as (process, steps):
        while (begun := _next_step(steps)) != step:
            assert begun is not None, f"the night ended with {_end_of(process)} before {step}: {_output(home)[-1500:]}"
        process.join(delay)
        process.kill()
        return _end_of(process) != 0


@contextmanager
def _night(home: Path, feeds: Sequence[str], limits: Limits) -> Iterator[tuple[Any, Connection]]:
    receiving, sending = _context.Pipe(duplex=False)
    process = _context.Process(target=_in_process, args=(str(home), tuple(feeds), sending, limits))
    process.start()
    sending.close()
    try:
        yield process, receiving
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        receiving.close()


def _next_step(steps: Connection) -> str | None:
    try:
        assert steps.poll(NIGHT_SECONDS), f"the night hangs for more than {NIGHT_SECONDS} s"
        return str(steps.recv())
    except EOFError:
        return None


def _end_of(process: Any) -> int | None:
    process.join(NIGHT_SECONDS)
    return int(process.exitcode) if process.exitcode is not None else None


def _log(home: Path) -> Path:
    return home.with_name(f"{home.name}.log")


def _output(home: Path) -> str:
    return _log(home).read_text(encoding="utf-8", errors="replace") if _log(home).exists() else ""


def variables(home: Path) -> dict[str, str]:
    """Return the environment of an installation whose feed files lie beside its home."""
    return {"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds"), "ELIB_ALLOW_PRIVATE": "127.0.0.1"}


def _in_process(home: str, feeds: Sequence[str], steps: Connection, limits: Limits) -> None:
    log = os.open(_log(Path(home)), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in [name for name in os.environ if name.startswith("ELIB_")]:
        del os.environ[name]
    os.environ.update(variables(Path(home)))
    from loaders.landing import landing

    landing.LANDING_PART_RECORDS = _PART_RECORDS
    if limits.max_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.max_file_bytes, limits.max_file_bytes))
    if not limits.may_write:
        drop_privileges()
    whole_night(feeds, steps.send)
    sys.stdout.flush()


def drop_privileges() -> None:
    """Give up every capability, so that a read-only folder is one for root, too (capset(2))."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)())


def whole_night(feeds: Sequence[str], begins: Callable[[str], None], *, full: bool = False) -> None:
    """Take every feed through its steps in this process, and publish; `begins` is told of each step."""
    from loaders.catalog import migrate
    from pipeline import catalog, feed
    from schemas import environment

    migrate(environment())
    for name in feeds:
        begins(f"harvest {name}")
        run = feed.harvest(name, full=lambda: full)["run_id"]
        begins(f"plan {name}")
        chunks = feed.plan(name, run)
        begins(f"transform {name}")
        for chunk in chunks:
            feed.transform(name, chunk)
        begins(f"check {name}")
        feed.check(name, run)
        begins(f"stage {name}")
        counts = feed.stage(name, run)
        begins(f"gate {name}")
        passed = feed.gate(name, run, counts)
        begins(f"load {name}")
        assert feed.load(name, run, passed), f"the run of {name} is held"
    begins("match")
    matched = catalog.match()
    begins("publish")
    catalog.publish(matched)
    begins("report")
    catalog.report()


def contents(home: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return every row of every table but those about runs, without run ids, moments and what is derived from them.

    A resource's id, which names the run that minted it, becomes the keys of its first members, also in the records of
    resources; their digests are left out where a record has such an id.
    """
    return contents_at(f"sqlite:///{home / 'catalog.db'}")


def contents_at(catalog_url: str) -> dict[str, list[tuple[str, ...]]]:
    """Return the same of the catalog at a URL."""
    engine = create_engine(catalog_url)
    metadata = MetaData()
    try:
        metadata.reflect(engine)
        with engine.connect() as connection:
            rows = {table.name: list(connection.execute(select(table)).mappings()) for table in metadata.sorted_tables}
    finally:
        engine.dispose()
    names = {row["resource_id"]: row["changes"] for row in rows["resource_version"] if row["version"] == 1}
    return {
        table: sorted(tuple(_comparable(column, row, names) for column in row) for row in table_rows)
        for table, table_rows in rows.items()
        if table not in _ABOUT_RUNS
    }


def _comparable(column: str, row: Mapping[str, Any], names: dict[str, str]) -> str:
    if column in _DIGESTS_OF_RECORD and row[column] and _ULID.search(str(row.get("record"))):
        return "of the record beside it"
    text = _ULID.sub(lambda ulid: names.get(ulid[0], ulid[0]), str(row[column]))
    return _MOMENT.sub("MOMENT", _RUN_ID.sub("RUN", text))


def require_equal(contents: dict[str, list[tuple[str, ...]]], undisturbed: dict[str, list[tuple[str, ...]]]) -> None:
    """Raise AssertionError with the first differences of two catalogs."""
    differences = []
    for table, rows in undisturbed.items():
        if contents[table] != rows:
            extra = sorted(set(contents[table]) - set(rows))[:2]
            missing = sorted(set(rows) - set(contents[table]))[:2]
            differences.append(f"{table}: {len(contents[table])} rows for {len(rows)}; has {extra}, lacks {missing}")
    assert not differences, "; ".join(differences)[:1800]
