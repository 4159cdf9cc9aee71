"""Decide what readers reported: dismiss it, note that it was mended, or withdraw the resources that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import Connection, insert, select, update

from loaders.catalog import check_signature
from loaders.curation.batches import Batch, new_batch_id
from loaders.curation.curation import insert_curation
from loaders.curation.values import CannotDecide
from loaders.store import (
    CurationRow,
    ReaderReportDecisionRow,
    ReaderReportRow,
    RedirectRow,
    ResourceRow,
    now,
    read_transaction,
    rows_among,
    write_transaction,
)
from schemas import Environment, sentence

if TYPE_CHECKING:
    from loaders.browse import ReaderMessage

ReaderReportAction = Literal["dismiss", "mend", "withdraw"]
READER_REPORT_ACTIONS: tuple[ReaderReportAction, ...] = ("dismiss", "mend", "withdraw")
Numbers = Callable[[Connection], Iterable[int]]  # which reports are meant, read in the transaction that decides
_REPORTS: Any = ReaderReportRow.__table__
_DECISIONS: Any = ReaderReportDecisionRow.__table__


class Unanswered(NamedTuple):
    """A reader who left an address and was not answered yet."""

    report: int
    resource_id: str
    title: str
    message: ReaderMessage


def decide_reader_reports(
    env: Environment, action: ReaderReportAction, numbers: Numbers, *, by: str, reason: str, answer: str = ""
) -> Batch:
    """Decide reports that are open, all or none of them; `answer` is what is to be written to the readers.

    With `withdraw`, their resources are withdrawn from publication, and whatever else is reported about these is
    decided too. Raises CannotDecide when each of the reports is decided already.
    """
    batch_id = new_batch_id()
    signature = {**check_signature(by, reason), "batch_id": batch_id}
    with write_transaction(env) as connection:
        rows = _open_reports(connection, _REPORTS.c.id, list(numbers(connection)))
        if action == "withdraw":
            ids = [row.resource_id for row in rows]
            rows = _open_reports(connection, _REPORTS.c.resource_id, ids)
            _withdraw(connection, ids, signature)
        for row in rows:
            values = {"report_id": row.id, "resource_id": row.resource_id, "action": action, "answer": answer or None}
            statement = insert(_DECISIONS).values(**values, at=now(), **signature).returning(_DECISIONS.c.id)
            number = connection.execute(statement).scalar_one()
            connection.execute(update(_REPORTS).where(_REPORTS.c.id == row.id).values(decision_id=number))
    if not rows:
        raise CannotDecide(sentence("these reports are decided already"))
    return Batch(batch_id, len(rows))


def unanswered_readers(env: Environment, batch_id: str) -> list[Unanswered]:
    """Return the readers who left an address in the reports of a batch and were not answered yet."""
    from loaders.browse import decode_reader_messages  # here, because every match imports this package

    in_force = select(_REPORTS, ResourceRow.title).join(_DECISIONS, _DECISIONS.c.id == _REPORTS.c.decision_id)
    query = in_force.join(ResourceRow, ResourceRow.id == _REPORTS.c.resource_id, isouter=True)
    with read_transaction(env) as connection:
        rows = connection.execute(query.where(_DECISIONS.c.batch_id == batch_id).order_by(_REPORTS.c.id)).all()
    return [
        Unanswered(row.id, row.resource_id, row.title or "", message)
        for row in rows
        for message in decode_reader_messages(row.messages)
        if message.contact and not message.answered_at
    ]


def _open_reports(connection: Connection, column: Any, values: Sequence[Any]) -> list[Any]:
    query = select(_REPORTS.c.id, _REPORTS.c.resource_id).where(_REPORTS.c.decision_id.is_(None))
    return sorted(rows_among(connection, query, column, list(dict.fromkeys(values))), key=lambda row: row.id)


def _withdraw(connection: Connection, resource_ids: Sequence[str], signature: dict[str, str]) -> None:
    """Withdraw resources that are not withdrawn yet; of a replaced id, the resource that replaces it."""
    ids = list(dict.fromkeys(resource_ids))
    replaced = select(RedirectRow.old_id, RedirectRow.id)
    newer = {row.old_id: row.id for row in rows_among(connection, replaced, RedirectRow.old_id, ids)}
    current = list(dict.fromkeys(newer.get(each, each) for each in ids))
    published = select(ResourceRow.id).where(ResourceRow.withdrawn_at.is_(None))
    there = {row.id for row in rows_among(connection, published, ResourceRow.id, current)}
    in_force = (CurationRow.action == "withdraw", CurationRow.undone_at.is_(None))
    decided = select(CurationRow.resource_id).where(*in_force)
    gone = {row.resource_id for row in rows_among(connection, decided, CurationRow.resource_id, current)}
    for resource_id in current:
        if resource_id in there and resource_id not in gone:
            insert_curation(connection, signature, resource_id=resource_id, action="withdraw")
