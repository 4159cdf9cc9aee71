"""Chunks: some thousand records to transform, read from landing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.landing import landing_index
from loaders.staging.damage import SET_PART_ASIDE
from loaders.staging.folder import outcome_path
from loaders.store import feed_name_of
from schemas import Environment, SourceRecord, UnusableFile, arrow_array

_SLICE_RECORDS = 500


def read_chunk(env: Environment, chunk: str) -> Iterator[SourceRecord]:
    """Yield the records of a chunk (a path relative to ELIB_HOME) with their payloads from landing."""
    path = env.home / chunk
    feed = feed_name_of(path.parent.parent.name)
    rows = _read_table(path).to_pylist()
    for part, group in groupby(rows, key=lambda row: row["part"]):
        wanted = list(group)
        columns = ["payload", "sets", "harvested_at"]
        numbers = arrow_array([row["row"] for row in wanted], pa.int64())
        landed = _read_table(env.landing / feed / part, columns).take(numbers)
        for start in range(0, len(wanted), _SLICE_RECORDS):  # Python objects take four times the memory of the table
            payloads = landed.slice(start, _SLICE_RECORDS).to_pylist()
            for row, payload in zip(wanted[start : start + _SLICE_RECORDS], payloads, strict=True):
                _check_payload(env.landing / feed / part, row["identifier"], payload["payload"], row["sha256"])
                yield _source_record(feed, row, payload)


def _check_payload(part: Path, identifier: str, payload: str | None, digest: str) -> None:
    """Raise UnusableFile when a part does not have the payload that was landed: a file can be damaged and readable."""
    if payload is None or sha256(payload.encode()).hexdigest() != digest:
        raise UnusableFile(part, f"it is damaged (the payload of {identifier!r} is another)", SET_PART_ASIDE)


def _read_table(path: Path, columns: list[str] | None = None) -> Any:
    """Read a Parquet file without pyarrow's data set module, which costs 50 MB."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=columns, use_threads=False)


def _source_record(feed: str, row: dict[str, Any], landed: dict[str, Any]) -> SourceRecord:
    return SourceRecord(
        feed=feed,
        identifier=row["identifier"],
        format=row["format"],
        datestamp=row["datestamp"],
        sets=tuple(landed["sets"] or ()),
        payload=landed["payload"],
        sha256=row["sha256"],
        harvested_at=landed["harvested_at"] or "",
    )


def record_versions(env: Environment, chunk: str) -> dict[str, str]:
    """Return the keys of the resources that were written for a chunk, with the sha256 of their texts.

    A key with several versions, as chunks of older versions have, is left out.
    """
    path = outcome_path(env, chunk)
    feed = feed_name_of(path.parent.parent.name)
    rows = _read_table(path, ["identifier", "record_sha256"])
    identifiers, digests = (rows[name].to_pylist() for name in ("identifier", "record_sha256"))
    times = Counter(identifiers)
    versions = zip(identifiers, digests, strict=True)
    return {f"{feed}:{identifier}": sha256 for identifier, sha256 in versions if sha256 and times[identifier] == 1}


def read_landed(env: Environment, feed: str, versions: Iterable[tuple[str, str, str]]) -> Iterator[SourceRecord]:
    """Yield the source records of versions (identifier, format, sha256) whose payload is in landing, in any order."""
    formats = {(identifier, sha256): format_ for identifier, format_, sha256 in versions}
    folder = env.landing / feed
    with landing_index(folder) as index:
        located = index.locations(list(formats))
    by_part: dict[str, list[tuple[int, tuple[str, str]]]] = {}
    for version, (part, row) in located.items():
        by_part.setdefault(part, []).append((row, version))
    for part, rows in sorted(by_part.items()):
        columns = ["payload", "sets", "harvested_at", "datestamp"]
        numbers = arrow_array([row for row, _ in rows], pa.int64())
        landed = _read_table(folder / part, columns).take(numbers).to_pylist()
        for (_, version), payload in zip(rows, landed, strict=True):
            named = {"identifier": version[0], "sha256": version[1], "format": formats[version]}
            yield _source_record(feed, {**named, "datestamp": payload["datestamp"]}, payload)
