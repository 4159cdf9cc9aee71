"""Write who took something that needs a person, put it off, or remarked on it."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import insert, update

from loaders.store import TaskNoteRow, now, write_transaction
from schemas import Environment

NoteKind = Literal["taken", "snoozed", "remarked"]
_NOTES: Any = TaskNoteRow.__table__


def write_note(
    env: Environment, name: str, kind: NoteKind, *, who: str, until: str | None = None, note: str | None = None
) -> None:
    """Write a note about what `name` names; it replaces one of the same kind, except a remark."""
    with write_transaction(env) as connection:
        if kind != "remarked":
            _end(connection, name, kind)
        connection.execute(insert(_NOTES).values(object=name, kind=kind, who=who, at=now(), until=until, note=note))


def end_note(env: Environment, name: str, kind: NoteKind) -> None:
    """Take the notes of a kind back."""
    with write_transaction(env) as connection:
        _end(connection, name, kind)


def _end(connection: Any, name: str, kind: str) -> None:
    of_kind = (_NOTES.c.object == name, _NOTES.c.kind == kind, _NOTES.c.ended_at.is_(None))
    connection.execute(update(_NOTES).where(*of_kind).values(ended_at=now()))
