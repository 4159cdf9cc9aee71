"""Write a dump: three files and what describes them, from resources that come one after the other.

A reader sees all of a dump or nothing of it. Memory holds one batch of rows.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked
from sqlalchemy import Connection, func, select

from loaders.downloads.dumps import (
    FILES,
    MANIFEST_NAME,
    SUMS_NAME,
    DownloadsFailed,
    Dump,
    DumpFile,
    DumpManifest,
    ManifestColumn,
    make_downloads_folder,
    remove_dump,
)
from loaders.landing import ERASURES_FILE_NAME
from loaders.store import HarvestRunRow, ResourceRow, whole_folder
from schemas import Environment, Resource, harmless

_BATCH_ROWS = 2_000
_SEPARATOR = " | "  # between several values of one CSV cell
_TYPES = {"text": pa.string(), "texts": pa.list_(pa.string()), "integer": pa.int32(), "boolean": pa.bool_()}
_JSONL, _PARQUET, _CSV, _SCHEMA = "resources.jsonl.zst", "resources.parquet", "resources.csv", "resource.schema.json"
_RUNS: Any = HarvestRunRow.__table__
_RESOURCES: Any = ResourceRow.__table__


class DumpColumn(NamedTuple):
    """A column of the table: its name, kind (text, texts, integer, boolean) and meaning."""

    name: str
    kind: str
    meaning: str


class DumpEntry(NamedTuple):
    """A resource: its line of JSON, its cells in the order of the columns, and the licence of its metadata."""

    line: str
    cells: Sequence[Any]
    metadata_license: str


class DumpSource(NamedTuple):
    """What a dump is made from, beside the resources: facts for its manifest. `state` is that of `catalog_state`."""

    state: str
    publication: str | None
    columns: tuple[DumpColumn, ...]
    attribution: tuple[str, ...]
    partners: tuple[str, ...]
    left_out_feeds: tuple[str, ...]


def catalog_state(connection: Connection, about: object) -> tuple[str, str | None, int]:
    """Return a digest of what a dump would be made from, the newest publication, and how many resources there are.

    `about` is what else a dump depends on, as values of JSON.
    """
    is_published = _RESOURCES.c.withdrawn_at.is_(None)
    total = connection.scalar(select(func.count()).select_from(_RESOURCES).where(is_published)) or 0
    changed = connection.scalar(select(func.max(_RESOURCES.c.updated_at)))
    of_publications = (_RUNS.c.kind == "publish", _RUNS.c.status == "loaded")
    publication = connection.scalar(select(func.max(_RUNS.c.id)).where(*of_publications))
    known = msgspec.json.encode([total, changed, about, _schema()], order="deterministic")
    return hashlib.sha256(known).hexdigest(), publication, total


def write_dump(env: Environment, source: DumpSource, entries: Iterable[DumpEntry], erasures: str) -> Dump:
    """Write a dump and return it. Only one process may: call it in a run of the kind `downloads`.

    `erasures` is what `erasures_state` was before anything was read. Raises DownloadsFailed when something was erased
    meanwhile: what was read may hold it.
    """
    make_downloads_folder(env)
    made = datetime.now(UTC)
    name = f"{made:%Y%m%dT%H%M%S}{made.microsecond // 1000:03}Z"
    folder = env.downloads / name
    with whole_folder(folder) as temporary:
        licenses = _write_resources(temporary, source.columns, entries)
        (temporary / _SCHEMA).write_bytes(_schema())
        total = sum(licenses.values())
        files = [_described(temporary / each, total) for each in (_JSONL, _PARQUET, _CSV, _SCHEMA)]
        manifest = DumpManifest(
            name=name,
            made_at=f"{made:%Y-%m-%dT%H:%M:%SZ}",
            publication=source.publication,
            resources=total,
            licenses=dict(sorted(licenses.items())),
            attribution=source.attribution,
            partners=source.partners,
            left_out_feeds=source.left_out_feeds,
            columns=tuple(ManifestColumn(**column._asdict()) for column in source.columns),
            files=tuple(files),
            state=source.state,
        )
        (temporary / MANIFEST_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        sums = [*files, _described(temporary / MANIFEST_NAME, None)]
        (temporary / SUMS_NAME).write_text("".join(f"{each.sha256}  {each.name}\n" for each in sums))
    if erasures_state(env) != erasures:
        remove_dump(env, name)
        raise DownloadsFailed("Something was erased while the downloads were written, so that they are removed again.")
    return Dump(folder, manifest)


def erasures_state(env: Environment) -> str:
    """Return what changes as soon as an erasure begins."""
    path = env.landing / ERASURES_FILE_NAME
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _schema() -> bytes:
    """Return the JSON Schema of the shared record."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Resource)), indent=1) + b"\n"


def _write_resources(folder: Path, columns: Sequence[DumpColumn], entries: Iterable[DumpEntry]) -> Counter[str]:
    """Write the three files; return how many resources have metadata under each licence."""
    schema = pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in columns])
    licenses: Counter[str] = Counter()
    with ExitStack() as files:
        # Python's own files, whose errors say what the disk says
        lines = files.enter_context(_compressed(files.enter_context((folder / _JSONL).open("wb"))))
        parquet = files.enter_context((folder / _PARQUET).open("wb"))
        table = files.enter_context(pq.ParquetWriter(parquet, schema, compression="zstd"))
        sheet = files.enter_context((folder / _CSV).open("w", encoding="utf-8-sig", newline=""))
        cells = csv.writer(sheet)
        cells.writerow([column.name for column in columns])
        for batch in chunked(entries, _BATCH_ROWS):
            lines.write("".join(f"{entry.line}\n" for entry in batch).encode())
            values = zip(*(entry.cells for entry in batch), strict=True)
            arrays = [pa.array(value, field.type) for value, field in zip(values, schema, strict=True)]
            table.write_batch(pa.record_batch(arrays, schema=schema))
            cells.writerows([_csv_cell(cell) for cell in entry.cells] for entry in batch)
            licenses.update(entry.metadata_license for entry in batch)
    return licenses


def _compressed(file: BinaryIO) -> Any:
    return pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd")


def _csv_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = _SEPARATOR.join(cell) if isinstance(cell, list) else str(cell)
    return text if isinstance(cell, int) else harmless(text)


def _described(path: Path, total: int | None) -> DumpFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    records = total if path.name in (_JSONL, _PARQUET, _CSV) else None
    return DumpFile(
        name=path.name, media_type=FILES[path.name], bytes=path.stat().st_size, sha256=digest, records=records
    )
