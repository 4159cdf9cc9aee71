# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Which records a night's changes can bear upon, so that only they are compared again."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from transforms.match.blocks import FURTHER, block


def touch(connection: duckdb.DuckDBPyConnection, before: pa.Table, limit: int) -> None:
    """Write the table `touched`: idx of every record that shares a block, then or now, with a change.

    A block that was above the limit then and is so now is followed into its pieces; one that crossed the limit
    touches all its members. A record that no change reaches has the same pairs as before.
    """
    _versions(connection, before)
    block(connection, "gone", "gone_block")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE level AS SELECT b.*, c.idx IS NOT NULL AS fresh, false AS past FROM block b "
        "LEFT JOIN changed c USING (idx) UNION ALL SELECT *, false, true FROM gone_block"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT idx FROM changed")
    for further in (*FURTHER, None):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE size AS SELECT rule, value, count(*) FILTER (NOT past) AS after, "
            "count(*) FILTER (NOT fresh) AS earlier FROM level GROUP BY rule, value HAVING bool_or(fresh OR past)"
        )
        small = f"SELECT rule, value FROM size WHERE after <= {limit} OR earlier <= {limit}"
        large = f"SELECT rule, value FROM size WHERE after > {limit} AND earlier > {limit}"
        connection.execute(
            f"INSERT INTO touched SELECT idx FROM level SEMI JOIN ({small}) USING (rule, value) WHERE NOT past"
        )
        if further is not None:
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE level AS SELECT b.idx, rule, hash(b.value, {further}) AS value, "
                "fresh, past "
                f"FROM level b SEMI JOIN ({large}) USING (rule, value) JOIN both_versions USING (idx)"
            )
    connection.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT idx FROM touched")


def _versions(connection: duckdb.DuckDBPyConnection, before: pa.Table) -> None:
    """Write `changed` (idx of what is new or different) and `gone` (the rows as they were, with an idx below 0)."""
    connection.register("earlier_row", before)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT idx FROM feature ANTI JOIN earlier_row USING (key, digest)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE gone AS SELECT (-row_number() OVER (ORDER BY key))::INTEGER AS idx, * "
        "FROM earlier_row ANTI JOIN feature USING (key, digest)"
    )
    connection.execute("CREATE OR REPLACE TEMP VIEW both_versions AS FROM feature UNION ALL FROM gone")


def ring(connection: duckdb.DuckDBPyConnection, among: str | None) -> None:
    """Write the table `piece`: whole blocks, of everybody or of those in which a record of `among` stands."""
    if among is None:
        connection.execute("CREATE OR REPLACE TEMP TABLE piece AS FROM block")
        return
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE piece AS SELECT * FROM block SEMI JOIN "
        f"(SELECT rule, value FROM block SEMI JOIN {among} USING (idx)) USING (rule, value)"
    )
