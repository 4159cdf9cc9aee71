# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""What is compared of a record: its features, less identifiers that tell nothing, and numbers that say quickly how
much two of its lists can have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

DISAGREE = 3  # unlike titles under one identifier, from which it identifies nothing
_KEPT = ("title", "words", "head", "publisher", "description")  # texts, of which the narrow table has a hash
_PLAIN = ("idx", "feed", "size", "numbers", "edition", "year", "text")
_LISTS = {
    "titles": "titles",
    "people": "people",
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
    *(f"coalesce(len({name}), 0)::INTEGER AS {name}_size" for name in ("people", "tokens")),
    "coalesce(length(title), 0)::INTEGER AS title_size",
)


def doubt(connection: duckdb.DuckDBPyConnection, limit: int) -> None:
    """Write the table `doubted`: the records with identifiers that tell nothing, and those that they have beside.

    An identifier tells nothing when it is borne by records of unlike titles, or by more of them than a block may have.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE named AS SELECT idx, unnest(identifiers) AS identifier FROM feature"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE vague AS SELECT identifier FROM named SEMI JOIN "
        f"(SELECT identifier FROM named GROUP BY identifier HAVING count(*) >= {DISAGREE}) USING (identifier) "
        "JOIN feature USING (idx) GROUP BY identifier "
        f"HAVING count(DISTINCT left(title, 8)) >= {DISAGREE} OR count(*) > {limit}"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE doubted AS SELECT idx, "
        "list(identifier ORDER BY identifier) FILTER (identifier NOT IN (FROM vague)) AS sure "
        "FROM named SEMI JOIN (SELECT idx FROM named SEMI JOIN vague USING (identifier)) USING (idx) GROUP BY idx"
    )
    connection.execute("DROP TABLE named")


def gather(connection: duckdb.DuckDBPyConnection, table: str, pairs: str, narrow: bool = False) -> None:
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
    """Joins go through the many pairs, by every thread, and look the few records up; DuckDB would do the opposite."""
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")
