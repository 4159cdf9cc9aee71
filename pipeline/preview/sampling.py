"""Choose records of a feed that are spread over it: over time, over its sets, over its pages, or over its rows."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from harvesters import harvest
from harvesters.client import from_environment
from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.evenly import evenly
from harvesters.lists import field_names, is_nameless
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Sentence, SourceRecord, sentence

_SAMPLE_PLACES = 5  # places of a list, at even distances, that records are taken from
_MAX_ASKS = 12  # over all sets: each is two or three requests at the partner's own rate
_MAX_LIST_RECORDS = 2_000  # records of a list that are read to choose from
_MAX_DOCUMENT_RECORDS = 1_000_000  # of a document, likewise
_MAX_BYTES = 64 * 1024 * 1024  # of payloads that are held
_USED_SHARE = 0.5  # of the time, that requests at the feed's rate may take
_MIN_SECONDS = 0.1  # of a request's time
_MAX_COMPARED = 100_000  # identifiers that are remembered to tell whether one comes twice
_MAX_NOTES = 500
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class NoRecords(Exception):
    """The partner's list gave no record to preview; the message says why and what to do."""


class NoIdentifiers(NoRecords):
    """No record has what the feed file names as its identifier."""


class SampleBounds(NamedTuple):
    """What a preview may take: a deadline (time.monotonic); and who is told how many records came, and that all are."""

    deadline: float | None = None
    report: Callable[[int], None] = lambda records: None
    all_chosen: Callable[[], None] = lambda: None


@dataclass
class Sample:
    """Records of a feed, one per identifier, and what else its pages said."""

    feed: Feed
    wanted: int
    bounds: SampleBounds = field(default_factory=SampleBounds)
    records: dict[str, SourceRecord] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # address and reason of what could not be read as a record
    reasons: Counter[str] = field(default_factory=Counter)  # the reasons, each with how often
    nameless: int = 0  # records without what the feed file names as their identifier
    nameless_fields: set[str] = field(default_factory=set)  # the fields that these records have
    total: int | None = None  # records in the feed, when the server says so
    chosen: Sentence | None = None  # how the records were chosen
    received: int = 0  # records so far, repeats included
    stride: int = 1  # of a document, so many records are passed by for each that is kept
    bytes_held: int = 0  # of payloads
    digests: dict[str, str | None] = field(default_factory=dict)  # sha256 by identifier

    def add(self, page: Page) -> None:
        for record in page.records:
            self._add_record(record)
        self._note(*page.notes)
        for raw in page.raw:
            self._add_unreadable(raw.url, raw.reason)
            if is_nameless(raw, self.feed):
                self.nameless += 1
                self.nameless_fields |= field_names(raw, self.feed)
        for skipped in page.skipped:
            self._add_unreadable(f"{skipped.identifier or skipped.window or '?'}", skipped.reason)
        self.bounds.report(self.received)

    def _add_record(self, record: SourceRecord) -> None:
        number, self.received = self.received, self.received + 1
        if len(self.digests) < _MAX_COMPARED:
            first = self.digests.setdefault(record.identifier, record.sha256)
            if first != record.sha256:
                self._note(f"two different records are listed as {record.identifier}; the first is shown")
        if record.identifier in self.records or number % self.stride:
            return
        self.records[record.identifier] = record
        self.bytes_held += len(record.payload or "")
        while self._holds_too_much():
            self._keep_every_second()

    def _holds_too_much(self) -> bool:
        many = len(self.records) > max(_MAX_LIST_RECORDS, self.wanted)
        return many or (self.bytes_held > _MAX_BYTES and len(self.records) > 1)

    def _keep_every_second(self) -> None:
        """Keep every second record, and take only so many of those that follow: the rest is as evenly spread."""
        self.records = dict(list(self.records.items())[::2])
        self.bytes_held = sum(len(record.payload or "") for record in self.records.values())
        self.stride *= 2

    def _note(self, *notes: str) -> None:
        self.notes += [note for note in notes if note not in self.notes and len(self.notes) < _MAX_NOTES]

    def note_failure(self, error: HarvestFailed) -> None:
        """Note a failure of a part of the list; the other parts are shown."""
        self._note(f"{error.cause}: {error.sentence}")

    def _add_unreadable(self, source: str, reason: str) -> None:
        self.reasons[reason] += 1
        if len(self.unreadable) < _MAX_LIST_RECORDS:
            self.unreadable.append(f"{source}: {reason}")

    @property
    def is_over(self) -> bool:
        """Return whether the time is over."""
        return self.bounds.deadline is not None and time.monotonic() >= self.bounds.deadline

    def within_time(self, feed: Feed) -> Feed:
        """Return the feed with no more time than is left."""
        if self.bounds.deadline is None:
            return feed
        seconds = max(_MIN_SECONDS, self.bounds.deadline - time.monotonic())
        limits = {"budget": min(feed.request.budget, seconds), "timeout": min(feed.request.timeout, seconds)}
        return feed.model_copy(update={"request": feed.request.model_copy(update=limits)})

    def thin_out(self) -> None:
        """Keep so many records as are wanted, at even distances, in the order of the feed: of time where it has one.

        What a later request has filled up is older than what came before it.
        """
        rows = list(self.records.items())
        if self.feed.traits.lists_by_datestamp:
            rows.sort(key=lambda row: row[1].datestamp or "")
            rows = _with_both_ends(rows, self.wanted)
        self.records = dict(evenly(rows, self.wanted))

    def require_records(self) -> None:
        """Raise NoIdentifiers or NoRecords when there is nothing to show."""
        if not self.records:
            raise _no_records(self)


