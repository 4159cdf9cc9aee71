"""Write the library's index: what the last publications changed, or all of it.

The state says up to which publication the index has everything; what later ones changed is written, and then the state.
After a kill the same changes are written again, which changes nothing. An index whose number of documents is not the
number of published resources is made anew.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import tantivy
from filelock import FileLock, Timeout
from more_itertools import chunked
from sqlalchemy import Connection, func, select

from loaders.search.library.documents import PublishedRow, SearchTerms, document_of
from loaders.search.library.folder import (
    LIBRARY_INDEX_VERSION,
    LibraryState,
    library_folder,
    library_state,
    open_index,
    write_state,
)
from loaders.store import (
    DeadResourceRow,
    HarvestRunRow,
    ResourceRow,
    SourceRecordRow,
    now,
    read_transaction,
    rows_among,
    undecoded,
)
from schemas import Environment

log = logging.getLogger("elib.catalog")
_HEAP_BYTES = 128_000_000
_BATCH_ROWS = 1_000
_MAX_UPDATED = 200_000  # more changes than that make the index anew, which needs no list of them in memory
_DOCUMENTS_BETWEEN_LINES = 100_000  # in the log
_DEAD: Any = DeadResourceRow.__table__
_RUNS: Any = HarvestRunRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_RESOURCES: Any = ResourceRow.__table__


class IndexBusy(Exception):
    """Another process writes the index; the message is a sentence for the operator."""


class _Goal(NamedTuple):
    """What the index should have: everything up to a publication, and how many resources that is."""

    publication: str
    resources: int
    partners: str
    links: str


def update_library_index(
    env: Environment, terms: SearchTerms, partners: Mapping[str, str], *, anew: bool = False, wait_seconds: float = 600
) -> int:
    """Write into the index what publications changed since; return the number of documents written or deleted.

    `partners` are the names of the partners by feed. The index is made anew when asked, when there is none that can
    be read and written on, or when a partner's name changed. Raises IndexBusy when another process writes it for longer
    than `wait_seconds`.
    """
    env.locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(env.locks / "library-search.lock", timeout=wait_seconds), read_transaction(env) as connection:
            return _update(env, connection, terms, partners, None if anew else library_state(env))
    except Timeout as timeout:
        raise IndexBusy(_busy_sentence()) from timeout


def _busy_sentence() -> str:
    return "Another process writes the library's search index; wait until it is done, and try again."


def _update(
    env: Environment,
    connection: Connection,
    terms: SearchTerms,
    partners: Mapping[str, str],
    state: LibraryState | None,
) -> int:
    goal = _goal(connection, partners)
    _remove_others(env, library_state(env))
    if state is not None and _can_be_continued(connection, state, goal):
        written = _continue(env, connection, terms, partners, state, goal)
        if written is not None:
            return written
    return _make_anew(env, connection, terms, partners, goal)


def _goal(connection: Connection, partners: Mapping[str, str]) -> _Goal:
    newest = select(func.max(_RUNS.c.id)).where(_RUNS.c.kind == "publish", _RUNS.c.status == "loaded")
    published = select(func.count()).select_from(_RESOURCES).where(_RESOURCES.c.withdrawn_at.is_(None))
    digest = hashlib.sha256(msgspec.json.encode(dict(partners), order="deterministic")).hexdigest()
    links = connection.scalar(select(func.max(_DEAD.c.changed_at))) or ""
    return _Goal(connection.scalar(newest) or "", connection.scalar(published) or 0, digest, links)


def _can_be_continued(connection: Connection, state: LibraryState, goal: _Goal) -> bool:
    """Return whether an index is of this catalog, as it is or was before, and has the partners' names of today."""
    if state.partners != goal.partners:
        return False
    known = select(_RUNS.c.id).where(_RUNS.c.id == state.publication)
    is_known = not state.publication or connection.scalar(known) is not None
    if not is_known or state.publication > goal.publication or state.links > goal.links:
        log.warning("library search: the index is of another catalog; it is made anew")
        return False
    return True


def _continue(
    env: Environment,
    connection: Connection,
    terms: SearchTerms,
    partners: Mapping[str, str],
    state: LibraryState,
    goal: _Goal,
) -> int | None:
    """Write the changes since a state; None when the index must be made anew."""
    changed = _changed_ids(connection, state, goal)
    if changed is None:
        return None
    try:
        index = open_index(library_folder(env) / state.folder)
        if changed:
            with _writer(index) as writer:
                for batch in chunked(changed, _BATCH_ROWS):
                    for resource_id in batch:
                        writer.delete_documents_by_term("id", resource_id)
                    _write(writer, _rows(connection, batch, partners), terms)
            index.reload()
        if index.searcher().num_docs != goal.resources:
            log.warning("library search: the index has not what is published; it is made anew")
            return None
    except (ValueError, OSError) as error:
        log.warning("library search: the index cannot be read (%s); it is made anew", error)
        return None
    if changed or (state.publication, state.links) != (goal.publication, goal.links):
        write_state(env, _state_of(state.folder, goal))
    log.info("library search: %d resources written into the index", len(changed))
    return len(changed)


