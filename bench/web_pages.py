"""Measure every page of the console over a made catalog, beside a bare route of the same server.

    python -m bench.web_pages [--records 200000] [--requests 40] [--only sqlite|postgresql] [--keep FOLDER]

The catalog is written straight into its tables: records of 12 feeds with thirty nights each, resources, findings, 2 %
of the records with a version that waits, pairs, terms, mappings, decisions, and a held run of a twelfth of the records.
The web then runs in a process of its own and is asked over HTTP, one request at a time. Prints for each page the
milliseconds of the first request, p50 and p95, and p50 as a multiple of that of the bare route /healthz; a page is to
stay within 10 times of it, Today within 30 times.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked
from sqlalchemy import create_engine, insert, text
from sqlalchemy.exc import OperationalError

from bench.made_catalog import MadeCatalog
from loaders.accounts import add_account
from loaders.migrations import migrate
from loaders.staging import OUTCOMES_FOLDER, staging_folder
from loaders.store import (
    CurationRow,
    HarvestRunRow,
    IssueRow,
    JudgementRow,
    MatchRow,
    ResourceRow,
    ResourceVersionRow,
    SourceRecordRow,
    TaskNoteRow,
    TermMappingRow,
    UnmappedValueRow,
    engine,
    read_transaction,
    write_transaction,
)
from schemas import ROOT, Environment, environment
from web.signing_in import hash_password

FEEDS = 12
NIGHTS = 30
MAX_TIMES = 10  # of the bare route's p50
MAX_TIMES_TODAY = 30
_ROWS = 5_000  # written at a time
_AT = "2026-01-30T01:00:00.000000Z"
_WAITING_EVERY = 50
PASSWORD = "a password of the bench"  # of a catalog that is thrown away
PARTNER = "Boris"
_WRITES = 3  # after each of which a page is asked for
PUBLICATION = "publish-20260130T050000000000"
_SIGNED = {"by": "Amina", "at": _AT, "reason": "measured"}
_FIELDS = ("subjects", "levels", "languages", "resource_types", "audiences")
_EVIDENCE = '[{"field":"title","seen":"same words","weight":5.0},{"field":"year","seen":"equal","weight":1.0}]'


def main() -> int:
    """Measure on SQLite, and on PostgreSQL where a server answers; 1 when a page takes too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.web_pages", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--server", default="postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--keep", type=Path, help="folder of the made catalog on SQLite: used again when it is there")
    arguments = parser.parse_args()
    slow = 0
    if arguments.only != "postgresql":
        with _folder(arguments.keep) as folder:
            slow |= _measure_in(folder, f"sqlite:///{folder / 'home' / 'catalog.db'}", arguments)
    if arguments.only != "sqlite":
        with _folder(None) as folder, _database(arguments.server) as url:
            if url:
                slow |= _measure_in(folder, url, arguments)
    return slow


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    folder = keep or Path(tempfile.mkdtemp(prefix="elib-bench-web-"))
    try:
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(server_url: str) -> Iterator[str]:
    """Make a database of its own, yield its URL, and drop it; yield nothing where no server answers."""
    name = f"elib_bench_{secrets.token_hex(6)}"
    server = create_engine(server_url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        print(f"PostgreSQL is not measured: {str(error.orig).strip()}", file=sys.stderr)
        yield ""
        return
    try:
        yield f"{server_url.rpartition('/')[0]}/{name}"
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def _measure_in(folder: Path, url: str, arguments: argparse.Namespace) -> int:
    home = folder / "home"
    variables = {"ELIB_HOME": str(home), "ELIB_FEEDS": str(folder / "feeds"), "ELIB_CATALOG_URL": url}
    env = environment(variables)
    if not (home / "made").exists():
        make_catalog(env, arguments.records)
    engine(env).dispose()
    with served(variables) as address:
        slow = show(measure(env, address, arguments.requests), arguments.records, url.partition(":")[0])
    engine(env).dispose()
    return slow


def make_catalog(env: Environment, records: int) -> None:
    """Write a catalog of so many records, and its search index."""
    began = time.monotonic()
    _WRITTEN.clear()
    migrate(env)
    env.feeds.mkdir(parents=True, exist_ok=True)
    for number in range(FEEDS):
        (env.feeds / f"feed{number}.toml").write_text(
            'title = "Made records"\npartner = "Bench"\nprotocol = "rest"\nformat = "amb"\nidentifier = "id"\n'
            f'url = "https://feed{number}.made.test/list"\n',
            encoding="utf-8",
        )
    add_account(env, "Amina", "steward", password=hash_password(PASSWORD))
    add_account(env, PARTNER, "partner", password=hash_password(PASSWORD), feeds=("feed3",))
    _write(env, HarvestRunRow, _runs(records))
    made = _records(records)
    for some in chunked(made, _ROWS):
        _write_records(env, some)
    _write(env, UnmappedValueRow, _terms(records // 5))
    _write(env, TermMappingRow, _mappings(min(5_000, records // 200)))
    _write(env, CurationRow, _curations(records))
    _write(env, JudgementRow, _judgements(records))
    _write(env, MatchRow, _pairs(records))
    _stage_held_run(env, records // FEEDS)
    _index(env)
    _analyze(env)
    (env.home / "made").touch()
    print(f"a catalog of {records} records was made in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _write(env: Environment, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    for some in chunked(rows, _ROWS):
        with write_transaction(env) as connection:
            connection.execute(insert(table), some)


def _runs(records: int) -> Iterator[dict[str, Any]]:
    for feed in range(FEEDS):
        for night in range(1, NIGHTS + 1):
            is_held, is_first = (feed, night) == (0, NIGHTS), night == 1
            run = _run_id(feed, night)
            yield _run_row(run, f"feed{feed}", "harvest", f"2026-01-{night:02}T01:00:00.000000Z", records // FEEDS) | {
                "status": "held" if is_held else "loaded",
                "added": records // FEEDS if is_first else 0,
                "changed": records // FEEDS if is_held else 0,
                "landing_until": run,
                "reasons": '[{"code":"changed","values":{}}]' if is_held else None,
            }
    yield _run_row(PUBLICATION, None, "publish", _AT, records)


def _run_row(run: str, feed: str | None, kind: str, at: str, landed: int) -> dict[str, Any]:
    counts = {"landed": landed, "added": 0, "changed": 0}
    ended = {"status": "loaded", "landing_until": None, "reasons": None, "transform_version": "made"}
    return {"id": run, "feed": feed, "kind": kind, "started_at": at, "ended_at": at, **counts, **ended}


def _run_id(feed: int, night: int) -> str:
    return f"feed{feed}-202601{night:02}T010000000000"


def _records(count: int) -> Iterator[tuple[int, str, str, bytes, int]]:
    """Yield number, feed, identifier, record and number of the work."""
    for number, (live, work) in enumerate(MadeCatalog(7).records(count)):
        yield number, live.feed, str(number), msgspec.json.encode(live.record), work


def _write_records(env: Environment, made: list[tuple[int, str, str, bytes, int]]) -> None:
    """Write records with their resource, its version and findings."""
    rows: list[dict[str, Any]] = []
    resources: dict[str, dict[str, Any]] = {}
    issues: list[dict[str, Any]] = []
    for number, feed, identifier, encoded, work in made:
        key, record, is_waiting = f"{feed}:{identifier}", encoded.decode(), number % _WAITING_EVERY == 0
        resource_id = None if is_waiting else f"01MADE{work:020}"
        rows.append(_record_row(key, feed, identifier, record, resource_id, is_waiting))
        for code, severity in (("no_rights", "warning"), ("short_description", "info")):
            issues.append(_issue(key, feed, code, severity, "license"))
        if is_waiting:
            issues.append(_issue(key, feed, "no_address", "error", "url"))
        if resource_id is not None:
            resources.setdefault(resource_id, _resource_row(resource_id, record))
    with write_transaction(env) as connection:
        connection.execute(insert(SourceRecordRow), rows)
        connection.execute(insert(IssueRow), issues)
        known = {row for row in resources if row not in _WRITTEN}
        _WRITTEN.update(known)
        versions = [_version_row(each) for each in sorted(known)]
        if known:
            connection.execute(insert(ResourceRow), [resources[each] for each in sorted(known)])
            connection.execute(insert(ResourceVersionRow), versions)


_WRITTEN: set[str] = set()  # resources that are written: a work's records may be in two chunks


def _record_row(
    key: str, feed: str, identifier: str, record: str, resource_id: str | None, is_waiting: bool
) -> dict[str, Any]:
    pending = {
        "pending_sha256": "f" * 64 if is_waiting else None,
        "pending_record": record if is_waiting else None,
        "pending_reason": "errors: no_address" if is_waiting else None,
        "pending_status": "quarantined" if is_waiting else None,
    }
    return {
        "key": key,
        "feed": feed,
        "identifier": identifier,
        "format": "amb",
        "status": "quarantined" if is_waiting else "live",
        "payload_sha256": None if is_waiting else "e" * 64,
        "record": None if is_waiting else record,
        "record_sha256": None if is_waiting else "d" * 64,
        "score": 70,
        "has_title": True,
        "has_language": True,
        "has_license": False,
        "run_id": _run_id(int(feed.removeprefix("feed")), 1),
        "resource_id": resource_id,
        **pending,
    }


def _resource_row(resource_id: str, record: str) -> dict[str, Any]:
    title = next(iter(msgspec.json.decode(record)["title"].values()))
    at = {"created_at": _AT, "updated_at": _AT}
    return {"id": resource_id, "title": title, "record": record, "record_sha256": "d" * 64, "quality": 70, **at}


def _version_row(resource_id: str) -> dict[str, Any]:
    made = {"version": 1, "run_id": PUBLICATION, "changed_at": _AT}
    return {"resource_id": resource_id, "changes": '{"created":["made"]}', **made}


def _issue(key: str, feed: str, code: str, severity: str, path: str) -> dict[str, Any]:
    run = _run_id(int(feed.removeprefix("feed")), 1)
    finding = {"code": code, "severity": severity, "path": path, "value": ""}
    return {"finding": f"{key}#{code}", "key": key, "feed": feed, "run_id": run, "first_run_id": run, **finding}


def _terms(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "field": _FIELDS[number % len(_FIELDS)],
            "value": f"term {number // 2}",
            "feed": f"feed{number % FEEDS}",
            "count": 1 + 50_000 // (number + 1),
            "first_seen": _AT,
        }


def _mappings(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        field = _FIELDS[number * 3 % len(_FIELDS)]
        yield {"field": field, "value": f"term {number * 3 // 2}", "scheme": "made", "code": "1", **_SIGNED}


def _curations(records: int) -> Iterator[dict[str, Any]]:
    for number in range(1, records, 100):
        batch = f"20260130T0100{number // 2_000:08}"
        yield {"key": f"feed0:{number}", "path": "url", "value": '"https://made.test"', "action": "set"} | {
            "batch_id": batch,
            **_SIGNED,
        }


def _judgements(records: int) -> Iterator[dict[str, Any]]:
    for number in range(0, records, 100):
        yield {"left_key": f"feed1:{number}", "right_key": f"feed2:{number}", "verdict": "same", **_SIGNED}


def _pairs(records: int) -> Iterator[dict[str, Any]]:
    for number in range(0, records, 5):
        yield {
            "left_key": f"feed0:{number}",
            "right_key": f"feed1:{number}",
            "probability": round(0.5 + number / records / 2, 6),
            "evidence": _EVIDENCE,
            "verdict": "review" if number % 10 == 0 else "same",
        }


def _stage_held_run(env: Environment, count: int) -> None:
    """Write the staged rows of the held run, in parts as a real run has them."""
    staging = staging_folder(env, _run_id(0, NIGHTS))
    for folder in ("rows", OUTCOMES_FOLDER):
        (staging / folder).mkdir(parents=True)
    records = MadeCatalog(8).records(count)
    for part, some in enumerate(chunked(records, _ROWS)):
        texts = [msgspec.json.encode(live.record).decode() for live, _ in some]
        rows = {
            "identifier": [str(part * _ROWS + number) for number in range(len(some))],
            "change": ["changed" if number % 3 else "added" for number in range(len(some))],
            "reason": [""] * len(some),
            "absent": [False] * len(some),
            "codes": ["no_address" if number % _WAITING_EVERY == 0 else "" for number in range(len(some))],
            "row": list(range(len(some))),
        }
        pq.write_table(pa.table(rows), staging / "rows" / f"{part:05}.parquet")
        pq.write_table(pa.table({"record": texts}), staging / OUTCOMES_FOLDER / f"{part:05}.parquet")


def _index(env: Environment) -> None:
    from pipeline.catalog import index_search

    index_search(env)


def _analyze(env: Environment) -> None:
    """Let the database count, as a living PostgreSQL does by itself."""
    if env.catalog_url.startswith("postgresql"):
        with write_transaction(env) as connection:
            connection.exec_driver_sql("ANALYZE")


@contextmanager
def served(variables: dict[str, str]) -> Iterator[str]:
    """Run the web in a process of its own; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "commands.cli", "web", "--port", str(port)]
    environ = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            address = f"http://127.0.0.1:{port}"
            _wait_for(address)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{address}/healthz")
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the web does not answer")


def pages(env: Environment) -> list[str]:
    """Return the pages of the console and of the library that are measured."""
    held = _run_id(0, NIGHTS)
    resource, work = _some_resource(env), _some_title(env)
    return [
        "/console",
        "/console/runs",
        "/console/runs?feed=feed3&status=loaded",
        f"/console/runs/{held}",
        f"/console/runs/{held}?kind=changed",
        f"/console/runs/{held}?rule=no_address",
        "/console/quarantine",
        "/console/quarantine?feed=feed3&rule=no_address&field=url",
        "/console/pairs",
        "/console/pairs?feed=feed0",
        "/console/terms",
        "/console/terms?field=subjects",
        "/console/feeds",
        "/console/feeds/feed3",
        f"/console/records?key={quote(_some_key(env))}",
        f"/console/resources/{resource}",
        "/console/search?text=education",
        "/console/search?text=no+such+wordz",
        "/console/decisions",
        "/console/decisions?by=Amina&kind=set",
        "/console/applications",
        "/",
        f"/search?q={quote(work)}",
        "/search?language=en&level=1",
        f"/resources/{resource}",
    ]


def partner_pages(env: Environment) -> list[str]:
    """Return the pages that are measured of the partner of feed3."""
    return [
        "/partners/feeds",
        "/partners/feeds/feed3",
        "/partners/feeds/feed3/fixes",
        "/partners/feeds/feed3/fixes?rule=no_address&severity=error",
        "/partners/feeds/feed3/fixes?rule=no_rights&severity=warning&state=standing",
        f"/partners/feeds/feed3/records?identifier={_some_key(env).removeprefix('feed3:')}",
    ]


def _scalar(env: Environment, query: str) -> str:
    with read_transaction(env) as connection:
        return str(connection.exec_driver_sql(query).scalar())


def _some_key(env: Environment) -> str:
    return _scalar(env, "SELECT key FROM source_record WHERE feed = 'feed3' AND status = 'live' LIMIT 1")


def _some_resource(env: Environment) -> str:
    return _scalar(env, "SELECT id FROM resource ORDER BY id LIMIT 1")


def _some_title(env: Environment) -> str:
    return _scalar(env, "SELECT title FROM resource ORDER BY id LIMIT 1")


class PageTimes(NamedTuple):
    """Milliseconds of a page's requests, of those to the bare route between them, and of the first after a write."""

    page: str
    times: list[float]
    bare: list[float]
    after_write: list[float]


def measure(env: Environment, address: str, requests: int) -> Iterator[PageTimes]:
    """Ask for every page so often, by turns with the bare route, so that both meet the same other work."""
    for name, some in (("Amina", pages(env)), (PARTNER, partner_pages(env))):
        with signed_in(address, name) as client:
            for page in some:
                yield _measure_page(env, client, page, requests)


@contextmanager
def signed_in(address: str, name: str) -> Iterator[httpx.Client]:
    """Yield a client in which an account of the made catalog is signed in."""
    with httpx.Client(base_url=address, timeout=120) as client:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)
        assert token
        form = {"csrf_token": token[1], "name": name, "password": PASSWORD, "next": "/console"}
        assert client.post("/sign-in", data=form).status_code == 303
        yield client


def _measure_page(env: Environment, client: httpx.Client, page: str, requests: int) -> PageTimes:
    _milliseconds(client, page)  # templates and lists are read once in a process
    after_write = []
    for _ in range(_WRITES):
        with write_transaction(env) as connection:  # nothing that was kept counts any more
            note = {"object": "bench", "kind": "remarked", "who": "Amina", "at": _AT, "ended_at": _AT}
            connection.execute(insert(TaskNoteRow), note)
        after_write.append(_milliseconds(client, page))
    bare, times = [], []
    for _ in range(requests):
        bare.append(_milliseconds(client, "/healthz"))
        times.append(_milliseconds(client, page))
    return PageTimes(page, times, bare, after_write)


def _milliseconds(client: httpx.Client, page: str) -> float:
    began = time.perf_counter()
    answer = client.get(page)
    if answer.status_code == 429:  # what anybody may ask without an account is counted
        time.sleep(float(answer.headers["retry-after"]))
        return _milliseconds(client, page)
    took = (time.perf_counter() - began) * 1_000
    if answer.status_code != 200:
        raise SystemExit(f"{page} answers {answer.status_code}")
    return took


def show(figures: Iterable[PageTimes], records: int, database: str) -> int:
    """Print the figures of each page as it is measured; return 1 when one takes too long."""
    print(f"{records} records, {database}; milliseconds; a page is to take at most {MAX_TIMES} times a bare route")
    print(f"{'page':68} {'p50':>7} {'p95':>7} {'bare':>6} {'x bare':>7} {'after a write':>14}")
    slow = []
    for page, times, bare_times, after_write in figures:
        bare, p50 = statistics.median(bare_times), statistics.median(times)
        p95, written = statistics.quantiles(times, n=20)[-1], statistics.median(after_write)
        mark = " too slow" if p50 > (MAX_TIMES_TODAY if page == "/console" else MAX_TIMES) * bare else ""
        slow += [page] if mark else []
        print(f"{page[:68]:68} {p50:7.1f} {p95:7.1f} {bare:6.2f} {p50 / bare:7.1f} {written:14.1f}{mark}", flush=True)
    print(json.dumps({"records": records, "database": database, "too_slow": slow}))
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
