"""Locks: one writer of the catalog, and one process at a time for each feed, for the publication and for the links.

With SQLite they are file locks of the operating system, which lets go of them when a process dies. With PostgreSQL they
are leases in the catalog (loaders.store.leases), which hold for every machine. No lock is ever cleared by hand, and
nothing is judged by a process id. A thread may take a lock again that it has; another thread waits as a process does.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from filelock import BaseFileLock, FileLock
from sqlalchemy import Connection

from loaders.store.database import engine, parse_catalog_url
from loaders.store.leases import Lease, LockUnusable, fence, is_lease_held
from schemas import Environment, Sentence, sentence

log = logging.getLogger("elib.feed")
LOCK_WARNING_SECONDS = 2.0  # how long a process waits before it logs why
PUBLICATION_LOCK = "publication"
_POLL_SECONDS = 0.25
_GRACE_SECONDS = 0.2  # that those who do not wait wait nevertheless: somebody may only have looked
_FOREVER = float("inf")


class FeedBusy(Exception):
    """Another process is running the feed."""


class _Lock(Protocol):
    """A lock that can be taken once."""

    def try_take(self, holder: str) -> bool: ...

    def holder(self) -> tuple[str, str, str] | None: ...

    def check(self) -> None: ...

    def release(self) -> None: ...


class _Held(NamedTuple):
    lock: _Lock
    shared: bool


class _HeldByThread(threading.local):
    """The locks that a thread has, by catalog, folder, name and process: a forked child has none of its parent's."""

    def __init__(self) -> None:
        self.locks: dict[tuple[str, Path, str, int], _Held] = {}


_held = _HeldByThread()


def catalog_lock(env: Environment) -> BaseFileLock:
    """Return the lock that a writer of the catalog takes: `with catalog_lock(env): …`."""
    return _catalog_lock(env.locks / "catalog.lock", os.getpid())


@lru_cache(maxsize=256)
def _catalog_lock(path: Path, _pid: int) -> BaseFileLock:
    """Return one lock object per path and process: a forked child has none of its parent's locks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def feed_lock_name(feed: str) -> str:
    """Return the name of a feed's lock."""
    return f"feed:{feed}"


