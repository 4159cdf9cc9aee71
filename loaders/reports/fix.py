"""What a partner can mend: records that could not be read and findings, in the partner's own identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from loaders.reports.page import Rules
from loaders.store import IssueRow, SourceRecordRow

ROW = ("since", "fixed", "identifier", "severity", "rule", "path", "value", "suggestion")  # of the complete list
_STAMP = re.compile(r"-(\d{4})(\d{2})(\d{2})T\d+$")
UNREADABLE = "unreadable"  # in place of a rule: no rule ever saw the record
_ORDER = case({"error": 0, "warning": 1}, value=IssueRow.severity, else_=2)


class Finding(NamedTuple):
    """One thing to mend; `since` and `fixed` are dates, `fixed` empty while it stands."""

    identifier: str
    severity: str
    rule: str
    path: str
    value: str
    since: str
    fixed: str


def to_mend(connection: Connection, feed: str) -> Iterator[Finding]:
    """Every record of a feed that could not be read, then every finding that stands; read as they are used."""
    yield from _unread(connection, feed)
    yield from _findings(connection, feed, IssueRow.resolved_run_id.is_(None))


def _unread(connection: Connection, feed: str) -> Iterator[Finding]:
    """The records whose newest version could not be read, with the reason."""
    query = (
        select(SourceRecordRow.identifier, SourceRecordRow.pending_reason, SourceRecordRow.run_id)
        .where(SourceRecordRow.feed == feed, SourceRecordRow.pending_status == "rejected")
        .order_by(SourceRecordRow.identifier)
    )
    for identifier, reason, run in connection.execute(query.execution_options(yield_per=5_000)):
        yield Finding(identifier, "error", UNREADABLE, "", reason or "", _day_of(run), "")


def _findings(connection: Connection, feed: str, where: ColumnElement[bool]) -> Iterator[Finding]:
    """Findings of a feed, errors first, then by rule and identifier; read as they are used."""
    names = (
        IssueRow.key,
        IssueRow.severity,
        IssueRow.code,
        IssueRow.path,
        IssueRow.value,
        IssueRow.first_run_id,
        IssueRow.resolved_run_id,
    )
    query = (
        select(*names)
        .where(IssueRow.feed == feed, where)
        .order_by(_ORDER, IssueRow.code, IssueRow.key, IssueRow.finding)
    )
    start = len(feed) + 1  # a key is feed:identifier
    for key, severity, code, path, value, first, last in connection.execute(query.execution_options(yield_per=5_000)):
        yield Finding(key[start:], severity, code, path, value, _day_of(first), _day_of(last or ""))


def last_fixed(connection: Connection, feed: str) -> Iterator[Finding]:
    """What the last run that fixed anything fixed."""
    return _findings(connection, feed, IssueRow.resolved_run_id == _last_fixing(connection, feed))


@lru_cache(maxsize=1_024)
def _day_of(run: str) -> str:
    """The date on which a run began; empty for none."""
    stamp = _STAMP.search(run)
    return "-".join(stamp.groups()) if stamp else ""


def rows(told: Iterable[Finding], rules: Rules) -> Iterator[tuple[str, ...]]:
    """Findings as rows of the complete list."""
    mend = {code: said.get("mend", "") for code, said in rules.items()}
    for identifier, severity, rule, path, value, since, fixed in told:
        yield (since, fixed, identifier, severity, rule, path, value, mend.get(rule, ""))


def _last_fixing(connection: Connection, feed: str) -> str:
    """The last run of a feed that resolved a finding; empty when none did. A publication is no run of a feed."""
    own = IssueRow.resolved_run_id.startswith(f"{feed}-", autoescape=True)
    return connection.scalar(select(func.max(IssueRow.resolved_run_id)).where(IssueRow.feed == feed, own)) or ""


def count(connection: Connection, feed: str) -> int:
    """How many rows the complete list has."""
    shown = or_(IssueRow.resolved_run_id.is_(None), IssueRow.resolved_run_id == _last_fixing(connection, feed))
    found = connection.scalar(select(func.count()).select_from(IssueRow).where(IssueRow.feed == feed, shown)) or 0
    where = (SourceRecordRow.feed == feed, SourceRecordRow.pending_status == "rejected")
    return found + (connection.scalar(select(func.count()).select_from(SourceRecordRow).where(*where)) or 0)
