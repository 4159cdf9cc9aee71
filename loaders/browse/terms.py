"""Terms that are in none of the library's lists: pages of them, facets, examples, and the mappings that wait.

A term waits while live records have it and no mapping in force is for it, in the spelling that the partner uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, and_, exists, func, or_, select, tuple_

from loaders.store import HarvestRunRow, SourceRecordRow, TermMappingRow, UnmappedValueRow
from schemas import Base

_TERMS: Any = UnmappedValueRow.__table__
_MAPPINGS: Any = TermMappingRow.__table__
_RECORDS: Any = SourceRecordRow.__table__
_RUNS: Any = HarvestRunRow.__table__
_FETCH_ROWS = 200
_TERMS_PER_QUERY = 200
_EXAMPLE_ROWS = 2_000  # live records of a feed among which examples are looked for


class TermFilter(Base, frozen=True, kw_only=True):
    """Which terms are meant; an empty value means all.

    field: of this field
    feed: that live records of this feed have
    text: with this text in them
    """

    field: str = ""
    feed: str = ""
    text: str = ""


class TermPlace(NamedTuple):
    """The place of a term in the order: the most records that a feed has with it, field and value."""

    records: int
    field: str
    value: str


class OpenTerm(Base, frozen=True, kw_only=True):
    """A term that waits: the feeds that have it with their numbers of records, the most first."""

    place: TermPlace
    feeds: tuple[tuple[str, int], ...]

    @property
    def records(self) -> int:
        """How many records have it."""
        return sum(count for _, count in self.feeds)


class TermFacets(Base, frozen=True, kw_only=True):
    """How many terms wait, by field and by feed, the most first; a term of two feeds counts in each."""

    fields: list[tuple[str, int]]
    feeds: list[tuple[str, int]]


def open_terms(
    connection: Connection, chosen: TermFilter, *, after: TermPlace | None = None, limit: int = 20
) -> list[OpenTerm]:
    """Return the terms that wait, those with the most records in one feed first, from the one after `after` on."""
    mapped = _mapped_terms(connection)
    terms: dict[tuple[str, str], OpenTerm] = {}
    for rows in chunked(_rows(connection, chosen, after), 2 * limit):
        waiting = [row for row in rows if mapped.get((row[1], row[2]), frozenset()).isdisjoint((None, row[3]))]
        feeds_of = _feeds_of_terms(connection, {(field, value) for _, field, value, _ in waiting}, mapped)
        for count, field, value, feed in waiting:
            feeds = feeds_of[field, value]
            # else it was listed where it has more records
            is_first = bool(chosen.feed) or feeds[0] == (feed, count)
            if (field, value) not in terms and is_first:
                terms[field, value] = OpenTerm(place=TermPlace(count, field, value), feeds=feeds)
                if len(terms) == limit:
                    return list(terms.values())
    return list(terms.values())


def _feeds_of_terms(
    connection: Connection, terms: Collection[tuple[str, str]], mapped: Mapping[tuple[str, str], set[str | None]]
) -> dict[tuple[str, str], tuple[tuple[str, int], ...]]:
    """Return the feeds in which each of the terms waits, with their numbers of live records, the most first."""
    feeds: dict[tuple[str, str], list[tuple[str, int]]] = {term: [] for term in terms}
    columns = (_TERMS.c.field, _TERMS.c.value, _TERMS.c.feed, _TERMS.c["count"], _TERMS.c.mapped_to)
    for name, some in groupby(sorted(terms), key=itemgetter(0)):
        # Which have a code is asked here: with it in the query, SQLite reads every term.
        query = select(*columns).where(_TERMS.c.field == name, _TERMS.c.value.in_([value for _, value in some]))
        for field, value, feed, count, code in connection.execute(query):
            is_mapped = not mapped.get((field, value), frozenset()).isdisjoint((None, feed))
            if code is None and count > 0 and not is_mapped:
                feeds[field, value].append((feed, count))
    return {term: tuple(sorted(each, key=lambda row: (-row[1], row[0]))) for term, each in feeds.items()}


def _rows(connection: Connection, chosen: TermFilter, after: TermPlace | None) -> Iterator[tuple[int, str, str, str]]:
    """Yield count, field, value and feed of terms without a code, in the order of the index read backwards."""
    columns = (_TERMS.c["count"], _TERMS.c.field, _TERMS.c.value, _TERMS.c.feed)
    query = select(*columns).where(*_conditions(_TERMS, chosen)).order_by(*(column.desc() for column in columns))
    place: tuple[Any, ...] | None = after
    while True:
        rest = query if place is None else query.where(tuple_(*columns[: len(place)]) < tuple_(*place))
        rows = connection.execute(rest.limit(_FETCH_ROWS)).all()
        yield from (tuple(row) for row in rows)
        if len(rows) < _FETCH_ROWS:
            return
        place = tuple(rows[-1])


def _mapped_terms(connection: Connection) -> dict[tuple[str, str], set[str | None]]:
    """Return the terms that are mapped, each with the feeds that it is mapped for; None stands for all."""
    query = select(_MAPPINGS.c.field, _MAPPINGS.c.value, _MAPPINGS.c.feed).where(_MAPPINGS.c.undone_at.is_(None))
    terms: dict[tuple[str, str], set[str | None]] = {}
    for field, value, feed in connection.execute(query):
        terms.setdefault((field, value), set()).add(feed)
    return terms


def feeds_of_term(connection: Connection, field: str, value: str) -> tuple[tuple[str, int], ...]:
    """Return the feeds in which a term waits, with their numbers of live records that have it."""
    rows = _TERMS.alias()
    query = select(rows.c.feed, rows.c["count"]).where(rows.c.field == field, rows.c.value == value, *_is_open(rows))
    order = (rows.c["count"].desc(), rows.c.feed)
    return tuple((feed, count) for feed, count in connection.execute(query.order_by(*order)))


def term_facets(connection: Connection, chosen: TermFilter) -> TermFacets:
    """Count the terms that the filter means, and those that it would mean with another field or feed."""
    fields, feeds = Counter[str](), Counter[str]()
    for (field, feed), count in _counts(connection, chosen.text).items():
        if chosen.feed in ("", feed):
            fields[field] += count
        if chosen.field in ("", field):
            feeds[feed] += count
    return TermFacets(fields=_sorted(fields), feeds=_sorted(feeds))


def _counts(connection: Connection, text: str) -> Counter[tuple[str, str]]:
    """Count the terms that wait by field and feed: those without a code, less those that are mapped already."""
    rows = _TERMS.alias()
    counted = select(rows.c.field, rows.c.feed, func.count()).group_by(rows.c.field, rows.c.feed)
    counted = counted.where(*_is_uncoded(rows), *_has_text(rows, text))
    counts = Counter({(field, feed): count for field, feed, count in connection.execute(counted)})
    mapped = _mapped_terms(connection)
    columns = (rows.c.field, rows.c.value, rows.c.feed, rows.c["count"], rows.c.mapped_to)
    for name, terms in groupby(sorted(mapped), key=itemgetter(0)):
        for some in chunked((value for _, value in terms), _TERMS_PER_QUERY):
            # Which have a code is asked here: with it in the query, SQLite reads every term.
            query = select(*columns).where(rows.c.field == name, rows.c.value.in_(some), *_has_text(rows, text))
            for field, value, feed, count, code in connection.execute(query):
                is_done = not mapped[field, value].isdisjoint((None, feed))
                counts[field, feed] -= is_done and count > 0 and code is None
    return +counts


def term_examples(connection: Connection, field: str, value: str, limit: int = 5) -> list[tuple[str, str]]:
    """Return key and title of some live records that have a term without a code, found among a part of each feed."""
    pair = msgspec.json.encode([field, value]).decode()
    examples: list[tuple[str, str]] = []
    for feed, _ in feeds_of_term(connection, field, value)[:limit]:
        live = select(_RECORDS.c.key, _RECORDS.c.unmapped).where(_RECORDS.c.feed == feed, _RECORDS.c.status == "live")
        some = live.limit(_EXAMPLE_ROWS).subquery()
        keys = select(some.c.key).where(some.c.unmapped.contains(pair, autoescape=True)).limit(limit - len(examples))
        records = select(_RECORDS.c.key, _RECORDS.c.record).where(_RECORDS.c.key.in_(keys))
        examples.extend((row.key, _title(row.record)) for row in connection.execute(records.order_by(_RECORDS.c.key)))
        if len(examples) >= limit:
            break
    return examples


def spellings(connection: Connection, field: str) -> list[str]:
    """Return every term of a field that live records have without a code, in each spelling."""
    query = select(_TERMS.c.value).where(_TERMS.c.field == field, *_is_uncoded(_TERMS)).distinct()
    return list(connection.scalars(query.order_by(_TERMS.c.value)))


def feeds_with_mapped_terms(connection: Connection) -> set[str]:
    """Return the feeds that a mapping was made for, and those that ever had a term without a code that was mapped."""
    own = select(_MAPPINGS.c.feed).where(_MAPPINGS.c.feed.is_not(None)).distinct()
    same = and_(_TERMS.c.field == _MAPPINGS.c.field, _TERMS.c.value == _MAPPINGS.c.value)
    had = select(_TERMS.c.feed).select_from(_MAPPINGS.join(_TERMS, same)).where(_MAPPINGS.c.feed.is_(None)).distinct()
    return {*connection.scalars(own), *connection.scalars(had)}


def mapping_versions(connection: Connection) -> dict[str, set[str]]:
    """Return the versions of the mappings that each feed's records were read with, empty without any."""
    return {feed: {each.partition("+")[2] for each in used} for feed, used in transform_versions(connection).items()}