def _changed_ids(connection: Connection, state: LibraryState, goal: _Goal) -> list[str] | None:
    """Return the resources that publications or checks of links changed after a state; None when they are too many.

    One publication runs at a time, so what later ones changed was updated since the first of them began.
    """
    dead = select(_DEAD.c.resource_id).where(_DEAD.c.changed_at > state.links).limit(_MAX_UPDATED + 1)
    changed = dict.fromkeys(connection.scalars(dead))
    later = (_RUNS.c.kind == "publish", _RUNS.c.status == "loaded", _RUNS.c.id > state.publication)
    since = connection.scalar(select(func.min(_RUNS.c.started_at)).where(*later, _RUNS.c.id <= goal.publication))
    if since is not None:
        query = select(_RESOURCES.c.id).where(_RESOURCES.c.updated_at >= since).limit(_MAX_UPDATED + 1)
        changed |= dict.fromkeys(connection.scalars(query))
    return None if len(changed) > _MAX_UPDATED else list(changed)


def _make_anew(
    env: Environment, connection: Connection, terms: SearchTerms, partners: Mapping[str, str], goal: _Goal
) -> int:
    """Write every published resource into a new folder, make it the one that is read, and remove the others."""
    name = f"index-{uuid4().hex}"
    folder = library_folder(env) / name
    folder.mkdir(parents=True)
    written = 0
    with _writer(open_index(folder, is_new=True)) as writer:
        for batch in _published_batches(connection):
            written += _write(writer, _with_partners(connection, batch, partners), terms)
            if written % _DOCUMENTS_BETWEEN_LINES == 0:
                log.info("library search: %d resources written so far", written)
    state = _state_of(name, goal)
    write_state(env, state)
    _remove_others(env, state)
    log.info("library search: the index is made anew, of %d resources", written)
    return written


def _remove_others(env: Environment, state: LibraryState | None) -> None:
    """Remove the indexes that no reader opens: older ones, and what killed processes left."""
    for path in library_folder(env).glob("index-*"):
        if state is None or path.name != state.folder:
            shutil.rmtree(path, ignore_errors=True)


def _state_of(folder: str, goal: _Goal) -> LibraryState:
    return LibraryState(
        version=LIBRARY_INDEX_VERSION,
        folder=folder,
        publication=goal.publication,
        partners=goal.partners,
        links=goal.links,
        resources=goal.resources,
        at=now(),
    )


@contextmanager
def _writer(index: tantivy.Index) -> Iterator[tantivy.IndexWriter]:
    """Yield the index's writer; commit at the end, or on an exception leave the index as it was."""
    try:
        writer = index.writer(_HEAP_BYTES, 1)
    except ValueError as error:
        if "LockBusy" in str(error):
            raise IndexBusy(_busy_sentence()) from error
        raise
    try:
        yield writer
        writer.commit()
    except BaseException:
        writer.rollback()
        raise
    finally:
        writer.wait_merging_threads()


def _write(writer: tantivy.IndexWriter, rows: Iterator[PublishedRow], terms: SearchTerms) -> int:
    written = 0
    for row in rows:
        writer.add_document(document_of(row, terms))
        written += 1
    return written


def _columns(connection: Connection) -> Any:
    table = _RESOURCES.c
    record = undecoded(connection, table.record).label("record")
    return select(table.id, record, table.quality, table.created_at, table.withdrawn_at)


def _published_batches(connection: Connection) -> Iterator[Sequence[Any]]:
    """Yield the published resources in batches, in the order of their ids.

    Withdrawn ones are left out here: SQLite would read every row of each page by the index of that column.
    """
    page = _columns(connection).order_by(_RESOURCES.c.id).limit(_BATCH_ROWS)
    last_id = ""
    while rows := connection.execute(page.where(_RESOURCES.c.id > last_id)).all():
        yield [row for row in rows if row.withdrawn_at is None]
        last_id = rows[-1].id


def _rows(connection: Connection, ids: Sequence[str], partners: Mapping[str, str]) -> Iterator[PublishedRow]:
    rows = rows_among(connection, _columns(connection), _RESOURCES.c.id, ids)
    return _with_partners(connection, [row for row in rows if row.withdrawn_at is None], partners)


def _with_partners(connection: Connection, rows: Sequence[Any], partners: Mapping[str, str]) -> Iterator[PublishedRow]:
    feeds: dict[str, set[str]] = {}
    members = select(_RECORDS.c.resource_id, _RECORDS.c.feed)
    for member in rows_among(connection, members, _RECORDS.c.resource_id, [row.id for row in rows]):
        feeds.setdefault(member.resource_id, set()).add(member.feed)
    ids = [row.id for row in rows]
    is_dead = select(_DEAD.c.resource_id).where(_DEAD.c.since.is_not(None))
    dead = {row.resource_id for row in rows_among(connection, is_dead, _DEAD.c.resource_id, ids)}
    for row in rows:
        names = sorted({partners.get(feed, feed) for feed in feeds.get(row.id, ())})
        yield PublishedRow(row.id, row.record, row.quality, row.created_at, names, row.id in dead)
