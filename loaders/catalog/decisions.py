"""A steward's decisions on a held run: release it or refuse it, each with a name and a reason (undo: catalog_undo)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select, update

from loaders.catalog.loading import load, staged_batches
from loaders.store import (
    HarvestRunRow,
    NotRunning,
    RefusedRow,
    Run,
    SourceRecordRow,
    locked_run,
    now,
    read_run,
    read_transaction,
    rows_among,
    upsert,
    write_transaction,
)
from schemas import Environment

_RECORDS: Any = SourceRecordRow.__table__
_REFUSED: Any = RefusedRow.__table__
_WEIGHTY = ("accept", "pend", "delete")  # what a refusal remembers


class Unsigned(ValueError):
    """A decision without a name or without a reason."""


def check_signature(by: str, reason: str) -> dict[str, str]:
    """The name and the reason, stripped. Raises Unsigned when one is empty."""
    said = {"by": by.strip(), "reason": reason.strip()}
    missing = [f"--{name}" for name, value in said.items() if not value]
    if missing:
        raise Unsigned(f"a decision needs {' and '.join(missing)}, not empty")
    return said


def release(env: Environment, run_id: str, *, by: str, reason: str) -> dict[str, int]:
    """Load a held run as a steward's decision. Only the feed's newest can be; raises NotRunning for any other."""
    said = check_signature(by, reason)
    _newest_held(env, run_id)
    return load(env, run_id, by=said["by"], reason=said["reason"])


def refuse(env: Environment, run_id: str, *, by: str, reason: str) -> int:
    """Refuse a held run: none of its versions is staged again until its payload changes. Returns how many."""
    said = check_signature(by, reason)
    _newest_held(env, run_id)
    with locked_run(env, run_id, states=("held",)) as run, write_transaction(env) as connection:
        refused = 0
        for rows in staged_batches(env, run_id, records=False):
            versions = [
                (f"{run.feed}:{row['identifier']}", "" if row["action"] == "delete" else row["sha256"] or "")
                for row in rows
                if row["action"] in _WEIGHTY
            ]
            there = catalog_versions(connection, [key for key, _ in versions])
            refused += remember_refused(connection, run, [one for one in versions if one not in there], said)
        write_decision(connection, run_id, "refused", said)
    return refused


def _newest_held(env: Environment, run_id: str) -> None:
    run = read_run(env, run_id)
    if run.status != "held":
        raise NotRunning(f"{run_id} is {run.status}; only a held run can be released or refused")
    with read_transaction(env) as connection:
        newer = connection.scalar(
            select(func.max(HarvestRunRow.id)).where(
                HarvestRunRow.feed == run.feed,
                HarvestRunRow.id > run_id,
                HarvestRunRow.status.in_(("running", "landed", "held")),
            )
        )
    if newer is not None:
        raise NotRunning(
            f"{run_id}: a newer run of the feed, {newer}, is going on or held; only the newest can be decided"
        )


def write_decision(connection: Connection, run_id: str, status: str, said: dict[str, str]) -> None:
    """Give a run the status that a steward decided."""
    decided = {"decided_by": said["by"], "decision_reason": said["reason"], "decided_at": now()}
    values = {"status": status, "worker": None, **decided}
    connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))


def remember_refused(connection: Connection, run: Run, versions: list[tuple[str, str]], said: dict[str, str]) -> int:
    """Remember versions (key, sha256; empty for a deletion) as refused; returns how many."""
    at = now()
    rows = [
        {"key": key, "sha256": sha256, "feed": run.feed, "run_id": run.id, "at": at, **said} for key, sha256 in versions
    ]
    if rows:
        connection.execute(upsert(connection, _REFUSED, ("run_id", "at", "by", "reason")), rows)
    return len(rows)


def catalog_versions(connection: Connection, keys: list[str]) -> set[tuple[str, str]]:
    """The versions of these records that the catalog holds: accepted, waiting, or a deletion."""
    rows = rows_among(connection, select(_RECORDS), _RECORDS.c.key, keys)
    return {version for row in rows for version in versions_of(row._mapping)}


def versions_of(row: Any) -> Iterator[tuple[str, str]]:
    """The versions that a row holds: accepted, waiting, or a deletion."""
    if row["status"] == "deleted":
        yield row["key"], ""
    elif row["status"] == "live" and row["payload_sha256"]:
        yield row["key"], row["payload_sha256"]
    if row["pending_sha256"]:
        yield row["key"], row["pending_sha256"]


def staged_rows(env: Environment, run_id: str) -> list[dict[str, Any]]:
    """What a staged run would change, one row a record: identifier, change, action, reason, absent, record."""
    rows = [row for batch in staged_batches(env, run_id) for row in batch]
    return sorted(rows, key=lambda row: (row["change"], row["identifier"]))
