"""What the catalog knows of the feed's records, written to Parquet files in the staging's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Select, false, func, literal, select

from loaders.store import CurationRow, IssueRow, RefusedRow, SourceRecordRow, whole_file

_BATCH_ROWS = 20_000
_Query = Select[*tuple[Any, ...]]
_STATE = pa.schema(
    [
        ("identifier", pa.string()),
        ("status", pa.string()),
        ("format", pa.string()),
        ("datestamp", pa.string()),
        ("payload_sha256", pa.string()),
        ("record_sha256", pa.string()),
        ("score", pa.int32()),
        ("has_title", pa.bool_()),
        ("has_language", pa.bool_()),
        ("has_license", pa.bool_()),
        ("license_open", pa.bool_()),
        ("pending_sha256", pa.string()),
        ("pending_record_sha256", pa.string()),
        ("pending_status", pa.string()),
        ("pending_reason", pa.string()),
    ]
)
_VERSIONS = pa.schema([("identifier", pa.string()), ("sha256", pa.string())])
_DECLARED_GONE = pa.schema([("identifier", pa.string()), ("run", pa.string())])  # and the newest run that landed then
_ERRORS = pa.schema([("identifier", pa.string()), ("code", pa.string()), ("errors", pa.int32())])


def write_catalog_state(connection: Connection, feed: str, folder: Path, *, records: bool = True) -> None:
    """Write what is known of the feed's records: their state, what stewards decided, and their open errors.

    Stewards refused or accepted a version, or declared a record to be gone. Without `records`, when nothing is compared
    with them, states and errors are left out: to read those of a million records takes half a minute.
    """
    columns = [getattr(SourceRecordRow, name) for name in _STATE.names]
    states = select(*columns).where(SourceRecordRow.feed == feed) if records else select(*columns).where(false())
    _write(connection, states, _STATE, folder / "state.parquet")
    refused = select(RefusedRow.key, RefusedRow.sha256).where(RefusedRow.feed == feed)
    _write(connection, refused, _VERSIONS, folder / "refused.parquet", len(feed) + 1)
    accepted = select(CurationRow.key, CurationRow.value).where(
        CurationRow.action == "accept",
        CurationRow.undone_at.is_(None),
        CurationRow.key.startswith(f"{feed}:", autoescape=True),
    )
    _write(connection, accepted, _VERSIONS, folder / "accepted_by_steward.parquet", len(feed) + 1)
    gone = select(CurationRow.key, CurationRow.value).where(
        CurationRow.action == "absent",
        CurationRow.undone_at.is_(None),
        CurationRow.key.startswith(f"{feed}:", autoescape=True),
    )
    _write(connection, gone, _DECLARED_GONE, folder / "declared_gone.parquet", len(feed) + 1)
    errors = (
        select(IssueRow.key, IssueRow.code, func.count(literal(1)))
        .where(IssueRow.feed == feed, IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None))
        .group_by(IssueRow.key, IssueRow.code)
    )
    errors = errors if records else errors.where(false())
    _write(connection, errors, _ERRORS, folder / "errors.parquet", len(feed) + 1)


def _write(connection: Connection, query: _Query, schema: pa.Schema, path: Path, prefix: int = 0) -> None:
    with whole_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        streamed = connection.execute(query, execution_options={"stream_results": True, "yield_per": _BATCH_ROWS})
        for rows in streamed.partitions(_BATCH_ROWS):
            columns = [list(column) for column in zip(*rows, strict=True)]
            if prefix:  # the first column is a key; the identifier is the key without its feed
                columns[0] = [key[prefix:] for key in columns[0]]
            writer.write_table(pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema))
