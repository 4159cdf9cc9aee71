# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Find the records whose pairs a night's changes can alter, so that only these are compared again."""

from __future__ import annotations

from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.match.blocks import SPLIT_KEYS, write_blocks


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


def find_touched(connection: duckdb.DuckDBPyConnection, since: Changes, limit: int) -> None:
    """Write the tables `changed` and `crossed` (idx), of which the pairs must be looked at again.

    `changed` are the records that are new or not what they were. `crossed` share a block that crossed the limit, or an
    identifier that may have become, or ceased to be, one that tells nothing: what two of them have in common may count
    now, or count no more. A block that was above the limit then and is so now is followed into its pieces. Any other
    pair is what it was.
    """
    _versions(connection, since)
    write_blocks(connection, "gone", "gone_block")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE level AS SELECT b.*, c.idx IS NOT NULL AS fresh, false AS past FROM block b "
        "LEFT JOIN changed c USING (idx) SEMI JOIN (SELECT rule, value FROM block SEMI JOIN changed USING (idx) "
        "UNION SELECT rule, value FROM gone_block) USING (rule, value) UNION ALL SELECT *, false, true FROM gone_block"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE crossed (idx INTEGER)")
    for further in (*SPLIT_KEYS, None):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE size AS SELECT rule, value, count(*) FILTER (NOT past) AS after, "
            "count(*) FILTER (NOT fresh) AS earlier FROM level GROUP BY rule, value HAVING bool_or(fresh OR past)"
        )
        doubtful = f"rule = 0 AND greatest(after, earlier) > 1 AND least(after, earlier) <= {limit}"
        over = f"SELECT rule, value FROM size WHERE (after <= {limit}) <> (earlier <= {limit}) OR ({doubtful})"
        large = f"SELECT rule, value FROM size WHERE after > {limit} AND earlier > {limit}"
        connection.execute(
            f"INSERT INTO crossed SELECT idx FROM level SEMI JOIN ({over}) USING (rule, value) WHERE NOT past"
        )
        if further is not None:
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE level AS SELECT b.idx, rule, hash(b.value, {further}) AS value, "
                "fresh, past "
                f"FROM level b SEMI JOIN ({large}) USING (rule, value) JOIN both_versions USING (idx)"
            )
    connection.execute("CREATE OR REPLACE TEMP TABLE crossed AS SELECT DISTINCT idx FROM crossed")


def _versions(connection: duckdb.DuckDBPyConnection, since: Changes) -> None:
    """Write `changed` (idx of what is new or different) and `gone` (the rows as they were, with an idx below 0)."""
    connection.register("fresh_key", pa.table({"key": since.fresh}))
    connection.register("earlier_row", since.gone)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT idx FROM feature SEMI JOIN fresh_key USING (key)"
    )
    columns = [name for (name, *_) in connection.execute("DESCRIBE feature").fetchall() if name != "idx"]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE gone AS SELECT (-row_number() OVER (ORDER BY key))::INTEGER AS idx, "
        f"{', '.join(columns)} FROM earlier_row"
    )
    connection.execute("CREATE OR REPLACE TEMP VIEW both_versions AS FROM feature UNION ALL FROM gone")


def keep_touched_blocks(connection: duckdb.DuckDBPyConnection, some: bool) -> None:
    """Write the table `piece`: whole blocks, of everybody, or where `some` those in which a touched record stands."""
    if not some:
        connection.execute("ALTER TABLE block RENAME TO piece")
        return
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE piece AS SELECT * FROM block SEMI JOIN (SELECT DISTINCT rule, value FROM block "
        "SEMI JOIN (FROM changed UNION FROM crossed) USING (idx)) USING (rule, value)"
    )
