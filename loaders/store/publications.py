"""The publications of the catalog: their order, and since when what each of them changed can be read.

A publication takes the time of its changes (`resource.updated_at`) while its transaction is open, which at a million
records is minutes before anybody can read them. A client that comes back with the time of its last answer would miss
what was written at an earlier time and became visible later. So a second, short transaction notes after the first one
a time at which everything of it could be read. Of a publication that was killed between the two, that time is still to
come: its changes count as visible from now on, until the next publication notes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from loaders.store.database import rows_among, write_rows
from loaders.store.models import PublicationRow, ResourceRow
from loaders.store.run import new_run_id, now
from loaders.store.transactions import write_transaction
from schemas import Base, Environment

_PUBLICATIONS: Any = PublicationRow.__table__
_RESOURCES: Any = ResourceRow.__table__
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Publication(Base, frozen=True, kw_only=True):
    """A row of `publication`."""

    run_id: str
    changed_at: str
    visible_at: str | None


class ChangeTimes(Base, frozen=True, kw_only=True):
    """The publications of a window: `updated_at` of resources from `first` to `last`, both included; UTC with `Z`."""

    first: str
    last: str


def change_time(connection: Connection) -> str:
    """Return the time of a publication's changes: now, or later than the last one's if the clock went back."""
    newest, time = connection.scalar(select(func.max(_PUBLICATIONS.c.changed_at))), now()
    if newest is None or newest < time:
        return time
    return (datetime.strptime(newest, _FORMAT) + timedelta(microseconds=1)).strftime(_FORMAT)


def note_publication(connection: Connection, changed_at: str, run_id: str | None = None) -> None:
    """Note, in its own transaction, that a publication changed resources at a `change_time`.

    Without a run it gets a name as a run has it. Call `show_publications` when the transaction has ended.
    """
    run = run_id or new_run_id(connection, "change")
    connection.execute(insert(_PUBLICATIONS).values(run_id=run, changed_at=changed_at))


def show_publications(env: Environment) -> None:
    """Note, for publications whose transactions have ended, that they can be read since now."""
    with write_transaction(env) as connection:
        hidden = _PUBLICATIONS.c.visible_at.is_(None)
        if connection.scalar(select(func.count()).select_from(_PUBLICATIONS).where(hidden)):
            latest = connection.scalar(select(func.max(_PUBLICATIONS.c.visible_at))) or ""
            connection.execute(update(_PUBLICATIONS).where(hidden).values(visible_at=max(now(), latest)))


def note_restored_resources(connection: Connection) -> None:
    """Note that resources of a backup can be read since now, and forget the publications of before.

    Readers may have seen other states of them in the meantime, and so have to read all of them again.
    """
    of_resource = _PUBLICATIONS.c.changed_at == _RESOURCES.c.updated_at
    unknown = select(_RESOURCES.c.id).where(~select(_PUBLICATIONS.c.run_id).where(of_resource).exists()).limit(1)
    if connection.scalar(unknown) is None:
        return
    connection.execute(delete(_PUBLICATIONS))
    since, run = now(), new_run_id(connection, "restore")
    times = connection.scalars(select(_RESOURCES.c.updated_at).distinct().order_by(_RESOURCES.c.updated_at)).all()
    rows = [
        {"changed_at": changed_at, "run_id": f"{run}-{number}", "visible_at": since}
        for number, changed_at in enumerate(times)
    ]
    write_rows(connection, insert(_PUBLICATIONS), rows)


def visible_times(connection: Connection, changed_at: Iterable[str], current: str) -> Mapping[str, str]:
    """Return since when what was changed at some times can be read; `current` for what is not known yet."""
    query = select(_PUBLICATIONS.c.changed_at, _PUBLICATIONS.c.visible_at)
    rows = rows_among(connection, query, _PUBLICATIONS.c.changed_at, sorted(set(changed_at)))
    return {row.changed_at: row.visible_at or current for row in rows}


def newest_publication(connection: Connection) -> Publication | None:
    """Return the last publication that changed resources; None when there was none."""
    newest = select(func.max(_PUBLICATIONS.c.changed_at))
    return _publication(connection, _PUBLICATIONS.c.changed_at == newest.scalar_subquery())


def read_publication(connection: Connection, run_id: str) -> Publication | None:
    """Return the publication of a run; None for one that changed nothing, or that this catalog does not know."""
    return _publication(connection, _PUBLICATIONS.c.run_id == run_id)


def change_times(connection: Connection, since: str, before: str, current: str) -> ChangeTimes | None:
    """Return the changes that became visible from `since` on and before `before`; None when there are none.

    All three are times as the catalog has them; "" leaves an end open. `current` is now.
    """
    window = []
    visible_at = func.coalesce(_PUBLICATIONS.c.visible_at, current)
    if since:
        window.append(or_(_PUBLICATIONS.c.visible_at >= since, _PUBLICATIONS.c.visible_at.is_(None)))
    if before:
        window.append(visible_at < before)
    bounds = select(func.min(_PUBLICATIONS.c.changed_at), func.max(_PUBLICATIONS.c.changed_at)).where(*window)
    first, last = connection.execute(bounds).one()
    return None if first is None else ChangeTimes(first=first, last=last)


def earliest_visible(connection: Connection) -> str | None:
    """Return when the first publication could be read; None when there is none."""
    first = select(_PUBLICATIONS.c.visible_at).order_by(_PUBLICATIONS.c.changed_at).limit(1)
    return connection.scalar(first)


def _publication(connection: Connection, condition: Any) -> Publication | None:
    row = connection.execute(select(_PUBLICATIONS).where(condition)).one_or_none()
    return None if row is None else Publication(**row._mapping)
