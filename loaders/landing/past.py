"""The harvests that a feed has landed, and what they mean for the next one.

The mark is the time from which the next incremental harvest asks: the server's date of the last complete harvest, less
an overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

import msgspec

from loaders.landing.harvest import Failure, Harvest
from loaders.landing.part import Footer, part_paths, read_footer
from loaders.landing.size_question import with_size_question
from schemas import Ask, Feed, Skipped, replace

_OVERLAP = timedelta(hours=13)  # some servers use local time for datestamps, at most twelve hours behind UTC
# keys of [request] that change how patiently the source is requested, and not which source it is
_PATIENCE_KEYS = {
    *("rate", "connections", "timeout", "budget", "retries", "backoff", "quiet_hours", "size", "trust_list_size"),
    *("max_pages", "max_bytes", "max_redirects", "multi_value", "verb"),
}
# causes of failure after which the next harvest continues; after others it starts over
_CONTINUED_CAUSES = frozenset({"unreachable", "server_failing", "certificate", "blocked", "too_slow", "quiet_hours"})
_FULL_EVERY_WITH_DATESTAMPS = 28  # harvests from one whole list to the next, where deletions are not all reported
_FULL_EVERY_WITH_DELETIONS = 90  # where they are reported, but removals and old datestamps are not
# in a row; then the mark moves although the list repeats records: this server always does
_MAX_DOUBTFUL_HARVESTS = 3
_MAX_EMPTY_RUNS = 3  # that fail without a record; then the harvest starts over, since its position may be stale


def harvests(
    folder: Path,
    *,
    after: str | None = None,
    until: str | None = None,
    reaches_back: Callable[[list[Harvest]], bool] | None = None,
) -> list[Harvest]:
    """Return the harvests of a landing folder with a part in a run later than `after`, until a run, oldest first.

    With `reaches_back`, also those before it, until the function says that the harvests read so far are enough.
    """
    if reaches_back is None:
        return _walk(folder, until, lambda run, _: after is not None and run <= after)
    enough = reaches_back
    return _walk(folder, until, lambda run, recent: (after is None or run <= after) and bool(recent) and enough(recent))


def recent_harvests(folder: Path) -> list[Harvest]:
    """Return the newest harvests of a landing folder, back to the last whole list, oldest first.

    Where lists are never whole, back to the third that was read to its end.
    """
    return _walk(folder, None, lambda _, recent: _reaches_a_whole_list(recent))


def waits_for_a_list(folder: Path) -> bool:
    """Return whether the newest complete harvest left records that wait for another whole list."""
    complete = [harvest for harvest in recent_harvests(folder) if harvest.last.complete]
    return bool(complete) and complete[-1].last.missing > 0


def _reaches_a_whole_list(recent: list[Harvest]) -> bool:
    complete_lists = sum(harvest.listed_everything for harvest in recent)
    return any(harvest.whole_list for harvest in recent) or complete_lists >= _MAX_DOUBTFUL_HARVESTS


def _walk(folder: Path, until: str | None, enough: Callable[[str, list[Harvest]], bool]) -> list[Harvest]:
    """Read runs from the newest back, until `enough` of a run and the harvests read so far; oldest harvest first."""
    recent: list[Harvest] = []
    parts: list[tuple[Path, Footer]] = []
    for run in reversed(_run_names(folder, until=until)):
        whole = not parts or parts[0][1].begins  # the parts read so far do not continue this run
        if whole and enough(run, recent):
            break
        parts = [(path, read_footer(path)) for path in part_paths(folder / run)] + parts
        recent = _harvests(parts)
    return recent


def _harvests(parts: list[tuple[Path, Footer]]) -> list[Harvest]:
    groups: list[list[tuple[Path, Footer]]] = []
    for path, footer in parts:
        if footer.begins or not groups:
            groups.append([])
        groups[-1].append((path, footer))
    return [
        Harvest(
            parts=tuple(path for path, _ in group),
            footers=tuple(footer for _, footer in group),
            failure=_failure(group[-1][0].parent),
        )
        for group in groups
    ]


def _run_names(folder: Path, *, until: str | None = None) -> list[str]:
    """Return the runs of a landing folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(run.name for run in folder.iterdir() if run.is_dir() and (until is None or run.name <= until))


def fingerprint(feed: Feed) -> str:
    """Return a digest of what the feed declares about its source: when it changes, earlier harvests do not count."""
    declared: list[object] = [feed.protocol, feed.url, feed.metadata_prefix, sorted(feed.sets), feed.identifier]
    request = feed.request.model_dump(exclude=_PATIENCE_KEYS, exclude_defaults=True)
    if request:
        declared.append(request)
    if feed.exclude_sets:
        declared.append({"exclude_sets": sorted(feed.exclude_sets)})
    return sha256(msgspec.json.encode(declared, order="deterministic")).hexdigest()[:16]


