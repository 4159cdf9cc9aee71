"""When to try again, how long to wait, and when to stop: tenacity with Retry-After, jitter and the feed's budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity

from harvesters.causes import failed
from schemas import HarvestFailed

T = TypeVar("T")
_LONGEST = 300.0  # seconds between two tries that we choose ourselves
_SHARE = 0.5  # of a wait that is left to chance, so that many harvesters do not return together


class Passing(Exception):
    """A try that failed in a way that may pass; `final` is what it means when it does not."""

    def __init__(self, final: HarvestFailed, wait: float | None = None) -> None:
        super().__init__(str(final))
        self.final = final
        self.wait = wait  # seconds that the server asked us to wait


def retry_after(said: str | None, now: datetime | None = None) -> float | None:
    """The seconds that a Retry-After header asks for, given as seconds or as a date; None when it says neither.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    if said is None:
        return None
    said = said.strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())


def patiently(attempt: Callable[[], T], tries: int, backoff: float, ends: float, where: str) -> T:
    """What the attempt gives, tried up to `tries` times until `ends` (time.monotonic).

    Raises what a Passing failure means once there is no try or no time left; every other error at once.
    """
    jittered = tenacity.wait_exponential_jitter(multiplier=backoff, max=_LONGEST, jitter=backoff * _SHARE)

    def wait(state: tenacity.RetryCallState) -> float:
        asked = _passing(state).wait
        seconds = jittered(state) if asked is None else asked
        if time.monotonic() + seconds > ends:
            final = _passing(state).final
            what = f"asks to wait {asked:.0f} s, longer than" if asked else f"fails ({final.cause}) until the end of"
            raise failed("too_slow", f"{where} {what} the feed's time") from final
        return seconds

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Passing),
        stop=tenacity.stop_after_attempt(tries),
        wait=wait,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except Passing as over:
        raise over.final from over


def _passing(state: tenacity.RetryCallState) -> Passing:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, Passing):
        raise TypeError(f"tried again without a passing failure: {error!r}")
    return error
