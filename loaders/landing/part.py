"""Parts: some thousand records of one harvest as a zstd Parquet file, whose footer says how far the harvest had come.

Columns: identifier, format, datestamp, sets, deleted, payload, kept (the payload is in this row), sha256, harvested_at,
list and page (where in the harvest the row was listed; see schemas.Listing).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.store import whole_file
from schemas import Base, Listing, Skipped, SourceRecord, arrow_array

_FOOTER_KEY = b"elib"
_COLUMNS_OF_RECORDS = ("identifier", "format", "datestamp", "deleted", "sha256", "harvested_at")  # as records hold them
_DICTIONARY_COLUMNS = ["format", "sets", "list", "page"]
_SCHEMA = pa.schema(
    [
        ("identifier", pa.string()),
        ("format", pa.string()),
        ("datestamp", pa.string()),
        ("sets", pa.list_(pa.string())),
        ("deleted", pa.bool_()),
        ("payload", pa.string()),
        ("kept", pa.bool_()),
        ("sha256", pa.string()),
        ("harvested_at", pa.string()),
        ("list", pa.string()),
        ("page", pa.int32()),
    ]
)


class ListPart(Base, frozen=True, kw_only=True):
    """What a part knows about one of the harvest's lists, beside its rows."""

    pages: int = 1  # so far
    size: int | None = None  # the largest that the server promised so far
    nameless: int = 0  # records listed in this part that could not be read and that nothing names
    skipped: tuple[tuple[int, str], ...] = ()  # page and identifier of the other records that could not be read


class Footer(Base, frozen=True, kw_only=True):
    """How far a harvest had come when the part was written, and what it was asked for.

    `total`, `promised`, `repeated` and `counted` are those of the pages, as the table of schemas.Page says, summed or
    last; beside them landing itself counts `records` (rows of this part) and `doubtful_repeats`. The names in stored
    footers are `source`, `deletes_told` and `repeats`.
    """

    feed: str
    run_id: str
    number: int
    records: int  # in this part
    # of what the feed declares about its source: another one starts over
    source_fingerprint: str = msgspec.field(name="source")
    begins: bool = False  # the first part of a harvest; else it continues the part before, maybe of another run
    asked_since: str | None = None
    asked_full: bool = True
    position: dict[str, Any] | None = None
    total: int | None = None
    complete: bool = False
    full: bool = False
    not_modified: bool = False
    counted: int | None = None  # of a complete harvest: records in the list, as the harvester counts
    # it keeps deleted headers for ever (OAI-PMH deletedRecord=persistent): no full list is needed
    reports_all_deletions: bool = msgspec.field(default=False, name="deletes_told")
    response_date: str | None = None
    size_asked: bool = False  # the size of the whole list was asked for
    whole_size: int | None = None  # and is this
    lists: dict[str, ListPart] = {}  # the lists that this part holds pages of, by name
    promised: int | None = None  # distinct records of all lists together, as the server promised
    repeated: int = 0  # entries of lists that came again, and are not rows of this part
    # of a complete harvest: records that are repeated where that may hide missing ones
    doubtful_repeats: int = msgspec.field(default=0, name="repeats")
    missing: int = 0  # of a complete harvest: records that the newest whole list lacks, and that may come again
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    validators: dict[str, str] = {}


def write_part(
    path: Path, records: list[SourceRecord], payload_known: list[bool], footer: Footer, listings: list[Listing]
) -> None:
    """Write the records as one complete part; a payload that is `payload_known` (landed already) is left out."""
    payloads = [None if known else record.payload for record, known in zip(records, payload_known, strict=True)]
    columns = {name: [getattr(record, name) for record in records] for name in _COLUMNS_OF_RECORDS} | {
        "sets": [list(record.sets) for record in records],
        "payload": payloads,
        "kept": [payload is not None for payload in payloads],
        "list": [listing.name for listing in listings],
        "page": [listing.page for listing in listings],
    }
    arrays = [arrow_array(columns[field.name], field.type) for field in _SCHEMA]
    schema = _SCHEMA.with_metadata({_FOOTER_KEY: msgspec.json.encode(footer)})
    write_table(path, pa.Table.from_arrays(arrays, schema=schema))


def write_table(path: Path, table: pa.Table) -> None:
    """Write the table of a part, with its footer, as one whole file."""
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", use_dictionary=_DICTIONARY_COLUMNS, write_statistics=False)


def read_footer(path: Path) -> Footer:
    """Read the footer of a part, and nothing else of it."""
    metadata = pq.read_schema(path).metadata
    return msgspec.json.decode(metadata[_FOOTER_KEY], type=Footer)


def part_paths(run_folder: Path) -> list[Path]:
    """Return the complete parts of a run, in order."""
    return sorted(run_folder.glob("part-*.parquet"))


def read_rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part with some of their columns."""
    yield from pq.read_table(path, columns=columns).to_pylist()
