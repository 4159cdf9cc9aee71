"""Know whether anything changed that a match or a publication depends on, so that a quiet night need not do them.

Triggers of the database count: `catalog_change.number` is even when a match has begun to read, and one more as soon as
anything is written on which a match or a publication depends, whoever writes it, in the transaction that does
(migration 014 lists tables and columns). What lies outside the catalog, code and declarations, is in a digest. Both
are remembered when everything of a publication is written: a publication that was killed is never taken for done.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, text, update

from loaders.store import (
    CatalogChangeRow,
    HarvestRunRow,
    read_publish_state,
    read_transaction,
    this_worker,
    write_publish_state,
    write_transaction,
)
from schemas import Base, Environment

PUBLISHED_FROM = "published_from"  # the row of publish_state: the state of which everything is published
_WATCHED_TABLES = ("source_record", "resource", "redirect", "match", "judgement", "curation", "publish_state")
_EVENTS = ("insert", "update", "delete")
_TRIGGERS = frozenset(f"change_of_{table}_{event}" for table in _WATCHED_TABLES for event in _EVENTS)
_NUMBER = select(CatalogChangeRow.number).where(CatalogChangeRow.id == 1)


class ReadState(Base, frozen=True, kw_only=True):
    """What a match read: the number of the catalog, and a digest of the code and declarations.

    `number` is None for a catalog that does not count its changes; such a state equals no other. `worker` is told to
    people only.
    """

    number: int | None
    inputs: str
    worker: str = ""


class _PublishedFrom(Base, frozen=True, kw_only=True):
    number: int
    held: tuple[str, ...] = ()  # runs: what they would narrow is withheld
    inputs: str | None = None  # None until everything of the publication is written


def begin_reading(env: Environment, inputs: str) -> ReadState:
    """Return the state that a match is about to read; from now on a change gives the catalog another number.

    `inputs` is a digest of what the match and the publication depend on besides the catalog.
    """
    with read_transaction(env) as connection:
        number = _number(connection)
    if number is not None and number % 2:
        with write_transaction(env) as connection:
            odd = CatalogChangeRow.number % 2 == 1
            connection.execute(update(CatalogChangeRow).where(odd).values(number=CatalogChangeRow.number + 1))
            number = _number(connection)
    return ReadState(number=number, inputs=inputs, worker=this_worker())


def is_published(connection: Connection, inputs: str) -> bool:
    """Return whether everything of the catalog as it is, read with these inputs, is published already."""
    published = _published_from(connection)
    if published is None or published.inputs != inputs or published.held != _held_runs(connection):
        return False
    return published.number == _number(connection)


def inputs_of_published(connection: Connection) -> str | None:
    """Return the digest that the last publication was given whose every part is written; None when none was."""
    published = _published_from(connection)
    return None if published is None else published.inputs


def lock_number(connection: Connection, state: ReadState | None) -> bool:
    """Return whether the catalog is still what the match read, before a publication writes into it.

    Nobody else can change it until the transaction ends, on PostgreSQL no session without the catalog's lock either.
    """
    number = _number(connection, lock=True)
    return state is not None and state.number is not None and number == state.number


def note_written(connection: Connection, state: ReadState | None, *, is_current: bool, inputs: str | None) -> None:
    """Count the publication's own changes as published, where the catalog and `inputs` were what the match read.

    To be called at the end of the publication's transaction; `is_current` is what lock_number returned. What follows
    the publication is not written yet, so that it is not taken for done: a second try may do it, by which time the
    declarations are perhaps those of the match again.
    """
    if not is_current or state is None or state.number is None or state.inputs != inputs:
        return
    number = _number(connection)
    if number == state.number + 1:  # by the publication itself
        number += 1
        connection.execute(update(CatalogChangeRow).values(number=number))
    if number is not None:
        _write(connection, _PublishedFrom(number=number, held=_held_runs(connection)))


def note_complete(connection: Connection, inputs: str) -> None:
    """Remember that everything of the publication is written, unless something changed since its transaction."""
    published = _published_from(connection)
    if published is not None and published.number == _number(connection):
        _write(connection, msgspec.structs.replace(published, inputs=inputs))


def _number(connection: Connection, *, lock: bool = False) -> int | None:
    """Return the catalog's number; None when it does not count every change."""
    number = connection.scalar(_NUMBER.with_for_update() if lock else _NUMBER)
    return number if number is not None and _counts_all(connection) else None


def _held_runs(connection: Connection) -> tuple[str, ...]:
    held = select(HarvestRunRow.id).where(HarvestRunRow.status == "held").order_by(HarvestRunRow.id)
    return tuple(connection.scalars(held))


def _counts_all(connection: Connection) -> bool:
    """Return whether all triggers are there: one that is lost would let a change go unnoticed."""
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE tgname LIKE 'change_of_%' AND tgenabled <> 'D' AND relnamespace = current_schema()::regnamespace"
        )
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'change_of_%'"
    return set(connection.scalars(text(query))) >= _TRIGGERS


def _published_from(connection: Connection) -> _PublishedFrom | None:
    value = read_publish_state(connection, PUBLISHED_FROM)
    try:
        return None if value is None else msgspec.json.decode(value, type=_PublishedFrom)
    except msgspec.DecodeError:
        return None


def _write(connection: Connection, published: _PublishedFrom) -> None:
    write_publish_state(connection, PUBLISHED_FROM, msgspec.json.encode(published).decode())
