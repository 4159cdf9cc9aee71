"""Read the licences of what a run was transformed into, without the rest of the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.staging.folder import outcome_path, staging_folder
from loaders.staging.planning import OLDER_CHUNK
from schemas import Base, Environment, License

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
    older = pq.read_table(staging_folder(env, run_id) / "older.parquet").to_pylist()
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
