# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Tables of what is compared of a record: its features without vague identifiers, and bit masks of its lists.

Two lists whose masks have no bit in common have no member in common, which is quicker to see than from the lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

import duckdb
import pyarrow as pa

from transforms.match.feature_rows import titles_of
from transforms.match.wording import Title, titles_difference

MIN_UNLIKE_TITLES = 3  # unlike titles under one identifier, from which it identifies nothing; two within one feed
_KEPT = (
    "title",
    "sorted_words",
    "main_title",
    "publisher",
    "description_start",
)  # texts, of which the narrow table has a hash
_PLAIN = ("idx", "feed", "title_letters", "numbers", "edition", "year", "description_hash")
_LISTS = {
    "titles": "titles",
    "name_words": "name_words",
    "tokens": "string_split(title, ' ')",
    "strong": "list_filter(sure, lambda i: NOT starts_with(i, 'url:'))",
    "addresses": "list_filter(sure, lambda i: starts_with(i, 'url:'))",
    "dois": "list_filter(identifiers, lambda i: starts_with(i, 'doi:'))",
    "isbns": "list_filter(identifiers, lambda i: starts_with(i, 'isbn:'))",
}
_SHORT = ("levels", "types", "languages")  # lists as they are
_BITS = "coalesce(list_bit_or(list_transform({0}, lambda w: 1::BIGINT << (hash(w) % 62)::INTEGER)), 0)"
_NUMBERS = (  # one bit a member: two lists without a bit in common have no member in common
    *(f"{_BITS.format(name)} AS {name}_bits" for name in _LISTS),
    *(f"coalesce(len({name}), 0)::INTEGER AS {name}_size" for name in ("name_words", "tokens")),
    "coalesce(length(title), 0)::INTEGER AS title_length",
)


def find_vague_identifiers(connection: duckdb.DuckDBPyConnection, limit: int) -> None:
    """Write the table `doubted`: the records with identifiers that tell nothing, and those that they have beside.

    An identifier tells nothing when records of one feed bear it under titles that differ in a whole word, when three
    records do, of whatever feeds, or when more records bear it than a block may have. Reads `feature` and `arrived`.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE named AS SELECT idx, unnest(identifiers) AS identifier FROM feature"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE borne AS SELECT identifier, count(*) AS records, "
        f"count(*) <= {limit} AND (count(DISTINCT title) >= {MIN_UNLIKE_TITLES} OR "
        "(count(DISTINCT title) > 1 AND count(DISTINCT feed) < count(*))) AS suspect FROM named SEMI JOIN "
        "(SELECT identifier FROM named GROUP BY identifier HAVING count(*) > 1) USING (identifier) "
        "JOIN feature USING (idx) GROUP BY identifier"
    )
    bearers = connection.execute(
        "SELECT identifier, feed, tagged_titles FROM named SEMI JOIN (FROM borne WHERE suspect) USING (identifier) "
        "JOIN arrived USING (idx) ORDER BY identifier, idx"
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


def _tells_nothing(bearers: Iterable[tuple[str, str, list[str]]]) -> bool:
    """Whether the titles of the records with one identifier, in key order, say that it is none of a work."""
    records = list({(feed, tuple(written)): None for _, feed, written in bearers if written})
    titles = [titles_of(written) for _, written in records]
    for place, (feed, _) in enumerate(records):
        own = (earlier for earlier in range(place) if records[earlier][0] == feed)
        if any(_unlike(titles[earlier], titles[place]) for earlier in own):
            return True
    unlike: list[list[Title]] = []
    for title in titles:
        if all(_unlike(title, other) for other in unlike):
            unlike.append(title)
    return len(unlike) >= MIN_UNLIKE_TITLES


def _unlike(left: list[Title], right: list[Title]) -> bool:
    apart = titles_difference(left, right)
    return apart is not None and apart.whole


def write_compared(connection: duckdb.DuckDBPyConnection, table: str, pairs: str, narrow: bool = False) -> None:
    """Write what is compared of the records of some pairs; `narrow` has numbers instead of lists and long texts."""
    lists = ", ".join(f"coalesce({sql}, []) AS {name}" for name, sql in _LISTS.items() if name != "titles")
    texts = ", ".join(f"if({name} IS NULL, NULL, hash({name})) AS {name}" if narrow else name for name in _KEPT)
    columns = [*_PLAIN, texts, *_NUMBERS, *(() if narrow else (*_LISTS, *_SHORT))]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(columns)} FROM (SELECT *, {lists} FROM "
        "(SELECT f.*, if(d.idx IS NULL, identifiers, sure) AS sure FROM feature f LEFT JOIN doubted d USING (idx) "
        f"SEMI JOIN (SELECT join_key_l AS idx FROM {pairs} UNION SELECT join_key_r FROM {pairs}) USING (idx)))"
    )


@contextmanager
def pairs_first(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Make joins go through the many pairs, by every thread, and look the few records up; DuckDB does the opposite."""
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")
