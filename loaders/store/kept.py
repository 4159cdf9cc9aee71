"""Keep what was counted in the catalog until somebody writes into it: pages count the same again and again.

Whether anything was written since is asked of the database: SQLite tells it to a connection that is kept for that
(`PRAGMA data_version`). On PostgreSQL each write transaction counts itself in a sequence while it has the lock under
which all write; while it is taken, nothing is kept.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy import Connection, text

from loaders.store.database import POSTGRES_LOCK_KEY, engine, read_transaction
from schemas import Environment

MAX_KEPT = 500  # results; the one that was asked for least recently goes first
_POSTGRES_STATE = text(
    "SELECT 2 * last_value + CAST(is_called AS int), "
    "EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :key "
    "AND classid = 0 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) "
    "FROM catalog_write"
)
_P = ParamSpec("_P")
_T = TypeVar("_T")


_request: ContextVar[dict[str, str] | None] = ContextVar("states of catalogs, by url, that a request has read")


class _Watch(NamedTuple):
    """A connection that is told of others' writes, to the file that has this inode."""

    connection: sqlite3.Connection
    inode: int


_lock = threading.Lock()
_watches: dict[tuple[str, int], _Watch] = {}  # by path and process
_results: OrderedDict[Hashable, tuple[str, Any]] = OrderedDict()  # by what was asked: state of the catalog, and result


def read_kept(
    env: Environment,
    read: Callable[Concatenate[Connection, _P], _T],
    *arguments: _P.args,
    **named: _P.kwargs,
) -> _T:
    """Return read(connection, …) in a read transaction of its own, or what it returned when nothing was written since.

    The arguments must be hashable, and the result depend on them and the catalog only: not on the time of day. Nobody
    may change the result.
    """
    state = _state(env)
    question = (read, env.catalog_url, arguments, tuple(sorted(named.items())))
    with _lock:
        known = _results.get(question)
        if known is not None and known[0] == state:
            _results.move_to_end(question)
            result: _T = known[1]
            return result
    with read_transaction(env) as connection:
        result = read(connection, *arguments, **named)
    with _lock:
        _results[question] = (state, result)
        while len(_results) > MAX_KEPT:
            _results.popitem(last=False)
    return result


@contextmanager
def in_one_state() -> Iterator[None]:
    """Let every read_kept inside go by the state that the first one read: a page that only reads asks for it once."""
    token = _request.set({})
    try:
        yield
    finally:
        _request.reset(token)


def _state(env: Environment) -> str:
    """Return what changes whenever anything is written into the catalog; inside in_one_state, what it was at first."""
    states = _request.get(None)
    if states is None:
        return _read_state(env)
    if env.catalog_url not in states:
        states[env.catalog_url] = _read_state(env)
    return states[env.catalog_url]


def _read_state(env: Environment) -> str:
    catalog = engine(env)
    if catalog.dialect.name == "postgresql":
        with catalog.connect() as connection:
            number, is_written = connection.execute(_POSTGRES_STATE, {"key": POSTGRES_LOCK_KEY}).one()
        return f"being written {time.monotonic_ns()}" if is_written else str(number)
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
