"""A feed's preview: a sample of its records, spread over its list, and what the library would make of each.

No catalog is read or written; only the report and the files that space out the requests to one host are.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from harvesters import harvest
from harvesters.client import from_environment
from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.lists import field_names, is_nameless
from loaders.reports import PreviewSample, PreviewSummary
from loaders.reports import write_preview as write_report
from schemas import Ask, Assessment, Environment, Feed, HarvestFailed, Issue, Page, SourceRecord

_SAMPLE_PLACES = 5  # places of a list, at even distances, that records are taken from
_MAX_ASKS = 12  # over all sets: each is two or three requests at the partner's own rate
_MAX_LIST_RECORDS = 2_000  # records of a list that are read to choose from
T = TypeVar("T")


class NoRecords(Exception):
    """The partner's list gave no record to preview; the message says why and what to do."""


class NoIdentifiers(NoRecords):
    """No record has what the feed file names as its identifier."""


@dataclass
class Sample:
    """Records of a feed, one per identifier, and what else its pages said."""

    feed: Feed
    records: dict[str, SourceRecord] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # address and reason of what could not be read as a record
    reasons: Counter[str] = field(default_factory=Counter)  # the reasons, each with how often
    nameless: int = 0  # records without what the feed file names as their identifier
    nameless_fields: set[str] = field(default_factory=set)  # the fields that these records have
    total: int | None = None  # records in the feed, when the server says so

    def add(self, page: Page) -> None:
        for record in page.records:
            first = self.records.setdefault(record.identifier, record)
            if first.sha256 != record.sha256:
                self.notes.append(f"two different records are listed as {record.identifier}; the first is shown")
        self.notes += [note for note in page.notes if note not in self.notes]
        for raw in page.raw:
            self._add_unreadable(raw.url, raw.reason)
            if is_nameless(raw, self.feed):
                self.nameless += 1
                self.nameless_fields |= field_names(raw, self.feed)
        for skipped in page.skipped:
            self._add_unreadable(f"{skipped.identifier or skipped.window or '?'}", skipped.reason)

    def _add_unreadable(self, source: str, reason: str) -> None:
        self.reasons[reason] += 1
        self.unreadable.append(f"{source}: {reason}")


def preview(feed: Feed, wanted: int, env: Environment) -> PreviewSummary:
    """Write a report of about `wanted` records of the feed under reports/preview.

    Raises HarvestFailed when the partner's server fails, NoIdentifiers or NoRecords when its list gives no record.
    """
    from transforms.rules import rule_texts

    sample = sample_feed(feed, wanted, env)
    if not sample.records:
        raise _no_records(sample)
    looked = PreviewSample(
        feed=feed,
        wanted=wanted,
        total=sample.total,
        records=list(sample.records.values()),
        assessments=_assess(sample),
        notes=sample.notes,
        unreadable=sample.unreadable,
    )
    return write_report(env.reports, looked, rule_texts())


def _no_records(sample: Sample) -> NoRecords:
    if sample.nameless:
        wanted, fields = " and ".join(sample.feed.identifier), ", ".join(sorted(sample.nameless_fields)) or "no field"
        lacking = f"none of the {sample.nameless} records that came has {wanted}; they have {fields}"
        return NoIdentifiers(f"identifier: {lacking}. Name what tells them apart; docs/feeds.md has every key.")
    if sample.reasons:
        ((reason, _),) = sample.reasons.most_common(1)
        return NoRecords(f"nothing that came can be read ({reason}; {sample.unreadable[0]}); show this to the partner")
    return NoRecords("the list holds no record; compare the feed's url, sets and format with what the partner offers")


def _assess(sample: Sample) -> list[Assessment]:
    """Return what becomes of each record, with what the batch rules find among them."""
    from transforms import transform
    from transforms.rules import apply_batch_rules, facts_of

    assessments = [transform(record, sample.feed) for record in sample.records.values()]
    findings: dict[str, list[Issue]] = {}
    facts = [facts_of(assessment.resource) for assessment in assessments if assessment.resource is not None]
    for issue in apply_batch_rules(facts):
        findings.setdefault(issue.key, []).append(issue)
    return [
        msgspec.structs.replace(assessment, issues=(*assessment.issues, *findings.get(assessment.key, ())))
        for assessment in assessments
    ]


def sample_feed(feed: Feed, wanted: int, env: Environment) -> Sample:
    """Return about `wanted` records, spread over the feed. Raises HarvestFailed when failures leave none."""
    return _sample_windows(feed, wanted, env) if feed.traits.lists_by_datestamp else _sample_list(feed, wanted, env)


def _ask(feed: Feed, limit: int, since: str | None = None) -> Ask:
    credentials = from_environment(feed.connection, os.environ)
    return Ask(since=since, full=since is None, limit=limit, credentials=credentials)


