"""What publications changed, in the order of the publications: by it others keep a copy of what the library gives.

A resource has one place in the order, that of the last publication that changed it. One that is changed while somebody
reads page after page moves to the end, and is read there as it is then: nothing is skipped, and at the end the reader
has the catalog of the last page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, literal, select, true, tuple_

from loaders.browse.published import PublishedReader
from loaders.store import (
    Publication,
    PublicationRow,
    RedirectRow,
    ResourceRow,
    newest_publication,
    now,
    read_publication,
    rows_among,
    visible_times,
)
from schemas import Published, Withdrawn

_SEPARATOR = "~"
_RESOURCES: Any = ResourceRow.__table__
_PUBLICATIONS: Any = PublicationRow.__table__
_ORDER = (_RESOURCES.c.updated_at, _RESOURCES.c.id)
_REDIRECTS: Any = RedirectRow.__table__


class UnknownCursor(Exception):
    """The catalog does not know the publication that a cursor names: it was restored since, or is another one."""


class Cursor(NamedTuple):
    """A place in the order of changes: after a publication, or after one of its resources.

    run_id: the publication's run; "": before the first
    resource_id: "" is after all of the publication's resources
    first: in the first reading of everything, the run of the newest publication when it began: what was withdrawn until
        then is left out
    """

    run_id: str = ""
    resource_id: str = ""
    first: str = ""

    def __str__(self) -> str:
        """Return the cursor as text: a run's id alone where that is all."""
        return _SEPARATOR.join(self).rstrip(_SEPARATOR)


class ChangesPage(NamedTuple):
    """Some changes in order: a published resource as it is now, or a withdrawn one.

    cursor: the place after them; has_more: whether there are others by now
    newest: the last publication; None before the first
    """

    changes: Sequence[Published | Withdrawn]
    cursor: Cursor
    has_more: bool
    newest: Publication | None


def parse_cursor(text: str) -> Cursor:
    """Read a cursor of `Cursor.__str__`. Raises ValueError for a text that is none."""
    parts = text.split(_SEPARATOR)
    if not parts[0] or len(parts) > len(Cursor._fields):
        raise ValueError(f"{text!r} is no cursor; give one that an answer had")
    return Cursor(*parts)


def require_known(connection: Connection, cursor: Cursor) -> None:
    """Raise UnknownCursor for a cursor of a publication that the catalog does not know."""
    for run_id in filter(None, (cursor.run_id, cursor.first)):
        _changed_at(connection, run_id)


def changes_page(connection: Connection, cursor: Cursor, reader: PublishedReader, *, limit: int) -> ChangesPage:
    """Return at most `limit` changes after a cursor.

    What may not be passed on counts as withdrawn. A page of the first reading may have fewer changes, or none, because
    withdrawn resources are left out of it. Raises UnknownCursor.
    """
    newest = newest_publication(connection)
    if newest is None:
        if cursor.run_id:
            raise UnknownCursor(cursor.run_id)
        return ChangesPage((), Cursor(), False, None)
    later = _later_than(connection, cursor)
    if not cursor.run_id:
        cursor = cursor._replace(first=newest.run_id)
    left_out_until = _changed_at(connection, cursor.first) if cursor.first else ""
    columns = select(_RESOURCES.c.id, _RESOURCES.c.updated_at, _RESOURCES.c.withdrawn_at)
    query = columns.where(later).order_by(*_ORDER).limit(limit + 1)
    rows = connection.execute(query).all()
    has_more = len(rows) > limit
    rows = rows[:limit]
    if has_more:
        cursor = cursor._replace(run_id=_run_of(connection, rows[-1].updated_at), resource_id=rows[-1].id)
    else:
        cursor = Cursor(newest.run_id)
    return ChangesPage(list(_changes(connection, rows, reader, left_out_until)), cursor, has_more, newest)


def _later_than(connection: Connection, cursor: Cursor) -> Any:
    """Return the condition that a change is later than a cursor."""
    if not cursor.run_id:
        return true()
    changed_at = _changed_at(connection, cursor.run_id)
    if not cursor.resource_id:
        return _RESOURCES.c.updated_at > changed_at
    return tuple_(*_ORDER) > tuple_(literal(changed_at), literal(cursor.resource_id))


def _changed_at(connection: Connection, run_id: str) -> str:
    publication = read_publication(connection, run_id)
    if publication is None:
        raise UnknownCursor(run_id)
    return publication.changed_at


def _run_of(connection: Connection, changed_at: str) -> str:
    """Return the run of the publication that made a change."""
    query = select(_PUBLICATIONS.c.run_id).where(_PUBLICATIONS.c.changed_at == changed_at)
    return str(connection.execute(query).scalar_one())


def _changes(
    connection: Connection, rows: Sequence[Any], reader: PublishedReader, left_out_until: str
) -> Iterator[Published | Withdrawn]:
    time = now()
    live = [row.id for row in rows if row.withdrawn_at is None]
    published = {each.id: each for each, _ in reader.read(connection, live, time)}
    gone = [row for row in rows if row.id not in published and row.updated_at > left_out_until]
    changes: dict[str, Published | Withdrawn] = {**published}
    changes |= {each.id: each for each in _withdrawn(connection, gone, time, reader.site)}
    yield from (changes[row.id] for row in rows if row.id in changes)


def _withdrawn(connection: Connection, gone: Sequence[Any], time: str, site: str | None) -> Iterator[Withdrawn]:
    redirects = select(_REDIRECTS.c.old_id, _REDIRECTS.c.id)
    targets = dict(map(tuple, rows_among(connection, redirects, _REDIRECTS.c.old_id, [row.id for row in gone])))
    visible = visible_times(connection, [row.updated_at for row in gone], time)
    for row in gone:
        visible_at = f"{visible[row.updated_at][:19]}Z"
        yield Withdrawn(id=row.id, visible_at=visible_at, redirect=targets.get(row.id), site=site)
