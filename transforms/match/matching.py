# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Match a catalog: from the features of all live records to scored pairs, of all records or of what changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import FeatureFiles, Judgement
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
from transforms.match.feature_tables import CONFIG, MEMORY, FeatureTables, load_features, parquet_sql
from transforms.match.increments import Changes, changes, find_touched, keep_touched_blocks
from transforms.match.model import Model, log2_odds, read_model
from transforms.match.scoring import PROBABILITY_DECIMALS, evidence_sql, score
from transforms.match.title_comparison import capped_sql, compare_wordings
from transforms.match.vague_identifiers import find_vague_identifiers

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

    memory: str = MEMORY
    threads: int = 2
    folder: Path | None = None  # where DuckDB spills to; a temporary one when None
    block: int = MAX_BLOCK_RECORDS  # records in a block, before it is split


KEPT_PAIRS, KNOWN_PAIRS = "kept_pair", "known_pair"  # tables of pairs, with the columns of PAIRS
_WRITTEN_ROWS = 50_000
_MAX_EXPLAINED_RECORDS = 50
MODEST = Resources()


class PairCounts(NamedTuple):
    """What a match looked at."""

    compared: dict[str, int]  # pairs compared, by blocking rule
    below: dict[str, int]  # of them those that are not kept, by blocking rule
    oversized: list[Oversized]
    evaluated: int  # records looked at again


class Matching(NamedTuple):
    """Result of a match: `pairs` has the columns of PAIRS, in key order, for the whole catalog; then PairCounts."""

    pairs: pa.Table
    compared: dict[str, int]
    below: dict[str, int]
    oversized: list[Oversized]
    evaluated: int


def match(
    now: pa.Table,
    *,
    before: pa.Table | Changes | None = None,
    known: pa.Table | None = None,
    judgements: Sequence[Judgement] = (),
    model: Model | None = None,
    resources: Resources = MODEST,
) -> Matching:
    """Score the pairs of a catalog, given the features of its live records.

    With `before` (the features of the last run, or what changed since) and `known` (the pairs that it found) only the
    records that share a block or an identifier with a record that was added, changed or removed are looked at again;
    the result is the same as that of a full run. Raises ModelUnusable.
    """
    pa.default_memory_pool().release_unused()  # what making or reading features left behind
    since = changes(before, now) if isinstance(before, pa.Table) else before
    with open_matcher(resources) as connection:
        if known is not None:
            connection.register(KNOWN_PAIRS, known)
        pairs, counts = _run(
            connection, model or read_model(), resources.block, now, since, known is not None, judgements
        )
        return Matching(connection.sql(pairs).to_arrow_table().cast(PAIRS), *counts)


def match_files(
    now: FeatureFiles,
    target: Path,
    *,
    since: Changes | None = None,
    known: Path | None = None,
    judgements: Sequence[Judgement] = (),
    model: Model | None = None,
    resources: Resources = MODEST,
) -> PairCounts:
    """Do as `match` does, from files into the Parquet file `target`: neither features nor pairs are held in memory."""
    with open_matcher(resources) as connection:
        if known is not None:
            connection.execute(f"CREATE TEMP VIEW {KNOWN_PAIRS} AS FROM {parquet_sql(known)}")
        pairs, counts = _run(
            connection, model or read_model(), resources.block, now, since, known is not None, judgements
        )
        write_pairs_file(connection, pairs, target)
        return counts


def explain(rows: pa.Table, model: Model | None = None) -> pa.Table:
    """Return the evidence of every pair of at most 50 records, however unlike, with the columns of PAIRS."""
    if rows.num_rows > _MAX_EXPLAINED_RECORDS:
        raise ValueError(f"{rows.num_rows} records to explain; give at most {_MAX_EXPLAINED_RECORDS}")
    model = model or read_model()
    with open_matcher(MODEST) as connection:
        features = load_features(connection, rows)
        pairs = "every_pair"
        connection.execute(
            f"CREATE TEMP TABLE {pairs} AS SELECT l.idx AS join_key_l, r.idx AS join_key_r, "
            f"{JUDGED_RULE}::TINYINT AS match_key "
            f"FROM {features.compared} l JOIN {features.compared} r ON l.idx < r.idx"
        )
        sure_identifiers = find_vague_identifiers(connection, features, MAX_BLOCK_RECORDS)
        scored = score(connection, model, features, pairs, sure_identifiers)
        write_kept(connection, model, features, scored, everything=True)
        return connection.sql(f"FROM {KEPT_PAIRS}").to_arrow_table().cast(PAIRS)


