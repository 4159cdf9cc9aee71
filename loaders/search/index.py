"""Write the search index: what changed in the catalog since it was last written, or all of it.

A document is a record (its accepted version and the one that waits) or a published resource. The state, a file beside
the index, says up to which run of each feed and which publication the index has everything; it is written after the
index, so that after a kill the same changes are written again, which changes nothing.
"""

from __future__ import annotations

import logging
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tantivy
from filelock import FileLock
from sqlalchemy import Connection, func, select

from loaders.store import (
    HarvestRunRow,
    ResourceRow,
    SourceRecordRow,
    now,
    read_transaction,
    rows_among,
    whole_file,
)
from schemas import Base, Environment

log = logging.getLogger("elib.catalog")
Words = Callable[[str], list[str]]  # the words by which a text is found
INDEX_FOLDER = "search"
INDEX_VERSION = 2  # another one makes the index anew
STATE_FILE = "state.json"
MAX_NAME_CHARS = 2_000
TOKENIZER = "words"
_HEAP_BYTES = 64_000_000
_FETCH_ROWS = 1_000
_MAX_TEXTS = 200  # titles, people or identifiers of one document
_UNFINISHED = ("running", "landed", "held")
_RUNS: Any = HarvestRunRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_RESOURCES: Any = ResourceRow.__table__
_SCHEMES = ("https://", "http://")


class IndexState(Base, frozen=True, kw_only=True):
    """What the index has.

    runs: of each feed the newest run of which, and of all before which, it has every change
    resources_until: `updated_at` of the newest change of a resource that it has; empty: none
    at: when it was written
    """

    version: int
    runs: dict[str, str]
    resources_until: str
    at: str


class _Named(Base, frozen=True):
    """A contributor's name, an identifier's value or a link's address: whichever it has."""

    name: str = ""
    value: str = ""
    url: str = ""
    text: str = ""


class _Searched(Base, frozen=True):
    """The fields of a Resource by which it is found."""

    title: dict[str, str] = {}
    alternative_titles: tuple[_Named, ...] = ()
    contributors: tuple[_Named, ...] = ()
    publishers: tuple[str, ...] = ()
    identifiers: tuple[_Named, ...] = ()
    links: tuple[_Named, ...] = ()
    url: str | None = None


def update_index(env: Environment, words: Words) -> int:
    """Write into the index what changed in the catalog since; return the number of documents written.

    Made anew when there is none, or it cannot be read, is of another version, or is of another catalog.
    """
    folder = index_folder(env)
    env.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(env.locks / "search.lock"):
        state = _usable_state(env)
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        written, reached = _write(env, folder, words, state)
        if state is None or written or (reached.runs, reached.resources_until) != (state.runs, state.resources_until):
            with whole_file(folder / STATE_FILE) as temporary:
                temporary.write_bytes(msgspec.json.encode(reached))
    log.info("search: %d documents written into the index", written)
    return written


def index_folder(env: Environment) -> Path:
    """Return the folder of the index."""
    return env.home / INDEX_FOLDER


