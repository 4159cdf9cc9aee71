"""Wait for what the console does in the background."""

from __future__ import annotations

import time
from collections.abc import Callable

from schemas import Environment
from web.console.background import Progress, progress_of, read_work

MAX_SECONDS = 120


def work_id(url: object) -> str:
    return str(url).rpartition("/")[2]


def wait_until(holds: Callable[[], bool]) -> None:
    """Ask again until it holds; fail when it never does."""
    end = time.monotonic() + MAX_SECONDS
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def ended(env: Environment, url: object) -> Progress:
    """Return the progress of a piece of work, given its page, once it has ended."""
    work = read_work(env, work_id(url))
    assert work is not None
    wait_until(lambda: progress_of(env, work).state != "working")
    return progress_of(env, work)
