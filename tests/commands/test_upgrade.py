"""`elib upgrade --check` says what a new version will do, by documented codes, and changes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import select
import socket
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, make_url, text

from commands.cli import main
from loaders.store import RUN_COUNTS, HarvestRunRow, engine, read_transaction, write_transaction
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from pipeline.downloads import write_downloads
from schemas import ROOT, Environment
from tests.catalogs import PostgresCatalogs
from tests.loaders.test_old_catalogs import empty, put
from tests.pipeline.feeds import declare, listed, night

__all__ = ["empty"]


def check(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["upgrade", "--check"])
    return code, capsys.readouterr().out


def elib(env: Environment, *words: str) -> tuple[int, str]:
    """Run the command in a process of its own, because Airflow keeps the settings that it read first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    settings = {**kept, "ELIB_HOME": str(env.home), "ELIB_FEEDS": str(env.feeds), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "commands.cli", *words]
    ended = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a folder but SQLite's own shared memory, which readers write too."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def content(env: Environment) -> dict[str, list[tuple[object, ...]]]:
    tables = ("elib_alembic_version", "harvest_run", "source_record", "resource", "publish_state")
    with read_transaction(env) as connection:
        return {name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))] for name in tables}


def test_an_old_catalog_names_its_migrations_feeds_and_times_and_stays_as_it_is(
    empty: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    put(empty, "004")
    before, files = content(empty), fingerprint(empty.home) if empty.home.exists() else {}
    code, output = check(capsys)
    assert code == 3
    assert "The catalog is of version 004, and this software needs" in output
    assert "  005  " in output and "  011  Keep the published addresses" in output and "  004  " not in output
    assert (
        "The next publication compares all 11 live records again (no match of this matcher is kept; not measured)."
        in output
    )
    assert "The next publication fills the derived columns of 8 resources again." in output
    assert "  over 11 live records and 8 resources; how long is not measured" in output
    merged = "merges all 2 resources of several records again (they were merged by other code; not measured)."
    assert merged in output and "Not made again: no search index.\n" in output
    assert "2 feeds were read with other code." in output
    books = re.search(r"  books: 7 records, at most \d+ s \([\d.]+ records/s in books-\d{8}T\d+, with the time", output)
    assert (
        books and re.search(r"reprocess books$", output, re.M) and re.search(r"  together about \d+ s$", output, re.M)
    )
    assert output.endswith("Nothing was changed.\n")
    assert content(empty) == before
    assert not (empty.home / "match").exists(), "not even an empty folder is made"
    assert (fingerprint(empty.home) if empty.home.exists() else {}) == files


def test_a_catalog_of_today_has_nothing_to_do_until_the_code_changes(
    home: Environment,
) -> None:
    assert elib(home, "setup")[0] == 0
    for feed, number_listed in {"books": 5, "films": 1}.items():
        declare(home, feed)
        records = [listed("books", number) for number in range(number_listed)]  # of one work, where both list it
        night(home, feed, [msgspec.structs.replace(record, feed=feed) for record in records])
    tasks_catalog.publish_now()
    write_downloads(home)
    with write_transaction(home) as connection:  # what an earlier version's run says
        connection.execute(text("UPDATE harvest_run SET transform_version = '000000000000+abc' WHERE feed = 'books'"))
        connection.execute(text("UPDATE publish_state SET value = 'other' WHERE name IN ('derivation', 'merge')"))
    (home.home / "match" / "state.json").write_text('{"version": "1-0", "digest": "x"}')
    (home.feeds / "broken.toml").write_text("title = 3\n")
    code, output = elib(home, "upgrade", "--check")
    assert code == 4, output
    by_run = r"; about (\d+) s: the longest %s took \1 s for 6 records, in publish-\d+T\d+\)\.$"
    full = r"compares all 6 live records again \(no match of this matcher is kept" + by_run % "match"
    assert re.search(full, output, re.M) and "derived columns of 5 resources" in output
    merged = r"merges all 1 resources of several records again \(they were merged by other code"
    assert re.search(merged + by_run % "publication, without its match,", output, re.M), output
    assert "Not made again: no search index.\n" in output
    assert re.search(
        r"A download is written after .* with 5 resources \(about .* in downloads-\d+T\d+\)\.$", output, re.M
    )
    assert re.search(r"books: 5 records, .* in books-", output) and "Feed file: " in output and "broken" in output
    (home.feeds / "broken.toml").unlink()
    tasks.run_feed("books", tasks.begin_reprocess("books"))
    tasks_catalog.publish_now()
    code, output = elib(home, "upgrade", "--check")
    assert code == 0 and len(output.splitlines()) == 4, f"what was said to be done is done: {output}"
    assert "Not made again: no full match; no resource is merged without a change of its records; " in output


def test_the_times_are_those_of_the_night_that_did_all_of_the_work(
    empty: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    put(empty, "016")
    seconds = '{"seconds": {"match": 0.001, "publish": 0.001, "harvest": 9.0, "transform": 9.0}}'
    with write_transaction(empty) as connection:
        for number in range(60):
            for kind, feed in (("publish", None), ("harvest", "books")):
                run = {"id": f"{feed or 'publish'}-20270101T0000000000{number:02}", "feed": feed, "kind": kind}
                counts = dict.fromkeys(RUN_COUNTS, 0) | {"listed": 12, "landed": 1, "duplicates": 0}
                times = {"started_at": "2027-01-01T00:00:00.000000Z", "ended_at": "2027-01-01T00:00:18.000000Z"}
                row = {**run, **counts, **times, "status": "loaded", "measures": seconds, "transform_version": "old"}
                connection.execute(insert(HarvestRunRow).values(row))
    _, output = check(capsys)
    assert re.search(r"the longest match took \d+ s for 12 records, in publish-20261130T", output)
    assert re.search(
        r"the longest publication, without its match, took \d+ s for 12 records, in publish-20261130T", output
    )
    assert re.search(r"  books: 7 records, .* in books-20261130T", output), output


def test_nothing_is_made_where_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    assert main(["upgrade", "--check"]) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["postgresql://elib:hunter2@127.0.0.1:1/elib", "postgresql://127.0.0.1:1/elib?user=elib&password=hunter2"]
)
def test_a_database_that_does_not_answer_is_one_sentence_without_the_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_CATALOG_URL", url)
    assert main(["upgrade", "--check"]) == 1
    output = capsys.readouterr()
    assert output.err.startswith("Not upgraded: ") and len(output.err.splitlines()) == 1
    assert "hunter2" not in output.out + output.err


@pytest.mark.parametrize("words", ["backup", "publish", "review", "upgrade --check", "web"])
@pytest.mark.parametrize("url", ["hunter2", "postgresql+psycopg://elib:hunter2@host:port/elib"])
def test_an_address_of_no_database_is_one_sentence_of_every_command(
    words: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path))
    monkeypatch.setenv("ELIB_CATALOG_URL", url)
    assert main(words.split()) == 1
    output = capsys.readouterr()
    assert "ELIB_CATALOG_URL: it is not the address of a database; use sqlite" in output.err
    assert len(output.err.splitlines()) == 1 and "hunter2" not in output.out + output.err


