# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Match a catalog: from the features of all live records to scored pairs, of all records or of what changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from schemas import Judgement
from transforms.match.blocks import (
    JUDGED_RULE,
    MAX_BLOCK_RECORDS,
    RULES,
    Oversized,
    Touched,
    split_blocks,
    write_blocks,
    write_pairs,
)
from transforms.match.feature_tables import FeatureTables, load_features
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
        ("related", pa.string()),  # translation, edition, version: different, yet one work; else null
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
        features = load_features(connection, rows)
        pairs = "every_pair"
        connection.execute(
            f"CREATE TEMP TABLE {pairs} AS SELECT l.idx AS join_key_l, r.idx AS join_key_r, "
            f"{JUDGED_RULE}::TINYINT AS match_key "
            f"FROM {features.compared} l JOIN {features.compared} r ON l.idx < r.idx"
        )
        scored = score(connection, model, features, pairs, MAX_BLOCK_RECORDS)
        return _kept(connection, model, features, scored, everything=True)
    finally:
        connection.close()


def _connect(resources: Resources, spill: str | None) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"memory_limit": resources.memory, "threads": resources.threads}
    if spill:
        config["temp_directory"] = spill
    config |= {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return duckdb.connect(":memory:", config={**config, "preserve_insertion_order": False})


def _run(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    limit: int,
    now: pa.Table,
    before: pa.Table | Changes | None,
    known: pa.Table | None,
    judgements: Iterable[Judgement],
) -> Matching:
    """Match, each step reading the table before it. A record is a row number (idx) of the features from here on.

    - feature_tables: `features.whole` and `features.compared`: idx, key and the features of a record
    - blocks: `block`: idx, rule (number in RULES), value; increments narrows it to the blocks of what changed
    - blocks: `candidate_pair`: join_key_l < join_key_r (idx), match_key (the rule, or JUDGED_RULE)
    - bound, over compared_records: `hopeful_pair`, then `likely_pair`: the candidate pairs that can still be kept
    - scoring: `scored`: idx_l, idx_r, match_key, match_weight, match_probability, and per comparison gamma_ and mw_
    - title_comparison: `difference`: idx_l, idx_r, words_seen, misspelled, of the pairs whose titles differ
    - `_kept`: the columns of PAIRS, by key and with the verdict; `_together` adds the pairs known from before
    """
    features = load_features(connection, now)
    blocks, touched = "block", None
    write_blocks(connection, features.compared, blocks)
    if before is not None and known is not None:
        since = changes(before, now) if isinstance(before, pa.Table) else before
        touched = find_touched(connection, features.compared, blocks, since, limit)
    blocks = keep_touched_blocks(connection, blocks, touched)
    oversized = split_blocks(connection, blocks, features.compared, limit)
    pairs = write_pairs(connection, blocks, touched)
    connection.execute(f"DROP TABLE {blocks}")
    evaluated = _count_evaluated(connection, features, pairs, touched)
    _add_judged(connection, features, pairs, judgements)
    scored = score(connection, model, features, pairs, limit, log2_odds(model.review))
    kept = _kept(connection, model, features, scored)
    compared, below = _counted(connection, features, pairs, kept)
    return Matching(_together(connection, features, kept, known, touched), compared, below, oversized, evaluated)


def _count_evaluated(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, pairs: str, touched: Touched | None
) -> int:
    """Return how many records are looked at again: all, or what changed and what shares a candidate pair with it."""
    evaluated = f"SELECT idx FROM {features.compared}"
    if touched is not None:
        evaluated = f"FROM {touched.changed} UNION SELECT join_key_l FROM {pairs} UNION SELECT join_key_r FROM {pairs}"
    ((count,),) = connection.execute(f"SELECT count(*) FROM ({evaluated})").fetchall()
    return int(count)


def _add_judged(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, pairs: str, judgements: Iterable[Judgement]
) -> None:
    """Add every judged pair whose records both live to the candidate pairs, whatever the blocks say."""
    decided = sorted({tuple(sorted((judgement.left_key, judgement.right_key))) for judgement in judgements})
    if not decided:
        return
    left, right = zip(*decided, strict=True)
    connection.register("decided", pa.table({"a": list(left), "b": list(right)}))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {pairs} AS WITH judged AS (SELECT l.idx AS join_key_l, "
        "r.idx AS join_key_r, "
        f"{JUDGED_RULE}::TINYINT AS match_key FROM decided "
        f"JOIN {features.compared} l ON l.key = a JOIN {features.compared} r ON r.key = b) "
        f"SELECT * FROM {pairs} ANTI JOIN judged USING (join_key_l, join_key_r) UNION ALL FROM judged"
    )


def _kept(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    features: FeatureTables,
    scored: str,
    *,
    everything: bool = False,
) -> pa.Table:
    """Return the scored pairs that are kept: same, review, related or judged."""
    same = f"p >= {model.same} AND NOT {capped_sql(model)}"
    verdict = f"CASE WHEN {same} THEN 'same' WHEN p >= {model.review} THEN 'review' ELSE 'different' END"
    kept = "true" if everything else f"verdict <> 'different' OR related IS NOT NULL OR match_key = {JUDGED_RULE}"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE shown AS SELECT * EXCLUDE (record_sha256, match_sha256, digest) "
        f"FROM {features.whole} "
        f"SEMI JOIN (SELECT idx_l AS idx FROM {scored} UNION SELECT idx_r FROM {scored}) USING (idx)"
    )
    difference = compare_wordings(connection, model, scored, "shown", everything=everything)
    return (
        connection.sql(
            "SELECT left_key, right_key, p AS probability, verdict, evidence, related FROM (SELECT l.key AS left_key, "
            f"r.key AS right_key, round(match_probability, {PROBABILITY_DECIMALS}) AS p, {verdict} AS verdict, "
            f"{_related_sql(model)} AS related, "
            f"match_key, {evidence_sql(model)} AS evidence FROM {scored} JOIN shown l ON l.idx = idx_l "
            f"JOIN shown r ON r.idx = idx_r LEFT JOIN {difference} USING (idx_l, idx_r)) WHERE {kept}"
        )
        .to_arrow_table()
        .cast(PAIRS)
    )