@contextmanager
def open_matcher(resources: Resources) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB connection of these resources, which spills to a folder of its own and removes it at the end."""
    with tempfile.TemporaryDirectory(dir=resources.folder, prefix="match-", ignore_cleanup_errors=True) as spill:
        config = {**CONFIG, "memory_limit": resources.memory, "threads": resources.threads}
        config |= {"temp_directory": spill, "preserve_insertion_order": False}
        with duckdb.connect(":memory:", config=config) as connection:
            yield connection


def _run(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    limit: int,
    now: pa.Table | FeatureFiles,
    since: Changes | None,
    known: bool,
    judgements: Iterable[Judgement],
) -> tuple[str, PairCounts]:
    """Match; return SQL for the pairs, and what was looked at. Each step reads the table before it.

    A record is a row number (idx) of the features from here on.

    - feature_tables: `features.whole` and `features.compared`: idx, key and the features of a record
    - blocks: `block`: idx, rule (number in RULES), value; increments narrows it to the blocks of what changed
    - blocks: `candidate_pair`: join_key_l < join_key_r (idx), match_key (the rule, or JUDGED_RULE)
    - bound, over compared_records: `hopeful_pair`, then `likely_pair`: the candidate pairs that can still be kept
    - scoring: `scored`: idx_l, idx_r, match_key, match_weight, match_probability, and per comparison gamma_ and mw_
    - title_comparison: `difference`: idx_l, idx_r, words_seen, misspelled, of the pairs whose titles differ
    - `write_kept`: the columns of PAIRS, by key and with the verdict; `_together` adds the pairs known from before
    """
    features = load_features(connection, now)
    blocks, touched = "block", None
    write_blocks(connection, features.compared, blocks)
    if since is not None and known:
        touched = find_touched(connection, features.compared, blocks, since, limit)
    blocks = keep_touched_blocks(connection, blocks, touched)
    oversized = split_blocks(connection, blocks, features.compared, limit)
    pairs = write_pairs(connection, blocks, touched)
    connection.execute(f"DROP TABLE {blocks}")
    evaluated = _count_evaluated(connection, features, pairs, touched)
    add_judged(connection, features, pairs, judgements)
    sure_identifiers = find_vague_identifiers(connection, features, limit)
    scored = score(connection, model, features, pairs, sure_identifiers, log2_odds(model.review))
    write_kept(connection, model, features, scored)
    compared, below = count_by_rule(connection, features, pairs)
    return _together(features, touched), PairCounts(compared, below, oversized, evaluated)


def _count_evaluated(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, pairs: str, touched: Touched | None
) -> int:
    """Return how many records are looked at again: all, or what changed and what shares a candidate pair with it."""
    evaluated = f"SELECT idx FROM {features.compared}"
    if touched is not None:
        evaluated = f"FROM {touched.changed} UNION SELECT join_key_l FROM {pairs} UNION SELECT join_key_r FROM {pairs}"
    ((count,),) = connection.execute(f"SELECT count(*) FROM ({evaluated})").fetchall()
    return int(count)


def add_judged(
    connection: duckdb.DuckDBPyConnection,
    features: FeatureTables,
    pairs: str,
    judgements: Iterable[Judgement],
    more: str = "",
) -> None:
    """Add every judged pair whose records both live to the candidate pairs, whatever the blocks say.

    `more` is SQL for further columns of the table of pairs, over the records `l` and `r`.
    """
    decided = sorted({tuple(sorted((judgement.left_key, judgement.right_key))) for judgement in judgements})
    if not decided:
        return
    left, right = zip(*decided, strict=True)
    connection.register("decided", pa.table({"a": list(left), "b": list(right)}))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {pairs} AS WITH judged AS (SELECT l.idx AS join_key_l, "
        "r.idx AS join_key_r, "
        f"{JUDGED_RULE}::TINYINT AS match_key{', ' if more else ''}{more} FROM decided "
        f"JOIN {features.compared} l ON l.key = a JOIN {features.compared} r ON r.key = b) "
        f"SELECT * FROM {pairs} ANTI JOIN judged USING (join_key_l, join_key_r) UNION ALL FROM judged"
    )


def write_kept(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    features: FeatureTables,
    tables: Iterable[str],
    *,
    everything: bool = False,
) -> None:
    """Write the table KEPT_PAIRS of the scored pairs that are kept: same, review, related or judged.

    `tables` are those of scored pairs (transforms.match.scoring.score), one after the other.
    """
    for number, scored in enumerate(tables):
        into = f"INSERT INTO {KEPT_PAIRS}" if number else f"CREATE OR REPLACE TEMP TABLE {KEPT_PAIRS} AS"
        connection.execute(f"{into} {_kept_sql(connection, model, features, scored, everything=everything)}")
        connection.execute("DROP TABLE shown")


def _kept_sql(
    connection: duckdb.DuckDBPyConnection, model: Model, features: FeatureTables, scored: str, *, everything: bool
) -> str:
    """Write what the kept pairs of a table show of their records, and return SQL for those pairs."""
    same = f"p >= {model.same} AND NOT {capped_sql(model)}"
    verdict = f"CASE WHEN {same} THEN 'same' WHEN p >= {model.review} THEN 'review' ELSE 'different' END"
    kept = "true" if everything else f"verdict <> 'different' OR related IS NOT NULL OR match_key = {JUDGED_RULE}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shown AS SELECT * FROM {features.whole} "
        f"SEMI JOIN (SELECT idx_l AS idx FROM {scored} UNION SELECT idx_r FROM {scored}) USING (idx)"
    )
    difference = compare_wordings(connection, model, scored, "shown", everything=everything)
    return (
        "SELECT left_key, right_key, p AS probability, verdict, evidence::VARCHAR AS evidence, related FROM ("
        "SELECT l.key AS left_key, "
        f"r.key AS right_key, round(match_probability, {PROBABILITY_DECIMALS}) AS p, {verdict} AS verdict, "
        f"{_related_sql(model)} AS related, "
        f"match_key, {evidence_sql(model)} AS evidence FROM {scored} JOIN shown l ON l.idx = idx_l "
        f"JOIN shown r ON r.idx = idx_r LEFT JOIN {difference} USING (idx_l, idx_r)) WHERE {kept}"
    )


def _related_sql(model: Model) -> str:
    """Return SQL for how a scored pair differs that only guards keep apart: translation, edition, version; or null."""
    hindered = " + ".join(f"least(mw_{name}, 0)" for name in model.guards)
    apart = " OR ".join(f"mw_{name} < 0" for name in model.guards if name != "language")
    return (
        f"CASE WHEN p >= {model.review} OR match_weight - ({hindered}) < {log2_odds(model.same)} THEN NULL "
        f"WHEN mw_language < 0 THEN 'translation' WHEN mw_edition < 0 THEN 'edition' WHEN {apart} THEN 'version' END"
    )


def count_by_rule(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, pairs: str
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many pairs were compared, and how many of them are not in KEPT_PAIRS, by blocking rule."""
    names = [*(rule.name for rule in RULES), "judgement"]
    compared = dict(connection.execute(f"SELECT match_key, count(*) FROM {pairs} GROUP BY 1 ORDER BY 1").fetchall())
    kept_by_rule = dict(
        connection.execute(
            f"WITH kept AS (SELECT l.idx AS join_key_l, r.idx AS join_key_r FROM {KEPT_PAIRS} "
            f"JOIN {features.compared} l ON l.key = left_key JOIN {features.compared} r ON r.key = right_key) "
            f"SELECT match_key, count(*) FROM {pairs} SEMI JOIN kept USING (join_key_l, join_key_r) GROUP BY 1"
        ).fetchall()
    )
    return (
        {names[rule]: count for rule, count in compared.items()},
        {names[rule]: count - kept_by_rule.get(rule, 0) for rule, count in compared.items()},
    )


