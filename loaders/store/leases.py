"""Locks with a lease, in PostgreSQL: a session advisory lock on a connection of its own, renewed there by a thread.

The lock lives as long as its session: the server ends that when the process is killed, and when it is not renewed for
the length of the lease, because the process is stopped or its machine switched off. All times are those of the server's
clock. The row of `lease` says to people who has the lock, and its token, which grows with every new holder, fences a
holder that has lost it: see `fence`.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import select as system_select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from schemas import Environment, sentence

log = logging.getLogger("elib.lock")
LEASE_VARIABLE = "ELIB_LEASE_SECONDS"
_LEASE_SECONDS, _MIN_LEASE_SECONDS, _MAX_LEASE_SECONDS = 60.0, 2.0, 3600.0
_RENEWALS = 4  # in the length of a lease
_LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE
_MAX_POOLED = 10  # connections that are opened to see whether a pooler shares one session among them
_CONNECT_SECONDS = 10
_COMPLAINTS_OF_POOLERS = ("unsupported startup parameter", "statement pooling mode")
_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
_CONNECT_OPTIONS = {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": 15_000, "prepare_threshold": None}
# The server's own: it gives up a machine that was switched off after about 20 seconds.
_SESSION = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
# The columns of `lease` are text, as every time in the catalog
_INSERT = """
INSERT INTO lease (name, holder, token, since, until)
SELECT :name, :holder, 1, to_char(times.began, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(times.began + make_interval(secs => :seconds), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS began) AS times
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, since = excluded.since, until = excluded.until, token = """
_TAKE = text(_INSERT + "lease.token + 1 RETURNING token")
_SHARE = text(_INSERT + "lease.token RETURNING token")
_RENEW = text("""
UPDATE lease SET until = to_char(
    (clock_timestamp() + make_interval(secs => :seconds)) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
)
WHERE name = :name AND token = :token RETURNING pg_backend_pid()
""")
_END = text("""
UPDATE lease SET until = to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
WHERE name = :name AND token = :token
""")
_UNLOCK = text("SELECT pg_advisory_unlock_all()")
_FENCE = text("SELECT 1 FROM lease WHERE name = :name AND token = :token FOR KEY SHARE")
_IS_HELD = text("""
SELECT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = :key
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
""")
# What sessions are called in pg_stat_activity: "elib lock feed:books" and, of a transaction under leases, with the end
# of the keys of their locks, "elib write #1f0a33c2 books-20261130T040000"; PostgreSQL keeps no more characters of it.
_LOCKER, _WRITER, _MAX_NAME_CHARS = "elib lock", "elib write", 63
_RUN_SECONDS_CHARS = 15  # of a run id's time, without its microseconds
_ROW_LOCK_SECONDS = 5  # that a holder waits for what an earlier one is just committing
# Only a process that stands still lets a transaction wait for it for longer than a lease lasts, and renews no lease
_END_ABANDONED = text("""
SELECT count(pg_terminate_backend(pid))
FROM pg_stat_activity, LATERAL unnest(string_to_array(substr(application_name, length(:writer) + 2), ' ')) AS lease_key
WHERE datname = current_database() AND starts_with(application_name, :writer || ' ') AND pid <> pg_backend_pid()
AND starts_with(lease_key, '#') AND state <> 'idle' AND wait_event IN ('ClientRead', 'ClientWrite')
AND (
    lease_key = :mine
    OR state_change < clock_timestamp() - make_interval(secs => :seconds) AND NOT EXISTS (
        SELECT 1 FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND '#' || lpad(to_hex(objid::bigint), 8, '0') = lease_key
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
)
""")


class LeaseLost(Exception):
    """The lock that this process worked under is no longer its own, and it must write nothing more."""


class LockUnusable(Exception):
    """No lock can be held over the connection that the settings name; the text says what to set."""


def lease_seconds() -> float:
    """Return how long a lease lasts without being renewed (ELIB_LEASE_SECONDS). Raises LockUnusable for nonsense."""
    value = os.environ.get(LEASE_VARIABLE, "").strip()
    try:
        seconds = float(value or _LEASE_SECONDS)
    except ValueError:
        seconds = 0.0
    if not _MIN_LEASE_SECONDS <= seconds <= _MAX_LEASE_SECONDS:
        raise LockUnusable(
            f"{LEASE_VARIABLE}={value} is not a number of seconds from {_MIN_LEASE_SECONDS:g} to "
            f"{_MAX_LEASE_SECONDS:g}; leave it out for {_LEASE_SECONDS:g}"
        )
    return seconds


def lock_key(connection: Connection, name: str) -> int:
    """Return the key of an advisory lock: signed 64 bits, the digest of its name and the catalog's schema."""
    schema = connection.scalar(text("SELECT current_schema()"))
    digest = hashlib.blake2b(f"elib:{schema}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def is_lease_held(connection: Connection, name: str) -> bool:
    """Return whether some session has the lock."""
    return bool(connection.scalar(_IS_HELD, {"key": lock_key(connection, name)}))


def read_holder(connection: Connection, name: str) -> tuple[str, str, str] | None:
    """Return who took the lock last, since when, and until when the lease lasts; None when nobody ever did."""
    row = connection.execute(text("SELECT holder, since, until FROM lease WHERE name = :name"), {"name": name}).first()
    return None if row is None else (row[0], row[1], row[2])


class Lease:
    """A lock of PostgreSQL that this process has, from `take` to `release`.

    Exclusive, or shared with others that share it. `token` is None of a lock that is only there to be seen: it has no
    row, because nothing is written under it.
    """

    def __init__(self, env: Environment, name: str, *, shared: bool, is_noted: bool = True) -> None:
        self.name = name
        self.run = ""  # the id of the run that is worked on under it, once that is known
        self.token: int | None = None
        self._shared, self._is_noted, self._seconds = shared, is_noted, lease_seconds()
        self._engine = _lock_engine(env)
        self._connection = _connect(self._engine)
        self._renewed = _clock()
        self._lost = threading.Event()
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._renew_until_released, name=f"lease {name}", daemon=True)
        try:
            self._backend = _prepare_session(self._engine, self._connection, name, self._seconds)
            self.key = lock_key(self._connection, name)
        except BaseException:
            self._close()
            raise

    def try_take(self, holder: str) -> bool:
        """Take the lock and begin to renew it, unless another has it; return whether it is taken."""
        function = "pg_try_advisory_lock_shared" if self._shared else "pg_try_advisory_lock"
        if not self._connection.scalar(text(f"SELECT {function}(:key)"), {"key": self.key}):
            return False
        if self._is_noted:
            self._note(holder)
        self._renewed = _clock()
        self._thread.start()
        return True

    def _note(self, holder: str) -> None:
        """Write the row of the lease; an exclusive one waits for what an earlier holder is just committing."""
        values = {"name": self.name, "holder": holder, "seconds": self._seconds}
        if self._shared:
            self.token = self._connection.scalar(_SHARE, values)
            return
        while not self._lock_row():
            ended = end_abandoned_writers(self._connection, self.key)
            log.warning("%s: an earlier holder was still writing; %d of its transactions ended", self.name, ended)
        self.token = self._connection.scalar(_TAKE, values)
        self._connection.exec_driver_sql("COMMIT")

    def _lock_row(self) -> bool:
        """Begin a transaction that locks the row and its key, for which it waits until fenced transactions end."""
        self._connection.exec_driver_sql(f"BEGIN; SET LOCAL lock_timeout = '{_ROW_LOCK_SECONDS}s'")
        try:
            self._connection.execute(text("SELECT 1 FROM lease WHERE name = :name FOR UPDATE"), {"name": self.name})
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            self._connection.exec_driver_sql("ROLLBACK")
            return False
        return True

    def holder(self) -> tuple[str, str, str] | None:
        """Return who has the lock, as `read_holder` does."""
        return read_holder(self._connection, self.name)

    def check(self) -> None:
        """Raise LeaseLost when the lock is no longer this process's own, as far as it can know without asking."""
        if self._lost.is_set() or _clock() - self._renewed > self._seconds:
            raise _lost(self.name)

    def release(self) -> None:
        """Let go of the lock."""
        if self._thread.ident is not None:
            self._waker.send(b".")
            self._thread.join()
        try:
            if not self._lost.is_set():
                if self.token is not None:
                    self._connection.execute(_END, {"name": self.name, "token": self.token})
                self._connection.execute(_UNLOCK)  # the server notices the end of a connection only a moment later
        except DBAPIError as error:  # its session has ended, and the lock with it
            log.warning("%s: its lock's connection was cut: %s", self.name, _first_line(error))
        finally:
            self._close()

    def _close(self) -> None:
        with contextlib.suppress(DBAPIError):
            self._connection.close()
        self._waker.close()
        self._woken.close()

    def _renew_until_released(self) -> None:
        """Renew the lease until it is released; however else this ends, the lease is lost."""
        try:
            while not self._is_released_soon():
                began = _clock()
                if not self._renew():
                    break
                self._renewed = began
            else:
                return
        except Exception:  # of a connection that is closed already
            log.exception("%s: its lock is lost", self.name)
        self._lost.set()

    def _is_released_soon(self) -> bool:
        """Wait for a part of the lease's length, less when the server says something: that it ends the session."""
        driver: Any = self._connection.connection.driver_connection
        ready, _, _ = system_select.select([self._woken, driver], [], [], self._seconds / _RENEWALS)
        return self._woken in ready

    def _renew(self) -> bool:
        values = {"name": self.name, "token": self.token, "seconds": self._seconds}
        statement = text("SELECT pg_backend_pid()") if self.token is None else _RENEW
        try:
            backend = self._connection.scalar(statement, None if self.token is None else values)
        except DBAPIError as error:
            log.error("%s: its lock is lost: %s", self.name, _first_line(error))
            return False
        if backend != self._backend:
            log.error("%s: its lock is lost: another took it over, or its session was given to another", self.name)
        return bool(backend == self._backend)


def fence(connection: Connection, leases: Sequence[Lease]) -> None:
    """Let the transaction that begins on the connection write only if the leases are still its writer's.

    Until it ends, nobody can take them over. The rows are locked FOR KEY SHARE, not FOR UPDATE, which would keep the
    leases from being renewed while a load writes for minutes. Raises LeaseLost.
    """
    noted = [lease for lease in leases if lease.token is not None]
    for lease in noted:
        lease.check()
        if connection.execute(_FENCE, {"name": lease.name, "token": lease.token}).first() is None:
            raise _lost(lease.name)
    if noted:
        name = {"name": _name_of_writer(noted)}
        connection.execute(text("SELECT set_config('application_name', :name, true)"), name)


def _name_of_writer(leases: Sequence[Lease]) -> str:
    """Return the name of a transaction under leases: the keys of their locks, then the run or what it is about."""
    keys = " ".join([_WRITER, *(_key_word(lease.key) for lease in leases)])
    about = next((lease.run for lease in leases if lease.run), leases[0].name)
    feed, dash, time = about.rpartition("-")
    end = f"{dash}{time[:_RUN_SECONDS_CHARS]}" if feed else ""
    room = max(0, _MAX_NAME_CHARS - len(keys) - len(end) - 1)
    return f"{keys} {(feed or about)[:room]}{end}"


def _key_word(key: int | None) -> str:
    """Return the last 32 bits of a lock's key, the `objid` of pg_locks, as a word of a session's name."""
    return "" if key is None else f"#{key & 0xFFFFFFFF:08x}"


def end_abandoned_writers(connection: Connection, key: int | None = None) -> int:
    """End the transactions whose writers have stood still and lost their leases; return how many.

    Those that write under the lock of this key are ended at once: its holder calls this, so that none of them is its.
    """
    values = {"writer": _WRITER, "mine": _key_word(key), "seconds": lease_seconds()}
    return connection.scalar(_END_ABANDONED, values) or 0


def is_lock_timeout(error: DBAPIError) -> bool:
    """Return whether a statement gave up because it waited for a lock longer than it should."""
    return getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _lost(name: str) -> LeaseLost:
    return LeaseLost(
        sentence(
            "%(name)s: this process lost its lock, because it stood still or its connection to PostgreSQL was cut; it "
            "writes nothing more, and the next try goes on from what was kept",
            name=name,
        )
    )


def _clock() -> float:
    """Return seconds that go on while the process, or the machine, is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _lock_engine(env: Environment) -> Engine:
    """Return an engine whose connections no other code uses: each is opened for one lock, and closed after it."""
    return _engine(env.lock_url or env.catalog_url, os.getpid())


@lru_cache(maxsize=16)
def _engine(lock_url: str, _pid: int) -> Engine:
    try:
        address = make_url(lock_url)
    except (ArgumentError, ValueError) as error:
        raise LockUnusable("ELIB_LOCK_URL is not the address of a database; use postgresql+psycopg://…") from error
    if address.get_backend_name() != "postgresql":
        raise LockUnusable("ELIB_LOCK_URL does not name a PostgreSQL; give the direct address of the catalog's server")
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={**_KEEPALIVES, **_CONNECT_OPTIONS, "application_name": _LOCKER},
    )


def _connect(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        if any(complaint in str(error) for complaint in _COMPLAINTS_OF_POOLERS):
            raise _pooled() from error
        raise


def _prepare_session(engine: Engine, connection: Connection, lock_name: str, seconds: float) -> int:
    """Have the server end the session when nobody renews it; return the session's number. Raises LockUnusable."""
    backend = _own_backend(engine, connection)
    settings = {**_SESSION, "idle_session_timeout": f"{round(seconds * 1000)}"}
    settings["application_name"] = f"{_LOCKER} {lock_name}"[:_MAX_NAME_CHARS]
    calls = ", ".join(f"set_config('{name}', :{name}, false)" for name in settings)
    connection.execute(text(f"SELECT {calls}"), settings)
    return backend


def _own_backend(engine: Engine, connection: Connection) -> int:
    """Return the number of the server's process that is this connection's own.

    Raises LockUnusable when a pooler gives the same one to several connections. A pooler tells its clients another
    number than the server has; then connections are opened until one of them gets this one's process, or none does.
    """
    driver = connection.connection.driver_connection
    backend: int = connection.scalar(text("SELECT pg_backend_pid()"))
    if driver is not None and driver.info.backend_pid == backend:
        return backend
    with contextlib.ExitStack() as others:
        for other in _open_others(engine, others):
            is_shared = other.scalar(text("SELECT pg_backend_pid()")) == backend
            if is_shared or connection.scalar(text("SELECT pg_backend_pid()")) != backend:
                raise _pooled()
    return backend


def _open_others(engine: Engine, others: contextlib.ExitStack) -> Iterator[Connection]:
    """Open transactions, all of which stay open; fewer when the pooler has no more to give."""
    for _ in range(_MAX_POOLED):
        try:
            other = others.enter_context(engine.connect())
            other.exec_driver_sql("BEGIN")
        except OperationalError:
            return
        yield other


def _pooled() -> LockUnusable:
    return LockUnusable(
        "The feeds' locks cannot be held through a pooler that gives every transaction another session (pgbouncer's "
        "pool_mode = transaction): set ELIB_LOCK_URL to the address of PostgreSQL itself, or of a pool in session mode"
    )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
