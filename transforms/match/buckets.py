# ruff: noqa: S608  # the SQL is put together from constants of this package, never from data
"""Match a catalog that is too large for one process: pairs are made once, and scored in buckets that can be shared out.

A pair is in the bucket of the block that the first rule found it by, so that it is scored once; a record's features are
copied to each bucket in which it has a pair. What tells nothing (transforms.match.vague_identifiers) is found among all
records, before. The pairs are those of transforms.match.match, whatever the number of buckets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import duckdb
import msgspec

from schemas import Base, FeatureFiles, Judgement
from transforms.match.blocks import Oversized, split_blocks, write_blocks
from transforms.match.feature_tables import UNSHOWN, FeatureTables, load_features, parquet_sql, quoted
from transforms.match.matching import (
    MODEST,
    PairCounts,
    Resources,
    add_judged,
    count_by_rule,
    open_matcher,
    write_kept,
    write_pairs_file,
)
from transforms.match.model import Model, log2_odds, read_model
from transforms.match.scoring import score
from transforms.match.vague_identifiers import find_vague_identifiers

RECORDS_PER_BUCKET = 125_000  # of the catalog; those that stand in a bucket's pairs are about twice as many
_COPIED_RECORDS = 500_000  # at a time: DuckDB's partitioned COPY of everything runs out of memory
_PLAN_FILE = "plan.json"


class _Plan(Base, frozen=True, kw_only=True):
    buckets: tuple[int, ...]
    oversized: tuple[tuple[str, int], ...]
    evaluated: int


class _BucketCounts(Base, frozen=True, kw_only=True):
    compared: dict[str, int]
    below: dict[str, int]


def plan_buckets(
    now: FeatureFiles,
    folder: Path,
    *,
    judgements: Iterable[Judgement] = (),
    resources: Resources = MODEST,
    records_per_bucket: int = RECORDS_PER_BUCKET,
) -> list[int]:
    """Make the candidate pairs of a catalog, write them and their records into buckets, and return their numbers.

    `folder` is empty and on a disk that every process sees which scores a bucket. The features must be in one file.
    """
    if now.changed is not None:
        raise ValueError("the features are in several files; merge them before they are matched in buckets")
    with open_matcher(resources) as connection:
        features = load_features(connection, now)
        ((records,),) = connection.execute(f"SELECT count(*) FROM {features.compared}").fetchall()
        buckets = max(1, -(-records // records_per_bucket))
        write_blocks(connection, features.compared, "block")
        oversized = split_blocks(connection, "block", features.compared, resources.block)
        sure_identifiers = find_vague_identifiers(connection, features, resources.block)
        pairs = _write_placed_pairs(connection, features, judgements, buckets)
        connection.execute(
            f"COPY (SELECT * FROM {pairs}) TO {quoted(folder / 'pair')} (FORMAT parquet, PARTITION_BY (bucket))"
        )
        connection.execute(
            f"CREATE TEMP TABLE place AS SELECT join_key_l AS idx, bucket FROM {pairs} "
            f"UNION SELECT join_key_r, bucket FROM {pairs}"
        )
        connection.execute(f"DROP TABLE {pairs}")
        for first in range(0, records, _COPIED_RECORDS):
            _copy_features(connection, now, sure_identifiers, first, folder / "feature")
        numbers = connection.execute("SELECT DISTINCT bucket FROM place ORDER BY bucket").fetchall()
    plan = _Plan(buckets=tuple(number for (number,) in numbers), oversized=tuple(oversized), evaluated=records)
    (folder / _PLAN_FILE).write_bytes(msgspec.json.encode(plan))
    (folder / "found").mkdir()
    return list(plan.buckets)


def _write_placed_pairs(
    connection: duckdb.DuckDBPyConnection, features: FeatureTables, judgements: Iterable[Judgement], buckets: int
) -> str:
    """Write every candidate pair with its bucket, drop the blocks, and return the table."""
    placed = "placed_pair"
    connection.execute(
        f"CREATE TEMP TABLE {placed} AS SELECT l.idx AS join_key_l, r.idx AS join_key_r, min(l.rule) AS match_key, "
        f"(arg_min(l.value, l.rule) % {buckets})::INTEGER AS bucket "
        "FROM block l JOIN block r ON l.rule = r.rule AND l.value = r.value AND l.idx < r.idx GROUP BY 1, 2"
    )
    connection.execute("DROP TABLE block")
    add_judged(connection, features, placed, judgements, f"(l.idx % {buckets})::INTEGER AS bucket")
    return placed


def _copy_features(
    connection: duckdb.DuckDBPyConnection, now: FeatureFiles, sure_identifiers: str, first: int, target: Path
) -> None:
    """Copy some records from row `first` on, each to the buckets that it has a pair in."""
    last = first + _COPIED_RECORDS
    connection.execute(
        f"COPY (SELECT r.* EXCLUDE (file_row_number, {', '.join(UNSHOWN)}), "
        "p.idx, s.idx IS NOT NULL AS vague, s.sure, p.bucket FROM "
        f"(SELECT * FROM {parquet_sql(now.base, ', file_row_number = true')} "
        f"WHERE file_row_number >= {first} AND file_row_number < {last}) r "
        f"JOIN (SELECT * FROM place WHERE idx > {first} AND idx <= {last}) p ON p.idx = r.file_row_number + 1 "
        f"LEFT JOIN {sure_identifiers} s ON s.idx = p.idx) TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd, "
        f"PARTITION_BY (bucket), OVERWRITE_OR_IGNORE, FILENAME_PATTERN 'from_{first}_{{i}}')"
    )


def score_bucket(folder: Path, bucket: int, *, model: Model | None = None, resources: Resources = MODEST) -> None:
    """Score the pairs of one bucket into `folder`; doing it again writes the same."""
    model = model or read_model()
    with open_matcher(resources) as connection:
        features = _load_bucket(connection, folder, bucket)
        pairs = "candidate_pair"
        made = _files(folder, "pair", bucket)
        connection.execute(f"CREATE TEMP TABLE {pairs} AS SELECT join_key_l, join_key_r, match_key FROM {made}")
        scored = score(connection, model, features, pairs, "sure_identifiers", log2_odds(model.review))
        write_kept(connection, model, features, scored)
        compared, below = count_by_rule(connection, features, pairs)
        temporary = folder / "found" / f".{bucket}.tmp"
        write_pairs_file(connection, "SELECT * FROM kept_pair ORDER BY left_key, right_key", temporary)
    _counts_file(folder, bucket).write_bytes(msgspec.json.encode(_BucketCounts(compared=compared, below=below)))
    temporary.replace(_pairs_file(folder, bucket))


def _load_bucket(connection: duckdb.DuckDBPyConnection, folder: Path, bucket: int) -> FeatureTables:
    copied = _files(folder, "feature", bucket)
    connection.execute(f"CREATE TEMP TABLE sure_identifiers AS SELECT idx, sure FROM {copied} WHERE vague")
    return load_features(connection, f"SELECT * EXCLUDE (vague, sure) FROM {copied}")


def join_buckets(folder: Path, target: Path, *, resources: Resources = MODEST) -> PairCounts:
    """Write the pairs of all buckets into one Parquet file, in key order. Raises FileNotFoundError, naming a bucket."""
    plan = msgspec.json.decode((folder / _PLAN_FILE).read_bytes(), type=_Plan)
    compared: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for bucket in plan.buckets:
        if not _pairs_file(folder, bucket).exists():
            raise FileNotFoundError(f"{folder}: bucket {bucket} has not been scored; match again")
        counts = msgspec.json.decode(_counts_file(folder, bucket).read_bytes(), type=_BucketCounts)
        compared.update(counts.compared)
        below.update(counts.below)
    with open_matcher(resources) as connection:
        tables = " UNION ALL ".join(f"FROM {parquet_sql(_pairs_file(folder, bucket))}" for bucket in plan.buckets)
        write_pairs_file(connection, f"SELECT DISTINCT * FROM ({tables}) ORDER BY left_key, right_key", target)
    oversized = [Oversized(rule, records) for rule, records in plan.oversized]
    return PairCounts(dict(compared), dict(below), oversized, plan.evaluated)


def _files(folder: Path, kind: str, bucket: int) -> str:
    return parquet_sql(folder / kind / f"bucket={bucket}" / "*.parquet", ", hive_partitioning = false")


def _pairs_file(folder: Path, bucket: int) -> Path:
    return folder / "found" / f"{bucket}.parquet"


def _counts_file(folder: Path, bucket: int) -> Path:
    return folder / "found" / f"{bucket}.json"
