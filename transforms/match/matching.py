# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Match a catalog: from the features of all live records to scored pairs, of all records or of what changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas import Judgement
from transforms.match.blocks import (
    JUDGED_RULE,
    MAX_BLOCK_RECORDS,
    RULES,
    Oversized,
    split_blocks,
    write_blocks,
    write_pairs,
)
from transforms.match.candidates import find_vague_identifiers
from transforms.match.increments import Changes, changes, find_touched, keep_touched_blocks
from transforms.match.model import Model, log2_odds, read_model
from transforms.match.scoring import PROBABILITY_DECIMALS, evidence_sql, score
from transforms.match.title_comparison import capped_sql, compare_wordings

PAIRS = pa.schema(
    [
        ("left_key", pa.string()),
        ("right_key", pa.string()),
        ("probability", pa.float64()),
        ("verdict", pa.string()),  # same, review, different
        ("evidence", pa.string()),  # JSON list of schemas.Evidence
        ("related", pa.string()),  # translation, version: different, yet of one work; null otherwise
    ]
)


class Resources(NamedTuple):
    """Limits on what the matcher uses of the machine."""

    memory: str = "1400MB"
    threads: int = 2
    folder: Path | None = None  # where DuckDB spills to; a temporary one when None
    block: int = MAX_BLOCK_RECORDS  # records in a block, before it is split


_MAX_EXPLAINED_RECORDS = 50
_MODEST = Resources()
_UNCOMPARED = ("shown_title", "tagged_titles", "shown_contributors", "record_sha256", "match_sha256", "digest")
_LOOKED_AT = (
    "SELECT count(*) FROM (FROM changed UNION SELECT join_key_l FROM candidate_pair "
    "UNION SELECT join_key_r FROM candidate_pair)"
)


class Matching(NamedTuple):
    """Result of a match. `pairs` has the columns of PAIRS, in key order, for the whole catalog."""

    pairs: pa.Table
    compared: dict[str, int]  # pairs compared, by blocking rule
    below: dict[str, int]  # of them those that are not kept, by blocking rule
    oversized: list[Oversized]
    evaluated: int  # records looked at again


def match(
    now: pa.Table,
    *,
    before: pa.Table | Changes | None = None,
    known: pa.Table | None = None,
    judgements: Sequence[Judgement] = (),
    model: Model | None = None,
    resources: Resources = _MODEST,
) -> Matching:
    """Score the pairs of a catalog, given the features of its live records.

    With `before` (the features of the last run, or what changed since) and `known` (the pairs that it found) only the
    records that share a block or an identifier with a record that was added, changed or removed are looked at again;
    the result is the same as that of a full run. Raises ModelUnusable.
    """
    model = model or read_model()
    pa.default_memory_pool().release_unused()  # what making or reading features left behind
    with tempfile.TemporaryDirectory(dir=resources.folder, prefix="match-") as spill:
        connection = _connect(resources, spill)
        try:
            return _run(connection, model, resources.block, now, before, known, judgements)
        finally:
            connection.close()


def explain(rows: pa.Table, model: Model | None = None) -> pa.Table:
    """Return the evidence of every pair of at most 50 records, however unlike, with the columns of PAIRS."""
    if rows.num_rows > _MAX_EXPLAINED_RECORDS:
        raise ValueError(f"{rows.num_rows} records to explain; give at most {_MAX_EXPLAINED_RECORDS}")
    model = model or read_model()
    connection = _connect(_MODEST, None)
    try:
        _load(connection, rows)
        connection.execute(
            "CREATE TEMP TABLE candidate_pair AS SELECT l.idx AS join_key_l, r.idx AS join_key_r, "
            f"{JUDGED_RULE}::TINYINT AS match_key FROM feature l JOIN feature r ON l.idx < r.idx"
        )
        find_vague_identifiers(connection, MAX_BLOCK_RECORDS)
        score(connection, model, None)
        return _found(connection, model, everything=True)
    finally:
        connection.close()


