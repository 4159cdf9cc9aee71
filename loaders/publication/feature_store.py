"""Keep the match features of records that a run transformed, until a publication has taken them up.

One Parquet file per chunk under ELIB_HOME/match/features. A row counts for a live record with its key and sha256, in
the same version of the features; features that are not here are computed from the catalog. The files can be deleted at
any time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.store import whole_file
from schemas import Environment

log = logging.getLogger("elib.match")


def write_chunk_features(env: Environment, chunk: str, features: pa.Table) -> None:
    """Write the features of a chunk's records; `chunk` is relative to ELIB_HOME."""
    path = Path(chunk)
    with whole_file(_folder(env) / f"{path.parts[1]}-{path.name}") as temporary:
        pq.write_table(features, temporary, compression="zstd")


def stored_features(env: Environment, wanted: Mapping[str, str], schema: pa.Schema) -> pa.Table:
    """Return the stored features of records, given as key and sha256 of the text; only rows of this schema count."""
    missing = dict(wanted)
    tables = [schema.empty_table()]
    for path in sorted(_folder(env).glob("*.parquet")) if missing else ():
        try:
            tables.append(_take(path, missing, schema))
        except (pa.ArrowException, OSError) as error:
            log.warning("%s cannot be read, so its records are read from the catalog: %s", path, error)
    return pa.concat_tables(tables)


def _take(path: Path, missing: dict[str, str], schema: pa.Schema) -> pa.Table:
    """Return the rows of a file that are missing, and remove them from there."""
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(schema) or file.schema_arrow.metadata != schema.metadata:
            return schema.empty_table()
        versions = file.read(columns=["key", "record_sha256"], use_threads=False)
        keys, digests = (versions[name].to_pylist() for name in versions.column_names)
        rows = [row for row, key in enumerate(keys) if missing.get(key) == digests[row]]
        for row in rows:
            del missing[keys[row]]
        return file.read(use_threads=False).take(rows).cast(schema) if rows else schema.empty_table()


def delete_stored_features(env: Environment, until: float) -> None:
    """Delete the files written until a time (seconds since the epoch); the match before it has read them."""
    for path in _folder(env).glob("*.parquet"):
        if path.stat().st_mtime <= until:
            path.unlink(missing_ok=True)


def _folder(env: Environment) -> Path:
    folder = env.home / "match" / "features"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
