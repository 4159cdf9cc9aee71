"""Who may write: one writer of the catalog, one run of a feed at a time, on one machine.

The locks are the operating system's own on open files: a process that dies lets go of them, and nothing need be
cleared by hand. A thread may take again a lock that it holds; another thread waits like another process.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from filelock import BaseFileLock, FileLock

from schemas.environment import Environment


def catalog_lock(env: Environment) -> BaseFileLock:
    """The lock of whoever writes the catalog: `with catalog_lock(env): …`."""
    return _lock(env.locks / "catalog.lock", os.getpid())


def feed_lock(env: Environment, feed: str) -> BaseFileLock:
    """The lock of whoever harvests, stages or loads the feed, in a DAG's task or from the command line."""
    return _lock(env.locks / f"feed-{feed}.lock", os.getpid())


@lru_cache(maxsize=256)
def _lock(path: Path, _pid: int) -> BaseFileLock:
    """One lock a path and process: a forked child has none of its parent's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)
