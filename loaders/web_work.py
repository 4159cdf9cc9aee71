"""Whether the process lives that does a piece of work for the web: on every machine, whoever started it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders.store import hold_lock, is_locked, lock_path
from schemas import Environment

WORK_VARIABLE = "ELIB_WORK"  # the id of the piece of work that a process of `elib` does
_START_SECONDS = 60


@contextmanager
def doing_work(env: Environment, work_id: str) -> Iterator[None]:
    """Show that this process does a piece of work, for the time of the block."""
    with hold_lock(env, _lock_name(work_id), wait_seconds=_START_SECONDS, is_noted=False):
        _begun_path(env, work_id).touch()
        try:
            yield
        finally:
            sys.stdout.flush()  # the page shows the last line of the log, and reads it no more once the work has ended
            note_end(env, work_id)


def has_begun(env: Environment, work_id: str) -> bool:
    """Return whether a process has ever begun the piece of work."""
    return _begun_path(env, work_id).exists()


def note_end(env: Environment, work_id: str) -> None:
    """Note that a piece of work has ended now, unless that is noted already."""
    path = _ended_path(env, work_id)
    if not path.exists():
        path.touch()


def ended_at(env: Environment, work_id: str) -> float | None:
    """Return when a piece of work ended, in seconds since 1970; None while that is not noted."""
    path = _ended_path(env, work_id)
    return path.stat().st_mtime if path.exists() else None


def is_at_work(env: Environment, work_id: str) -> bool:
    """Return whether a process does the piece of work now."""
    return is_locked(env, _lock_name(work_id))


def forget_work(env: Environment, work_id: str) -> None:
    """Remove what is kept of a piece of work that has ended."""
    _begun_path(env, work_id).unlink(missing_ok=True)
    _ended_path(env, work_id).unlink(missing_ok=True)
    lock_path(env, _lock_name(work_id)).unlink(missing_ok=True)


def _lock_name(work_id: str) -> str:
    return f"work:{work_id}"


def _begun_path(env: Environment, work_id: str) -> Path:
    return env.home / "web" / f"{work_id}.begun"


def _ended_path(env: Environment, work_id: str) -> Path:
    return env.home / "web" / f"{work_id}.ended"
