"""When to ask a repository how many records its whole list has, and with what to compare the answer.

A repository that keeps deleted headers for ever is harvested by increments. What it loads with old datestamps, or
removes without a deleted header, no increment tells: its size does. All of it is worked out from landing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from loaders.landing.harvest import Harvest
from loaders.store import create_parquet_view, open_workspace, temporary_folder
from schemas import Ask, Feed, replace

_DAYS = timedelta(days=7)
_RUNS = 7  # where the server's clock stands still


def with_size_question(
    question: Ask, feed: Feed, past: Sequence[Harvest], read_all: Callable[[], Sequence[Harvest]]
) -> Ask:
    """Return the question with what it takes to ask for the size of the whole list, where that is due.

    That is once in seven days or runs, in an increment of a repository without sets that keeps its deleted headers.
    `past` are the feed's recent harvests of the same source, `read_all` returns all of its harvests.
    """
    whole = [number for number, harvest in enumerate(past) if harvest.listed_everything]
    if not (whole and _can_be_asked(feed, past)):
        return question
    known_at = _size_known_at(past)
    if known_at is not None and not _is_due(known_at, datetime.now(UTC)):
        return question
    every = [harvest for harvest in read_all() if harvest.last.source_fingerprint == past[-1].last.source_fingerprint]
    until_whole = every[: len(every) - (len(past) - 1 - whole[-1])]
    usual = _own_size(past[whole[-1]]) - _count_known(until_whole)
    return replace(question, known_records=_count_known(every), size_known_at=known_at, usual_difference=usual)


def _can_be_asked(feed: Feed, past: Sequence[Harvest]) -> bool:
    if not (feed.traits.lists_by_datestamp and feed.request.trust_list_size) or feed.sets:
        return False
    return next(harvest.last.reports_all_deletions for harvest in reversed(past) if harvest.last.complete)


def _size_known_at(past: Sequence[Harvest]) -> str | None:
    """Return the server's date when its size was last known; None when that is too many runs ago."""
    newest = max(number for number, harvest in enumerate(past) if _knows_size(harvest))
    runs = sum(harvest.last.complete for harvest in past[newest + 1 :])
    return None if runs + 1 >= _RUNS else past[newest].last.response_date


def _knows_size(harvest: Harvest) -> bool:
    return harvest.last.size_asked or harvest.listed_everything


def _is_due(known_at: str, at: datetime) -> bool:
    """Return whether the size was last known a week before a time; also where its date cannot be read."""
    try:
        known = datetime.fromisoformat(known_at)
    except ValueError:
        return True
    return at - (known.replace(tzinfo=UTC) if known.tzinfo is None else known) >= _DAYS


def _own_size(harvest: Harvest) -> int:
    """Return the size that the server gave its whole list, or else how many records the list had."""
    lists = {name: part for footer in harvest.footers for name, part in footer.lists.items() if name}
    sizes = [part.size for footer in harvest.footers for part in footer.lists.values() if part.size is not None]
    if len(lists) == 1 and sizes:
        return max(sizes)
    return harvest.counted if harvest.last.whole_size is None else harvest.last.whole_size


def _count_known(past: Sequence[Harvest]) -> int:
    """Return how many identifiers the harvests have listed, also of records that are deleted or cannot be read."""
    paths = [path for harvest in past for path in harvest.parts]
    unread = {record.identifier for harvest in past for record in harvest.skipped if record.identifier is not None}
    with temporary_folder(Path(gettempdir())) as folder, open_workspace(folder) as duck:
        create_parquet_view(duck, "every_row", *paths, more=", union_by_name = true")
        duck.execute("CREATE TABLE unread (identifier VARCHAR)")
        if unread:
            duck.executemany("INSERT INTO unread VALUES (?)", [(identifier,) for identifier in unread])
        count: Any = duck.execute(
            "SELECT count(DISTINCT identifier) FROM (SELECT identifier FROM every_row UNION ALL FROM unread)"
        ).fetchone()
    return int(count[0])
