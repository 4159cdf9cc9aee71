"""A steward's decision on a held run, with a name and a reason: release it or refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select, update

from loaders.catalog.loading import load
from loaders.catalog.staged import staged_batches
from loaders.store import (
    HarvestRunRow,
    RefusedRow,
    Run,
    SourceRecordRow,
    WrongRunState,
    locked_run,
    now,
    read_run,
    read_transaction,
    rows_among,
    upsert,
    write_rows,
    write_transaction,
)
from schemas import Environment, sentence

_RECORDS: Any = SourceRecordRow.__table__
_REFUSED: Any = RefusedRow.__table__
_REFUSED_ACTIONS = ("accept", "set_pending", "delete")  # the others change nothing that could be refused


class Unsigned(ValueError):
    """A decision without a name or without a reason."""


def check_signature(by: str, reason: str) -> dict[str, str]:
    """Return name and reason, stripped, as columns of a decision. Raises Unsigned when one has nothing to be read."""
    signature = {"by": by.strip(), "reason": reason.strip()}
    missing = [f"--{name}" for name, value in signature.items() if not _is_legible(value)]
    if len(missing) > 1:
        raise Unsigned(sentence("a decision needs --by and --reason, not empty"))
    if missing:
        raise Unsigned(sentence("a decision needs %(name)s, not empty", name=missing[0]))
    return signature


def _is_legible(text: str) -> bool:
    """Return whether a text has a character that is seen: blanks and such as U+200B are none."""
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def release(env: Environment, run_id: str, *, by: str, reason: str) -> dict[str, int]:
    """Load a held run and return its counts.

    Raises WrongRunState unless it is held and the feed's newest run, Unsigned, and FeedBusy (see `locked_run`).
    """
    signature = check_signature(by, reason)
    _check_newest_held(env, run_id)
    return load(env, run_id, by=signature["by"], reason=signature["reason"])


def refuse(env: Environment, run_id: str, *, by: str, reason: str) -> int:
    """Refuse a held run and return how many versions: none is staged again until its payload changes.

    Raises WrongRunState unless it is held and the feed's newest run, Unsigned, and FeedBusy (see `locked_run`).
    """
    signature = check_signature(by, reason)
    _check_newest_held(env, run_id)
    with locked_run(env, run_id, statuses=("held",)) as run, write_transaction(env) as connection:
        refused = 0
        for rows in staged_batches(env, run_id, records=False):
            versions = [
                (f"{run.feed}:{row['identifier']}", "" if row["action"] == "delete" else row["sha256"] or "")
                for row in rows
                if row["action"] in _REFUSED_ACTIONS
            ]
            known = catalog_versions(connection, [key for key, _ in versions])
            new = [version for version in versions if version not in known]
            refused += remember_refused(connection, run, new, signature)
        write_decision(connection, run_id, "refused", signature)
    return refused


def _check_newest_held(env: Environment, run_id: str) -> None:
    run = read_run(env, run_id)
    if run.status != "held":
        raise WrongRunState(
            sentence("%(run)s is %(status)s; only a held run can be released or refused", run=run_id, status=run.status)
        )
    newer_runs = select(func.max(HarvestRunRow.id)).where(
        HarvestRunRow.feed == run.feed,
        HarvestRunRow.id > run_id,
        HarvestRunRow.status.in_(("running", "landed", "held")),
    )
    with read_transaction(env) as connection:
        newer = connection.scalar(newer_runs)
    if newer is not None:
        raise WrongRunState(
            sentence(
                "%(run)s: a newer run of the feed, %(newer)s, is in progress or held; only the newest can be decided",
                run=run_id,
                newer=newer,
            )
        )


def write_decision(connection: Connection, run_id: str, status: str, signature: dict[str, str]) -> None:
    """Give a run the status that a steward decided, with name, reason and time."""
    values = {
        "status": status,
        "worker": None,
        "decided_by": signature["by"],
        "decision_reason": signature["reason"],
        "decided_at": now(),
    }
    connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))


def remember_refused(
    connection: Connection, run: Run, versions: list[tuple[str, str]], signature: dict[str, str]
) -> int:
    """Write versions (key, sha256; empty for a deletion) to the table of refused versions; return how many."""
    at = now()
    rows = [
        {"key": key, "sha256": sha256, "feed": run.feed, "run_id": run.id, "at": at, **signature}
        for key, sha256 in versions
    ]
    write_rows(connection, upsert(connection, _REFUSED, ("run_id", "at", "by", "reason")), rows)
    return len(rows)


def catalog_versions(connection: Connection, keys: list[str]) -> set[tuple[str, str]]:
    """Return the versions of these records that the catalog has: accepted, waiting, or a deletion."""
    rows = rows_among(connection, select(_RECORDS), _RECORDS.c.key, keys)
    return {version for row in rows for version in versions_of(row._mapping)}


def versions_of(row: Any) -> Iterator[tuple[str, str]]:
    """Yield the versions (key, sha256; empty for a deletion) of a row of source_record."""
    if row["status"] == "deleted":
        yield row["key"], ""
    elif row["status"] == "live" and row["payload_sha256"]:
        yield row["key"], row["payload_sha256"]
    if row["pending_sha256"]:
        yield row["key"], row["pending_sha256"]


def staged_rows(env: Environment, run_id: str) -> list[dict[str, Any]]:
    """Return what a staged run would change, one row per record: identifier, change, action, reason, absent, record."""
    rows = [row for batch in staged_batches(env, run_id) for row in batch]
    return sorted(rows, key=lambda row: (row["change"], row["identifier"]))