def _related_sql(model: Model) -> str:
    """Return SQL for how a scored pair differs that only guards keep apart: translation, edition, version; or null."""
    hindered = " + ".join(f"least(mw_{name}, 0)" for name in model.guards)
    apart = " OR ".join(f"mw_{name} < 0" for name in model.guards if name != "language")
    return (
        f"CASE WHEN p >= {model.review} OR match_weight - ({hindered}) < {log2_odds(model.same)} THEN NULL "
        f"WHEN mw_language < 0 THEN 'translation' WHEN mw_edition < 0 THEN 'edition' WHEN {apart} THEN 'version' END"
    )


def _counted(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, pairs: str, kept: pa.Table
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many pairs were compared, and how many of them are not kept, by blocking rule."""
    names = [*(rule.name for rule in RULES), "judgement"]
    compared = dict(connection.execute(f"SELECT match_key, count(*) FROM {pairs} GROUP BY 1 ORDER BY 1").fetchall())
    connection.register("kept_pair", kept)
    kept_by_rule = dict(
        connection.execute(
            f"SELECT match_key, count(*) FROM {pairs} p JOIN {features.compared} l ON l.idx = join_key_l "
            f"JOIN {features.compared} r ON r.idx = join_key_r "
            "SEMI JOIN kept_pair k ON k.left_key = l.key AND k.right_key = r.key GROUP BY 1"
        ).fetchall()
    )
    return (
        {names[rule]: count for rule, count in compared.items()},
        {names[rule]: count - kept_by_rule.get(rule, 0) for rule, count in compared.items()},
    )


def _together(
    connection: duckdb.DuckDBPyConnection,
    features: FeatureTables,
    kept: pa.Table,
    known: pa.Table | None,
    touched: Touched | None,
) -> pa.Table:
    """Return the pairs kept now, and the known ones that were not compared again and whose records both still live."""
    connection.register("kept_pair", kept)
    if known is None or touched is None:
        return connection.sql("SELECT * FROM kept_pair ORDER BY left_key, right_key").to_arrow_table()
    connection.register("known_pair", known)
    return connection.sql(
        "WITH side AS (SELECT key, c.idx IS NOT NULL AS fresh, x.idx IS NOT NULL AS crossed FROM "
        f"{features.compared} LEFT JOIN {touched.changed} c USING (idx) LEFT JOIN {touched.crossed} x USING (idx)) "
        "SELECT n.* FROM known_pair n JOIN side l ON l.key = left_key JOIN side r ON r.key = right_key "
        "ANTI JOIN kept_pair k ON k.left_key = n.left_key AND k.right_key = n.right_key "
        "WHERE NOT (l.fresh OR r.fresh OR (l.crossed AND r.crossed)) "
        "UNION ALL SELECT * FROM kept_pair ORDER BY left_key, right_key"
    ).to_arrow_table()
