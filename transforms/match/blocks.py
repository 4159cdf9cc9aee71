# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Choose the pairs that are compared at all: blocking rules that hold for any script, and a limit to their size.

A block is all records with one value of a rule. One that is larger than the limit is split by a further key, again and
again; what is still too large after the last is left out whole and counted, so that no order of rows ever decides.
"""

from __future__ import annotations

from typing import NamedTuple

import duckdb

MAX_BLOCK_RECORDS = 100  # records in a block


class _Rule(NamedTuple):
    """A blocking rule: `values` is SQL over a row of features, a list of texts; an empty text makes no block."""

    name: str
    values: str


_COMPACT = "replace(title, ' ', '')"
_PIECE = "if(title_letters > 2 * length(title), 5, 12)"
_BY_LENGTH = "chr(32 + least(length(w), 10000)::INTEGER) || w"  # sorts by length, then by the word
_LONGEST = f"list_aggregate(list_transform(string_split(title, ' '), lambda w: {_BY_LENGTH}), 'max', 2)"
_LONGEST_NAME = f"list_max(list_transform(name_words, lambda w: {_BY_LENGTH}))"
RULES = (
    _Rule("identifier", "identifiers"),
    _Rule("title", "titles"),
    _Rule("words", "[sorted_words]"),
    _Rule("start", f"[if(title_letters >= 16, left({_COMPACT}, {_PIECE}), '')]"),
    _Rule("end", f"[if(title_letters >= 16, right({_COMPACT}, {_PIECE}), '')]"),
    _Rule("long words", f"[array_to_string({_LONGEST}, ' ') || coalesce(year, 0)]"),
    _Rule("person", f"[if(len(name_words) > 0, {_LONGEST_NAME} || coalesce(year, 0) || left(title, 2), '')]"),
    _Rule("description", "[if(length(description_start) >= 40, left(description_start, 40), '')]"),
)
JUDGED_RULE = len(RULES)  # the "rule" of a pair that is compared because a steward decided it
SPLIT_KEYS = (
    f"coalesce({_LONGEST_NAME}, '')",
    "coalesce(year, 0)",
    "coalesce(publisher, '')",
    "coalesce(left(title, 6), '')",
    "coalesce(description_start, '')",
    "coalesce(title, '')",
)


class Oversized(NamedTuple):
    """A block that no further key makes small enough: its pairs are not compared."""

    rule: str
    records: int


class Touched(NamedTuple):
    """Names of the tables (idx) of records whose pairs are compared again (transforms.match.increments)."""

    changed: str  # with every other record
    crossed: str  # with one another


def write_blocks(connection: duckdb.DuckDBPyConnection, rows: str, table: str) -> None:
    """Write the blocks of a table of features as rows (idx, rule, value); the lists of a row name nothing twice."""
    parts = [
        f"SELECT idx, {number} AS rule, unnest({rule.values}) AS text FROM {rows} "
        f"WHERE title IS NOT NULL OR {number} = 0"
        for number, rule in enumerate(RULES)
    ]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT idx, rule::TINYINT AS rule, "
        "hash(rule, text) AS value "
        f"FROM ({' UNION ALL '.join(parts)}) WHERE text IS NOT NULL AND text <> ''"
    )


def split_blocks(connection: duckdb.DuckDBPyConnection, blocks: str, rows: str, limit: int) -> list[Oversized]:
    """Split the blocks above the limit by the further keys in turn, in place; return those that stay too large.

    `rows` is the table of features that the blocks were made of. What stays too large is left out.
    """
    _drop_single_records(connection, blocks)
    for further in SPLIT_KEYS:
        large = f"SELECT rule, value FROM {blocks} GROUP BY rule, value HAVING count(*) > {limit}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE large AS {large}")
        if connection.execute("SELECT count(*) FROM large").fetchone() == (0,):
            return []
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {blocks} AS SELECT idx, rule, value FROM {blocks} "
            "ANTI JOIN large USING (rule, value) UNION ALL "
            f"SELECT b.idx, b.rule, hash(b.value, {further}) FROM {blocks} b "
            f"SEMI JOIN large USING (rule, value) JOIN {rows} f USING (idx)"
        )
    return _leave_out(connection, blocks, limit)


def _drop_single_records(connection: duckdb.DuckDBPyConnection, blocks: str) -> None:
    """Drop the blocks of one record."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {blocks} AS SELECT * FROM {blocks} SEMI JOIN "
        f"(SELECT rule, value FROM {blocks} GROUP BY rule, value HAVING count(*) > 1) USING (rule, value)"
    )


def _leave_out(connection: duckdb.DuckDBPyConnection, blocks: str, limit: int) -> list[Oversized]:
    large = f"SELECT rule, value, count(*) AS records FROM {blocks} GROUP BY rule, value HAVING count(*) > {limit}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE large AS {large}")
    oversized = connection.execute("SELECT rule, records FROM large ORDER BY rule, records, value").fetchall()
    if oversized:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {blocks} AS FROM {blocks} ANTI JOIN large USING (rule, value)"
        )
    return [Oversized(RULES[rule].name, records) for rule, records in oversized]


def write_pairs(connection: duckdb.DuckDBPyConnection, blocks: str, touched: Touched | None) -> str:
    """Write every pair that shares a block, smaller idx left, with the first rule that found it; return the table.

    Where records are `touched`, only the pairs that are to be compared again. Columns: join_key_l, join_key_r and
    match_key, the rule.
    """
    source, wanted, pairs = blocks, "", "candidate_pair"
    if touched:
        source = (
            f"(SELECT b.*, c.idx IS NOT NULL AS fresh, x.idx IS NOT NULL AS crossed FROM {blocks} b "
            f"LEFT JOIN {touched.changed} c USING (idx) LEFT JOIN {touched.crossed} x USING (idx))"
        )
        wanted = "AND (l.fresh OR r.fresh OR (l.crossed AND r.crossed))"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {pairs} AS SELECT l.idx AS join_key_l, r.idx AS join_key_r, "
        "min(l.rule) AS match_key "
        f"FROM {source} l JOIN {source} r ON l.rule = r.rule AND l.value = r.value AND l.idx < r.idx {wanted} "
        "GROUP BY ALL"
    )
    return pairs
