"""Measure the match of a catalog as a task runs it: a first night, one on which nothing changed, one with 1 % changed.

    python bench/match_nights.py [RECORDS] [--buckets]

Each night runs in a process of its own over a catalog of which only what the matcher reads is real: the features of a
made catalog (bench/made_catalog.py) are stored as transform stores them. With `--buckets` the first night is matched in
buckets. Prints one JSON line per night: seconds by the clock, seconds of processor, and peak memory in MB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import pyarrow as pa  # noqa: E402  (the checkout is put on the path first)
from more_itertools import chunked  # noqa: E402
from sqlalchemy import bindparam, insert, update  # noqa: E402

from bench.made_catalog import MadeCatalog  # noqa: E402
from loaders.catalog import migrate  # noqa: E402
from loaders.publication import match_state, write_chunk_features  # noqa: E402
from loaders.store import SourceRecordRow, write_publish_state, write_transaction  # noqa: E402
from pipeline.matching import BUCKETS_VARIABLE, match_live_records  # noqa: E402
from schemas import Environment, environment  # noqa: E402
from transforms.match import features  # noqa: E402

_CHUNK_RECORDS = 20_000
_CHANGED_ONE_IN = 100


def _made(records: int) -> Iterator[pa.Table]:
    """Yield the features of a made catalog, with a sha256 for each record's text."""
    for lives in chunked((live for live, _ in MadeCatalog(11).records(records)), _CHUNK_RECORDS):
        rows = features(lives)
        yield rows.set_column(rows.schema.get_field_index("record_sha256"), "record_sha256", rows["digest"])


def _load(env: Environment, records: int) -> pa.Table:
    """Load a made catalog as the first night does; return the features of every hundredth record."""
    some: list[pa.Table] = []
    for number, rows in enumerate(_made(records)):
        write_chunk_features(env, f"staging/made/{number:06}.parquet", rows)
        columns = (rows[name].to_pylist() for name in ("key", "feed", "record_sha256"))
        with write_transaction(env) as connection:
            connection.execute(
                insert(SourceRecordRow),
                [
                    {"key": key, "feed": feed, "identifier": key, "format": "oai_dc", "status": "live", "run_id": "run"}
                    | {"record": "{}", "record_sha256": sha256}
                    for key, feed, sha256 in zip(*columns, strict=True)
                ],
            )
        some.append(rows.take(list(range(0, rows.num_rows, _CHANGED_ONE_IN))))
    return pa.concat_tables(some)


def _change(env: Environment, rows: pa.Table) -> None:
    """Take the publisher from some records, as a night on which they changed."""
    other = pa.array([f"{digest[1:]}0" for digest in rows["digest"].to_pylist()], pa.string())
    changed = {"publisher": pa.nulls(rows.num_rows, pa.string()), "digest": other, "record_sha256": other}
    columns = [changed.get(field.name, rows[field.name]) for field in rows.schema]
    write_chunk_features(env, "staging/changed/000000.parquet", pa.table(columns, schema=rows.schema))
    table: Any = SourceRecordRow.__table__
    statement = update(table).where(table.c.key == bindparam("its_key")).values(record_sha256=bindparam("sha256"))
    values = [
        {"its_key": key, "sha256": sha256}
        for key, sha256 in zip(rows["key"].to_pylist(), other.to_pylist(), strict=True)
    ]
    with write_transaction(env) as connection:
        connection.execute(statement, values)


def _night(env: Environment) -> dict[str, Any]:
    """Match, and keep the result as a publication does."""
    began, used = time.monotonic(), time.process_time()
    matched = match_live_records(env, full=False)
    figures = {
        "seconds": round(time.monotonic() - began, 1),
        "cpu": round(time.process_time() - used, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "records": matched["records"],
        "evaluated": matched["evaluated"],
    }
    folder = env.home / matched["folder"]
    with write_transaction(env) as connection:
        write_publish_state(connection, match_state.MATCH_STATE, match_state.published_value(folder))
    match_state.keep_state(env, folder)
    return figures


def _apart(env: Environment, buckets_above: int) -> dict[str, Any]:
    """Run a night in a process of its own."""
    variables = {**os.environ, "ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url}
    variables |= {BUCKETS_VARIABLE: str(buckets_above), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "--one-night"]
    ran = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure three nights, or with --one-night one of them, over the catalog of the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=100_000)
    parser.add_argument("--buckets", action="store_true")
    parser.add_argument("--one-night", action="store_true")
    options = parser.parse_args()
    if options.one_night:
        print(json.dumps(_night(environment())))
        return
    above = 1 if options.buckets else options.records
    with tempfile.TemporaryDirectory(prefix="match-nights-") as folder:
        env = environment({"ELIB_HOME": folder, "ELIB_CATALOG_URL": f"sqlite:///{folder}/catalog.db"})
        migrate(env)
        some = _load(env, options.records)
        for night in ("first", "nothing changed", "1 % changed"):
            if night == "1 % changed":
                _change(env, some)
            name = f"match, {night} night" + (", in buckets" if options.buckets and night == "first" else "")
            print(json.dumps({"bench": name, **_apart(env, above)}), flush=True)


if __name__ == "__main__":
    main()
