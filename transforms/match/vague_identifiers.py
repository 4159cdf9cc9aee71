# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Find the identifiers that identify no work, because records with unlike titles, or too many records, share them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, groupby
from operator import itemgetter

import duckdb
import pyarrow as pa

from transforms.match.feature_rows import titles_of
from transforms.match.feature_tables import FeatureTables
from transforms.match.wording import Title, titles_difference

_FETCH_ROWS = 2_000
MIN_UNLIKE_TITLES = 3  # unlike titles under one identifier, from which it identifies nothing; two within one feed


def find_vague_identifiers(connection: duckdb.DuckDBPyConnection, features: FeatureTables, limit: int) -> str:
    """Return the table of records with identifiers that tell nothing: idx, and `sure`, those that they have beside.

    An identifier tells nothing when records of one feed have it under titles that differ in a whole word, when three
    records do, of whatever feeds, or when more records have it than a block may have (`limit`).
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE named AS SELECT idx, unnest(identifiers) AS identifier FROM {features.compared}"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE shared_identifier AS SELECT identifier, count(*) AS records, "
        f"count(*) <= {limit} AND (count(DISTINCT title) >= {MIN_UNLIKE_TITLES} OR "
        "(count(DISTINCT title) > 1 AND count(DISTINCT feed) < count(*))) AS suspect FROM named SEMI JOIN "
        "(SELECT identifier FROM named GROUP BY identifier HAVING count(*) > 1) USING (identifier) "
        f"JOIN {features.compared} USING (idx) GROUP BY identifier"
    )
    connection.execute(
        "SELECT identifier, feed, tagged_titles FROM named "
        "SEMI JOIN (FROM shared_identifier WHERE suspect) USING (identifier) "
        f"JOIN {features.whole} USING (idx) ORDER BY identifier, idx"
    )
    vague = [identifier for identifier, rows in groupby(_fetch(connection), itemgetter(0)) if _tells_nothing(rows)]
    connection.register("vague_here", pa.table({"identifier": pa.array(vague, pa.string())}))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE vague AS FROM vague_here UNION "
        f"SELECT identifier FROM shared_identifier WHERE records > {limit}"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE sure_identifiers AS SELECT idx, "
        "list(identifier ORDER BY identifier) FILTER (identifier NOT IN (FROM vague)) AS sure "
        "FROM named SEMI JOIN (SELECT idx FROM named SEMI JOIN vague USING (identifier)) USING (idx) GROUP BY idx"
    )
    connection.execute("DROP TABLE named; DROP TABLE shared_identifier")
    return "sure_identifiers"


def _fetch(rows: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, list[str]]]:
    while batch := rows.fetchmany(_FETCH_ROWS):
        yield from batch


def _tells_nothing(records: Iterable[tuple[str, str, list[str]]]) -> bool:
    """Whether the titles of the records with one identifier, in key order, say that it is none of a work.

    `records` are rows of identifier, feed and tagged titles.
    """
    titled = list({(feed, tuple(tagged)): None for _, feed, tagged in records if tagged})
    feeds = [feed for feed, _ in titled]
    titles = [titles_of(tagged) for _, tagged in titled]
    return _unlike_in_one_feed(feeds, titles) or _count_unlike(titles) >= MIN_UNLIKE_TITLES


def _unlike_in_one_feed(feeds: Sequence[str], titles: Sequence[list[Title]]) -> bool:
    pairs = combinations(zip(feeds, titles, strict=True), 2)
    return any(feed == other_feed and _unlike(title, other) for (feed, title), (other_feed, other) in pairs)


def _count_unlike(titles: Iterable[list[Title]]) -> int:
    """Return how many titles are unlike all that are counted before them."""
    unlike: list[list[Title]] = []
    for title in titles:
        if all(_unlike(title, other) for other in unlike):
            unlike.append(title)
    return len(unlike)


def _unlike(left: list[Title], right: list[Title]) -> bool:
    apart = titles_difference(left, right)
    return apart is not None and apart.whole
