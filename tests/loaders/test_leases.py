"""Who works on a feed is known by a lock that the system gives back, on every machine, and never by a process id."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import insert, text

from loaders import store
from loaders.store import FeedBusy, LockUnusable, feed_lock, hold_lock, is_locked
from loaders.store.models import HarvestRunRow
from schemas import Environment, environment
from tests.catalogs import PostgresCatalogs
from tests.loaders.nights import rows

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 2.0  # the shortest
on_postgres = pytest.mark.parametrize("env", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIB_LEASE_SECONDS", str(LEASE_SECONDS))


CUT = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE starts_with(application_name, 'elib lock') AND datname = current_database()"""
WAITING = """SELECT 1 FROM pg_stat_activity WHERE query LIKE '%FROM lease WHERE name%FOR UPDATE%'
AND wait_event_type = 'Lock' AND datname = current_database()"""
BEGIN = """
import os, sys
from loaders import store
from loaders.migrations import migrate
from schemas import environment
env = environment({"ELIB_CATALOG_URL": sys.argv[1], "ELIB_HOME": sys.argv[2]})
try:
    store.begin_run(env, "books", take_over=False)
except store.FeedBusy as busy:
    print(f"{os.getpid()}: {busy}")
"""


def apart(host: str) -> list[str]:
    """Return the words before a command that give it a host name of its own, and the process id 1."""
    return ["unshare", "--uts", "--pid", "--fork", "sh", "-c", f'hostname {host}; exec "$@"', "-"]


def python_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


