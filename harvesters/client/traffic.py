"""Count the requests of a harvest, and how many of them were tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Traffic:
    """What was sent while it was counted.

    calls: documents that were wanted; tries: of all calls together, the first ones included
    requests: what went over the wire: a try that is redirected sends several
    """

    calls: int = 0
    tries: int = 0
    requests: int = 0

    @property
    def retries(self) -> int:
        """Tries after the first one of a call."""
        return max(0, self.tries - self.calls)


_counted: ContextVar[Traffic | None] = ContextVar("elib_counted_traffic", default=None)


@contextmanager
def counted_traffic() -> Iterator[Traffic]:
    """Yield the traffic of every client that is made inside, counted until each client is closed."""
    traffic = Traffic()
    token = _counted.set(traffic)
    try:
        yield traffic
    finally:
        _counted.reset(token)


def current_traffic() -> Traffic:
    """Return the traffic that is being counted here; one that nobody reads when none is."""
    return _counted.get() or Traffic()
