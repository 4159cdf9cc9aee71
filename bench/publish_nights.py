"""Measure the publication of a made catalog as a task runs it: a first night, an identical one, one with 1 % changed.

    python -m bench.publish_nights [RECORDS] [--home FOLDER]

Each night runs in a process of its own over a catalog of which only what the publication reads is real: texts of the
usual size, and a match that made clusters of every twentieth record with the next one and relates every fiftieth to
the one after. Prints one JSON line per night: seconds by
the clock, seconds of processor, peak memory in MB, counts. With `--home` the catalog is made in that folder, or used
where it is there already, and kept.
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

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked
from sqlalchemy import bindparam, insert, update

from loaders.catalog import migrate
from loaders.publication import (
    KeptMatch,
    Sums,
    begin_publication,
    newest_publication,
    publish_match,
    write_match_result,
)
from loaders.publication.rows import encode_record, sha256_of
from loaders.store import SourceRecordRow, write_transaction
from pipeline.feed import rare_garbage_collection
from schemas import ROOT, Cluster, Environment, Evidence, FeatureFiles, Match, Resource, environment
from transforms.merge import merge

NIGHTS = ("first", "identical", "changed")
_CHUNK_RECORDS = 10_000
_CLUSTERED_ONE_IN, _RELATED_ONE_IN, _CHANGED_ONE_IN = 20, 50, 100
_CHANGED_FROM = 7  # which stands in no cluster
_TEXT = "What pupils and teachers do with it, how long it takes, and what they need for it. " * 45
_EVIDENCE = tuple(Evidence(field=field, seen="the same words in both", weight=3.5) for field in ("title", "people"))


def _key(number: int) -> str:
    return f"feed{number % 3}:oai:repository.example.org:{number:09}"


def _record(number: int, wording: str) -> dict[str, Any]:
    title = f"Fractions and decimals, lesson {number}{wording}"
    text = encode_record(Resource(key=_key(number), title={"en": title}, description={"en": _TEXT}, issued_year=2020))
    return {"record": text, "record_sha256": sha256_of(text)}


def _load(env: Environment, records: int) -> None:
    """Load live records as a first night does."""
    for numbers in chunked(range(records), _CHUNK_RECORDS):
        rows = [
            {"key": _key(number), "feed": _key(number).partition(":")[0], "identifier": _key(number), "score": 50}
            | {"format": "oai_dc", "status": "live", "run_id": "run", **_record(number, "")}
            for number in numbers
        ]
        with write_transaction(env) as connection:
            connection.execute(insert(SourceRecordRow), rows)


def _change(env: Environment, records: int) -> None:
    """Give every hundredth record another text."""
    table: Any = SourceRecordRow.__table__
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("record", "record_sha256")}
    statement = update(table).where(table.c.key == bindparam("of")).values(**values)
    wording = f", {time.time_ns()}"
    for numbers in chunked(range(_CHANGED_FROM, records, _CHANGED_ONE_IN), _CHUNK_RECORDS):
        rows = [
            {"of": _key(number)} | {f"new_{name}": value for name, value in _record(number, wording).items()}
            for number in numbers
        ]
        with write_transaction(env) as connection:
            connection.execute(statement, rows)


def _match(env: Environment, records: int) -> Path:
    """Write the result of a match without features or pairs of its own, which the publication does not read."""
    made = env.home / "made"
    made.mkdir(exist_ok=True)
    names = ("key", "record_sha256", "left_key", "right_key")
    for name in ("features", "pairs"):
        pq.write_table(pa.table({column: pa.array([], pa.string()) for column in names}), made / f"{name}.parquet")
    files = KeptMatch(FeatureFiles(made / "features.parquet"), Sums(records, 0, 0), made / "pairs.parquet")
    clusters = (Cluster(keys=pair) for pair in _pairs(records, _CLUSTERED_ONE_IN))
    related = (
        link
        for left, right in _pairs(records, _RELATED_ONE_IN, after=10)
        for link in ((left, right, "hasversion", "version"), (right, left, "isversionof", "version"))
    )
    matches = (
        Match(left_key=left, right_key=right, probability=0.987654, verdict="same", evidence=_EVIDENCE)
        for left, right in sorted((*_pairs(records, _CLUSTERED_ONE_IN), *_pairs(records, 5, after=2)))
    )
    return write_match_result(env, "made", files, clusters, matches, related, after_publication=newest_publication(env))


def _pairs(records: int, one_in: int, *, after: int = 0) -> Iterator[tuple[str, str]]:
    """Yield every so-manieth record with the next one, smaller key first."""
    for number in range(after, records - 1, one_in):
        left, right = sorted((_key(number), _key(number + 1)))
        yield left, right


def _night(env: Environment, folder: Path) -> dict[str, Any]:
    """Publish, and tell what it took."""
    began, used = time.monotonic(), time.process_time()
    with rare_garbage_collection():
        counts = publish_match(
            env, begin_publication(env), folder, merge=merge, trust={}, terms={}, merge_version="made"
        )
    return {
        "seconds": round(time.monotonic() - began, 1),
        "cpu": round(time.process_time() - used, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "counts": {name: counts[name] for name in ("listed", "added", "changed", "unchanged", "duplicates")},
    }


def _measure(home: Path, records: int) -> None:
    env = environment({"ELIB_HOME": str(home), "ELIB_CATALOG_URL": f"sqlite:///{home}/catalog.db"})
    is_new = not (home / "catalog.db").exists()
    if is_new:
        migrate(env)
        _load(env, records)
    for night in NIGHTS if is_new else NIGHTS[1:]:
        if night == "changed":
            _change(env, records)
        folder = _match(env, records)
        variables = {**os.environ, "ELIB_HOME": str(home), "ELIB_CATALOG_URL": env.catalog_url}
        command = [sys.executable, "-m", "bench.publish_nights", "--one-night", str(folder)]
        ran = subprocess.run(command, env=variables, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        print(json.dumps({"bench": f"publish, {night} night", **json.loads(ran.stdout.splitlines()[-1])}), flush=True)


def main() -> None:
    """Measure three nights, or with --one-night publish the match of one over the catalog of the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=100_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--one-night", type=Path)
    options = parser.parse_args()
    if options.one_night:
        print(json.dumps(_night(environment(), options.one_night)))
        return
    with tempfile.TemporaryDirectory(prefix="publish-nights-") as temporary:
        home = options.home or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        _measure(home, options.records)


if __name__ == "__main__":
    main()
