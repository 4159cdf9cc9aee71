"""Keep what readers report about a resource, and forget what they wrote some time after it was decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from loaders.store import (
    ReaderReportDecisionRow,
    ReaderReportRow,
    RedirectRow,
    now,
    read_transaction,
    rows_among,
    write_transaction,
)
from schemas import Base, Environment

ReaderReportKind = Literal["takedown", "dead", "not_free", "wrong"]
READER_REPORT_KINDS: tuple[ReaderReportKind, ...] = ("takedown", "dead", "not_free", "wrong")
TAKEDOWN_DUE_HOURS = 72
FORGET_AFTER_DAYS = 90  # after the decision
MAX_MESSAGES = 20  # of one report: the first ten and the last ten
_REPORTS: Any = ReaderReportRow.__table__
_DECISIONS: Any = ReaderReportDecisionRow.__table__


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
        values = {"resource_id": target, "kind": kind, "count": 1, "messages": encode_messages((message,)), **times}
        connection.execute(insert(_REPORTS).values(**values))


def is_reader_report_kept(env: Environment, resource_id: str, message_id: str) -> bool:
    """Return whether what a reader reported about a resource, or about the one that replaces it, is in the catalog."""
    with read_transaction(env) as connection:
        newer = connection.scalar(select(RedirectRow.id).where(RedirectRow.old_id == resource_id))
        about = _REPORTS.c.resource_id == (newer or resource_id)
        texts = connection.scalars(select(_REPORTS.c.messages).where(about)).all()
    return any(message.id == message_id for text in texts for message in decode_messages(text))


def note_answers(env: Environment, message_ids: set[str], report_ids: list[int]) -> None:
    """Note of messages of some reports that a mail was sent to who wrote them."""
    at = now()
    with write_transaction(env) as connection:
        for row in rows_among(connection, select(_REPORTS), _REPORTS.c.id, report_ids):
            answered = tuple(
                msgspec.structs.replace(each, answered_at=at) if each.id in message_ids else each
                for each in decode_messages(row.messages)
            )
            connection.execute(
                update(_REPORTS).where(_REPORTS.c.id == row.id).values(messages=encode_messages(answered))
            )


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


def standing_on(connection: Connection, resource_ids: list[str]) -> dict[str, str]:
    """Return the ids that replace those of resources, by the old ones; those that nothing replaces are left out."""
    query = select(RedirectRow.old_id, RedirectRow.id)
    return {row.old_id: row.id for row in rows_among(connection, query, RedirectRow.old_id, resource_ids)}


def encode_messages(messages: tuple[ReaderMessage, ...]) -> str:
    """Return messages as the catalog keeps them."""
    return msgspec.json.encode(messages).decode()


def decode_messages(text: str) -> tuple[ReaderMessage, ...]:
    """Return the messages of a report."""
    return msgspec.json.decode(text, type=tuple[ReaderMessage, ...])


def _added(text: str, message: ReaderMessage) -> str:
    messages = (*decode_messages(text), message)
    half = MAX_MESSAGES // 2
    return encode_messages(messages if len(messages) <= MAX_MESSAGES else (*messages[:half], *messages[-half:]))


def _hours_after(at: str, hours: int) -> str:
    due = datetime.fromisoformat(at) + timedelta(hours=hours)
    return due.strftime("%Y-%m-%dT%H:%M:%SZ")
