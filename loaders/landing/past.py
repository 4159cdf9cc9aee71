"""The harvests that a feed has landed, and what they mean for the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

import msgspec

from loaders.landing.part import Footer, part_paths, read_footer
from schemas import Ask, Base, Feed, Skipped

_OVERLAP = timedelta(hours=13)  # some servers stamp their records in local time, twelve hours behind UTC at most
# what [request] says of patience and politeness: it changes nothing about the source
_PATIENCE = {
    *("rate", "connections", "timeout", "budget", "retries", "backoff", "quiet_hours", "size", "trust_list_size"),
    *("max_pages", "max_bytes", "max_redirects", "multi_value"),
}
_GO_ON_AFTER = frozenset({"unreachable", "certificate", "blocked", "too_slow", "quiet_hours"})  # others start over
_WITH_DATESTAMPS = 28  # harvests from one whole list to the next, where deletes are not told for good
_DOUBTS = 3  # harvests in a row whose list repeats records, until the mark moves all the same: it is the server's habit
_TRIES = 3  # runs that fail without a record before the harvest starts over: a stale position may be what fails


class Failure(Base, frozen=True, kw_only=True):
    """Why a harvest failed, as the harvester said."""

    cause: str
    sentence: str
    again: bool = True


class Harvest(Base, frozen=True, kw_only=True):
    """One harvest: its parts in order, of one run or of the interrupted runs that it went on from too."""

    parts: tuple[Path, ...]
    footers: tuple[Footer, ...]
    failure: Failure | None = None  # of its last run

    @property
    def last(self) -> Footer:
        return self.footers[-1]

    @property
    def listed(self) -> int:
        return sum(footer.records for footer in self.footers)

    @property
    def counted(self) -> int:
        """Records in the list: what was listed again after a kill or an expired token counts once."""
        return self.listed if self.last.counted is None else self.last.counted

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return tuple(one for footer in self.footers for one in footer.skipped)

    @property
    def whole_list(self) -> bool:
        """Whether what this harvest lacks is gone."""
        return self.listed_everything and not self.last.repeats

    @property
    def listed_everything(self) -> bool:
        """Whether the whole list was asked for and given to its end, be it that repeats hide what it lacks."""
        return self.last.complete and self.last.full and not self.last.not_modified


def harvests(folder: Path, *, after: str | None = None, until: str | None = None) -> list[Harvest]:
    """The harvests of a landing folder that have a part in a run later than `after`, up to a run, oldest first."""
    return _walk(folder, until, lambda run, _: after is not None and run <= after)


def recent_harvests(folder: Path) -> list[Harvest]:
    """The newest harvests of a landing folder, back to the last whole list, oldest first.

    Where lists are never whole, back to the third that was given to its end.
    """
    return _walk(folder, None, lambda _, found: _enough(found))


def _enough(found: list[Harvest]) -> bool:
    return any(one.whole_list for one in found) or sum(one.listed_everything for one in found) >= _DOUBTS


def _walk(folder: Path, until: str | None, enough: Callable[[str, list[Harvest]], bool]) -> list[Harvest]:
    found: list[Harvest] = []
    parts: list[tuple[Path, Footer]] = []
    for run in reversed(_run_names(folder, until=until)):
        whole = not parts or parts[0][1].begins  # what we have does not go on from this run
        if whole and enough(run, found):
            break
        parts = [(path, read_footer(path)) for path in part_paths(folder / run)] + parts
        found = _harvests(parts)
    return found


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
    """The runs of a landing folder in the order of time."""
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and (until is None or one.name <= until))


def fingerprint(feed: Feed) -> str:
    """What the feed declares of its source: when it changes, the harvests before mean nothing for the next."""
    said: list[object] = [feed.protocol, feed.url, feed.format, sorted(feed.sets), feed.identifier]
    request = feed.request.model_dump(exclude=_PATIENCE, exclude_defaults=True)
    if request:
        said.append(request)
    return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:16]


def ask(
    landing: Path,
    feed: Feed,
    *,
    full: bool = False,
    limit: int | None = None,
    credentials: dict[str, str] | None = None,
) -> Ask:
    """What to ask of the feed next, worked out from its landing alone.

    An interrupted harvest is gone on with from its last part; a truncated one starts over. One whose list repeats
    records and may lack others is asked for again as it was, up to three times. Else everything since the mark of the
    last complete harvest, less an overlap; or everything, when `full` is asked, every `full_every` runs
    (see there), when there is no mark, or when the declared source is another than it was.
    """
    past = [one for one in recent_harvests(landing / feed.name) if one.last.source == fingerprint(feed)]
    complete = [one for one in past if one.last.complete]
    listed = [one for one in complete if one.whole_list] or [one for one in complete if one.listed_everything]
    before = listed[-1].counted if listed else None
    retry = _retry(past, complete)
    secret = credentials or {}
    if past and not full and _goes_on(landing / feed.name, past[-1]):
        last = past[-1].last
        return Ask(
            since=last.asked_since,
            full=last.asked_full,
            position=last.position,
            listed_before=before,
            listed_so_far=past[-1].listed,
            retry=retry,
            limit=limit,
            credentials=secret,
        )
    mark = _since(feed, complete) if complete else None
    everything = full or mark is None or _full_is_due(feed, complete)
    return Ask(
        since=None if everything else mark,
        full=everything,
        listed_before=before,
        retry=retry,
        validators={} if full else _validators(feed, complete),
        limit=limit,
        credentials=secret,
    )


def _full_every(feed: Feed, *, deletes_told: bool = False) -> int | None:
    """Every how many harvests the whole list is asked for, so that what it lacks is known to be gone.

    None, never by itself, where the repository keeps telling every delete and the feed file asks for nothing else.
    """
    if feed.full_every is not None:
        return feed.full_every
    if deletes_told:
        return None
    return _WITH_DATESTAMPS if feed.traits.lists_by_datestamp or feed.request.since_param else 1


def _full_is_due(feed: Feed, complete: list[Harvest]) -> bool:
    every = _full_every(feed, deletes_told=complete[-1].last.deletes_told)
    for since_full, one in enumerate(reversed(complete), start=1):
        if one.listed_everything:
            return every is not None and since_full >= every
    return True


def _goes_on(folder: Path, last: Harvest) -> bool:
    if last.last.complete or not last.last.position:  # an empty one: the list cannot be entered in its middle
        return False
    since = [_failure(folder / run) for run in _run_names(folder) if run > last.last.run_id]
    failures = [one for one in (last.failure, *since) if one is not None]
    return len(since) < _TRIES and all(one.cause in _GO_ON_AFTER for one in failures)


def _since(feed: Feed, complete: list[Harvest]) -> str | None:
    """From when on to ask: the mark, or where the last harvest began when it lacks what only its list can give."""
    last = complete[-1]
    again = _lacks(feed, complete) or 0 < _doubts(complete) < _DOUBTS
    return last.footers[0].asked_since if again else _mark(last.last.response_date)


def _doubts(complete: list[Harvest]) -> int:
    """How many of the last harvests, in a row, had lists that repeat records and so may lack others."""
    return len(list(takewhile(lambda one: one.last.repeats > 0, reversed(complete))))


def _validators(feed: Feed, complete: list[Harvest]) -> dict[str, str]:
    """What the server gave to ask whether anything changed; nothing when the answer would leave out what is lacking."""
    if _lacks(feed, complete) or _doubts(complete):
        return {}
    return next((one.last.validators for one in reversed(complete) if one.last.validators), {})


def _lacks(feed: Feed, complete: list[Harvest]) -> bool:
    """Whether the last complete harvest lacks a record that only the whole question, asked again, can give."""
    return (
        bool(complete and any(one.again for one in complete[-1].skipped)) and not feed.traits.requests_skipped_records
    )


def _mark(response_date: str | None) -> str | None:
    """The date less the overlap; None (so that all is asked for) when the server gave none that can be read."""
    if response_date is None:
        return None
    try:
        said = datetime.fromisoformat(response_date)
    except ValueError:
        return None
    said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
    try:
        return (said.astimezone(UTC) - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:  # a clock at the begin of the calendar
        return None


def _retry(past: list[Harvest], complete: list[Harvest]) -> tuple[Skipped, ...]:
    """What the harvests since the last complete one could not get, that one included."""
    first = past.index(complete[-1]) if complete else 0
    return tuple(dict.fromkeys(one for harvest in past[first:] for one in harvest.skipped if one.again))


def _failure(folder: Path) -> Failure | None:
    path = folder / "failed.json"
    return msgspec.json.decode(path.read_bytes(), type=Failure) if path.exists() else None