def read_state(env: Environment) -> IndexState | None:
    """Return what the index has; None when there is none, or it is of another version."""
    try:
        state = msgspec.json.decode((index_folder(env) / STATE_FILE).read_bytes(), type=IndexState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return state if state.version == INDEX_VERSION else None


def open_index(folder: Path) -> tantivy.Index:
    """Open an index, or make an empty one. Raises ValueError when it is damaged."""
    index = tantivy.Index(schema(), path=str(folder))
    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(TOKENIZER, analyzer)
    return index


def schema() -> tantivy.Schema:
    """Return the fields of a document.

    document: its kind and its id, with a blank between; names: what it is called, exactly; words: of its titles;
    people: words of its contributors' and publishers' names
    """
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("document", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("names", stored=False, tokenizer_name="raw", index_option="basic")
    for name in ("words", "people"):
        builder.add_text_field(name, stored=False, tokenizer_name=TOKENIZER, index_option="position")
    return builder.build()


def exact_name(text: str) -> str:
    """Return the one spelling of a key, identifier or address: without case, scheme, `www.` and a slash at the end."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    for scheme in _SCHEMES:
        plain = plain.removeprefix(scheme)
    return plain.removeprefix("www.").rstrip("/")[:MAX_NAME_CHARS]


def _usable_state(env: Environment) -> IndexState | None:
    """Return the state of an index that can be written on; None where it must be made anew."""
    state = read_state(env)
    if state is None:
        return None
    with read_transaction(env) as connection:
        known = rows_among(connection, select(_RUNS.c.id), _RUNS.c.id, list(state.runs.values()))
        if {row.id for row in known} != set(state.runs.values()):
            log.warning("search: the index is of another catalog; it is made anew")
            return None
    try:
        open_index(index_folder(env)).searcher()
    except ValueError as error:
        log.warning("search: the index cannot be read (%s); it is made anew", error)
        return None
    return state


def _write(env: Environment, folder: Path, words: Words, state: IndexState | None) -> tuple[int, IndexState]:
    """Write the changes since a state; return how many documents that are, and the state reached."""
    written = 0
    with read_transaction(env) as connection:
        reached = _state_of(connection)
        changed = _changed(connection, state)
        writer = None
        for document, kind, names, records in changed:
            if writer is None:  # a night without changes does not touch the index
                writer = open_index(folder).writer(_HEAP_BYTES, 1)
            if state is not None:
                writer.delete_documents_by_term("document", document)
            writer.add_document(_document(document, kind, names, records, words))
            written += 1
    if writer is None and state is None:
        writer = open_index(folder).writer(_HEAP_BYTES, 1)
    if writer is not None:
        writer.commit()
        writer.wait_merging_threads()
    return written, reached


def _state_of(connection: Connection) -> IndexState:
    """Return the state of an index that has everything that the catalog has now."""
    unfinished = select(_RUNS.c.feed, func.min(_RUNS.c.id)).where(_RUNS.c.status.in_(_UNFINISHED))
    first_open = {row[0]: row[1] for row in connection.execute(unfinished.group_by(_RUNS.c.feed))}
    runs = {}
    for feed in connection.scalars(select(_RUNS.c.feed).where(_RUNS.c.feed.is_not(None)).distinct()):
        ended = select(func.max(_RUNS.c.id)).where(_RUNS.c.feed == feed)
        if feed in first_open:  # it may be loaded later
            ended = ended.where(_RUNS.c.id < first_open[feed])
        if newest := connection.scalar(ended):
            runs[feed] = newest
    until = connection.scalar(select(func.max(_RESOURCES.c.updated_at))) or ""
    return IndexState(version=INDEX_VERSION, runs=runs, resources_until=until, at=now())


_Changed = tuple[str, str, Sequence[str], Sequence[str | None]]  # document, kind, names, records as JSON


def _changed(connection: Connection, state: IndexState | None) -> Iterator[_Changed]:
    """Yield the documents that changed since a state; without one, all."""
    columns = (_RECORDS.c.key, _RECORDS.c.identifier, _RECORDS.c.record, _RECORDS.c.pending_record)
    for row in _rows_since(connection, select(*columns), state):
        yield f"record {row.key}", "record", (row.key, row.identifier), (row.record, row.pending_record)
    resources = select(_RESOURCES.c.id, _RESOURCES.c.record)
    if state is not None:
        resources = resources.where(_RESOURCES.c.updated_at > state.resources_until)
    for row in connection.execution_options(yield_per=_FETCH_ROWS).execute(resources):
        yield f"resource {row.id}", "resource", (row.id,), (row.record,)


def _rows_since(connection: Connection, query: Any, state: IndexState | None) -> Iterator[Any]:
    """Yield the rows of source_record that runs changed which the state does not have."""
    if state is None:
        yield from connection.execution_options(yield_per=_FETCH_ROWS).execute(query)
        return
    runs: list[str] = []
    for feed in connection.scalars(select(_RUNS.c.feed).where(_RUNS.c.feed.is_not(None)).distinct()):
        newer = select(_RUNS.c.id).where(_RUNS.c.feed == feed, _RUNS.c.id > state.runs.get(feed, ""))
        runs.extend(connection.scalars(newer))
    for run in runs:
        of_run = query.where(_RECORDS.c.run_id == run)
        yield from connection.execution_options(yield_per=_FETCH_ROWS).execute(of_run)


def _document(
    document: str, kind: str, names: Sequence[str], records: Sequence[str | None], words: Words
) -> tantivy.Document:
    searched = [msgspec.json.decode(record, type=_Searched) for record in records if record]
    made = tantivy.Document()
    made.add_text("document", document)
    made.add_text("kind", kind)
    for name in dict.fromkeys(exact_name(each) for each in (*names, *_names(searched)) if each):
        made.add_text("names", name)
    for text in dict.fromkeys(_titles(searched)):
        made.add_text("words", " ".join(words(text)))
    for text in dict.fromkeys(_people(searched)):
        made.add_text("people", " ".join(words(text)))
    return made


def _names(records: Sequence[_Searched]) -> Iterator[str]:
    for record in records:
        yield record.url or ""
        yield from (identifier.value for identifier in record.identifiers[:_MAX_TEXTS])
        yield from (link.url for link in record.links[:_MAX_TEXTS])


def _titles(records: Sequence[_Searched]) -> Iterator[str]:
    for record in records:
        yield from record.title.values()
        yield from (title.text for title in record.alternative_titles[:_MAX_TEXTS])


def _people(records: Sequence[_Searched]) -> Iterator[str]:
    for record in records:
        yield from (person.name for person in record.contributors[:_MAX_TEXTS])
        yield from record.publishers[:_MAX_TEXTS]
