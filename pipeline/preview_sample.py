"""Some records of a feed, spread over it: from several places of a long list, evenly out of a short one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from harvesters import harvest
from harvesters.client import from_environment
from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.lists import field_names, is_nameless
from schemas import Ask, Environment, Feed, HarvestFailed, Page, SourceRecord

_PARTS = 5  # windows between a list's earliest datestamp and now
_ASKS = 12  # at most, over all sets: each is two or three requests at the partner's own rate
_READ = 2_000  # records of a paged list out of which an even choice is made
Thing = TypeVar("Thing")
_ONE_BY_ONE = frozenset({"sitemap"})  # protocols that need a request for each record


@dataclass
class Picked:
    """The records, one of each identifier, and what was seen on the way to them."""

    feed: Feed
    records: dict[str, SourceRecord] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # what came and was no record
    reasons: Counter[str] = field(default_factory=Counter)  # why, each with how often
    nameless: int = 0  # records without what the feed file names as their identifier
    names: set[str] = field(default_factory=set)  # the fields that these have
    total: int | None = None  # records in the feed, when the server says so

    def take(self, page: Page) -> None:
        for record in page.records:
            known = self.records.setdefault(record.identifier, record)
            if known.sha256 != record.sha256:
                self.notes.append(f"two different records are listed as {record.identifier}; the first is shown")
        self.notes += [note for note in page.notes if note not in self.notes]
        for raw in page.raw:
            if is_nameless(raw, self.feed):
                self.nameless += 1
                self.names |= field_names(raw, self.feed)
        self.reasons.update([raw.reason for raw in page.raw] + [one.reason for one in page.skipped])
        self.unreadable += [f"{raw.url}: {raw.reason}" for raw in page.raw]
        self.unreadable += [f"{one.identifier or one.window or '?'}: {one.reason}" for one in page.skipped]


def pick(feed: Feed, wanted: int, env: Environment) -> Picked:
    """About so many records, spread over the feed. Raises HarvestFailed when the partner gives none because it fails.

    Nothing is written but the files that keep the requests to one host apart.
    """
    return _from_windows(feed, wanted, env) if feed.protocol == "oai_pmh" else _from_list(feed, wanted, env)


def _ask(feed: Feed, limit: int, since: str | None = None) -> Ask:
    secrets = from_environment(feed.connection, os.environ)
    return Ask(since=since, full=since is None, limit=limit, credentials=secrets)


def _from_windows(feed: Feed, wanted: int, env: Environment) -> Picked:
    """The same number from the beginning of each window of datestamps."""
    picked = Picked(feed)
    return _gather(feed, _asks(feed, _starts(feed, env), picked), wanted, env, picked)


def _gather(
    feed: Feed, asks: Sequence[tuple[Feed, str | None]], wanted: int, env: Environment, picked: Picked
) -> Picked:
    """The same number from each of the asks; what they do not hold, the beginning of the list gives."""
    each = -(-wanted // len(asks))
    failures: list[HarvestFailed] = []
    for part, since in asks:
        try:
            _read(part, _ask(part, each, since), env, picked)
        except HarvestFailed as error:
            failures.append(error)
            picked.notes.append(f"{error.cause}: {error.sentence}")
    if failures and not picked.records:
        raise failures[0]
    if len(picked.records) < wanted:
        _top_up(feed, wanted, env, picked)
    picked.records = dict(evenly(list(picked.records.items()), wanted))
    return picked


def _asks(feed: Feed, starts: Sequence[str | None], picked: Picked) -> list[tuple[Feed, str | None]]:
    """What to ask: every window of every set, or of as many sets as there may be asks."""
    parts = [feed.model_copy(update={"sets": [name]}) for name in feed.sets] or [feed]
    if len(parts) > _ASKS:
        picked.notes.append(f"the feed names {len(parts)} sets; {_ASKS} of them were asked")
        parts = list(evenly(parts, _ASKS))
    return [(part, since) for part in parts for since in evenly(starts, max(1, _ASKS // len(parts)))]


def _starts(feed: Feed, env: Environment) -> list[str | None]:
    """Where the windows begin: the first with the list, the others at even distances until now."""
    from harvesters.client import Client
    from harvesters.oai_pmh import Repository, identify

    with Client(feed, _ask(feed, 1), env) as client:
        server = identify(Repository(client, feed.request.method), client)
    earliest, now = parse_datestamp(server.earliest), datetime.now(UTC)
    steps = [earliest + (now - earliest) * number / _PARTS for number in range(1, _PARTS)]
    return [None, *(format_datestamp(at, days=server.days) for at in steps)]


def _top_up(feed: Feed, wanted: int, env: Environment, picked: Picked) -> None:
    """Records from the beginning of the list until there are enough; some of them were seen already."""
    try:
        for page in harvest(feed, _ask(feed, _READ), env):
            picked.take(page)
            if len(picked.records) >= wanted:
                return
    except HarvestFailed as error:
        picked.notes.append(f"{error.cause}: {error.sentence}")


def _from_list(feed: Feed, wanted: int, env: Environment) -> Picked:
    """An even choice out of the first records of the list, which are all of them when it is short."""
    dear = feed.protocol in _ONE_BY_ONE or feed.request.detail_url is not None
    read = wanted if dear else max(_READ, wanted)
    picked = Picked(feed)
    if feed.protocol == "rest" and feed.request.paging in ("page", "offset"):
        _read(feed, _ask(feed, 1), env, picked)
        if (picked.total or 0) > read:
            return _gather(feed, _parts(feed, picked.total or 0), wanted, env, picked)
    _read(feed, _ask(feed, read), env, picked)
    seen = len(picked.records)
    if seen >= read and (picked.total is None or picked.total > seen):
        whole = f"of {picked.total}" if picked.total else "the list goes on"
        picked.notes.append(f"the records are out of the first {seen} ({whole})")
    picked.records = dict(evenly(list(picked.records.items()), wanted))
    return picked


def _parts(feed: Feed, total: int) -> list[tuple[Feed, None]]:
    """The feed as it would be if its list began further back, at even distances."""
    asked = feed.request
    step = asked.size if asked.paging == "page" else 1
    firsts = [asked.first + total * number // _PARTS // step for number in range(_PARTS)]
    requests = [asked.model_copy(update={"first": first}) for first in firsts]
    return [(feed.model_copy(update={"request": request}), None) for request in requests]


def _read(feed: Feed, ask: Ask, env: Environment, picked: Picked) -> None:
    for page in harvest(feed, ask, env):
        picked.take(page)
        if ask.full and page.total is not None:
            picked.total = max(page.total, picked.total or 0)
        if not picked.records and picked.nameless >= (ask.limit or _READ):
            return  # the others will lack it too


def evenly(things: Sequence[Thing], number: int) -> Iterator[Thing]:
    """So many of the things, at even distances from the first on; all of them when there are no more."""
    if len(things) <= number:
        yield from things
        return
    for place in range(number):
        yield things[place * len(things) // number]