def _connect(resources: Resources, spill: str | None) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"memory_limit": resources.memory, "threads": resources.threads}
    if spill:
        config["temp_directory"] = spill
    config |= {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return duckdb.connect(":memory:", config={**config, "preserve_insertion_order": False})


def _load(connection: duckdb.DuckDBPyConnection, now: pa.Table) -> None:
    """Write the table `feature`, numbered in key order: a smaller idx is a smaller key.

    The columns that only evidence and titles need stay in the view `arrived`, which reads the Arrow table.
    """
    keys = now["key"]
    if len(keys) > 1 and not pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py():
        now = now.sort_by("key")
    connection.register("arrived", now.add_column(0, "idx", pa.array(np.arange(1, len(keys) + 1, dtype=np.int32))))
    connection.execute(f"CREATE TEMP TABLE feature AS SELECT * EXCLUDE ({', '.join(_UNCOMPARED)}) FROM arrived")


def _run(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    limit: int,
    now: pa.Table,
    before: pa.Table | Changes | None,
    known: pa.Table | None,
    judgements: Iterable[Judgement],
) -> Matching:
    some = before is not None and known is not None
    since = changes(before, now) if isinstance(before, pa.Table) and some else before
    _load(connection, now)
    write_blocks(connection, "feature", "block")
    if since is not None and some:
        find_touched(connection, since, limit)
    keep_touched_blocks(connection, some)
    oversized = split_blocks(connection, "piece", limit)
    write_pairs(connection, "piece", some, "candidate_pair")
    (evaluated,) = _one(connection, _LOOKED_AT if some else "SELECT count(*) FROM feature")
    connection.execute("DROP TABLE IF EXISTS block; DROP TABLE piece")
    _add_judged(connection, judgements)
    find_vague_identifiers(connection, limit)
    score(connection, model, log2_odds(model.review))
    found = _found(connection, model)
    connection.register("known_pair", known if some else PAIRS.empty_table())
    connection.register("found_pair", found)
    compared, below = _counted(connection)
    return Matching(_together(connection, some), compared, below, oversized, evaluated)


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = connection.execute(sql).fetchone()
    if found is None:
        raise RuntimeError(f"no row from: {sql}")
    return found


def _add_judged(connection: duckdb.DuckDBPyConnection, judgements: Iterable[Judgement]) -> None:
    """Compare every judged pair whose records both live, whatever the blocks say."""
    decided = sorted({tuple(sorted((one.left_key, one.right_key))) for one in judgements})
    if not decided:
        return
    connection.register("decided", pa.table({"a": [one[0] for one in decided], "b": [one[1] for one in decided]}))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE candidate_pair AS WITH judged AS (SELECT l.idx AS join_key_l, "
        "r.idx AS join_key_r, "
        f"{JUDGED_RULE}::TINYINT AS match_key FROM decided JOIN feature l ON l.key = a JOIN feature r ON r.key = b) "
        "SELECT * FROM candidate_pair ANTI JOIN judged USING (join_key_l, join_key_r) UNION ALL FROM judged"
    )


def _found(connection: duckdb.DuckDBPyConnection, model: Model, everything: bool = False) -> pa.Table:
    """Return the scored pairs that are kept: same, review, related or judged."""
    same = f"p >= {model.same} AND NOT {capped_sql(model)}"
    verdict = f"CASE WHEN {same} THEN 'same' WHEN p >= {model.review} THEN 'review' ELSE 'different' END"
    hindered = " + ".join(f"least(mw_{name}, 0)" for name in model.guards)
    apart = " OR ".join(f"mw_{name} < 0" for name in model.guards if name != "language")
    related = (
        f"CASE WHEN p >= {model.review} OR match_weight - ({hindered}) < {log2_odds(model.same)} THEN NULL "
        f"WHEN mw_language < 0 THEN 'translation' WHEN {apart} THEN 'version' END"
    )
    kept = "true" if everything else f"verdict <> 'different' OR related IS NOT NULL OR match_key = {JUDGED_RULE}"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE shown AS SELECT * EXCLUDE (record_sha256, match_sha256, digest) FROM arrived "
        "SEMI JOIN (SELECT idx_l AS idx FROM scored UNION SELECT idx_r FROM scored) USING (idx)"
    )
    compare_wordings(connection, model, everything)
    return (
        connection.sql(
            "SELECT left_key, right_key, p AS probability, verdict, evidence, related FROM (SELECT l.key AS left_key, "
            f"r.key AS right_key, round(match_probability, {PROBABILITY_DECIMALS}) AS p, {verdict} AS verdict, "
            f"{related} AS related, "
            f"match_key, {evidence_sql(model)} AS evidence FROM scored JOIN shown l ON l.idx = idx_l "
            f"JOIN shown r ON r.idx = idx_r LEFT JOIN difference USING (idx_l, idx_r)) WHERE {kept}"
        )
        .to_arrow_table()
        .cast(PAIRS)
    )


def _counted(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many pairs were compared, and how many of them are not kept, by blocking rule."""
    names = [*(rule.name for rule in RULES), "judgement"]
    compared = dict(
        connection.execute("SELECT match_key, count(*) FROM candidate_pair GROUP BY 1 ORDER BY 1").fetchall()
    )
    kept = dict(
        connection.execute(
            "SELECT match_key, count(*) FROM candidate_pair p JOIN feature l ON l.idx = join_key_l JOIN feature r "
            "ON r.idx = join_key_r SEMI JOIN found_pair f ON f.left_key = l.key AND f.right_key = r.key GROUP BY 1"
        ).fetchall()
    )
    return (
        {names[rule]: count for rule, count in compared.items()},
        {names[rule]: count - kept.get(rule, 0) for rule, count in compared.items()},
    )


def _together(connection: duckdb.DuckDBPyConnection, some: bool) -> pa.Table:
    """Return the pairs found now, and the known ones that were not compared again and whose records both still live."""
    if not some:
        return connection.sql("SELECT * FROM found_pair ORDER BY left_key, right_key").to_arrow_table()
    return connection.sql(
        "WITH side AS (SELECT key, c.idx IS NOT NULL AS fresh, x.idx IS NOT NULL AS crossed FROM feature "
        "LEFT JOIN changed c USING (idx) LEFT JOIN crossed x USING (idx)) "
        "SELECT k.* FROM known_pair k JOIN side l ON l.key = left_key JOIN side r ON r.key = right_key "
        "ANTI JOIN found_pair f ON f.left_key = k.left_key AND f.right_key = k.right_key "
        "WHERE NOT (l.fresh OR r.fresh OR (l.crossed AND r.crossed)) "
        "UNION ALL SELECT * FROM found_pair ORDER BY left_key, right_key"
    ).to_arrow_table()
