"""What somebody had seen before deciding: a decision on what another has decided since is refused, with who it was."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from loaders.curation.values import CannotDecide
from loaders.store import CurationRow, JudgementRow, TermMappingRow
from schemas import sentence


class SeenDecisions(NamedTuple):
    """The numbers of the newest correction, judgement and mapping that there were when a page was opened."""

    curation: int
    judgement: int
    mapping: int


def newest_decisions(connection: Connection) -> SeenDecisions:
    """Return the numbers of the newest decisions of each kind."""
    tables: tuple[Any, ...] = (CurationRow, JudgementRow, TermMappingRow)
    return SeenDecisions(*(connection.scalar(select(func.max(table.id))) or 0 for table in tables))


def check_seen(connection: Connection, table: Any, number: int | None, *about: Any) -> None:
    """Raise CannotDecide when a decision is in force that is `about` this, and is later than the number.

    Without a number, nothing is checked: on the command line the newest decision counts.
    """
    if number is None:
        return
    later = select(table.by).where(table.id > number, table.undone_at.is_(None), *about).order_by(table.id.desc())
    by = connection.scalar(later.limit(1))
    if by is not None:
        raise CannotDecide(sentence("%(by)s has already decided this since the page was opened; open it again", by=by))
