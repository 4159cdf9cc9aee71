"""What a partner has to fix in a feed: counts by rule, pages of findings in an order of their own, and their titles.

Everything is read by indexes: the counts from `ix_issue_open`, which holds nothing else than open findings, and a list
as a range of it. The rows of the other records are never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, case, func, or_, select, tuple_

from loaders.store import HarvestRunRow, IssueRow, SourceRecordRow, read_transaction, rows_among
from schemas import Base, Environment

FixState = Literal["new", "back", "standing", "fixed"]
FIX_STATES: tuple[FixState, ...] = ("new", "back", "standing", "fixed")
UNREADABLE_RULE = "unreadable"  # instead of a rule's code: no rule could check the record
SEVERITIES = ("error", "warning", "info")  # the worst first
MAX_COUNTED_FIXED = 100_000  # of one rule: a night that fixed more says "at least"
MAX_NIGHT_RUNS = 500  # of which what they resolved is looked up
_ISSUES: Any = IssueRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_RUNS: Any = HarvestRunRow.__table__
_STAMP_CHARS = len("20260101T000000000000")
_LAST_STAMP = "9" * 8 + "T" + "9" * 12
_PUBLICATION, _LINKS = "publish-", "links-"  # how the ids of runs begin that are of no feed
_PREFIXES = {"catalog": _PUBLICATION, "link": _LINKS}  # by the scope of the findings that they write
_BATCH = 1_000  # findings read in one transaction when a whole list is read
_OPEN_STATES = ("new", "back", "standing")


@dataclass(frozen=True)
class Night:
    """The runs since which a finding is new: the feed's from one to another, and the publications since the first."""

    first: str
    last: str

    def runs_of(self, scope: str) -> tuple[str, str]:
        """Return the first and the last of the runs that write findings of a scope."""
        prefix = _PREFIXES.get(scope)
        if prefix is None:
            return self.first, self.last
        return f"{prefix}{self.first[-_STAMP_CHARS:]}", f"{prefix}{_LAST_STAMP}"

    def holds(self, run_id: str) -> bool:
        """Return whether a run, of the feed or of the catalog, belongs to it."""
        stamp = run_id[-_STAMP_CHARS:]
        end = _LAST_STAMP if run_id.startswith((_PUBLICATION, _LINKS)) else self.last[-_STAMP_CHARS:]
        return self.first[-_STAMP_CHARS:] <= stamp <= end


class FixGroup(Base, frozen=True, kw_only=True):
    """The findings of one rule and severity, counted by what became of them since a night."""

    rule: str
    severity: str
    new: int = 0
    back: int = 0
    standing: int = 0
    fixed: int = 0

    @property
    def open(self) -> int:
        return self.new + self.back + self.standing


class FixFilter(Base, frozen=True, kw_only=True):
    """Which findings of a group are meant; an empty state means all that are open."""

    rule: str
    severity: str
    state: str = ""


class FixPlace(NamedTuple):
    """Where a page begins: behind the finding of that name that a run found, or resolved."""

    run_id: str
    finding: str


class Fix(Base, frozen=True, kw_only=True):
    """One finding for the partner to fix.

    identifier: the partner's own
    title, url: of the version that waits, or of the accepted one; empty where it says none
    since: when it was found, or found again; fixed: when it was resolved; both dates
    """

    identifier: str
    title: str
    url: str
    rule: str
    severity: str
    path: str
    value: str
    state: FixState
    since: str
    fixed: str
    place: FixPlace


def last_night(connection: Connection, feed: str) -> Night | None:
    """Return the last run of a feed that was loaded, as the night since which findings are new; None before any."""
    query = select(func.max(_RUNS.c.id)).where(_RUNS.c.feed == feed, _RUNS.c.status == "loaded")
    run_id = connection.scalar(query)
    return None if run_id is None else Night(run_id, run_id)


def nights_after(connection: Connection, feed: str, run_id: str | None) -> Night | None:
    """Return the loaded runs of a feed after a run, or all of them; None when there is none."""
    query = select(func.min(_RUNS.c.id), func.max(_RUNS.c.id)).where(_RUNS.c.feed == feed, _RUNS.c.status == "loaded")
    if run_id is not None:
        query = query.where(_RUNS.c.id > run_id)
    first, last = connection.execute(query).one()
    return None if first is None else Night(first, last)


