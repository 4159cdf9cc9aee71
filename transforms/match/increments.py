# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Find the records whose pairs a night's changes can alter, so that only these are compared again."""

from __future__ import annotations

from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.match.blocks import SPLIT_KEYS, Touched, write_blocks


class Changes(NamedTuple):
    """Difference between the features of two runs."""

    fresh: pa.ChunkedArray  # keys of the features that are new or not what they were
    gone: pa.Table  # features as they were of what changed or went


def changes(before: pa.Table, now: pa.Table) -> Changes:
    """Return what changed from the features of one run to those of the next."""
    places = pc.index_in(now["key"], before["key"])
    same = pc.fill_null(pc.equal(before["digest"].take(places), now["digest"]), False)
    gone = np.ones(before.num_rows, dtype=bool)
    gone[places.filter(same).to_numpy()] = False
    return Changes(now["key"].filter(pc.invert(same)), before.filter(pa.array(gone)))


def find_touched(connection: duckdb.DuckDBPyConnection, rows: str, blocks: str, since: Changes, limit: int) -> Touched:
    """Return the tables of records of which the pairs must be looked at again.

    `rows` is the table of features now, `blocks` that of its blocks, before any is split. Changed are the records that
    are new or not what they were. Crossed are those that share a block that crossed the limit, or an identifier that
    may have become, or ceased to be, one that tells nothing: what two of them have in common may count now, or count no
    more. A block that was above the limit then and is so now is followed into its pieces. Any other pair is as it was.
    """
    touched = Touched("changed", "crossed")
    _write_changed(connection, rows, since, touched.changed)
    _write_gone(connection, rows, since, "gone")
    write_blocks(connection, "gone", "gone_block")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE level AS SELECT b.*, c.idx IS NOT NULL AS fresh, false AS past FROM {blocks} b "
        f"LEFT JOIN {touched.changed} c USING (idx) "
        f"SEMI JOIN (SELECT rule, value FROM {blocks} SEMI JOIN {touched.changed} USING (idx) "
        "UNION SELECT rule, value FROM gone_block) USING (rule, value) UNION ALL SELECT *, false, true FROM gone_block"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {touched.crossed} (idx BIGINT)")
    for further in (*SPLIT_KEYS, None):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE size AS SELECT rule, value, count(*) FILTER (NOT past) AS after, "
            "count(*) FILTER (NOT fresh) AS earlier FROM level GROUP BY rule, value HAVING bool_or(fresh OR past)"
        )
        doubtful = f"rule = 0 AND greatest(after, earlier) > 1 AND least(after, earlier) <= {limit}"
        over = f"SELECT rule, value FROM size WHERE (after <= {limit}) <> (earlier <= {limit}) OR ({doubtful})"
        large = f"SELECT rule, value FROM size WHERE after > {limit} AND earlier > {limit}"
        connection.execute(
            f"INSERT INTO {touched.crossed} SELECT idx FROM level SEMI JOIN ({over}) USING (rule, value) WHERE NOT past"
        )
        if further is not None:
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE level AS SELECT b.idx, rule, hash(b.value, {further}) AS value, "
                "fresh, past "
                f"FROM level b SEMI JOIN ({large}) USING (rule, value) "
                f"JOIN (FROM {rows} UNION ALL BY NAME FROM gone) USING (idx)"
            )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {touched.crossed} AS SELECT DISTINCT idx FROM {touched.crossed}")
    return touched


def _write_changed(connection: duckdb.DuckDBPyConnection, rows: str, since: Changes, table: str) -> None:
    """Write the idx of what is new or different."""
    connection.register("fresh_key", pa.table({"key": since.fresh}))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT idx FROM {rows} SEMI JOIN fresh_key USING (key)"
    )


def _write_gone(connection: duckdb.DuckDBPyConnection, rows: str, since: Changes, table: str) -> None:
    """Write the rows as they were, with the columns of `rows` and an idx below 0."""
    connection.register("earlier_row", since.gone)
    columns = [name for (name, *_) in connection.execute(f"DESCRIBE {rows}").fetchall() if name != "idx"]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT (-row_number() OVER (ORDER BY key)) AS idx, "
        f"{', '.join(columns)} FROM earlier_row"
    )


def keep_touched_blocks(connection: duckdb.DuckDBPyConnection, blocks: str, touched: Touched | None) -> str:
    """Return a table of the whole blocks in which a touched record stands; every block where all are compared."""
    if touched is None:
        return blocks
    kept = "touched_block"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {kept} AS SELECT * FROM {blocks} SEMI JOIN "
        f"(SELECT DISTINCT rule, value FROM {blocks} "
        f"SEMI JOIN (FROM {touched.changed} UNION FROM {touched.crossed}) USING (idx)) USING (rule, value)"
    )
    connection.execute(f"DROP TABLE {blocks}")
    return kept
