"""File locks of one machine: one writer of the catalog, and one process at a time for each feed.

The operating system releases the lock of a process that dies, so no lock is ever cleared by hand. A thread may take
a lock again that it already has; another thread waits as another process does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from schemas import Environment, sentence

log = logging.getLogger("elib.feed")
LOCK_WARNING_SECONDS = 2.0  # how long a process waits before it logs why


class FeedBusy(Exception):
    """Another process is running the feed."""


def catalog_lock(env: Environment) -> BaseFileLock:
    """Return the lock that a writer of the catalog takes: `with catalog_lock(env): …`."""
    return _lock(env.locks / "catalog.lock", os.getpid())


@contextmanager
def feed_lock(env: Environment, feed: str, *, wait: bool = True) -> Iterator[None]:
    """Take the lock under which a feed is harvested, staged or loaded, by a DAG's task or from the command line.

    Logs a warning after LOCK_WARNING_SECONDS of waiting. Without `wait`, raises FeedBusy at once.
    """
    lock = _lock(env.locks / f"feed-{feed}.lock", os.getpid())
    try:
        lock.acquire(timeout=LOCK_WARNING_SECONDS if wait else 0)
    except Timeout as timeout:
        if not wait:
            raise FeedBusy(
                sentence("%(feed)s: another process is at work on this feed; try again when it is done", feed=feed)
            ) from timeout
        log.warning("%s: another process is at work on this feed; waiting until it is done", feed)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@lru_cache(maxsize=256)
def _lock(path: Path, _pid: int) -> BaseFileLock:
    """Return one lock object per path and process: a forked child has none of its parent's locks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)
