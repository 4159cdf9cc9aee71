"""Run the checks that fit a feed's protocol, within a time and a number of requests."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.self_test.lines import TestLine
from schemas import Environment, Feed


def self_test(feed: Feed, env: Environment, *, seconds: float = 30.0) -> Iterator[TestLine]:
    """Yield a line per check as soon as it is made; what there is no time for is not checked.

    Sends about 30 requests at most, at the feed's own rate, all through `harvesters.client`. Never raises for what a
    partner's server does: every failure is a line.
    """
    yield from ()
