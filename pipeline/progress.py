"""What a step writes into the log: how far it is, every few seconds, and the feed and run that each line is of."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

log = logging.getLogger("elib.progress")
_SECONDS_BETWEEN_LINES = 5.0
_ITEMS_BETWEEN_LOOKS = 100  # at the clock
_T = TypeVar("_T")


class LoggedProgress:
    """Writes how many records a step has done, of how many if that is known; `name` says what is done."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = self.last = time.monotonic()
        self.total: int | None = None  # the last one that was given

    def __call__(self, records: int, total: int | None = None) -> None:
        """Write a line if the last one is old enough."""
        from harvesters.progress import progress_line

        self.total = self.total if total is None else total
        now = time.monotonic()
        if now - self.last >= _SECONDS_BETWEEN_LINES:
            self.last = now
            log.info("%s: %s", self.name, progress_line(records, total, now - self.began))


def with_progress(name: str, items: Iterable[_T], total: int | None = None) -> Iterator[_T]:
    """Yield the items, and write how many there were."""
    progress = LoggedProgress(name)
    for number, item in enumerate(items, 1):
        if number % _ITEMS_BETWEEN_LOOKS == 0:
            progress(number, total)
        yield item


@contextmanager
def with_run_in_log(feed: str | None, run_id: str) -> Iterator[None]:
    """Let every line that is logged inside carry the feed and the run, as the keys `feed` and `run`.

    Airflow's logging, which is structlog, writes such keys into the task's log. Nothing else reads them.
    """
    if "structlog" not in sys.modules:  # without Airflow, it would be imported for nothing (0.06 s, with rich)
        yield
        return
    import structlog

    keys = {"run": run_id} | ({"feed": feed} if feed else {})
    with structlog.contextvars.bound_contextvars(**keys):
        yield
