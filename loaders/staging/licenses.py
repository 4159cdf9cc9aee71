"""Read the licences of what a run was transformed into, without the rest of the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from loaders.staging.folder import outcome_path, staging_folder
from loaders.staging.planning import OLDER_CHUNK
from loaders.store import SourceRecordRow, feed_name_of, read_transaction, rows_among
from schemas import Base, Environment, License, arrow_array

_BATCH_RECORDS = 2_000
_COLUMNS = ["identifier", "sha256", "format", "errors", "record"]


class _Licensed(Base, frozen=True, kw_only=True):
    license: License | None = None


_LICENSED = msgspec.json.Decoder(_Licensed)


def license_of_record(record: str | bytes) -> License | None:
    """Return the licence in the JSON of a record."""
    return _LICENSED.decode(record).license


class StagedLicense(NamedTuple):
    """The licence of a staged version; `age` is 0 for the newest version of the record, and grows with older ones."""

    identifier: str
    sha256: str
    format: str
    errors: int
    age: int
    license: License | None


def staged_licenses(env: Environment, run_id: str, chunks: Iterable[str]) -> Iterator[StagedLicense]:
    """Yield the licence of every record that the chunks of a staging were transformed into, older versions first."""
    with pq.ParquetFile(staging_folder(env, run_id) / "older.parquet") as file:  # pq.read_table would import pandas
        older = file.read().to_pylist()
    ages = {(row["identifier"], row["sha256"]): row["age"] for row in older}
    for chunk in chunks:
        path = outcome_path(env, chunk)
        is_older = path.name.startswith(f"{OLDER_CHUNK}-")
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_RECORDS, columns=_COLUMNS):
                columns = [batch[name].to_pylist() for name in _COLUMNS[:-1]]
                for *row, record in zip(*columns, batch["record"].cast(pa.binary()).to_pylist(), strict=True):
                    if record is not None:
                        identifier, sha256, format_, errors = row
                        age = ages.get((identifier, sha256), 0) if is_older else 0
                        yield StagedLicense(identifier, sha256, format_, errors, age, license_of_record(record))


def live_payloads(env: Environment, run_id: str, chunks: Iterable[str]) -> dict[str, str]:
    """Return the sha256 of the accepted payload of every live record that the chunks hold, by key.

    As planned; but of records of which a version waited then, as the catalog has them now: a steward may have accepted
    it since.
    """
    import pyarrow.compute as pc  # here, because every task imports this module

    feed = feed_name_of(run_id)
    outcomes = [outcome_path(env, chunk) for chunk in chunks]
    staged = pa.concat_arrays([arrow_array([], pa.string()), *map(_identifiers, outcomes)])
    live_status = arrow_array(["live"], pa.string())[0]  # the text itself would import pandas
    payloads: dict[str, str] = {}
    waiting: list[str] = []
    with pq.ParquetFile(staging_folder(env, run_id) / "state.parquet") as file:
        for batch in file.iter_batches(columns=["identifier", "status", "payload_sha256", "pending_status"]):
            some = batch.filter(pc.is_in(batch["identifier"], staged))
            is_waiting = pc.is_valid(some["pending_status"])
            waiting += _keys(feed, some.filter(is_waiting))
            live = some.filter(pc.and_(pc.equal(some["status"], live_status), pc.invert(is_waiting)))
            payloads.update(zip(_keys(feed, live), live["payload_sha256"].to_pylist(), strict=True))
    query = select(SourceRecordRow.key, SourceRecordRow.payload_sha256).where(SourceRecordRow.status == "live")
    with read_transaction(env) as connection:
        payloads.update(map(tuple, rows_among(connection, query, SourceRecordRow.key, waiting)))
    return {key: sha256 or "" for key, sha256 in payloads.items()}


def _keys(feed: str, batch: pa.RecordBatch) -> list[str]:
    return [f"{feed}:{identifier}" for identifier in batch["identifier"].to_pylist()]


def _identifiers(path: Path) -> pa.Array:
    with pq.ParquetFile(path) as file:
        return file.read(["identifier"])["identifier"].combine_chunks()
