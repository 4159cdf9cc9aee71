"""Erase from the undo logs, which keep rows of the catalog as they were before a run."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.erasure.rows import erased_row
from loaders.landing import Erasure, Erasures
from loaders.store import whole_file
from schemas import Environment


def erase_undo_logs(env: Environment, erasures: Erasures, erasure: Erasure) -> None:
    """Rewrite the undo logs of the feed that hold something of an erasure; rows of an erased record are left out."""
    for path in sorted((env.landing / erasure.feed).glob("*/before.parquet")):
        table = pq.read_table(path)
        rows = table.to_pylist()
        erased = [row for row in (_erased(row, erasures, erasure) for row in rows) if row is not None]
        if erased != rows:
            with whole_file(path) as temporary:
                pq.write_table(pa.Table.from_pylist(erased, schema=table.schema), temporary, compression="zstd")


def _erased(row: dict[str, str | None], erasures: Erasures, erasure: Erasure) -> dict[str, str | None] | None:
    key = row["key"] or ""
    logged = msgspec.json.decode(row["row"]) if row["row"] else None
    record_key = key if row["table"] == "source_record" else (logged or {}).get("key", key.rpartition("#")[0])
    if not erasure.covers(record_key.partition(":")[2]):
        return row
    if erasure.text is None:
        return None
    if logged is None:
        return row
    erased = erased_row(logged, erasures, erasure)
    return row if erased == logged else {**row, "row": msgspec.json.encode(erased).decode()}
