# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Tables of what is compared of a record: its features without vague identifiers, and bit masks of its lists.

Two lists whose masks have no bit in common have no member in common, which is quicker to see than from the lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

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


def write_compared(
    connection: duckdb.DuckDBPyConnection, features: str, sure_identifiers: str, pairs: str, *, narrow: bool = False
) -> str:
    """Return a table of what is compared of the records of some pairs.

    `features` is the table of compared features, `sure_identifiers` that of find_vague_identifiers. A narrow table has
    numbers instead of lists and long texts.
    """
    table = "narrow_compared_record" if narrow else "compared_record"
    lists = ", ".join(f"coalesce({sql}, []) AS {name}" for name, sql in _LISTS.items() if name != "titles")
    texts = ", ".join(f"if({name} IS NULL, NULL, hash({name})) AS {name}" if narrow else name for name in _TEXTS)
    columns = [*_SCALARS, texts, *_NUMBERS, *(() if narrow else (*_LISTS, *_SHORT_LISTS))]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(columns)} FROM (SELECT *, {lists} FROM "
        f"(SELECT f.*, if(d.idx IS NULL, identifiers, sure) AS sure "
        f"FROM {features} f LEFT JOIN {sure_identifiers} d USING (idx) "
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
