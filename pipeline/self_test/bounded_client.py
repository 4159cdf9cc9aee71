"""A client for tests: so many requests at most, within so many seconds, none of them retried."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from harvesters.client import Client, Reply
from pipeline.self_test.lines import NotChecked
from schemas import Ask, Environment, Feed, sentence

_MAX_RESPONSE_SECONDS = 10.0
_MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_MAX_REDIRECTS = 5
_KEPT_REQUESTS = 2  # for the checks after those that read on as long as they may
_KEPT_SHARE = 0.2  # of the time, likewise


@dataclass
class BoundedClient(Client):
    """The client of one self-test. Past its bounds `send` raises NotChecked.

    last: the last reply; seconds: what each reply took, in order
    """

    max_requests: int = 30
    last: Reply | None = field(default=None, init=False)
    seconds: list[float] = field(default_factory=list, init=False)
    requests: int = field(default=0, init=False)

    def send(self, url: str, **how: Any) -> Reply:
        """Send a request as Client.send does, once. Raises HarvestFailed, and NotChecked past the bounds."""
        if self.requests >= self.max_requests:
            raise NotChecked(sentence("There were enough requests for one test."))
        if self.is_over:
            raise NotChecked(sentence("The time of the test was over."))
        self.requests += 1
        reply = super().send(url, **{**how, "retries": 0})
        self.last = reply
        self.seconds.append(reply.seconds)
        return reply

    @property
    def is_over(self) -> bool:
        """Return whether the time of the test is over."""
        return time.monotonic() >= self._deadline

    @property
    def has_room(self) -> bool:
        """Return whether one more request may be sent, and some time is left for the checks that follow."""
        return (
            self.requests + _KEPT_REQUESTS < self.max_requests
            and self.seconds_left > _KEPT_SHARE * self.feed.request.budget
        )

    @property
    def seconds_left(self) -> float:
        """Return the seconds until the time of the test is over."""
        return max(0.0, self._deadline - time.monotonic())


def tested_feed(feed: Feed, seconds: float) -> Feed:
    """Return the feed with the bounds of a test: nothing takes longer than so many seconds, or is tried twice."""
    request = feed.request
    bounds = {
        "budget": seconds,
        "timeout": min(request.timeout, _MAX_RESPONSE_SECONDS, seconds),
        "retries": 0,
        "max_bytes": min(request.max_bytes, _MAX_RESPONSE_BYTES),
        "max_redirects": min(request.max_redirects, _MAX_REDIRECTS),
    }
    return feed.model_copy(update={"request": request.model_copy(update=bounds)})


def open_client(feed: Feed, env: Environment, credentials: dict[str, str]) -> BoundedClient:
    """Return the client of a test of a feed that has its bounds."""
    return BoundedClient(feed, Ask(credentials=credentials), env)