@contextmanager
def feed_lock(env: Environment, feed: str, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
    """Take the lock under which a feed is harvested, staged or loaded, by a DAG's task or from the command line.

    Tasks of one run that work side by side share it. Logs a warning after LOCK_WARNING_SECONDS of waiting. Without
    `wait`, raises FeedBusy at once. With PostgreSQL, LockUnusable when no lock can be held.
    """
    with hold_lock(env, feed_lock_name(feed), title=feed, wait_seconds=_FOREVER if wait else 0, shared=shared):
        yield


@contextmanager
def hold_lock(
    env: Environment,
    name: str,
    *,
    title: str = "",
    wait_seconds: float = 0,
    shared: bool = False,
    is_noted: bool = True,
) -> Iterator[None]:
    """Take a lock by its name, for the time of the block; `title` is what sentences call what it is about.

    Raises FeedBusy when another has it after `wait_seconds`. Without `is_noted` nothing is written under it: it only
    shows to others that the process is alive. A shared lock cannot be made exclusive by taking it again.
    """
    place = (env.catalog_url, env.locks, name, os.getpid())
    known = _held.locks.get(place)
    if known is not None:
        if known.shared and not shared:
            raise RuntimeError(f"{name}: this thread shares the lock, and cannot have it alone before it lets go")
        known.lock.check()
        yield
        return
    lock = _wait_for(_new_lock(env, name, shared=shared, is_noted=is_noted), title or name, wait_seconds)
    _held.locks[place] = _Held(lock, shared)
    try:
        yield
    finally:
        del _held.locks[place]
        lock.release()


def _new_lock(env: Environment, name: str, *, shared: bool, is_noted: bool) -> _Lock:
    if _is_in_postgres(env):
        return Lease(env, name, shared=shared, is_noted=is_noted)
    return _FileLock(lock_path(env, name), shared=shared)


def _wait_for(lock: _Lock, title: str, wait_seconds: float) -> _Lock:
    """Take the lock; when that is impossible, give it back untaken."""
    began, is_told = time.monotonic(), False
    try:
        while not lock.try_take(this_worker()):
            waited = time.monotonic() - began
            if waited >= max(wait_seconds, _GRACE_SECONDS):
                raise FeedBusy(_busy(title, lock.holder()))
            if not is_told and waited >= LOCK_WARNING_SECONDS:
                is_told = True
                log.warning("%s; waiting until it is done", _busy(title, lock.holder()))
            time.sleep(min(_POLL_SECONDS, max(0.01, wait_seconds)))
    except BaseException:
        lock.release()
        raise
    return lock


def _busy(title: str, holder: tuple[str, str, str] | None) -> Sentence:
    """Return the sentence for a lock that another has: who, since when, and what to do."""
    who, since, until = holder or ("another process", "", "")
    if not since:
        return sentence("%(title)s: another process is at work on it; try again when it is done", title=title)
    if not until:
        return sentence(
            "%(title)s: %(holder)s has been at work on it since %(since)s; try again when it is done, or end that "
            "process",
            title=title,
            holder=who,
            since=_to_seconds(since),
        )
    return sentence(
        "%(title)s: %(holder)s has been at work on it since %(since)s; try again when it is done, or end that process: "
        "its lease lapses at %(until)s unless renewed",
        title=title,
        holder=who,
        since=_to_seconds(since),
        until=_to_seconds(until),
    )


def _to_seconds(time: str) -> str:
    return f"{time[:19]}Z"


def is_locked(env: Environment, name: str, *, connection: Connection | None = None) -> bool:
    """Return whether some process, this one or another, has the lock, alone or shared."""
    if not _is_in_postgres(env):
        return _is_file_locked(lock_path(env, name))
    if connection is not None:
        return is_lease_held(connection, name)
    with engine(env).connect() as own:
        return is_lease_held(own, name)


def is_feed_at_work(env: Environment, feed: str) -> bool:
    """Return whether a process works on the feed at this moment."""
    return is_locked(env, feed_lock_name(feed))


def name_run(env: Environment, name: str, run_id: str) -> None:
    """Say which run this thread works on under a lock that it has, to who looks at the sessions of PostgreSQL."""
    held = _held.locks.get((env.catalog_url, env.locks, name, os.getpid()))
    if held is not None and isinstance(held.lock, Lease):
        held.lock.run = run_id


def require_locks() -> None:
    """Raise LeaseLost when a lock that this thread has taken is no longer its own, as far as that is known here."""
    for held in _locks_of_thread():
        held.lock.check()


def fence_locks(connection: Connection) -> None:
    """Let the transaction write only if every lock that this thread has taken is still its own. Raises LeaseLost."""
    fence(connection, [held.lock for held in _locks_of_thread() if isinstance(held.lock, Lease)])


def _locks_of_thread() -> list[_Held]:
    pid = os.getpid()
    return [held for place, held in _held.locks.items() if place[-1] == pid]


def this_worker() -> str:
    """Return what people are told of this process; nothing is decided by it."""
    return f"{socket.gethostname()}, process {os.getpid()}"


def lock_path(env: Environment, name: str) -> Path:
    """Return the file of a lock, with SQLite."""
    return env.locks / f"{name.replace(':', '-')}.lock"


def _is_in_postgres(env: Environment) -> bool:
    if parse_catalog_url(env.catalog_url).get_backend_name() == "postgresql":
        return True
    if env.lock_url:
        raise LockUnusable("ELIB_LOCK_URL is set, and the catalog is SQLite, whose locks are files: leave it out")
    return False


class _FileLock:
    """A lock of the operating system on an open file, which says who has it; it is free once nobody has it open."""

    _WIDTH = 256  # bytes that are written at once, so that who reads them sees one holder

    def __init__(self, path: Path, *, shared: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX

    def try_take(self, holder: str) -> bool:
        try:
            fcntl.flock(self._descriptor, self._kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        os.pwrite(self._descriptor, f"{since} {holder}".encode()[: self._WIDTH].ljust(self._WIDTH), 0)
        return True

    def holder(self) -> tuple[str, str, str] | None:
        since, _, holder = os.pread(self._descriptor, self._WIDTH, 0).decode(errors="replace").strip().partition(" ")
        return (holder, since, "") if holder else None

    def check(self) -> None:
        """Do nothing: the operating system takes it from no living process."""

    def release(self) -> None:
        os.close(self._descriptor)


def _is_file_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