def _with_both_ends(rows: list[tuple[str, SourceRecord]], number: int) -> list[tuple[str, SourceRecord]]:
    """Return so many rows at even distances, the first and the last among them; all when there are no more."""
    if number < 2 or len(rows) <= number:
        return rows
    return [rows[position * (len(rows) - 1) // (number - 1)] for position in range(number)]


def _no_records(sample: Sample) -> NoRecords:
    if sample.nameless:
        wanted, fields = " and ".join(sample.feed.identifier), ", ".join(sorted(sample.nameless_fields)) or "no field"
        lacking = f"none of the {sample.nameless} records that came has {wanted}; they have {fields}"
        return NoIdentifiers(f"identifier: {lacking}. Name what tells them apart; docs/feeds.md has every key.")
    if sample.reasons:
        ((reason, _),) = sample.reasons.most_common(1)
        return NoRecords(f"nothing that came can be read ({reason}; {sample.unreadable[0]}); show this to the partner")
    return NoRecords("the list holds no record; compare the feed's url, sets and format with what the partner offers")


def sample_feed(feed: Feed, wanted: int, env: Environment, bounds: SampleBounds | None = None) -> Sample:
    """Return about `wanted` records, spread over the feed. Raises HarvestFailed when failures leave none."""
    sample = Sample(feed, wanted, bounds or SampleBounds())
    if feed.traits.lists_by_datestamp:
        _sample_windows(sample, env)
    else:
        _sample_list(sample, env)
    if sample.is_over:
        sample.notes.append("the time was over before all records that were wanted had come")
    return sample


def _ask(feed: Feed, limit: int, since: str | None = None) -> Ask:
    credentials = from_environment(feed.connection, os.environ)
    return Ask(since=since, full=since is None, limit=limit, credentials=credentials)


def _sample_windows(sample: Sample, env: Environment) -> None:
    """Take the same number from the beginning of each window of datestamps, of every set that may be asked."""
    feed = sample.feed
    parts = [feed.model_copy(update={"sets": [name]}) for name in feed.sets] or [feed]
    if len(parts) > _MAX_ASKS:
        sample.notes.append(f"the feed names {len(parts)} sets; {_MAX_ASKS} of them were asked")
        parts = list(evenly(parts, _MAX_ASKS))
    periods = max(1, min(_SAMPLE_PLACES, _MAX_ASKS // len(parts)))
    _sample_parts(sample, _windows(sample, parts, periods, env), periods * len(parts), env)
    sample.chosen = sentence(
        "Records from the beginning of the list and of periods at even distances: %(periods)s periods, %(sets)s sets.",
        periods=periods,
        sets=len(feed.sets) and len(parts),
    )


def _windows(
    sample: Sample, parts: Sequence[Feed], periods: int, env: Environment
) -> Iterator[tuple[Feed, str | None]]:
    """Yield what is asked for: the beginning of each part's list, then what each part has from some datestamps on."""
    yield from ((part, None) for part in parts)
    if periods > 1:
        yield from ((part, since) for since in _window_starts(sample, periods, env) for part in parts)


def _window_starts(sample: Sample, periods: int, env: Environment) -> list[str]:
    """Return where the later windows begin, at even distances from the earliest datestamp until now.

    The server's own word for it may be decades before its first record: then the records that came say more.
    """
    from harvesters.client import Client
    from harvesters.oai_pmh import Repository, identify

    feed = sample.within_time(sample.feed)
    with Client(feed, _ask(feed, 1), env) as client:
        server = identify(Repository(client, feed.request.method), client)
    came = [parse_datestamp(record.datestamp) for record in sample.records.values() if record.datestamp]
    earliest, now = max(parse_datestamp(server.earliest), min(came, default=_NO_TIME)), datetime.now(UTC)
    starts = [earliest + (now - earliest) * number / periods for number in range(1, periods)]
    return [format_datestamp(start, days=server.days) for start in starts]


def _sample_parts(sample: Sample, parts: Iterable[tuple[Feed, str | None]], count: int, env: Environment) -> None:
    """Take the same number from each of `count` parts; where they lack, fill up from the beginning of the list."""
    each = -(-sample.wanted // count)
    failures: list[HarvestFailed] = []
    for part, since in parts:
        if sample.is_over:
            break
        try:
            _read(part, _ask(part, each, since), env, sample)
        except HarvestFailed as error:
            failures.append(error)
            sample.note_failure(error)
    if failures and not sample.records:
        raise failures[0]
    if len(sample.records) < sample.wanted and not sample.is_over:
        _fill_up(sample, env)
    sample.thin_out()


def _fill_up(sample: Sample, env: Environment) -> None:
    """Read from the beginning of the list until there are enough; some of these records are there already."""
    try:
        for page in harvest(sample.within_time(sample.feed), _ask(sample.feed, _MAX_LIST_RECORDS), env):
            sample.add(page)
            if len(sample.records) >= sample.wanted or sample.is_over:
                return
    except HarvestFailed as error:
        sample.note_failure(error)


def _sample_list(sample: Sample, env: Environment) -> None:
    """Choose evenly out of the first records of the list, which are all of them when it is short or one document."""
    feed, wanted = sample.feed, sample.wanted
    if feed.traits.requests_each_record or feed.request.detail_url is not None:
        _read_on(sample, _affordable(sample), env)
        sample.chosen = sentence("Records at even distances over the list; each costs a request.")
        return
    parts = _distant_parts(sample, env)
    if parts:
        _sample_parts(sample, parts, len(parts), env)
        sample.chosen = sentence("Records from pages at even distances over the whole list.")
        return
    is_document = not feed.traits.has_slices and feed.request.paging == "none"
    _read_on(sample, _MAX_DOCUMENT_RECORDS if is_document else max(_MAX_LIST_RECORDS, wanted), env)
    seen = sample.received
    sample.thin_out()
    sample.chosen = sentence("Records at even distances over the %(count)s records that were read.", count=seen)


def _affordable(sample: Sample) -> int:
    """Return how many records that cost a request each there is time for, at the feed's rate."""
    if sample.bounds.deadline is None:
        return sample.wanted
    seconds = sample.bounds.deadline - time.monotonic()
    return max(1, min(sample.wanted, int(seconds * sample.feed.request.rate * _USED_SHARE)))


def _read_on(sample: Sample, limit: int, env: Environment) -> None:
    """Read from the beginning of the list; what came before a failure is shown."""
    try:
        _read(sample.feed, _ask(sample.feed, limit), env, sample)
    except HarvestFailed as error:
        if not sample.records:
            raise
        sample.note_failure(error)
    if sample.received >= limit:
        _note_what_was_not_read(sample)


def _note_what_was_not_read(sample: Sample) -> None:
    seen = sample.received
    if sample.total is None or sample.total > seen:
        rest = f"of {sample.total}" if sample.total else "the list goes on"
        sample.notes.append(f"the records are out of the first {seen} ({rest})")


def _distant_parts(sample: Sample, env: Environment) -> list[tuple[Feed, None]]:
    """Return the feed as if its list began further back, at even distances; empty where it is short or cannot."""
    feed = sample.feed
    if not feed.traits.has_declared_paging or feed.request.paging not in ("page", "offset"):
        return []
    first = Sample(feed, 1, sample.bounds)
    _read(feed, _ask(feed, 1), env, first)
    sample.total, sample.nameless, sample.nameless_fields = first.total, first.nameless, first.nameless_fields
    sample.unreadable, sample.reasons = first.unreadable, first.reasons
    total = first.total or 0
    if total <= max(_MAX_LIST_RECORDS, sample.wanted):
        return []
    request = feed.request
    step = request.size if request.paging == "page" else 1
    firsts = [request.first + total * number // _SAMPLE_PLACES // step for number in range(_SAMPLE_PLACES)]
    requests = [request.model_copy(update={"first": number}) for number in firsts]
    return [(feed.model_copy(update={"request": part}), None) for part in requests]


def _read(feed: Feed, ask: Ask, env: Environment, sample: Sample) -> None:
    for page in harvest(sample.within_time(feed), ask, env):
        sample.add(page)
        if ask.full and page.total is not None:
            sample.total = max(page.total, sample.total or 0)
        if not sample.records and sample.nameless >= (ask.limit or _MAX_LIST_RECORDS):
            return  # the others will lack an identifier too
        if sample.is_over:
            return
