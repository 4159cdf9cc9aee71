"""How far a long step is, as a line in the task's log every few seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
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

    def __call__(self, records: int, total: int | None = None) -> None:
        """Write a line if the last one is old enough."""
        from harvesters.progress import progress_line

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
