"""Files of a match, made from tables."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.publication import KeptMatch, Sums
from schemas import FeatureFiles


def files_of(folder: Path, features: pa.Table, pairs: pa.Table) -> KeptMatch:
    """Write features and pairs into files whose names no other match has."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}-{secrets.token_hex(8)}.parquet" for name in ("features", "pairs")]
    for path, table in zip(paths, (features, pairs), strict=True):
        pq.write_table(table, path)
    digest = hashlib.sha256(repr(features.select(["key", "record_sha256"]).to_pylist()).encode()).digest()
    sums = Sums(features.num_rows, int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big"))
    return KeptMatch(FeatureFiles(paths[0]), sums, paths[1])
