"""Who may write: one writer of the catalog, one run of a feed at a time, on one machine.

The locks are the operating system's own on open files: a process that dies lets go of them, and nothing need be
cleared by hand. A thread may take again a lock that it holds; another thread waits like another process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from schemas import Environment

log = logging.getLogger("elib.feed")
LOCK_WARNING_SECONDS = 2.0  # seconds of waiting before somebody is told


class FeedBusy(Exception):
    """Another process is running the feed."""


def catalog_lock(env: Environment) -> BaseFileLock:
    """The lock of whoever writes the catalog: `with catalog_lock(env): …`."""
    return _lock(env.locks / "catalog.lock", os.getpid())


@contextmanager
def feed_lock(env: Environment, feed: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of whoever harvests, stages or loads the feed, in a DAG's task or from the command line.

    Who has waited for two seconds is told why, in the log. Without `wait`, raises FeedBusy at once.
    """
    lock = _lock(env.locks / f"feed-{feed}.lock", os.getpid())
    try:
        lock.acquire(timeout=LOCK_WARNING_SECONDS if wait else 0)
    except Timeout as held:
        said = f"{feed}: another process is at work on this feed"
        if not wait:
            raise FeedBusy(f"{said}; try again when it is done") from held
        log.warning("%s; waiting until it is done", said)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@lru_cache(maxsize=256)
def _lock(path: Path, _pid: int) -> BaseFileLock:
    """One lock a path and process: a forked child has none of its parent's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)