def ask(
    landing: Path,
    feed: Feed,
    *,
    full: bool = False,
    limit: int | None = None,
    credentials: dict[str, str] | None = None,
) -> Ask:
    """Return what to ask of the feed next, worked out from its landing alone.

    An interrupted harvest is continued from its last part; a truncated one starts over. One whose list repeats records
    and may omit others is asked for again as it was, up to three times. Otherwise it is everything since the mark; or
    everything, if `full` is true, every `full_every` runs, while an absence waits for another whole list, when there is
    no mark, or when the feed declares another source than before.
    """
    past = [
        harvest
        for harvest in recent_harvests(landing / feed.name)
        if harvest.last.source_fingerprint == fingerprint(feed)
    ]
    complete = [harvest for harvest in past if harvest.last.complete]
    everything = Ask(
        listed_before=_listed_before(complete), retry=_retry(past, complete), limit=limit, credentials=credentials or {}
    )
    if full:
        return everything
    if past and _continues(landing / feed.name, past[-1]):
        return _continuation(everything, past[-1])
    since = _since(feed, complete)
    question = replace(everything, since=since, full=since is None, validators=_validators(feed, complete))
    return (
        question if since is None else with_size_question(question, feed, past, lambda: harvests(landing / feed.name))
    )


def _listed_before(complete: list[Harvest]) -> int | None:
    """Return how many records the last whole list has; that of a list that repeats records if none is whole."""
    whole = [harvest for harvest in complete if harvest.whole_list]
    listed = whole or [harvest for harvest in complete if harvest.listed_everything]
    return listed[-1].counted if listed else None


def _continuation(everything: Ask, interrupted: Harvest) -> Ask:
    """Return the ask that continues an interrupted harvest from its last part, as it was asked for."""
    last = interrupted.last
    return replace(
        everything,
        since=last.asked_since,
        full=last.asked_full,
        position=last.position,
        listed_so_far=interrupted.listed,
    )


def _full_every(feed: Feed, *, reports_all_deletions: bool = False) -> int:
    """Return every how many harvests the whole list is requested, so that deletions by absence are found."""
    if feed.full_every is not None:
        return feed.full_every
    if reports_all_deletions:
        return _FULL_EVERY_WITH_DELETIONS
    return _FULL_EVERY_WITH_DATESTAMPS if feed.traits.lists_by_datestamp or feed.request.since_param else 1


def _full_is_due(feed: Feed, complete: list[Harvest]) -> bool:
    every = _full_every(feed, reports_all_deletions=complete[-1].last.reports_all_deletions)
    for harvests_since, harvest in enumerate(reversed(complete), start=1):
        if harvest.listed_everything:
            return harvests_since >= every
    return True


def _absence_waits(complete: list[Harvest]) -> bool:
    """Return whether records wait for the next whole list; not where lists have repeats night after night."""
    return complete[-1].last.missing > 0 and _doubtful_in_a_row(complete) < _MAX_DOUBTFUL_HARVESTS


def _continues(folder: Path, last: Harvest) -> bool:
    """Return whether the last harvest was interrupted and can be continued."""
    if last.last.complete or not last.last.position:  # an empty one: the list can only be read from its beginning
        return False
    since = [_failure(folder / run) for run in _run_names(folder) if run > last.last.run_id]
    failures = [failure for failure in (last.failure, *since) if failure is not None]
    return len(since) < _MAX_EMPTY_RUNS and all(failure.cause in _CONTINUED_CAUSES for failure in failures)


def _since(feed: Feed, complete: list[Harvest]) -> str | None:
    """Return from when on to ask: the mark, or as the last harvest if it lacks what only the same request can give.

    None asks for everything: when no harvest is complete, it has no mark, a full one is due, or an absence waits.
    """
    if not complete or _full_is_due(feed, complete) or _absence_waits(complete):
        return None
    last = complete[-1]
    same_request = _lacks_records(feed, complete) or 0 < _doubtful_in_a_row(complete) < _MAX_DOUBTFUL_HARVESTS
    if same_request and last.last.size_asked and last.listed_everything:  # the size made it ask for everything
        return None
    return last.footers[0].asked_since if same_request else _mark(last.last.response_date)


def _doubtful_in_a_row(complete: list[Harvest]) -> int:
    """Return how many of the last harvests, in a row, had lists whose repeats may hide missing records."""
    return len(list(takewhile(lambda harvest: harvest.last.doubtful_repeats > 0, reversed(complete))))


def _validators(feed: Feed, complete: list[Harvest]) -> dict[str, str]:
    """Return the newest validators for a conditional request; none if the last harvest lacks records."""
    if _lacks_records(feed, complete) or _doubtful_in_a_row(complete):
        return {}
    return next((harvest.last.validators for harvest in reversed(complete) if harvest.last.validators), {})


def _lacks_records(feed: Feed, complete: list[Harvest]) -> bool:
    """Return whether the last complete harvest lacks a record that only the same request, sent again, can give."""
    if not complete or feed.traits.requests_skipped_records:
        return False
    return any(skipped.retry for skipped in complete[-1].skipped)


def _mark(response_date: str | None) -> str | None:
    """Return the date less the overlap; None, so that everything is requested, if there is no readable date."""
    if response_date is None:
        return None
    try:
        date = datetime.fromisoformat(response_date)
    except ValueError:
        return None
    date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    try:
        return (date.astimezone(UTC) - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:  # in the first hours of year 1
        return None


def _retry(past: list[Harvest], complete: list[Harvest]) -> tuple[Skipped, ...]:
    """Return what the harvests since the last complete one, that one included, could not read and should request."""
    first = past.index(complete[-1]) if complete else 0
    return tuple(dict.fromkeys(skipped for harvest in past[first:] for skipped in harvest.skipped if skipped.retry))


def _failure(folder: Path) -> Failure | None:
    path = folder / "failed.json"
    return msgspec.json.decode(path.read_bytes(), type=Failure) if path.exists() else None