class Holder:
    """A process that has a lock and does as it is told."""

    def __init__(self, env: Environment, name: str, *, lock_url: str = "", host: str = "") -> None:
        words = [sys.executable, "-m", "tests.loaders.lease_process", env.catalog_url, str(env.home), name, lock_url]
        self.process = subprocess.Popen(
            [*(apart(host) if host else []), *words],
            cwd=ROOT,
            env=python_path(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.first = self.said()

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> str:
        """Send a word and return what comes back."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.said()

    def kill(self) -> None:
        """Kill the process, and what it has started, with SIGKILL."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
        self.process.kill()
        self.process.wait()


@contextmanager
def held(env: Environment, name: str = "feed:books", **how: str) -> Iterator[Holder]:
    holder = Holder(env, name, **how)
    try:
        assert holder.first == "held"
        yield holder
    finally:
        with suppress(ProcessLookupError):
            holder.process.send_signal(signal.SIGCONT)
        holder.kill()


def begun(env: Environment) -> str:
    """Write the row of a run that some process is said to work on: this one, by its id, on another machine."""
    values = {"id": "books-20260101T000000000000", "feed": "books", "kind": "test", "status": "running"}
    with store.write_transaction(env) as connection:
        worker = f"another.test, process {os.getpid()}"
        connection.execute(insert(HarvestRunRow).values(**values, started_at=store.now(), worker=worker))
    return values["id"]


def notes(env: Environment) -> list[tuple[str | None]]:
    return rows(env, "harvest_run WHERE kind = 'test'", "notes")


def test_a_killed_holder_blocks_nobody_and_its_run_is_taken_over(env: Environment) -> None:
    run = begun(env)
    with held(env) as holder:
        busy = rf"^books: {socket.gethostname()}, process \d+ has been at work on it since 20"
        with pytest.raises(FeedBusy, match=busy):
            store.begin_run(env, "books", take_over=False)
        assert store.is_feed_at_work(env, "books")
        assert holder.tell("write") == "written"
        holder.kill()
        assert store.begin_run(env, "books") > run
    assert not store.is_feed_at_work(env, "books")
    assert (store.read_run(env, run).status, notes(env)) == ("failed", [("feed:books",)])


def test_a_live_run_of_another_host_with_an_equal_process_id_is_never_ended(env: Environment) -> None:
    if subprocess.run([*apart("w1.test"), "true"], check=False).returncode:
        pytest.skip("this user may not start processes with a host name and process ids of their own")
    run = begun(env)
    with held(env, host="w1.test") as holder:
        assert "w1.test, process 1 has been at work" in told_busy(env)
        other = [*apart("w2.test"), sys.executable, "-c", BEGIN, env.catalog_url, str(env.home)]
        answer = subprocess.run(other, cwd=ROOT, env=python_path(), capture_output=True, text=True, check=True)
        assert re.match(r"1: books: w1\.test, process 1 has been at work", answer.stdout), "the same id on both hosts"
        assert store.read_run(env, run).status == "running"
        assert holder.tell("write") == "written"


def told_busy(env: Environment) -> str:
    """What somebody is told who does not wait for the feed."""
    with pytest.raises(FeedBusy) as busy:
        store.begin_run(env, "books", take_over=False)
    return str(busy.value)


@on_postgres
def test_a_holder_that_stands_still_loses_its_lock_and_writes_nothing_when_it_goes_on(env: Environment) -> None:
    begun(env)
    with held(env) as holder:
        assert holder.tell("write") == "written"
        holder.process.send_signal(signal.SIGSTOP)
        with feed_lock(env, "books"), store.write_transaction(env) as connection:
            connection.execute(text("UPDATE harvest_run SET notes = 'the next' WHERE kind = 'test'"))
        holder.process.send_signal(signal.SIGCONT)
        assert holder.tell("write").startswith("lost: feed:books: this process lost its lock")
        assert holder.tell("file").startswith("lost: ")
    assert notes(env) == [("the next",)] and not (env.home / "written").exists()


@on_postgres
def test_a_writer_that_stands_still_within_its_transaction_keeps_neither_its_feed_nor_the_catalog(
    env: Environment,
) -> None:
    begun(env)
    for name in ("feed:books", "feed:films"):
        with held(env, name) as holder:
            assert holder.tell("stay") == "in a transaction"
            holder.process.send_signal(signal.SIGSTOP)
            with feed_lock(env, "books"), store.write_transaction(env) as connection:
                connection.execute(text("UPDATE harvest_run SET notes = :name WHERE kind = 'test'"), {"name": "next"})
    assert notes(env) == [("next",)]


@on_postgres
def test_who_writes_for_longer_than_a_lease_lasts_keeps_it(env: Environment) -> None:
    begun(env)
    with held(env) as holder:
        assert holder.tell("stay") == "in a transaction"
        with store.engine(env).connect() as connection:
            connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": 2 * LEASE_SECONDS})
        assert "at work" in told_busy(env)
        assert holder.tell("go on") == "written"
    assert notes(env) == [("feed:books",)]


@on_postgres
def test_a_holder_whose_connection_is_cut_is_told_and_writes_nothing_more(env: Environment) -> None:
    begun(env)
    with held(env) as holder:
        with store.engine(env).connect() as connection:
            ended = connection.scalar(text(CUT))
        assert ended == 1
        with feed_lock(env, "books"):
            assert holder.tell("write").startswith("lost: ")
            assert holder.tell("file").startswith("lost: ")
    assert notes(env) == [(None,)] and not (env.home / "written").exists()


@on_postgres
def test_a_fenced_transaction_ends_before_the_lock_is_taken_over(env: Environment) -> None:
    """Its lock's connection is cut after it began to write: what it commits was written under the lock."""
    begun(env)
    with held(env) as holder:
        assert holder.tell("stay") == "in a transaction"
        with store.engine(env).connect() as connection:
            connection.execute(text(CUT))
        taken = threading.Event()
        thread = threading.Thread(target=lambda: [_take(env), taken.set()])
        thread.start()
        until(lambda: is_waiting(env))
        assert not taken.is_set()
        assert holder.tell("go on") == "written"
        thread.join()
    assert taken.is_set() and notes(env) == [("feed:books",)]


def is_waiting(env: Environment) -> bool:
    with store.engine(env).connect() as connection:
        return connection.scalar(text(WAITING)) is not None


def _take(env: Environment) -> None:
    with feed_lock(env, "books"):
        pass


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


@on_postgres
def test_only_the_servers_clock_decides(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease's times are the server's, so that clocks of two machines may differ by minutes."""
    with held(env, host="") as holder, store.read_transaction(env) as connection:
        since, ends, now = connection.execute(
            text(
                "SELECT since::timestamptz, until::timestamptz, clock_timestamp() FROM lease WHERE name = 'feed:books'"
            )
        ).one()
        assert since <= now and timedelta(0) < ends - now <= timedelta(seconds=LEASE_SECONDS)
        assert holder.tell("write") == "written"

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2030, 1, 1, tzinfo=UTC)

    with held(env) as holder:
        monkeypatch.setattr("loaders.store.locks.datetime", Later)
        monkeypatch.setattr("loaders.store.run.datetime", Later)
        assert "at work" in told_busy(env)
        assert holder.tell("write") == "written"


def test_tasks_of_one_run_share_its_lock_and_others_have_it_alone(env: Environment) -> None:
    with feed_lock(env, "books", shared=True):
        seen: list[str] = []

        def work_beside() -> None:
            with feed_lock(env, "books", shared=True, wait=False):
                seen.append("beside")
            try:
                with feed_lock(env, "books", wait=False):
                    seen.append("alone")
            except FeedBusy:
                seen.append("busy")

        thread = threading.Thread(target=work_beside)
        thread.start()
        thread.join()
        assert seen == ["beside", "busy"]
        assert is_locked(env, "feed:books")
        with pytest.raises(RuntimeError, match="cannot have it alone"), feed_lock(env, "books"):
            pass
    with feed_lock(env, "books"), feed_lock(env, "books", shared=True):
        assert "at work" in other_thread(lambda: told_busy(env))
    assert not is_locked(env, "feed:books")


def other_thread(call: Callable[[], str]) -> str:
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


@on_postgres
def test_sessions_are_called_for_the_feed_and_the_run_that_they_work_for(env: Environment) -> None:
    run, long_feed = begun(env), "the_open_textbooks_of_a_university_with_a_long_name"
    names = f"SELECT application_name FROM pg_stat_activity WHERE {CUT.partition('WHERE ')[2]}"
    with store.locked_run(env, run), store.write_transaction(env) as connection:
        assert list(connection.scalars(text(names))) == ["elib lock feed:books"]
        name = connection.scalar(text("SELECT current_setting('application_name')"))
        assert re.fullmatch(r"elib write #[0-9a-f]{8} books-20260101T000000", name)
    locks = [*(hold_lock(env, f"feed:lock_{number}") for number in range(3)), feed_lock(env, long_feed)]
    with ExitStack() as held_locks:
        for lock in locks:
            held_locks.enter_context(lock)
        connection = held_locks.enter_context(store.write_transaction(env))
        name = connection.scalar(text("SELECT current_setting('application_name')"))
    assert len(re.findall(r"#[0-9a-f]{8}\b", name)) == len(locks), "the key of each lock is whole"
    assert name.endswith(" feed:lock_0")


def test_a_lock_that_only_shows_that_a_process_lives_leaves_no_row(env: Environment) -> None:
    with hold_lock(env, "work:1", is_noted=False):
        assert is_locked(env, "work:1") and not is_locked(env, "work:2")
    assert not is_locked(env, "work:1")
    assert rows(env, "lease") == []


def test_a_lease_of_nonsense_is_refused(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    if env.catalog_url.startswith("sqlite"):
        pytest.skip("file locks have no lease")
    for nonsense in ("soon", "0", "nan", "1e9"):
        monkeypatch.setenv("ELIB_LEASE_SECONDS", nonsense)
        refused = pytest.raises(LockUnusable, match=f"ELIB_LEASE_SECONDS={nonsense} is not a number of seconds from 2")
        with refused, feed_lock(env, "books"):
            pass


@on_sqlite
def test_an_address_for_locks_beside_sqlite_is_refused(env: Environment) -> None:
    told = environment({"ELIB_HOME": str(env.home), "ELIB_LOCK_URL": "postgresql://127.0.0.1/x"})
    with pytest.raises(LockUnusable, match="the catalog is SQLite"), feed_lock(told, "books"):
        pass


PGBOUNCER = """
[databases]
{database} = host=127.0.0.1 port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = {mode}
max_client_conn = 50
default_pool_size = 20
ignore_startup_parameters = {ignored}
logfile =
pidfile =
unix_socket_dir =
"""


@pytest.fixture
def database(tmp_path: Path, postgres_catalogs: PostgresCatalogs) -> Iterator[Environment]:
    """A catalog in a database of its own, whose address names nothing that a pooler does not pass on."""
    address = postgres_catalogs.take()
    made = environment({"ELIB_HOME": str(tmp_path), "ELIB_CATALOG_URL": address})
    yield made
    store.engine(made).dispose()
    postgres_catalogs.give_back(address)


@contextmanager
def pooler(folder: Path, database: str, mode: str, ignored: str = "") -> Iterator[str]:
    """Run a pgbouncer, and yield the address of the database behind it."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    folder.mkdir()
    folder.chmod(0o777)
    port = free_port()
    settings = PGBOUNCER.format(database=database, port=port, mode=mode, folder=folder, ignored=ignored or "options")
    (folder / "pgbouncer.ini").write_text(settings)
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([program, "-q", *user, str(folder / "pgbouncer.ini")])
    try:
        until(lambda: answers(port))
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/{database}"
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("mode", "first"), [("transaction", "unusable: "), ("statement", "unusable: "), ("session", "held")]
)
def test_a_pooler_that_shares_sessions_is_refused_with_what_to_set(
    database: Environment, tmp_path: Path, mode: str, first: str
) -> None:
    env = database
    with pooler(tmp_path / "pooler", env.catalog_url.rpartition("/")[2], mode) as address:
        pooled = environment({"ELIB_HOME": str(tmp_path / "home"), "ELIB_CATALOG_URL": address})
        holder = Holder(pooled, "feed:books")
        try:
            assert holder.first.startswith(first)
            assert (mode == "session") != ("ELIB_LOCK_URL" in holder.first)
        finally:
            holder.kill()
        with held(pooled, lock_url=env.catalog_url) as direct:
            if mode != "statement":  # in which no transaction works
                assert direct.tell("write") == "written"
            assert store.is_feed_at_work(env, "books")