class _Forward(socketserver.BaseRequestHandler):
    """Passes a connection on to the tests' PostgreSQL."""

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", 5432)) as server:
            peers = {self.request: server, server: self.request}
            while ready := select.select(list(peers), [], [])[0]:
                content = ready[0].recv(65_536)
                if not content:
                    return
                peers[ready[0]].sendall(content)


@pytest.mark.postgres
def test_after_a_power_cut_an_upgrade_waits_for_the_database(
    postgres_catalogs: PostgresCatalogs, tmp_path: Path
) -> None:
    database = postgres_catalogs.take_empty()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Forward, bind_and_activate=False)
    server.server_bind()  # connections are refused until it listens
    address = make_url(database).set(port=server.server_address[1]).render_as_string(hide_password=False)
    settings = {**os.environ, "ELIB_HOME": str(tmp_path), "ELIB_CATALOG_URL": address, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "commands.cli", "upgrade", "--check", "--wait", "300"]
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True) as process, server:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("E-library ")
        assert process.stdout.readline().startswith("Waiting for at most 300 s: connection failed")
        server.server_activate()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        rest = process.stdout.read()
        assert process.wait() == 3 and rest.startswith("The catalog has no tables yet"), rest
        server.shutdown()
    postgres_catalogs.give_back(database)


def test_an_upgrade_does_what_the_check_said(home: Environment) -> None:
    engine(home).dispose()
    (home.home / "catalog.db").unlink()
    put(home, "004")
    code, output = elib(home, "upgrade")
    assert (
        code == 0
        and "  005  " in output
        and output.endswith("Upgraded: the catalog, Airflow's database and its pool.\n")
    )
    with read_transaction(home) as connection:
        assert connection.scalar(text("SELECT version_num FROM elib_alembic_version")) > "010"
