"""Retry requests with tenacity: Retry-After, exponential backoff with jitter, within the feed's time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity

from harvesters.causes import failed
from schemas import HarvestFailed, one_line

log = logging.getLogger("elib.harvest")
T = TypeVar("T")
_MAX_BACKOFF_SECONDS = 300.0
_JITTER_SHARE = 0.5  # of the backoff, so that many harvesters do not return together


class TransientFailure(Exception):
    """A request failed and may succeed when it is retried; `failure` is what it means when it is not.

    `reason` is what happened, in a few words for the log.
    """

    def __init__(self, failure: HarvestFailed, retry_after: float | None = None, *, reason: str) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.reason = reason
        self.retry_after = retry_after  # seconds that the server asks us to wait


def parse_retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for; None if it is missing or neither seconds nor a date.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        time_named = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    time_named = time_named if time_named.tzinfo else time_named.replace(tzinfo=UTC)
    return max(0.0, (time_named - (now or datetime.now(UTC))).total_seconds())


def with_retries(send: Callable[[], T], attempts: int, backoff: float, deadline: float, url: str) -> T:
    """Call `send` up to `attempts` times while it raises TransientFailure, until the deadline (time.monotonic).

    Raises the HarvestFailed of the last failure; HarvestFailed("too_slow") if the next wait passes the deadline; any
    other error at once. `url` is for the sentence. Each retry is a line in the log: "try 2 of 6 in 4 s: …".
    """
    jittered = tenacity.wait_exponential_jitter(
        multiplier=backoff, max=_MAX_BACKOFF_SECONDS, jitter=backoff * _JITTER_SHARE
    )

    def wait(state: tenacity.RetryCallState) -> float:
        transient = _transient_failure(state)
        seconds = jittered(state) if transient.retry_after is None else transient.retry_after
        if time.monotonic() + seconds > deadline:
            if transient.retry_after:
                what = f"{url} asks to wait {transient.retry_after:.0f} s, longer than the feed's time"
            else:
                what = f"{url} fails ({transient.failure.cause}) until the end of the feed's time"
            raise failed("too_slow", what) from transient.failure
        return seconds

    def announce(state: tenacity.RetryCallState) -> None:
        number, seconds = state.attempt_number + 1, state.upcoming_sleep
        why = one_line(_transient_failure(state).reason)
        log.warning("%s: try %d of %d in %.0f s: %s", one_line(url), number, attempts, seconds, why)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientFailure),
        stop=tenacity.stop_after_attempt(attempts),
        wait=wait,
        before_sleep=announce,
        reraise=True,
    )
    try:
        return retrying(send)
    except TransientFailure as transient:
        raise transient.failure from transient


def _transient_failure(state: tenacity.RetryCallState) -> TransientFailure:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransientFailure):
        raise TypeError(f"retried without a transient failure: {error!r}")
    return error
