"""Search in the index: every word must be in a title or name; the last one may be the beginning of a word."""

from __future__ import annotations

import re
import threading
from typing import NamedTuple

import tantivy

from loaders.search.index import Words, exact_name, index_folder, open_index, read_state
from schemas import Environment, sentence

_MAX_WORDS = 20  # of a search
_MIN_BEGINNING_CHARS = 3  # shorter ones begin too many words
_MIN_MISTYPED_CHARS = 4
_FIELDS = (("words", 3.0), ("people", 2.0))
_NAME_BOOST = 20.0
_lock = threading.Lock()
_open: dict[str, tuple[str, tantivy.Index]] = {}  # by folder: when it was written, and the index


class NoIndex(Exception):
    """There is no index yet, or it cannot be read."""


class Hit(NamedTuple):
    """What was found: `record` with its key, or `resource` with its id."""

    kind: str
    id: str


class Hits(NamedTuple):
    """Some of what was found, the best first, how much there is, whether only by other spellings; as of `at`."""

    hits: list[Hit]
    total: int
    is_mistyped: bool
    at: str


def search_index(
    env: Environment, text: str, words: Words, *, kind: str = "", offset: int = 0, limit: int = 50
) -> Hits:
    """Find records and resources by words of titles and people, or by a key, identifier or address.

    kind: `record` or `resource`; empty for both. When no spelling fits, words with one letter wrong are looked for.
    Raises NoIndex.
    """
    index, at = _index(env)
    wanted = words(text)[:_MAX_WORDS]
    name = exact_name(text)
    for is_mistyped in (False, True):
        query = _query(index.schema, wanted, name, kind, is_mistyped=is_mistyped)
        try:
            results = index.searcher().search(query, limit, offset=offset)
        except (ValueError, OSError) as error:
            raise NoIndex(str(error)) from error
        total: int = results.count  # type: ignore[attr-defined]  # its stubs lack it
        if total or not wanted:
            break
    searcher = index.searcher()
    hits = [Hit(*searcher.doc(place)["document"][0].split(" ", 1)) for _, place in results.hits]
    return Hits(hits, total, is_mistyped and bool(hits), at)


def _index(env: Environment) -> tuple[tantivy.Index, str]:
    """Return the index as it was last written, and when that was."""
    state = read_state(env)
    if state is None:
        raise NoIndex(sentence("it is made by the next publication"))
    folder = str(index_folder(env))
    with _lock:
        known = _open.get(folder)
        if known is None or known[0] != state.at:
            try:
                _open[folder] = known = (state.at, open_index(index_folder(env)))
                known[1].reload()
            except (ValueError, OSError) as error:
                _open.pop(folder, None)
                raise NoIndex(str(error)) from error
    return known[1], state.at


def _query(fields: tantivy.Schema, words: list[str], name: str, kind: str, *, is_mistyped: bool) -> tantivy.Query:
    named = tantivy.Query.boost_query(tantivy.Query.term_query(fields, "names", name), _NAME_BOOST)
    ways = [(tantivy.Occur.Should, named)]
    if words:
        last = len(words) - 1
        each = [(tantivy.Occur.Must, _word(fields, word, at == last, is_mistyped)) for at, word in enumerate(words)]
        ways.append((tantivy.Occur.Should, tantivy.Query.boolean_query(each)))
    query = tantivy.Query.boolean_query(ways)
    if not kind:
        return query
    of_kind = tantivy.Query.const_score_query(tantivy.Query.term_query(fields, "kind", kind), 0.0)
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, of_kind)])


def _word(fields: tantivy.Schema, word: str, is_last: bool, is_mistyped: bool) -> tantivy.Query:
    """Return the query of a word in a title or a name; the last word also as a beginning."""
    ways = []
    for field, boost in _FIELDS:
        ways.append(tantivy.Query.boost_query(tantivy.Query.term_query(fields, field, word), boost))
        if is_last and len(word) >= _MIN_BEGINNING_CHARS:
            ways.append(tantivy.Query.regex_query(fields, field, f"{re.escape(word)}.*"))
        if is_mistyped and len(word) >= _MIN_MISTYPED_CHARS:
            ways.append(tantivy.Query.fuzzy_term_query(fields, field, word, 1, True))
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, way) for way in ways])