def _together(features: FeatureTables, touched: Touched | None) -> str:
    """Return SQL for the pairs kept now, and the known ones whose records live and were not compared again."""
    if touched is None:
        return f"SELECT * FROM {KEPT_PAIRS} ORDER BY left_key, right_key"
    return (
        "WITH side AS (SELECT key, c.idx IS NOT NULL AS fresh, x.idx IS NOT NULL AS crossed FROM "
        f"{features.compared} LEFT JOIN {touched.changed} c USING (idx) LEFT JOIN {touched.crossed} x USING (idx)) "
        f"SELECT n.* FROM {KNOWN_PAIRS} n JOIN side l ON l.key = left_key JOIN side r ON r.key = right_key "
        f"ANTI JOIN {KEPT_PAIRS} k ON k.left_key = n.left_key AND k.right_key = n.right_key "
        "WHERE NOT (l.fresh OR r.fresh OR (l.crossed AND r.crossed)) "
        f"UNION ALL SELECT * FROM {KEPT_PAIRS} ORDER BY left_key, right_key"
    )


def write_pairs_file(connection: duckdb.DuckDBPyConnection, pairs: str, target: Path) -> None:
    """Write the rows of a query for pairs, which says their order, into a Parquet file."""
    with pq.ParquetWriter(target, PAIRS, compression="zstd") as file:
        for batch in connection.sql(pairs).to_arrow_reader(_WRITTEN_ROWS):
            file.write_batch(batch.cast(PAIRS), row_group_size=_WRITTEN_ROWS)
