"""Search the library's index, and read from the catalog what was found."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import tantivy
from sqlalchemy import Connection, select

from loaders.search.library.documents import FACETS
from loaders.search.library.folder import LibraryState, NoLibraryIndex, library_folder, library_state, open_index
from loaders.search.library.queries import WAYS, Wanted, Way, query_of
from loaders.store import ResourceRow, read_transaction, rows_among
from schemas import Environment, Resource

_FACET_VALUES = 100  # counted of a facet
_MAX_PLAIN_WORDS = 5
_ESCAPE = "\\"
_RESOURCES: Any = ResourceRow.__table__
_Facets = Mapping[str, list[tuple[str, int]]]
_lock = threading.Lock()
_open: dict[tuple[str, int], tuple[LibraryState, tantivy.Index]] = {}  # by folder and process
_MAX_FOUND = 100  # results that are kept; the one that was asked for least recently goes first


class _Found(NamedTuple):
    """What the index has for a question: ids of a page, how many there are, and the facets of all."""

    ids: tuple[str, ...]
    total: int
    way: Way
    facets: _Facets


_found: OrderedDict[Hashable, _Found] = OrderedDict()  # by index, when it was written, and what was asked


class LibraryResource(NamedTuple):
    """A published resource that was found."""

    id: str
    title: str
    record: Resource
    created_at: str


class LibraryHits(NamedTuple):
    """A page of what was found, in order.

    total: how many there are; way: `all`, `mistyped` or `some`, as the words were found
    facets: of each facet its values and how many resources have each, the commonest first
    at: when the index was written
    """

    resources: list[LibraryResource]
    total: int
    way: Way
    facets: Mapping[str, list[tuple[str, int]]]
    at: str


def search_library(
    env: Environment, wanted: Wanted, *, order: str = "relevance", offset: int = 0, limit: int = 20, facets: bool = True
) -> LibraryHits:
    """Find published resources. `order` is one of ORDERS; a page has fewer where the catalog withdrew some since.

    Raises NoLibraryIndex when there is no index that can be read.
    """
    for attempt in (1, 2):  # a writer may remove files between the reading of its list and of themselves
        state, index = _index(env)
        try:
            return _search(env, state, index, wanted, order, offset, limit, facets)
        except (ValueError, OSError) as error:
            _forget(env)
            if attempt == 2:
                raise NoLibraryIndex(str(error)) from error
    raise AssertionError("unreachable")


def search_titles(env: Environment, words: Sequence[str], *, limit: int = 20) -> list[LibraryResource]:
    """Find published resources whose titles contain the words as they are typed, without the index, newest first."""
    table = _RESOURCES.c
    query = _columns().order_by(table.id.desc())
    for word in words[:_MAX_PLAIN_WORDS]:
        escaped = word.replace(_ESCAPE, _ESCAPE * 2).replace("%", f"{_ESCAPE}%").replace("_", f"{_ESCAPE}_")
        query = query.where(table.title.ilike(f"%{escaped}%", escape=_ESCAPE))
    with read_transaction(env) as connection:
        rows = connection.execute(query, execution_options={"stream_results": True, "yield_per": limit})
        published = (row for row in rows if row.withdrawn_at is None)  # a condition would sort all rows on SQLite
        return [_resource(row) for row in islice(published, limit)]


def _index(env: Environment) -> tuple[LibraryState, tantivy.Index]:
    """Return the index as it was last written; opened once per process, and again when it was written since."""
    state = library_state(env)
    if state is None:
        raise NoLibraryIndex("there is no index of this version; the next publication, or `elib index`, makes it")
    key = (str(library_folder(env)), os.getpid())
    with _lock:
        known = _open.get(key)
        if known is not None and known[0] == state:
            return known
        try:
            if known is not None and known[0].folder == state.folder:
                index = known[1]
                index.reload()
            else:
                index = open_index(library_folder(env) / state.folder)
        except (ValueError, OSError) as error:
            _open.pop(key, None)
            raise NoLibraryIndex(str(error)) from error
        _open[key] = (state, index)
        return _open[key]


def _forget(env: Environment) -> None:
    with _lock:
        _open.pop((str(library_folder(env)), os.getpid()), None)


def _search(
    env: Environment,
    state: LibraryState,
    index: tantivy.Index,
    wanted: Wanted,
    order: str,
    offset: int,
    limit: int,
    with_facets: bool,
) -> LibraryHits:
    by = None if order == "relevance" else order
    if by is None and wanted.is_everything:
        by = "newest"
    chosen = tuple(sorted((facet, tuple(values)) for facet, values in wanted.chosen.items()))
    wanted_key = (wanted.text, tuple(wanted.words), chosen, by, offset, limit, with_facets)
    question = (state.folder, state.publication, state.at, wanted_key)
    with _lock:
        found = _found.get(question)
        if found is not None:
            _found.move_to_end(question)
    if found is None:
        found = _find(index, wanted, by, offset, limit, with_facets)
        with _lock:
            _found[question] = found
            while len(_found) > _MAX_FOUND:
                _found.popitem(last=False)
    with read_transaction(env) as connection:
        resources = _read(connection, found.ids)
    return LibraryHits(resources, found.total, found.way, found.facets, state.at)


def _find(index: tantivy.Index, wanted: Wanted, by: str | None, offset: int, limit: int, with_facets: bool) -> _Found:
    searcher = index.searcher()
    for way in WAYS:
        query = query_of(index.schema, wanted, way)
        result = searcher.search(query, limit, offset=offset, order_by_field=by)
        total: int = result.count  # type: ignore[attr-defined]  # its stubs lack it
        if total or not wanted.words or wanted.is_everything:
            break
    ids = tuple(str(searcher.doc(place)["id"][0]) for _, place in result.hits)
    return _Found(ids, total, way, _facets(searcher, index.schema, wanted, way, query) if with_facets else {})


def _facets(
    searcher: tantivy.Searcher, schema: tantivy.Schema, wanted: Wanted, way: Way, query: tantivy.Query
) -> _Facets:
    """Count the values of each facet among what was found; of a chosen facet, as if nothing of it were chosen."""
    chosen = [facet for facet in FACETS if wanted.chosen.get(facet)]
    counted = _count(searcher, query, [facet for facet in FACETS if facet not in chosen])
    for facet in chosen:
        counted |= _count(searcher, query_of(schema, wanted, way, without=facet), [facet])
    return counted


def _count(searcher: tantivy.Searcher, query: tantivy.Query, facets: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    if not facets:
        return {}
    wanted = {facet: {"terms": {"field": facet, "size": _FACET_VALUES}} for facet in facets}
    result = searcher.aggregate(query, wanted)
    return {
        facet: [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in result[facet]["buckets"]]
        for facet in facets
    }


def _columns() -> Any:
    table = _RESOURCES.c
    return select(table.id, table.title, table.record, table.created_at, table.withdrawn_at)


def _read(connection: Connection, ids: Sequence[str]) -> list[LibraryResource]:
    """Return the resources with these ids that are published now, in this order."""
    rows = rows_among(connection, _columns(), _RESOURCES.c.id, ids)
    by_id = {row.id: _resource(row) for row in rows if row.withdrawn_at is None}
    return [by_id[resource_id] for resource_id in ids if resource_id in by_id]


def _resource(row: Any) -> LibraryResource:
    record = msgspec.json.decode(row.record, type=Resource)
    return LibraryResource(row.id, row.title or "", record, row.created_at)
