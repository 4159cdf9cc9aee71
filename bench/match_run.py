"""Match and cluster kept features in a process of its own, so that its memory is the matcher's and nothing else's.

    python bench/match_run.py FOLDER full|night

FOLDER holds `earlier.parquet` and `later.parquet`, features as transforms.match makes them. `full` writes pairs.parquet
and clusters.json into it; `night` starts from the pairs of `full`. Prints one JSON line of seconds and memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import msgspec  # noqa: E402  (the checkout is put on the path first)
import pyarrow.parquet as pq  # noqa: E402

from transforms.match import (  # noqa: E402
    changes,
    cluster,
    match,
)


def run(folder: Path, kind: str) -> dict[str, Any]:
    """Match and cluster; every pair's last word is read too, as the publication reads it."""
    began, used = time.monotonic(), time.process_time()
    earlier = pq.read_table(folder / "earlier.parquet")
    now = earlier if kind == "full" else pq.read_table(folder / "later.parquet")
    known = None if kind == "full" else pq.read_table(folder / "pairs.parquet")
    read = time.monotonic()
    since = None if known is None else changes(earlier, now)
    del earlier
    matching = match(now, before=since, known=known)
    del known
    matched = time.monotonic()
    clustering = cluster(matching.pairs, now)
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
        "compared": sum(matching.compared.values()),
        "pairs": pairs,
        "left_out": len(matching.oversized),
        "evaluated": matching.evaluated,
    }
    if kind == "full":
        pq.write_table(matching.pairs, folder / "pairs.parquet")
    (folder / "clusters.json").write_bytes(msgspec.json.encode(clustering.clusters))
    return figures


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), sys.argv[2])))