def transform_versions(connection: Connection) -> dict[str, set[str]]:
    """Return the `transform_version`s that each feed's records were read with; empty for runs that name none.

    They are those of its last run over all records, and of what changed some since.
    """
    loaded = _RUNS.c.status == "loaded"
    over_all = or_(_RUNS.c.kind == "reprocess", _RUNS.c.base_run_id.is_(None))
    last = select(_RUNS.c.feed, func.max(_RUNS.c.id).label("id")).where(loaded, over_all, _RUNS.c.feed.is_not(None))
    since = last.group_by(_RUNS.c.feed).subquery()
    wrote = or_(_RUNS.c.id == since.c.id, _RUNS.c.added + _RUNS.c.changed > 0)
    query = select(_RUNS.c.feed, _RUNS.c.transform_version).distinct()
    query = query.join(since, and_(since.c.feed == _RUNS.c.feed, _RUNS.c.id >= since.c.id)).where(loaded, wrote)
    versions: dict[str, set[str]] = {}
    for feed, version in connection.execute(query):
        versions.setdefault(feed, set()).add(version or "")
    return versions


def reprocesses_under_way(connection: Connection) -> list[tuple[str, str]]:
    """Return the feeds that are being reprocessed, each with the time when its run began."""
    under_way = (_RUNS.c.kind == "reprocess", _RUNS.c.status.in_(("running", "landed")))
    query = select(_RUNS.c.feed, _RUNS.c.started_at).where(*under_way).order_by(_RUNS.c.id)
    return [(row.feed, row.started_at) for row in connection.execute(query)]


def _conditions(rows: Any, chosen: TermFilter) -> list[Any]:
    conditions = _is_uncoded(rows)
    if chosen.field:
        conditions.append(rows.c.field == chosen.field)
    if chosen.feed:
        conditions.append(rows.c.feed == chosen.feed)
    return [*conditions, *_has_text(rows, chosen.text)]


def _has_text(rows: Any, text: str) -> list[Any]:
    return [rows.c.value.icontains(text, autoescape=True)] if text else []


def _is_uncoded(rows: Any) -> list[Any]:
    return [rows.c.mapped_to.is_(None), rows.c["count"] > 0]


def _is_open(rows: Any) -> list[Any]:
    mapped = exists(
        select(_MAPPINGS.c.id).where(
            _MAPPINGS.c.field == rows.c.field,
            _MAPPINGS.c.value == rows.c.value,
            _MAPPINGS.c.undone_at.is_(None),
            or_(_MAPPINGS.c.feed.is_(None), _MAPPINGS.c.feed == rows.c.feed),
        )
    )
    return [*_is_uncoded(rows), ~mapped]


def _title(record: str | None) -> str:
    titles = msgspec.json.decode(record).get("title", {}) if record else {}
    return next(iter(titles.values()), "")


def _sorted(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
