"""Match and cluster kept features in a process of its own, so that its memory is the matcher's and nothing else's.

    python bench/match_run.py FOLDER full|buckets|night

FOLDER holds `earlier.parquet` and `later.parquet`, features as transforms.match makes them. `full` writes pairs.parquet
and clusters.json into it, `buckets` does the same in buckets; `night` starts from the pairs of `full`. Prints one JSON
line of seconds and memory.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import msgspec  # noqa: E402  (the checkout is put on the path first)
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from schemas import FeatureFiles  # noqa: E402
from transforms.match import (  # noqa: E402
    Changes,
    PairCounts,
    Resources,
    changes,
    cluster_files,
    join_buckets,
    match_files,
    plan_buckets,
    score_bucket,
)


def run(folder: Path, kind: str) -> dict[str, Any]:
    """Match and cluster; every pair's last word is read too, as the publication reads it."""
    began, used = time.monotonic(), time.process_time()
    features = FeatureFiles(folder / ("later.parquet" if kind == "night" else "earlier.parquet"))
    target = folder / f"{kind}_pairs.parquet"
    since = _changes(folder) if kind == "night" else None
    read = time.monotonic()
    if kind == "buckets":
        counts = _match_in_buckets(folder, features, target)
    else:
        known = folder / "pairs.parquet" if kind == "night" else None
        counts = match_files(features, target, since=since, known=known, resources=Resources(folder=folder))
    matched = time.monotonic()
    clustering = cluster_files(target, features, folder)
    clustered = time.monotonic()
    pairs = sum(1 for _ in clustering.matches)
    ended = time.monotonic()
    figures = {
        "seconds": round(ended - began, 1),
        "read": round(read - began, 1),
        "match": round(matched - read, 1),
        "cluster": round(clustered - matched, 1),
        "last_words": round(ended - clustered, 1),
        "cpu": round(time.process_time() - used, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "compared": sum(counts.compared.values()),
        "pairs": pairs,
        "left_out": len(counts.oversized),
        "evaluated": counts.evaluated,
    }
    if kind == "buckets":
        figures["same_as_full"] = pq.read_table(target).equals(pq.read_table(folder / "pairs.parquet"))
    if kind == "full":
        target.replace(folder / "pairs.parquet")
    (folder / "clusters.json").write_bytes(msgspec.json.encode(clustering.clusters))
    return figures


def _match_in_buckets(folder: Path, features: FeatureFiles, target: Path) -> PairCounts:
    buckets, resources = folder / "buckets", Resources(folder=folder)
    buckets.mkdir()
    for bucket in plan_buckets(features, buckets, resources=resources):
        score_bucket(buckets, bucket, resources=resources)
    counts = join_buckets(buckets, target, resources=resources)
    shutil.rmtree(buckets)
    return counts


def _changes(folder: Path) -> Changes:
    """Return what changed from earlier to later: of all features, only keys and digests are in memory at once."""
    names = ["key", "digest"]
    earlier, later = (pq.read_table(folder / f"{name}.parquet", columns=names) for name in ("earlier", "later"))
    since = changes(earlier, later)
    gone = set(since.gone["key"].to_pylist())
    rows: list[pa.RecordBatch] = []
    with pq.ParquetFile(folder / "earlier.parquet") as file:
        for batch in file.iter_batches():
            rows.append(batch.filter(pa.array([key in gone for key in batch["key"].to_pylist()])))
    return Changes(since.fresh, pa.Table.from_batches(rows))


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), sys.argv[2])))
