"""Keep what readers report about a resource, and forget what they wrote some time after it was decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import insert, select, update

from loaders.store import (
    ReaderReportDecisionRow,
    ReaderReportRow,
    RedirectRow,
    now,
    read_transaction,
    write_transaction,
)
from schemas import Environment

if TYPE_CHECKING:
    from loaders.browse import ReaderMessage

ReaderReportKind = Literal["takedown", "dead", "not_free", "wrong"]
READER_REPORT_KINDS: tuple[ReaderReportKind, ...] = ("takedown", "dead", "not_free", "wrong")
TAKEDOWN_DUE_HOURS = 72
FORGET_AFTER_DAYS = 90  # after the decision
MAX_MESSAGES = 20  # of one report: the first ten and the last ten
_REPORTS: Any = ReaderReportRow.__table__
_DECISIONS: Any = ReaderReportDecisionRow.__table__


def keep_reader_report(env: Environment, resource_id: str, kind: ReaderReportKind, message: ReaderMessage) -> None:
    """Keep what a reader reports: as one more of an open report of the same kind on the resource, or as a new one.

    A report on an id that was replaced is kept on the resource that replaces it.
    """
    with write_transaction(env) as connection:
        newer = connection.scalar(select(RedirectRow.id).where(RedirectRow.old_id == resource_id))
        target = newer or resource_id
        is_open = (_REPORTS.c.resource_id == target, _REPORTS.c.kind == kind, _REPORTS.c.decision_id.is_(None))
        row = connection.execute(select(_REPORTS).where(*is_open).order_by(_REPORTS.c.id).limit(1))
        known = row.mappings().one_or_none()
        if known is not None:
            messages = _added(known["messages"], message)
            values = {"count": known["count"] + 1, "last_at": message.at, "messages": messages}
            connection.execute(update(_REPORTS).where(_REPORTS.c.id == known["id"]).values(**values))
            return
        due = _hours_after(message.at, TAKEDOWN_DUE_HOURS) if kind == "takedown" else None
        times = {"first_at": message.at, "last_at": message.at, "due_at": due}
        values = {"resource_id": target, "kind": kind, "count": 1, "messages": _encoded((message,)), **times}
        connection.execute(insert(_REPORTS).values(**values))


def is_reader_report_kept(env: Environment, resource_id: str, message_id: str) -> bool:
    """Return whether what a reader reported about a resource, or about the one that replaces it, is in the catalog."""
    with read_transaction(env) as connection:
        newer = connection.scalar(select(RedirectRow.id).where(RedirectRow.old_id == resource_id))
        about = _REPORTS.c.resource_id == (newer or resource_id)
        texts = connection.scalars(select(_REPORTS.c.messages).where(about)).all()
    return any(message.id == message_id for text in texts for message in _decoded(text))


def note_answer(env: Environment, report_id: int, message_id: str) -> None:
    """Note of a message of a report that a mail was sent to who wrote it."""
    with write_transaction(env) as connection:
        text = connection.scalar(select(_REPORTS.c.messages).where(_REPORTS.c.id == report_id)) or "[]"
        messages = tuple(
            msgspec.structs.replace(each, answered_at=now()) if each.id == message_id else each
            for each in _decoded(text)
        )
        connection.execute(update(_REPORTS).where(_REPORTS.c.id == report_id).values(messages=_encoded(messages)))


def forget_old_messages(env: Environment, at: datetime | None = None) -> int:
    """Empty the texts and addresses of reports that were decided 90 days ago; return of how many reports."""
    before = ((at or datetime.now(UTC)) - timedelta(days=FORGET_AFTER_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    is_old = (_DECISIONS.c.at < before, _REPORTS.c.messages != "[]")
    query = select(_REPORTS.c.id).join(_DECISIONS, _DECISIONS.c.id == _REPORTS.c.decision_id).where(*is_old)
    with read_transaction(env) as connection:
        if connection.scalar(query.limit(1)) is None:
            return 0
    with write_transaction(env) as connection:
        return connection.execute(update(_REPORTS).where(_REPORTS.c.id.in_(query)).values(messages="[]")).rowcount


def _decoded(text: str) -> tuple[ReaderMessage, ...]:
    from loaders.browse import decode_reader_messages  # here, because every report imports this module

    return decode_reader_messages(text)


def _encoded(messages: tuple[ReaderMessage, ...]) -> str:
    """Return messages as the catalog keeps them."""
    return msgspec.json.encode(messages).decode()


def _added(text: str, message: ReaderMessage) -> str:
    messages = (*_decoded(text), message)
    half = MAX_MESSAGES // 2
    return _encoded(messages if len(messages) <= MAX_MESSAGES else (*messages[:half], *messages[-half:]))


def _hours_after(at: str, hours: int) -> str:
    due = datetime.fromisoformat(at) + timedelta(hours=hours)
    return due.strftime("%Y-%m-%dT%H:%M:%SZ")
