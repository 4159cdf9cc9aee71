"""Transactions of an installation's catalog: those that read see one moment of it, and one at a time writes.

A request of the web reads everything in one transaction (`in_one_state`): each of its own would cost PostgreSQL several
round trips, and a page would show moments apart.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from loaders.store.database import WRITE_OPTIONS, engine, snapshot
from loaders.store.leases import end_abandoned_writers, is_lock_timeout
from loaders.store.locks import catalog_lock, fence_locks
from schemas import Environment

log = logging.getLogger("elib.lock")
MAX_SHARED = 8  # transactions that requests share at a time, of the 15 connections that a process opens at most
_POSTGRES_LOCK_KEY = 0x656C6962  # "elib"
_WRITE_LOCK_SECONDS = 5  # that a writer waits before it looks whether the one before it stands still
_IDLE_WRITER_SECONDS = 1800  # that PostgreSQL waits for the next statement of a transaction that writes
_POSTGRES_STATE = text(
    "SELECT 2 * last_value + CAST(is_called AS int), "
    "EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :key "
    "AND classid = 0 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) "
    "FROM catalog_write"
)


class _Snapshot(NamedTuple):
    """A transaction that a request reads in, and the state of the catalog just before it began."""

    connection: Connection
    state: str


class OneState:
    """What a request reads in: of each catalog one transaction, begun when it is first read, until the end.

    When MAX_SHARED are open already, each read has a transaction of its own instead: a request keeps its connection
    while it waits for a thread, and threads wait for connections. Its methods are called by one thread at a time.
    """

    def __init__(self) -> None:
        self._snapshots: dict[str, _Snapshot] = {}
        self._states: dict[str, str] = {}
        self._is_ended = False

    @property
    def is_ended(self) -> bool:
        """Whether what reads has a transaction of its own again."""
        return self._is_ended

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._snapshots)

    def connection(self, env: Environment) -> Connection | None:
        """Return the connection of the transaction on a catalog, begun when there is none; None when too many are."""
        known = self._snapshots.get(env.catalog_url)
        if known is None and _free.acquire(blocking=False):
            try:
                known = self._snapshots[env.catalog_url] = _begin(env)
            except BaseException:
                _free.release()
                raise
        return known.connection if known else None

    def state(self, env: Environment) -> str:
        """Return the state of a catalog, as it was when the request first read it."""
        self.connection(env)
        if known := self._snapshots.get(env.catalog_url):
            return known.state
        if env.catalog_url not in self._states:
            self._states[env.catalog_url] = _read_state(env)
        return self._states[env.catalog_url]

    def forget(self, env: Environment) -> None:
        """End the transaction of a catalog; the next read begins another one."""
        self._states.pop(env.catalog_url, None)
        if known := self._snapshots.pop(env.catalog_url, None):
            _close(known)

    def end(self) -> None:
        """End all transactions; what reads afterwards has one of its own."""
        self._is_ended = True
        while self._snapshots:
            _close(self._snapshots.popitem()[1])


def _close(known: _Snapshot) -> None:
    try:
        known.connection.close()
    finally:
        _free.release()


_free = threading.BoundedSemaphore(MAX_SHARED)
_request: ContextVar[OneState | None] = ContextVar("what the request in work reads in", default=None)


@contextmanager
def in_one_state() -> Iterator[OneState]:
    """Let everything inside that reads do so in one transaction, until its `end` is called or the block is left.

    A write_transaction inside ends it too, so that what was written is read afterwards.
    """
    state = OneState()
    token = _request.set(state)
    try:
        yield state
    finally:
        _request.reset(token)
        state.end()


@contextmanager
def read_transaction(env: Environment) -> Iterator[Connection]:
    """Open a transaction whose reads all see the catalog as it was at one moment. Do not write in it."""
    request = _request_in_work()
    shared = None if request is None else request.connection(env)
    if request is None or shared is None:
        with snapshot(engine(env)) as connection:
            yield connection
        return
    try:
        yield shared
    except BaseException:
        request.forget(env)  # PostgreSQL reads nothing more in a transaction after an error
        raise


@contextmanager
def write_transaction(env: Environment) -> Iterator[Connection]:
    """Open the one transaction that may write, under the catalog lock; an exception rolls it back.

    Raises LeaseLost when a lock that this thread works under (feed_lock) is no longer its own.
    """
    catalog_engine = engine(env).execution_options(**WRITE_OPTIONS)
    is_postgres = catalog_engine.dialect.name == "postgresql"
    file_lock = nullcontext() if is_postgres else catalog_lock(env)
    with file_lock, catalog_engine.connect() as connection, connection.begin():
        if is_postgres:
            _take_write_lock(connection)
            fence_locks(connection)
            connection.execute(
                text("SELECT nextval(to_regclass('catalog_write'))")
            )  # read by catalog_state; absent at first
        yield connection
    if request := _request_in_work():
        request.forget(env)


def _take_write_lock(connection: Connection) -> None:
    """Wait until no other transaction writes; one whose process stands still and has lost its lease is ended."""
    # A process without a lease that stands still in its transaction keeps the others from writing until this time
    connection.exec_driver_sql(
        f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_WRITER_SECONDS}s'; SAVEPOINT before_lock"
    )
    while not _took_write_lock(connection):
        if ended := end_abandoned_writers(connection):
            log.warning("%d transactions ended whose processes stood still and had lost their leases", ended)


def _took_write_lock(connection: Connection) -> bool:
    try:
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = '{_WRITE_LOCK_SECONDS}s'; SELECT pg_advisory_xact_lock({_POSTGRES_LOCK_KEY}); "
            "SET LOCAL lock_timeout TO DEFAULT; RELEASE before_lock"
        )
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        connection.exec_driver_sql("ROLLBACK TO before_lock")
        return False
    return True


def catalog_state(env: Environment) -> str:
    """Return what changes whenever anything is written into the catalog; inside in_one_state, what it was at first."""
    request = _request_in_work()
    return _read_state(env) if request is None else request.state(env)


def _read_state(env: Environment) -> str:
    catalog = engine(env)
    if catalog.dialect.name != "postgresql":
        return _sqlite_state(catalog)
    with catalog.connect() as connection:
        return _postgres_state(connection)


def _request_in_work() -> OneState | None:
    request = _request.get()
    return None if request is None or request.is_ended else request


def _begin(env: Environment) -> _Snapshot:
    """Read the state, and then begin a transaction: what it sees is of that state or a later one."""
    catalog = engine(env)
    connection = catalog.connect()
    try:
        if catalog.dialect.name == "postgresql":
            with connection.execution_options(isolation_level="AUTOCOMMIT").begin():
                state = _postgres_state(connection)
            connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            state = _sqlite_state(catalog)
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return _Snapshot(connection, state)


def _postgres_state(connection: Connection) -> str:
    number, is_written = connection.execute(_POSTGRES_STATE, {"key": _POSTGRES_LOCK_KEY}).one()
    return f"being written {time.monotonic_ns()}" if is_written else str(number)


class _Watch(NamedTuple):
    """A connection that is told of others' writes, to the file that has this inode."""

    connection: sqlite3.Connection
    inode: int


_lock = threading.Lock()
_watches: dict[tuple[str, int], _Watch] = {}  # by path and process


def _sqlite_state(catalog: Engine) -> str:
    path = Path(catalog.url.database or "")
    with _lock:
        watch = _watch(path)
        return f"{watch.inode}:{watch.connection.execute('PRAGMA data_version').fetchone()[0]}"


def _watch(path: Path) -> _Watch:
    """Return the watch on a file; a file that was put in its place has another one."""
    inode = path.stat().st_ino
    name = (str(path), os.getpid())
    watch = _watches.get(name)
    if watch is None or watch.inode != inode:
        if watch is not None:
            watch.connection.close()
        watch = _watches[name] = _Watch(sqlite3.connect(path, check_same_thread=False, isolation_level=None), inode)
    return watch
