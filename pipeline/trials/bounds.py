"""What a trial may take, and the feed of a declaration within that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas import BadFeed, Base, Expect, Feed, Sentence, one_line, read_declaration, sentence

_NAME = "trial"  # of the feed; the declaration has none yet
_STAND_IN = {"title": "-", "partner": "-"}  # for keys that a later step of the registration asks for
_MAX_REASON_CHARS = 500
_MAX_RATE = 5.0  # requests per second
_UNDECLARED_RATE = 2.0  # as many as the detection sends, where the partner has not said yet how many a harvest may
_CONNECTIONS = 2  # to a host: a person waits, also while a harvest of the same host uses its only one
_MAX_TIMEOUT_SECONDS = 15.0
_MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_MAX_PAGES = 10_000


class TrialRefused(Exception):
    """A trial cannot be begun; `message` says why, for the person who wants it."""

    def __init__(self, message: Sentence) -> None:
        super().__init__(str(message))
        self.message = message


class TrialBounds(Base, frozen=True, kw_only=True):
    """What one trial may take, and how many there may be.

    test_seconds, preview_seconds: of work, and what the test leaves is the preview's: together less than the minute
    that a partner is promised. judging_seconds: after which the process ends whatever it does
    wait_seconds: for its turn. memory_bytes: of address space. file_bytes: of each file that it writes
    result_bytes: of the preview. at_once, waiting: trials that work, and that wait. upload_bytes: of an uploaded file
    """

    test_seconds: float = 25.0
    preview_seconds: float = 30.0
    judging_seconds: float = 15.0
    wait_seconds: float = 600.0
    memory_bytes: int = 3 * 2**30
    file_bytes: int = 512 * 2**20
    result_bytes: int = 12 * 2**20
    at_once: int = 2
    waiting: int = 10
    upload_bytes: int = 64 * 2**20  # as many as the web takes

    @property
    def work_seconds(self) -> float:
        """Return the seconds after which the process is ended."""
        return self.test_seconds + self.preview_seconds + self.judging_seconds

    @property
    def longest_seconds(self) -> float:
        """Return the seconds after which a trial is over even if its process looks alive."""
        return self.wait_seconds + self.work_seconds + self.judging_seconds


def trial_feed(declaration: Mapping[str, Any], bounds: TrialBounds) -> Feed:
    """Return the feed of a declaration, polite and within bounds. Raises TrialRefused naming every mistake.

    It sends no credentials of the installation, whatever connection the declaration names.
    """
    try:
        feed = read_declaration(_NAME, {**_STAND_IN, **declaration})
    except BadFeed as error:
        reasons = one_line("; ".join(error.reasons))[:_MAX_REASON_CHARS]
        raise TrialRefused(sentence("The settings have a mistake: %(reasons)s", reasons=reasons)) from error
    request = feed.request
    rate = request.rate if "rate" in request.model_fields_set else _UNDECLARED_RATE
    limits = {
        "rate": min(rate, _MAX_RATE),
        "connections": _CONNECTIONS,
        "timeout": min(request.timeout, _MAX_TIMEOUT_SECONDS),
        "budget": min(request.budget, bounds.test_seconds + bounds.preview_seconds),
        "retries": min(request.retries, 1),
        "backoff": min(request.backoff, 1.0),
        "max_bytes": min(request.max_bytes, _MAX_RESPONSE_BYTES),
        "max_pages": min(request.max_pages, _MAX_PAGES),
    }
    update = {"request": request.model_copy(update=limits), "connection": None, "expect": Expect()}
    return feed.model_copy(update=update)
