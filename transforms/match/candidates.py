# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Tables of what is compared of a record: its features without vague identifiers, and bit masks of its lists.

Two lists whose masks have no bit in common have no member in common, which is quicker to see than from the lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations, groupby
from operator import itemgetter

import duckdb
import pyarrow as pa

from transforms.match.feature_rows import titles_of
from transforms.match.feature_tables import FeatureTables
from transforms.match.wording import Title, titles_difference

MIN_UNLIKE_TITLES = 3  # unlike titles under one identifier, from which it identifies nothing; two within one feed
_TEXTS = (
    "title",
    "sorted_words",
    "main_title",
    "publisher",
    "description_start",
)  # texts, of which the narrow table has a hash
_SCALARS = ("idx", "feed", "title_letters", "numbers", "edition", "year", "description_hash")
_LISTS = {
    "titles": "titles",
    "name_words": "name_words",
    "tokens": "string_split(title, ' ')",
    "strong": "list_filter(sure, lambda i: NOT starts_with(i, 'url:'))",
    "addresses": "list_filter(sure, lambda i: starts_with(i, 'url:'))",
    "dois": "list_filter(identifiers, lambda i: starts_with(i, 'doi:'))",
    "isbns": "list_filter(identifiers, lambda i: starts_with(i, 'isbn:'))",
}
_SHORT_LISTS = ("levels", "types", "languages")  # lists as they are
_BITS = "coalesce(list_bit_or(list_transform({0}, lambda w: 1::BIGINT << (hash(w) % 62)::INTEGER)), 0)"
_NUMBERS = (  # one bit a member: two lists without a bit in common have no member in common
    *(f"{_BITS.format(name)} AS {name}_bits" for name in _LISTS),
    *(f"coalesce(len({name}), 0)::INTEGER AS {name}_size" for name in ("name_words", "tokens")),
    "coalesce(length(title), 0)::INTEGER AS title_length",
)


def find_vague_identifiers(connection: duckdb.DuckDBPyConnection, features: FeatureTables, limit: int) -> str:
    """Return the table of records with identifiers that tell nothing: idx, and `sure`, those that they have beside.

    An identifier tells nothing when records of one feed bear it under titles that differ in a whole word, when three
    records do, of whatever feeds, or when more records bear it than a block may have (`limit`).
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE named AS SELECT idx, unnest(identifiers) AS identifier FROM {features.compared}"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE borne AS SELECT identifier, count(*) AS records, "
        f"count(*) <= {limit} AND (count(DISTINCT title) >= {MIN_UNLIKE_TITLES} OR "
        "(count(DISTINCT title) > 1 AND count(DISTINCT feed) < count(*))) AS suspect FROM named SEMI JOIN "
        "(SELECT identifier FROM named GROUP BY identifier HAVING count(*) > 1) USING (identifier) "
        f"JOIN {features.compared} USING (idx) GROUP BY identifier"
    )
    bearers = connection.execute(
        "SELECT identifier, feed, tagged_titles FROM named SEMI JOIN (FROM borne WHERE suspect) USING (identifier) "
        f"JOIN {features.whole} USING (idx) ORDER BY identifier, idx"
    ).fetchall()
    vague = [identifier for identifier, rows in groupby(bearers, itemgetter(0)) if _tells_nothing(rows)]
    connection.register("vague_here", pa.table({"identifier": pa.array(vague, pa.string())}))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE vague AS FROM vague_here UNION "
        f"SELECT identifier FROM borne WHERE records > {limit}"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE doubted AS SELECT idx, "
        "list(identifier ORDER BY identifier) FILTER (identifier NOT IN (FROM vague)) AS sure "
        "FROM named SEMI JOIN (SELECT idx FROM named SEMI JOIN vague USING (identifier)) USING (idx) GROUP BY idx"
    )
    connection.execute("DROP TABLE named; DROP TABLE borne")
    return "doubted"


def _tells_nothing(bearers: Iterable[tuple[str, str, list[str]]]) -> bool:
    """Whether the titles of the records with one identifier, in key order, say that it is none of a work.

    `bearers` are rows of identifier, feed and tagged titles.
    """
    records = list({(feed, tuple(tagged)): None for _, feed, tagged in bearers if tagged})
    feeds = [feed for feed, _ in records]
    titles = [titles_of(tagged) for _, tagged in records]
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


def write_compared(
    connection: duckdb.DuckDBPyConnection, features: str, doubted: str, pairs: str, *, narrow: bool = False
) -> str:
    """Return a table of what is compared of the records of some pairs.

    `features` is the table of compared features, `doubted` that of find_vague_identifiers. A narrow table has numbers
    instead of lists and long texts.
    """
    table = "narrow_candidate" if narrow else "candidate"
    lists = ", ".join(f"coalesce({sql}, []) AS {name}" for name, sql in _LISTS.items() if name != "titles")
    texts = ", ".join(f"if({name} IS NULL, NULL, hash({name})) AS {name}" if narrow else name for name in _TEXTS)
    columns = [*_SCALARS, texts, *_NUMBERS, *(() if narrow else (*_LISTS, *_SHORT_LISTS))]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(columns)} FROM (SELECT *, {lists} FROM "
        f"(SELECT f.*, if(d.idx IS NULL, identifiers, sure) AS sure "
        f"FROM {features} f LEFT JOIN {doubted} d USING (idx) "
        f"SEMI JOIN (SELECT join_key_l AS idx FROM {pairs} UNION SELECT join_key_r FROM {pairs}) USING (idx)))"
    )
    return table


@contextmanager
def pairs_first(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Make joins go through the many pairs, by every thread, and look the few records up; DuckDB does the opposite."""
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")
