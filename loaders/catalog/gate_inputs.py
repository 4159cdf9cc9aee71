"""What the batch rules and the gate read of a feed as a whole: its records, open issues, and shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, func, select

from loaders.staging import (
    gate_facts,
    license_of_record,
    names_code,
    outcome_path,
    read_identifiers,
    read_staging_plan,
    staging_folder,
)
from loaders.store import IssueRow, SourceRecordRow, feed_name_of, read_transaction, rows_among
from schemas import Environment, License

_BATCH_RECORDS = 2_000


class GateInputs(NamedTuple):
    """What the gate judges a run by: the shares of `quality_shares`, and the facts of `staging.gate_facts`."""

    shares_before: dict[str, float] | None
    facts: list[dict[str, Any]]


class _Group(NamedTuple):
    """Records that the gate counts alike."""

    status: str
    waits: bool
    has_language: bool
    has_license: bool


def staged_records(env: Environment, chunks: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield sha256 and JSON of every record that the chunks of a staging were transformed into."""
    for chunk in chunks:
        with pq.ParquetFile(outcome_path(env, chunk)) as file:
            for batch in file.iter_batches(_BATCH_RECORDS, columns=["record_sha256", "record"]):
                records = batch["record"].cast(pa.binary()).to_pylist()
                for sha256, record in zip(batch["record_sha256"].to_pylist(), records, strict=True):
                    if record is not None:
                        yield sha256, record


def staged_keys(env: Environment, run_id: str, chunks: Iterable[str]) -> Iterator[str]:
    """Yield the key of every record that the chunks of a staging were transformed into."""
    feed = feed_name_of(run_id)
    for chunk in chunks:
        with pq.ParquetFile(outcome_path(env, chunk)) as file:
            for batch in file.iter_batches(_BATCH_RECORDS, columns=["identifier", "record_sha256"]):
                read = batch.filter(batch["record_sha256"].is_valid())
                yield from (f"{feed}:{identifier}" for identifier in read["identifier"].to_pylist())


def deleted_keys(env: Environment, run_id: str) -> set[str]:
    """Return the keys of the records that a staged run would delete."""
    path = staging_folder(env, run_id) / "deletions.parquet"
    if not path.exists():
        return set()
    feed = feed_name_of(run_id)
    with pq.ParquetFile(path) as file:  # pq.read_table would import pandas
        return {f"{feed}:{identifier}" for identifier in file.read(["identifier"])["identifier"].to_pylist()}


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


def read_gate_inputs(env: Environment, run_id: str, *, by_record: bool = False) -> GateInputs:
    """Return what the gate judges a staged run by.

    The facts are counted in groups of equal records or, `by_record`, one dict per record with its key.
    """
    facts = gate_facts(env, run_id, grouped=not by_record)
    feed = feed_name_of(run_id)
    with read_transaction(env) as connection:
        counts = _count_records(connection, feed)
        shares = _quality_shares(connection, feed, counts)
        if not read_staging_plan(env, run_id).whole_state:
            for identifiers in read_identifiers(env, run_id):
                counts.subtract(_count_records(connection, feed, [f"{feed}:{name}" for name in identifiers]))
            facts += _unread_facts(counts)
    return GateInputs(shares, facts)


def quality_shares(env: Environment, feed: str) -> dict[str, float] | None:
    """Return shares (0 to 1) after the last load: records with errors, and live ones with a language and a licence.

    None for a feed that has no live record yet.
    """
    with read_transaction(env) as connection:
        return _quality_shares(connection, feed, _count_records(connection, feed))


def _count_records(connection: Connection, feed: str, keys: Sequence[str] | None = None) -> Counter[_Group]:
    """Count the feed's records (those with one of the keys, if they are given) by what the gate looks at."""
    waits = SourceRecordRow.pending_status.is_not(None)
    columns = SourceRecordRow.status, waits, SourceRecordRow.has_language, SourceRecordRow.has_license
    query = select(*columns, func.count()).group_by(*columns)
    of_feed = query.where(SourceRecordRow.feed == feed)  # with keys too, SQLite would read all of it for every few keys
    rows: Iterable[Any]  # mypy fails on the union of both without it
    rows = connection.execute(of_feed) if keys is None else rows_among(connection, query, SourceRecordRow.key, keys)
    counts: Counter[_Group] = Counter()
    for status, is_waiting, has_language, has_license, records in rows:
        counts[_Group(status, bool(is_waiting), has_language, has_license)] += records
    return counts


def _quality_shares(connection: Connection, feed: str, counts: Counter[_Group]) -> dict[str, float] | None:
    live = _sum(counts, lambda group: group.status == "live")
    if not live:
        return None
    waiting = _sum(counts, lambda group: group.waits)
    judged = _sum(counts, lambda group: group.status == "live" or group.waits)
    accepted_with_error = (  # by a steward
        select(func.count(IssueRow.key.distinct()))
        .join(SourceRecordRow, SourceRecordRow.key == IssueRow.key)
        .where(IssueRow.feed == feed, IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None))
        .where(SourceRecordRow.status == "live", SourceRecordRow.pending_status.is_(None))
    )
    return {
        "error_share": (waiting + (connection.scalar(accepted_with_error) or 0)) / judged,
        "language_share": _sum(counts, lambda group: group.status == "live" and group.has_language) / live,
        "license_share": _sum(counts, lambda group: group.status == "live" and group.has_license) / live,
    }


def _sum(counts: Counter[_Group], counted: Callable[[_Group], bool]) -> int:
    return sum(records for group, records in counts.items() if counted(group))


def _unread_facts(counts: Counter[_Group]) -> list[dict[str, Any]]:
    """Return the facts of the records that stay as they are and that the plan did not read."""
    return [
        {
            "live_before": group.status == "live",
            "live_after": group.status == "live",
            "change": "none",
            "absent": False,
            "errors": int(group.waits),
            "codes": "",
            "has_language": group.has_language,
            "has_license": group.has_license,
            "restamped": False,
            "payload_changed": False,
            "records": records,
        }
        for group, records in counts.items()
        if records and group.status != "deleted"
    ]
