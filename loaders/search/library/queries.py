"""From what a reader typed and chose to a query of the index.

Every word must be in a resource, in the title before keywords, people, subjects and the description; the last may be
the beginning of a word. Only when nothing has them, words with one or two letters wrong are looked for in titles and
keywords, and then resources that have some of the words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import tantivy
from tantivy import Occur, Query

from loaders.search.library.documents import DEAD_STATE, FACETS, STATE_FIELD, exact_name

ORDERS = ("relevance", "newest", "quality")
MAX_WORDS = 20  # of a search; the others are not looked for
Way = Literal["all", "mistyped", "some"]
WAYS: tuple[Way, ...] = ("all", "mistyped", "some")  # in which the words are looked for, one after the other
_BOOSTS = {"title": 10.0, "keywords": 3.0, "people": 3.0, "subjects": 2.0, "description": 1.0}
_MISTYPED = {"title": 2.0, "keywords": 1.0}
_BEGUN = {"title": 2.0, "keywords": 1.0, "people": 1.0, "subjects": 0.7}
_BEGUN_IN_DESCRIPTION = 0.3
_OTHER_SPELLING = 0.8
_TIE = 0.2  # how much further fields count that have a word too
_NAME_BOOST = 100.0
_DEAD_SCORE = 8.0  # that a resource loses whose addresses are dead: about as much as a word of the title gives
_MIN_BEGINNING_CHARS = 2
_MIN_BEGINNING_IN_DESCRIPTION_CHARS = 4
_MIN_MISTYPED_CHARS = 4
_MIN_TWICE_MISTYPED_CHARS = 6
_MIN_SHARE = 0.6  # of a run's pairs, and of the words, where some are enough
_MAX_CHOSEN = 20  # values of a facet


class QueryWord(Protocol):
    """A word of a search: transforms.search_words.SearchWord."""

    @property
    def spellings(self) -> tuple[str, ...]: ...
    @property
    def pairs(self) -> tuple[str, ...]: ...
    @property
    def is_beginning(self) -> bool: ...


class Wanted(NamedTuple):
    """What a reader searches: the text, its words, and the chosen values of facets."""

    text: str
    words: Sequence[QueryWord]
    chosen: Mapping[str, Sequence[str]] = {}

    @property
    def is_everything(self) -> bool:
        """Whether nothing is typed: every resource is wanted."""
        return not self.text.strip()


def query_of(schema: tantivy.Schema, wanted: Wanted, way: Way, *, without: str = "") -> Query:
    """Return the query for what is wanted; `without` names a facet whose chosen values do not count."""
    parts = [(Occur.Must, _text_query(schema, wanted, way))]
    if not wanted.is_everything:
        dead = Query.term_query(schema, STATE_FIELD, DEAD_STATE)
        parts.append((Occur.Should, Query.const_score_query(dead, -_DEAD_SCORE)))
    for facet in FACETS:
        values = list(wanted.chosen.get(facet, ()))[:_MAX_CHOSEN]
        if values and facet != without:
            chosen = Query.term_set_query(schema, facet, values)
            parts.append((Occur.Must, Query.const_score_query(chosen, 0.0)))
    return parts[0][1] if len(parts) == 1 else Query.boolean_query(parts)


def _text_query(schema: tantivy.Schema, wanted: Wanted, way: Way) -> Query:
    if wanted.is_everything:
        return Query.all_query()
    ways = [
        (Occur.Should, Query.boost_query(Query.term_query(schema, "names", name), _NAME_BOOST))
        for name in _possible_names(wanted.text)
    ]
    words = list(dict.fromkeys(wanted.words))[:MAX_WORDS]
    if words:
        each = [_word_query(schema, word, way, is_last=word == words[-1]) for word in words]
        ways.append((Occur.Should, _joined(each, way)))
    return Query.boolean_query(ways) if ways else Query.empty_query()


def _joined(words: Sequence[Query], way: Way) -> Query:
    if way == "some":
        least = max(1, round(len(words) * _MIN_SHARE)) if len(words) > 2 else 1
        return Query.boolean_query([(Occur.Should, word) for word in words], minimum_number_should_match=least)
    return Query.boolean_query([(Occur.Must, word) for word in words])


def _possible_names(text: str) -> Iterator[str]:
    """Yield what a text may be as an identifier: itself, and without the hyphens of an ISBN."""
    name = exact_name(text)
    if name and not any(letter.isspace() for letter in name):
        yield name
    bare = name.replace("-", "").replace(" ", "").removeprefix("isbn").lstrip(":")
    if bare != name and bare.rstrip("x").isdigit():
        yield bare


def _word_query(schema: tantivy.Schema, word: QueryWord, way: Way, *, is_last: bool) -> Query:
    if word.pairs:
        return _dismax(_run_queries(schema, word.pairs, way))
    ways = list(_exact_queries(schema, word))
    spelling = word.spellings[0]
    if word.is_beginning or (is_last and len(spelling) >= _MIN_BEGINNING_CHARS):
        ways += _begun_queries(schema, spelling)
    if way != "all" and len(spelling) >= _MIN_MISTYPED_CHARS:
        ways += _mistyped_queries(schema, spelling)
    return _dismax(ways)


def _exact_queries(schema: tantivy.Schema, word: QueryWord) -> Iterator[Query]:
    for place, spelling in enumerate(word.spellings):
        share = _OTHER_SPELLING if place else 1.0
        for field, boost in _BOOSTS.items():
            yield _boosted(Query.term_query(schema, field, spelling), boost * share)


def _begun_queries(schema: tantivy.Schema, spelling: str) -> Iterator[Query]:
    is_long = len(spelling) >= _MIN_BEGINNING_IN_DESCRIPTION_CHARS
    for field, boost in {**_BEGUN, **({"description": _BEGUN_IN_DESCRIPTION} if is_long else {})}.items():
        yield _boosted(Query.regex_query(schema, field, f"{spelling}.*"), boost)


def _mistyped_queries(schema: tantivy.Schema, spelling: str) -> Iterator[Query]:
    distances = (1, 2) if len(spelling) >= _MIN_TWICE_MISTYPED_CHARS else (1,)
    for field, boost in _MISTYPED.items():
        for distance in distances:
            mistyped = Query.fuzzy_term_query(schema, field, spelling, distance, True)
            yield _boosted(mistyped, boost / distance)


def _run_queries(schema: tantivy.Schema, pairs: Sequence[str], way: Way) -> Iterator[Query]:
    """Yield the queries of a run without spaces: its pairs one after the other, or most of them anywhere."""
    for field, boost in _BOOSTS.items():
        if len(pairs) == 1:
            yield _boosted(Query.term_query(schema, field, pairs[0]), boost)
        elif way == "all":
            yield _boosted(Query.phrase_query(schema, field, list(pairs)), boost)
        else:
            each = [(Occur.Should, Query.term_query(schema, field, pair)) for pair in dict.fromkeys(pairs)]
            least = max(1, round(len(each) * _MIN_SHARE))
            yield _boosted(Query.boolean_query(each, minimum_number_should_match=least), boost)


def _boosted(query: Query, boost: float) -> Query:
    return Query.boost_query(query, boost)


def _dismax(queries: Iterator[Query] | Sequence[Query]) -> Query:
    return Query.disjunction_max_query(list(queries), tie_breaker=_TIE)
