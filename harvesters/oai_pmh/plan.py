"""Where a harvest of an OAI-PMH server begins: one window a set from the mark on, or where an earlier run stopped."""

from __future__ import annotations

import msgspec

from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.oai_pmh.server import Server
from harvesters.oai_pmh.windows import Progress, Verb, Window
from schemas import Ask, Feed

BEGIN, END = "0001-01-01", "9999-12-31"  # how the open ends of a skipped window are written down


def begun(feed: Feed, ask: Ask, server: Server, method: str) -> Progress:
    """The place of an interrupted harvest; what ended short is asked again from its beginning. Else the whole plan."""
    if not ask.position:
        return plan(feed, ask, server, method, "ListRecords")
    place = msgspec.convert(ask.position, Progress)
    for window in place.windows:
        if window.done and window.short:
            window.from_the_beginning()
    if place.windows or place.retry:
        return place
    anew = plan(feed, ask, server, method, "ListRecords")
    anew.attempt = place.attempt + 1
    for window in anew.windows:
        window.attempt = anew.attempt
    return anew


def plan(feed: Feed, ask: Ask, server: Server, method: str, verb: Verb) -> Progress:
    """One window a set, from the mark on; what was skipped before is asked for again."""
    since = None if ask.full or ask.since is None else format_datestamp(parse_datestamp(ask.since), days=server.days)
    names: list[str | None] = [*feed.sets] or [None]
    windows = [Window(set=name, start=since, verb=verb) for name in names]
    retry = [] if since is None else list(ask.retry)
    again = [skipped.window for skipped in retry if skipped.window]
    windows += [
        Window(set=name, start=None if a == BEGIN else a, end=None if b == END else b, split=True, again=True)
        for a, b in again
        for name in names
    ]
    return Progress(
        windows=windows,
        response_date=server.response_date,
        full=since is None,
        retry=[skipped.identifier for skipped in retry if skipped.identifier],
        method=method,
    )
