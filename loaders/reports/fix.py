"""What a partner can mend: records that could not be read and findings, in the partner's own identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from loaders.reports.page import Rules
from loaders.store import Issue, SourceRecord

ROW = ("since", "fixed", "identifier", "severity", "rule", "path", "value", "suggestion")  # of the complete list
_STAMP = re.compile(r"-(\d{4})(\d{2})(\d{2})T\d+$")
UNREADABLE = "unreadable"  # in place of a rule: no rule ever saw the record
_ORDER = case({"error": 0, "warning": 1}, value=Issue.severity, else_=2)


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
    yield from _findings(connection, feed, Issue.resolved_run_id.is_(None))


def _unread(connection: Connection, feed: str) -> Iterator[Finding]:
    """The records whose newest version could not be read, with the reason."""
    query = (
        select(SourceRecord.identifier, SourceRecord.pending_reason, SourceRecord.run_id)
        .where(SourceRecord.feed == feed, SourceRecord.pending_status == "rejected")
        .order_by(SourceRecord.identifier)
    )
    for identifier, reason, run in connection.execute(query.execution_options(yield_per=5_000)):
        yield Finding(identifier, "error", UNREADABLE, "", reason or "", _day_of(run), "")


def _findings(connection: Connection, feed: str, where: ColumnElement[bool]) -> Iterator[Finding]:
    """Findings of a feed, errors first, then by rule and identifier; read as they are used."""
    names = (Issue.key, Issue.severity, Issue.code, Issue.path, Issue.value, Issue.first_run_id, Issue.resolved_run_id)
    query = select(*names).where(Issue.feed == feed, where).order_by(_ORDER, Issue.code, Issue.key, Issue.finding)
    start = len(feed) + 1  # a key is feed:identifier
    for key, severity, code, path, value, first, last in connection.execute(query.execution_options(yield_per=5_000)):
        yield Finding(key[start:], severity, code, path, value, _day_of(first), _day_of(last or ""))


def last_fixed(connection: Connection, feed: str) -> Iterator[Finding]:
    """What the last run that fixed anything fixed."""
    return _findings(connection, feed, Issue.resolved_run_id == _last_fixing(connection, feed))


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
    own = Issue.resolved_run_id.startswith(f"{feed}-", autoescape=True)
    return connection.scalar(select(func.max(Issue.resolved_run_id)).where(Issue.feed == feed, own)) or ""


def count(connection: Connection, feed: str) -> int:
    """How many rows the complete list has."""
    shown = or_(Issue.resolved_run_id.is_(None), Issue.resolved_run_id == _last_fixing(connection, feed))
    found = connection.scalar(select(func.count()).select_from(Issue).where(Issue.feed == feed, shown)) or 0
    where = (SourceRecord.feed == feed, SourceRecord.pending_status == "rejected")
    return found + (connection.scalar(select(func.count()).select_from(SourceRecord).where(*where)) or 0)
