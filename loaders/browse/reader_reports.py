"""What readers report about resources: counts by kind and feed, and pages of it with what it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, case, exists, func, select, tuple_

from loaders.store import (
    ReaderReportDecisionRow,
    ReaderReportRow,
    RedirectRow,
    ResourceRow,
    SourceRecordRow,
    rows_among,
)
from schemas import Base

_REPORTS: Any = ReaderReportRow.__table__
_DECISIONS: Any = ReaderReportDecisionRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_RESOURCES: Any = ResourceRow.__table__
_replacing = select(RedirectRow.id).where(RedirectRow.old_id == _REPORTS.c.resource_id).correlate(_REPORTS)
_current_id = func.coalesce(_replacing.scalar_subquery(), _REPORTS.c.resource_id)  # a report keeps the id of its time
_RANK = case((_REPORTS.c.kind == "takedown", 0), else_=1)


class ReaderMessage(Base, frozen=True, kw_only=True):
    """What one reader wrote.

    id: random, by which the page that waits for it to be kept finds it
    contact: a mail address, or empty; language: of the reader's page; answered_at: when a mail was sent there
    """

    id: str
    at: str
    language: str
    text: str = ""
    contact: str = ""
    answered_at: str | None = None


class ReaderReportFilter(Base, frozen=True, kw_only=True):
    """Which reports are meant; an empty value means all.

    feeds: with a record of one of these feeds; None means all
    newest: none with a higher number, which came later
    """

    kind: str = ""
    feeds: tuple[str, ...] | None = None
    resource: str = ""
    is_decided: bool = False
    newest: int | None = None


class ReaderReportDecision(NamedTuple):
    """The decision in force on a report."""

    action: str
    answer: str
    by: str
    at: str
    reason: str
    batch_id: str


class ReaderReport(Base, frozen=True, kw_only=True):
    """What readers report of a kind about a resource, and the resource as it stands.

    count: how many readers; messages: what the first and the last ones wrote
    key: the resource's leading record, of which its partner is asked
    """

    id: int
    resource_id: str
    kind: str
    count: int
    first_at: str
    last_at: str
    due_at: str | None
    messages: tuple[ReaderMessage, ...]
    title: str
    url: str
    key: str
    is_withdrawn: bool
    feeds: tuple[str, ...]
    decision: ReaderReportDecision | None


class ReaderReportPlace(NamedTuple):
    """After which report a page begins: rank of its kind and when it was first reported; its number, or the decision's.

    Of decided reports only the number counts.
    """

    rank: int
    first_at: str
    number: int


class ReaderReportFacets(Base, frozen=True, kw_only=True):
    """How many reports are meant; how many of each kind without the chosen one; the numbers of those of each feed.

    newest: the highest number of those that are meant; 0 without any
    """

    total: int
    newest: int
    kinds: list[tuple[str, int]]
    feeds: dict[str, frozenset[int]]


def decode_reader_messages(text: str) -> tuple[ReaderMessage, ...]:
    """Return the messages of a report, which the catalog keeps as JSON."""
    return msgspec.json.decode(text, type=tuple[ReaderMessage, ...])


def reader_report_facets(connection: Connection, chosen: ReaderReportFilter) -> ReaderReportFacets:
    """Count the reports that the filter means, and those that it would mean with another kind or feed."""
    of_kinds = _conditions(msgspec.structs.replace(chosen, kind=""))
    kinds = select(_REPORTS.c.kind, func.count()).where(*of_kinds).group_by(_REPORTS.c.kind)
    counts = sorted(((row[0], row[1]) for row in connection.execute(kinds)), key=lambda each: (-each[1], each[0]))
    of_feeds = _conditions(msgspec.structs.replace(chosen, feeds=None))
    feeds: dict[str, set[int]] = {}
    of_resource = _REPORTS.join(_RECORDS, _RECORDS.c.resource_id == _current_id)
    joined = select(_REPORTS.c.id, _RECORDS.c.feed).select_from(of_resource)
    for number, feed in connection.execute(joined.where(*of_feeds).distinct()):
        feeds.setdefault(feed, set()).add(number)
    whole = select(func.count(), func.max(_REPORTS.c.id)).select_from(_REPORTS).where(*_conditions(chosen))
    total, newest = connection.execute(whole).one()
    return ReaderReportFacets(
        total=total,
        newest=newest or 0,
        kinds=counts,
        feeds={feed: frozenset(numbers) for feed, numbers in feeds.items()},
    )


def reader_reports_page(
    connection: Connection, chosen: ReaderReportFilter, *, after: ReaderReportPlace | None = None, limit: int = 50
) -> tuple[list[ReaderReport], ReaderReportPlace | None]:
    """Return reports that the filter means, and where the next page begins; None at the end.

    Open ones: those that ask to take a work down first, then the oldest. Decided ones: the last decided first.
    """
    query = select(_REPORTS, _current_id.label("current"), _RANK.label("rank")).where(*_conditions(chosen))
    if chosen.is_decided:
        query = query.where(_REPORTS.c.decision_id < after.number) if after else query
        query = query.order_by(_REPORTS.c.decision_id.desc())
    else:
        place = tuple_(_RANK, _REPORTS.c.first_at, _REPORTS.c.id)
        query = query.where(place > tuple_(*after)) if after else query
        query = query.order_by(_RANK, _REPORTS.c.first_at, _REPORTS.c.id)
    rows = connection.execute(query.limit(limit + 1)).mappings().all()
    shown = rows[:limit]
    return list(_shown(connection, shown)), _place(shown[-1]) if len(rows) > limit else None


def reader_report_numbers(connection: Connection, chosen: ReaderReportFilter) -> list[int]:
    """Return the numbers of all reports that the filter means."""
    return list(connection.scalars(select(_REPORTS.c.id).where(*_conditions(chosen)).order_by(_REPORTS.c.id)))


def _place(row: Any) -> ReaderReportPlace:
    return ReaderReportPlace(row["rank"], row["first_at"], row["decision_id"] or row["id"])


def _conditions(chosen: ReaderReportFilter) -> list[Any]:
    decided = _REPORTS.c.decision_id
    conditions = [decided.is_not(None) if chosen.is_decided else decided.is_(None)]
    if chosen.kind:
        conditions.append(_REPORTS.c.kind == chosen.kind)
    if chosen.resource:
        conditions.append(_current_id == chosen.resource)
    if chosen.newest is not None:
        conditions.append(_REPORTS.c.id <= chosen.newest)
    if chosen.feeds is not None:
        record = _RECORDS.alias()
        of_resource = (record.c.resource_id == _current_id, record.c.feed.in_(chosen.feeds))
        conditions.append(exists(select(record.c.key).where(*of_resource)))
    return conditions


def _shown(connection: Connection, rows: Sequence[Any]) -> Iterator[ReaderReport]:
    ids = list({row["current"] for row in rows})
    columns = (_RESOURCES.c.id, _RESOURCES.c.title, _RESOURCES.c.url, _RESOURCES.c.withdrawn_at, _RESOURCES.c.record)
    resources = {row.id: row for row in rows_among(connection, select(*columns), _RESOURCES.c.id, ids)}
    feeds: dict[str, set[str]] = {}
    members = select(_RECORDS.c.resource_id, _RECORDS.c.feed)
    for row in rows_among(connection, members, _RECORDS.c.resource_id, ids):
        feeds.setdefault(row.resource_id, set()).add(row.feed)
    decisions = _decisions(connection, [row["decision_id"] for row in rows if row["decision_id"]])
    for row in rows:
        yield ReaderReport(
            **{name: row[name] for name in ("id", "kind", "count", "first_at", "last_at", "due_at")},
            **_resource(resources.get(row["current"])),
            resource_id=row["current"],
            messages=decode_reader_messages(row["messages"]),
            feeds=tuple(sorted(feeds.get(row["current"], ()))),
            decision=decisions.get(row["decision_id"]),
        )


def _resource(row: Any) -> dict[str, Any]:
    """Return what is shown of a resource; of none, as of a withdrawn one."""
    if row is None:
        return {"title": "", "url": "", "key": "", "is_withdrawn": True}
    key = msgspec.json.decode(row.record, type=_Keyed).key
    return {
        "title": row.title or "",
        "url": row.url or "",
        "key": key,
        "is_withdrawn": row.withdrawn_at is not None,
    }


class _Keyed(Base, frozen=True):
    key: str


def _decisions(connection: Connection, numbers: Sequence[int]) -> dict[int, ReaderReportDecision]:
    rows = rows_among(connection, select(_DECISIONS), _DECISIONS.c.id, numbers)
    return {
        row.id: ReaderReportDecision(row.action, row.answer or "", row.by, row.at, row.reason, row.batch_id)
        for row in rows
    }