def _sample_windows(feed: Feed, wanted: int, env: Environment) -> Sample:
    """Take the same number from the beginning of each window of datestamps, of every set that may be asked."""
    sample = Sample(feed)
    parts = [feed.model_copy(update={"sets": [name]}) for name in feed.sets] or [feed]
    if len(parts) > _MAX_ASKS:
        sample.notes.append(f"the feed names {len(parts)} sets; {_MAX_ASKS} of them were asked")
        parts = list(evenly(parts, _MAX_ASKS))
    starts = list(evenly(_window_starts(feed, env), max(1, _MAX_ASKS // len(parts))))
    return _sample_parts(feed, [(part, since) for part in parts for since in starts], wanted, env, sample)


def _window_starts(feed: Feed, env: Environment) -> list[str | None]:
    """Return where the windows begin: the first with the list, the others at even distances until now."""
    from harvesters.client import Client
    from harvesters.oai_pmh import Repository, identify

    with Client(feed, _ask(feed, 1), env) as client:
        server = identify(Repository(client, feed.request.method), client)
    earliest, now = parse_datestamp(server.earliest), datetime.now(UTC)
    starts = [earliest + (now - earliest) * number / _SAMPLE_PLACES for number in range(1, _SAMPLE_PLACES)]
    return [None, *(format_datestamp(start, days=server.days) for start in starts)]


def _sample_parts(
    feed: Feed, parts: Sequence[tuple[Feed, str | None]], wanted: int, env: Environment, sample: Sample
) -> Sample:
    """Take the same number from each part; where they do not hold enough, fill up from the beginning of the list."""
    each = -(-wanted // len(parts))
    failures: list[HarvestFailed] = []
    for part, since in parts:
        try:
            _read(part, _ask(part, each, since), env, sample)
        except HarvestFailed as error:
            failures.append(error)
            sample.notes.append(f"{error.cause}: {error.sentence}")
    if failures and not sample.records:
        raise failures[0]
    if len(sample.records) < wanted:
        _fill_up(feed, wanted, env, sample)
    sample.records = dict(evenly(list(sample.records.items()), wanted))
    return sample


def _fill_up(feed: Feed, wanted: int, env: Environment, sample: Sample) -> None:
    """Read from the beginning of the list until there are enough; some of these records are there already."""
    try:
        for page in harvest(feed, _ask(feed, _MAX_LIST_RECORDS), env):
            sample.add(page)
            if len(sample.records) >= wanted:
                return
    except HarvestFailed as error:
        sample.notes.append(f"{error.cause}: {error.sentence}")


def _sample_list(feed: Feed, wanted: int, env: Environment) -> Sample:
    """Choose evenly out of the first records of the list, which are all of them when it is short."""
    needs_request_each = feed.traits.requests_each_record or feed.request.detail_url is not None
    read = wanted if needs_request_each else max(_MAX_LIST_RECORDS, wanted)
    sample = Sample(feed)
    if feed.traits.has_declared_paging and feed.request.paging in ("page", "offset"):
        _read(feed, _ask(feed, 1), env, sample)
        if (sample.total or 0) > read:
            return _sample_parts(feed, _list_parts(feed, sample.total or 0), wanted, env, sample)
    _read(feed, _ask(feed, read), env, sample)
    if len(sample.records) >= read:
        _note_what_was_not_read(sample)
    sample.records = dict(evenly(list(sample.records.items()), wanted))
    return sample


def _note_what_was_not_read(sample: Sample) -> None:
    seen = len(sample.records)
    if sample.total is None or sample.total > seen:
        rest = f"of {sample.total}" if sample.total else "the list goes on"
        sample.notes.append(f"the records are out of the first {seen} ({rest})")


def _list_parts(feed: Feed, total: int) -> list[tuple[Feed, None]]:
    """Return the feed as if its list began further back, at even distances."""
    request = feed.request
    step = request.size if request.paging == "page" else 1
    firsts = [request.first + total * number // _SAMPLE_PLACES // step for number in range(_SAMPLE_PLACES)]
    requests = [request.model_copy(update={"first": first}) for first in firsts]
    return [(feed.model_copy(update={"request": part}), None) for part in requests]


def _read(feed: Feed, ask: Ask, env: Environment, sample: Sample) -> None:
    for page in harvest(feed, ask, env):
        sample.add(page)
        if ask.full and page.total is not None:
            sample.total = max(page.total, sample.total or 0)
        if not sample.records and sample.nameless >= (ask.limit or _MAX_LIST_RECORDS):
            return  # the others will lack an identifier too


def evenly(things: Sequence[T], number: int) -> Iterator[T]:
    """Yield so many of the things, at even distances from the first on; all of them when there are no more."""
    if len(things) <= number:
        yield from things
        return
    for position in range(number):
        yield things[position * len(things) // number]
