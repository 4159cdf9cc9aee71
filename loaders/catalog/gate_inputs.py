"""What the batch rules and the gate read of a feed as a whole: its records, open issues, and shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import case, func, select

from loaders.staging import license_of_record, names_code, outcome_path, staging_folder
from loaders.store import IssueRow, SourceRecordRow, feed_name_of, read_transaction, rows_among, undecoded
from schemas import Environment, License

_BATCH_RECORDS = 2_000


def live_record_texts(env: Environment, feed: str) -> Iterator[str | bytes]:
    """Yield the JSON of every live record of the feed, as last accepted, in key order."""
    with read_transaction(env) as connection:
        query = select(undecoded(connection, SourceRecordRow.record))
        query = query.where(SourceRecordRow.feed == feed, SourceRecordRow.status == "live")
        streamed = connection.execution_options(yield_per=_BATCH_RECORDS).execute(query.order_by(SourceRecordRow.key))
        yield from (record for record in streamed.scalars() if record is not None)


def staged_records(env: Environment, chunks: Iterable[str]) -> Iterator[bytes]:
    """Yield the JSON of every record that the chunks of a staging were transformed into."""
    for chunk in chunks:
        with pq.ParquetFile(outcome_path(env, chunk)) as file:
            for batch in file.iter_batches(_BATCH_RECORDS, columns=["record"]):
                yield from (record for record in batch.column(0).cast(pa.binary()).to_pylist() if record is not None)


def deleted_keys(env: Environment, run_id: str) -> set[str]:
    """Return the keys of the records that a staged run would delete."""
    path = staging_folder(env, run_id) / "deletions.parquet"
    if not path.exists():
        return set()
    feed = feed_name_of(run_id)
    with pq.ParquetFile(path) as file:  # pq.read_table would import pandas
        return {f"{feed}:{identifier}" for identifier in file.read(["identifier"])["identifier"].to_pylist()}


def live_payloads(env: Environment, feed: str) -> dict[str, str]:
    """Return the sha256 of the accepted payload of every live record of the feed, by key."""
    query = select(SourceRecordRow.key, SourceRecordRow.payload_sha256)
    query = query.where(SourceRecordRow.feed == feed, SourceRecordRow.status == "live")
    with read_transaction(env) as connection:
        return {key: sha256 or "" for key, sha256 in connection.execute(query)}


def accepted_licenses(env: Environment, keys: Sequence[str]) -> dict[str, License | None]:
    """Return the licence of the accepted version of each of these records, by key."""
    query = select(SourceRecordRow.key, SourceRecordRow.record)
    with read_transaction(env) as connection:
        rows = rows_among(connection, query, SourceRecordRow.key, keys)
        return {key: license_of_record(record) for key, record in rows if record is not None}


def waiting_for(env: Environment, feed: str, code: str) -> set[str]:
    """Return the keys of the feed's records that have a version waiting because of a rule."""
    query = select(SourceRecordRow.key, SourceRecordRow.pending_reason).where(
        SourceRecordRow.feed == feed, SourceRecordRow.pending_status == "quarantined"
    )
    with read_transaction(env) as connection:
        return {key for key, reason in connection.execute(query) if names_code(reason, code)}


def open_issues(env: Environment, feed: str, code: str) -> dict[str, str]:
    """Return the values of a rule's open issues in the feed, by key of the record."""
    where = (IssueRow.feed == feed, IssueRow.code == code, IssueRow.resolved_run_id.is_(None))
    with read_transaction(env) as connection:
        return {row.key: row.value for row in connection.execute(select(IssueRow.key, IssueRow.value).where(*where))}


def quality_shares(env: Environment, feed: str) -> dict[str, float] | None:
    """Return shares (0 to 1) after the last load: records with errors, and live ones with a language and a licence.

    None for a feed that has no live record yet.
    """
    live = SourceRecordRow.status == "live"
    waits = SourceRecordRow.pending_status.is_not(None)
    query = select(
        func.sum(case((live, 1), else_=0)),
        func.sum(case((live & SourceRecordRow.has_language, 1), else_=0)),
        func.sum(case((live & SourceRecordRow.has_license, 1), else_=0)),
        func.sum(case((waits, 1), else_=0)),
        func.sum(case((live | waits, 1), else_=0)),
    ).where(SourceRecordRow.feed == feed)
    accepted_with_error = (  # by a steward
        select(func.count(IssueRow.key.distinct()))
        .join(SourceRecordRow, SourceRecordRow.key == IssueRow.key)
        .where(IssueRow.feed == feed, IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None), live, ~waits)
    )
    with read_transaction(env) as connection:
        alive, languages, licenses, waiting, judged = connection.execute(query).one()
        failures = (waiting or 0) + (connection.scalar(accepted_with_error) or 0)
    if not alive:
        return None
    return {
        "error_share": failures / judged,
        "language_share": languages / alive,
        "license_share": licenses / alive,
    }