def fix_groups(connection: Connection, feed: str, night: Night | None) -> list[FixGroup]:
    """Return what is to be fixed in a feed by rule: errors first, then the most frequent; unreadable records as one.

    Without a night everything that is open is standing. More than MAX_COUNTED_FIXED that were fixed count as so many.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for rule, severity, run_id, count, back in connection.execute(_open_counts(feed)):
        is_of_night = night is not None and night.holds(run_id)
        states = {"new": count - back, "back": back} if is_of_night else {"standing": count}
        group = counts.setdefault((rule, severity), {})
        counts[rule, severity] = {**group, **{state: group.get(state, 0) + more for state, more in states.items()}}
    if night:
        for rule, severity, count in connection.execute(_fixed_counts(feed, _runs_of(connection, feed, night))):
            counts.setdefault((rule, severity), {})["fixed"] = count
    unreadable = _unreadable_counts(connection, feed, night)
    if any(unreadable.values()):
        counts[UNREADABLE_RULE, "error"] = unreadable
    groups = [FixGroup(rule=rule, severity=severity, **states) for (rule, severity), states in counts.items()]
    return sorted(groups, key=lambda group: (SEVERITIES.index(group.severity), -group.open, group.rule))


def fix_page(
    connection: Connection,
    feed: str,
    chosen: FixFilter,
    night: Night | None,
    *,
    after: FixPlace | None = None,
    limit: int = 50,
) -> list[Fix]:
    """Return findings of a group, the newest first, from the one after `after` on."""
    if chosen.state not in ("", *FIX_STATES):
        return []
    if chosen.rule == UNREADABLE_RULE:
        return _unreadable_page(connection, feed, chosen, night, after, limit)
    find = _fixed_query if chosen.state == "fixed" else _open_query
    query = find(connection, feed, chosen, night)
    if query is None:
        return []
    at = _ISSUES.c.resolved_run_id if chosen.state == "fixed" else _ISSUES.c.first_run_id
    if after is not None:
        query = query.where(tuple_(at, _ISSUES.c.finding) < tuple_(*after))
    query = query.order_by(at.desc(), _ISSUES.c.finding.desc()).limit(limit)
    rows = list(connection.execute(query).mappings())
    about = _about(connection, [row["key"] for row in rows])
    return [_fix(row, about.get(row["key"], ("", "")), night) for row in rows]


def all_fixes(env: Environment, feed: str, chosen: Sequence[FixFilter], night: Night | None) -> Iterator[Fix]:
    """Yield every finding that the filters mean, filter by filter.

    They are read in many short transactions, so that a slow reader keeps no lock; what a run changes meanwhile may
    appear as it is before or after that run.
    """
    for each in chosen:
        after: FixPlace | None = None
        while True:
            with read_transaction(env) as connection:
                page = fix_page(connection, feed, each, night, after=after, limit=_BATCH)
            yield from page
            if len(page) < _BATCH:
                break
            after = page[-1].place


def record_fixes(connection: Connection, key: str, night: Night | None, *, limit: int = 100) -> list[Fix]:
    """Return the open findings of a record, errors first; at most `limit`."""
    query = select(_ISSUES).where(_ISSUES.c.key == key, _ISSUES.c.resolved_run_id.is_(None))
    rows = list(connection.execute(query.order_by(_ISSUES.c.code, _ISSUES.c.finding).limit(limit)).mappings())
    about = _about(connection, [key]).get(key, ("", ""))
    fixes = [_fix(row, about, night) for row in rows]
    return sorted(fixes, key=lambda fix: (SEVERITIES.index(fix.severity), fix.rule, fix.path))


def _open_counts(feed: str) -> Any:
    """Return a query of rule, severity, the run that found them, how many, and how many of them came back.

    It groups in the index's order, so that nothing is sorted.
    """
    groups = (_ISSUES.c.code, _ISSUES.c.severity, _ISSUES.c.first_run_id)
    back = func.sum(case((_ISSUES.c.came_back, 1), else_=0))
    return select(*groups, func.count(), back).where(*_open_of(feed)).group_by(*groups)


def _fixed_counts(feed: str, runs: list[str]) -> Any:
    groups = (_ISSUES.c.code, _ISSUES.c.severity)
    resolved = (_ISSUES.c.feed == feed, _ISSUES.c.resolved_run_id.in_(runs))
    some = select(*groups).where(*resolved).limit(MAX_COUNTED_FIXED).subquery()
    return select(some.c.code, some.c.severity, func.count()).group_by(some.c.code, some.c.severity)


def _runs_of(connection: Connection, feed: str, night: Night) -> list[str]:
    """Return the runs of a night, by name: an index finds what each of them resolved. At most MAX_NIGHT_RUNS."""
    own = (_RUNS.c.feed == feed) & _RUNS.c.id.between(night.first, night.last)
    others = [_RUNS.c.feed.is_(None) & _RUNS.c.id.between(*night.runs_of(scope)) for scope in _PREFIXES]
    query = select(_RUNS.c.id).where(or_(own, *others)).order_by(_RUNS.c.started_at).limit(MAX_NIGHT_RUNS)
    return list(connection.scalars(query))


def _open_of(feed: str) -> tuple[Any, Any]:
    return _ISSUES.c.feed == feed, _ISSUES.c.resolved_run_id.is_(None)


def _open_query(connection: Connection, feed: str, chosen: FixFilter, night: Night | None) -> Any:
    """Return a query of the open findings of a group in a state; None when there can be none.

    All findings of one rule are of feeds' runs, or all of publications, or of checks of links: those of a night are one
    range.
    """
    of_group = (*_open_of(feed), _ISSUES.c.code == chosen.rule, _ISSUES.c.severity == chosen.severity)
    query = select(_ISSUES).where(*of_group)
    if not chosen.state or (night is None and chosen.state == "standing"):
        return query
    if night is None:
        return None
    scope = connection.scalar(select(_ISSUES.c.scope).where(*of_group).limit(1))
    first, last = night.runs_of(scope or "")
    if chosen.state == "standing":
        return query.where(_ISSUES.c.first_run_id < first)
    is_back = _ISSUES.c.came_back.is_(chosen.state == "back")
    return query.where(_ISSUES.c.first_run_id.between(first, last), is_back)


def _fixed_query(connection: Connection, feed: str, chosen: FixFilter, night: Night | None) -> Any:
    if night is None:
        return None
    resolved = _ISSUES.c.resolved_run_id.in_(_runs_of(connection, feed, night))
    of_group = (_ISSUES.c.feed == feed, _ISSUES.c.code == chosen.rule, _ISSUES.c.severity == chosen.severity)
    return select(_ISSUES).where(*of_group, resolved)


def _fix(row: Any, about: tuple[str, str], night: Night | None) -> Fix:
    resolved = row["resolved_run_id"]
    return Fix(
        identifier=row["key"].removeprefix(f"{row['feed']}:"),
        title=about[0],
        url=about[1],
        rule=row["code"],
        severity=row["severity"],
        path=row["path"],
        value=row["value"],
        state=_state(row, night),
        since=_date(row["first_run_id"]),
        fixed=_date(resolved or ""),
        place=FixPlace(resolved or row["first_run_id"], row["finding"]),
    )


def _state(row: Any, night: Night | None) -> FixState:
    if row["resolved_run_id"] is not None:
        return "fixed"
    if night is None or not night.holds(row["first_run_id"]):
        return "standing"
    return "back" if row["came_back"] else "new"


def _date(run_id: str) -> str:
    """Return the date in a run id; empty for an empty one."""
    stamp = run_id[-_STAMP_CHARS:]
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}" if stamp else ""


# Records that could not be read have no findings; the run that last changed their row found them so.


def _unreadable(feed: str) -> tuple[Any, Any]:
    return _RECORDS.c.feed == feed, _RECORDS.c.pending_status == "rejected"


def _unreadable_counts(connection: Connection, feed: str, night: Night | None) -> dict[str, int]:
    is_new: Any = _RECORDS.c.run_id >= night.first if night else _RECORDS.c.run_id.is_(None)
    query = select(func.count(), func.sum(case((is_new, 1), else_=0))).where(*_unreadable(feed))
    total, new = connection.execute(query).one()
    return {"new": int(new or 0), "standing": total - int(new or 0)}


def _unreadable_page(
    connection: Connection, feed: str, chosen: FixFilter, night: Night | None, after: FixPlace | None, limit: int
) -> list[Fix]:
    conditions = [*_unreadable(feed)]
    if chosen.state == "new":
        conditions.append(_RECORDS.c.run_id >= night.first if night else False)
    elif chosen.state == "standing" and night:
        conditions.append(_RECORDS.c.run_id < night.first)
    elif chosen.state in ("back", "fixed"):
        return []
    if after is not None:
        conditions.append(tuple_(_RECORDS.c.run_id, _RECORDS.c.key) < tuple_(*after))
    query = select(_RECORDS).where(*conditions).order_by(_RECORDS.c.run_id.desc(), _RECORDS.c.key.desc()).limit(limit)
    return [_unreadable_fix(row, night) for row in connection.execute(query).mappings()]


def _unreadable_fix(row: Any, night: Night | None) -> Fix:
    title, url = _title_and_url(row["record"])
    return Fix(
        identifier=row["identifier"],
        title=title,
        url=url,
        rule=UNREADABLE_RULE,
        severity="error",
        path="",
        value=row["pending_reason"] or "",
        state="new" if night and row["run_id"] >= night.first else "standing",
        since=_date(row["run_id"]),
        fixed="",
        place=FixPlace(row["run_id"], row["key"]),
    )


class _Shown(msgspec.Struct):
    """The part of a record that a list shows."""

    title: dict[str, str] = {}
    url: str | None = None


def _about(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return title and address of records by key: of the version that waits, else of the accepted one."""
    query = select(_RECORDS.c.key, func.coalesce(_RECORDS.c.pending_record, _RECORDS.c.record))
    some = list(dict.fromkeys(keys))
    return {key: _title_and_url(record) for key, record in rows_among(connection, query, _RECORDS.c.key, some)}


def _title_and_url(record: str | None) -> tuple[str, str]:
    if record is None:
        return "", ""
    shown = msgspec.json.decode(record, type=_Shown)
    return next(iter(shown.title.values()), ""), shown.url or ""
