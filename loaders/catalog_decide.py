"""A steward's decisions on a run: release it, refuse it, undo it. Each with a name and a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from loaders import catalog_run
from loaders.catalog_before import before_path, read_before
from loaders.catalog_load import load, staged_batches, upsert
from loaders.catalog_run import NotRunning, Run, working
from loaders.catalog_unmapped import recount_unmapped
from loaders.database import reading, writing
from loaders.models import HarvestRun, Issue, Refused, SourceRecord
from schemas.environment import Environment

RECORDS: Any = SourceRecord.__table__
ISSUES: Any = Issue.__table__
REFUSED: Any = Refused.__table__
LOOKUP = 500
WEIGHTY = ("accept", "pend", "delete")  # what a refusal remembers


class Unsigned(ValueError):
    """A decision without a name or without a reason."""


def signed(by: str, reason: str) -> dict[str, str]:
    """The name and the reason, stripped. Raises Unsigned when one is empty."""
    said = {"by": by.strip(), "reason": reason.strip()}
    missing = [f"--{name}" for name, value in said.items() if not value]
    if missing:
        raise Unsigned(f"a decision needs {' and '.join(missing)}, not empty")
    return said


def release(env: Environment, run_id: str, *, by: str, reason: str) -> dict[str, int]:
    """Load a held run as a steward's decision. Only the feed's newest can be; raises NotRunning for any other."""
    said = signed(by, reason)
    _newest_held(env, run_id)
    return load(env, run_id, by=said["by"], reason=said["reason"])


def refuse(env: Environment, run_id: str, *, by: str, reason: str) -> int:
    """Refuse a held run: none of its versions is staged again until its payload changes. Returns how many."""
    said = signed(by, reason)
    _newest_held(env, run_id)
    with working(env, run_id, states=("held",)) as run, writing(env) as connection:
        refused = 0
        for rows in staged_batches(env, run_id):
            versions = [
                (f"{run.feed}:{row['identifier']}", "" if row["action"] == "delete" else row["sha256"] or "")
                for row in rows
                if row["action"] in WEIGHTY
            ]
            standing = _standing(connection, [key for key, _ in versions])
            refused += _remember(connection, run, [one for one in versions if one not in standing], said)
        _decide(connection, run_id, "refused", said)
    return refused


def undo(env: Environment, run_id: str, *, by: str, reason: str) -> str:
    """Bring back the feed's records and findings as they were before its newest loaded run; returns the undo's run id.

    What the run had brought is remembered as refused, so that the next night does not bring it back. Raises NotRunning
    when a newer run is loaded (undo that first), or the run is not loaded.
    """
    said = signed(by, reason)
    with working(env, run_id, states=("loaded",)) as run, writing(env) as connection:
        _newest_loaded(connection, run)
        undoing = catalog_run.mint(connection, run.feed)
        restored = _restore(env, connection, run, undoing, said)
        recount_unmapped(connection, run.feed, catalog_run.now())
        supersede_all(connection, run.feed)
        _decide(connection, run_id, "undone", said)
        connection.execute(
            insert(HarvestRun).values(
                id=undoing,
                feed=run.feed,
                kind="undo",
                status="loaded",
                started_at=catalog_run.now(),
                ended_at=catalog_run.now(),
                undid_run_id=run_id,
                landed=restored,
                changed=restored,
                decided_by=said["by"],
                decision_reason=said["reason"],
            )
        )
    return undoing


def supersede_all(connection: Connection, feed: str) -> None:
    """No held run of the feed can be released any more: what it was staged on is another."""
    held = (HarvestRun.feed == feed, HarvestRun.status == "held")
    connection.execute(update(HarvestRun).where(*held).values(status="superseded"))


def _newest_held(env: Environment, run_id: str) -> None:
    run = catalog_run.read_run(env, run_id)
    if run.status != "held":
        raise NotRunning(f"{run_id} is {run.status}; only a held run can be released or refused")
    with reading(env) as connection:
        newer = connection.scalar(
            select(func.max(HarvestRun.id)).where(
                HarvestRun.feed == run.feed,
                HarvestRun.id > run_id,
                HarvestRun.status.in_(("running", "landed", "held")),
            )
        )
    if newer is not None:
        raise NotRunning(
            f"{run_id}: a newer run of the feed, {newer}, is going on or held; only the newest can be decided"
        )


def _newest_loaded(connection: Connection, run: Run) -> None:
    newer = connection.scalar(
        select(func.max(HarvestRun.id)).where(
            HarvestRun.feed == run.feed,
            HarvestRun.status == "loaded",
            HarvestRun.kind.in_(("harvest", "reprocess")),
            HarvestRun.id > run.id,
        )
    )
    if newer is not None:
        raise NotRunning(f"{run.id} is not the newest loaded run of {run.feed}: undo {newer} first")


def _decide(connection: Connection, run_id: str, status: str, said: dict[str, str]) -> None:
    decided = {"decided_by": said["by"], "decision_reason": said["reason"], "decided_at": catalog_run.now()}
    values = {"status": status, "worker": None, **decided}
    connection.execute(update(HarvestRun).where(HarvestRun.id == run_id).values(**values))


def _remember(connection: Connection, run: Run, versions: list[tuple[str, str]], said: dict[str, str]) -> int:
    at = catalog_run.now()
    rows = [
        {"key": key, "sha256": sha256, "feed": run.feed, "run_id": run.id, "at": at, **said} for key, sha256 in versions
    ]
    if rows:
        connection.execute(upsert(connection, REFUSED, ("run_id", "at", "by", "reason")), rows)
    return len(rows)


def _restore(env: Environment, connection: Connection, run: Run, undoing: str, said: dict[str, str]) -> int:
    path = before_path(env, run.feed, run.id)
    if not path.exists():
        if run.counts["landed"] != run.counts["unchanged"]:
            raise NotRunning(f"{run.id} cannot be undone: landing lacks its {path.name}; restore the feed's landing")
        return 0
    restored = 0
    for batch in read_before(path):
        records = {key: row for table, key, row in batch if table == "source_record"}
        brought = _standing(connection, list(records))
        there = {version for row in records.values() if row is not None for version in _versions(row)}
        _remember(connection, run, sorted(brought - there), said)
        restored += len(records)
        _put_back(connection, records)
        _put_back_issues(connection, {key: row for table, key, row in batch if table == "issue"}, undoing)
    return restored


def _standing(connection: Connection, keys: list[str]) -> set[tuple[str, str]]:
    """The versions of these records that the catalog holds: accepted, waiting, or a deletion."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(keys), LOOKUP):
        rows = connection.execute(select(RECORDS).where(RECORDS.c.key.in_(keys[start : start + LOOKUP]))).mappings()
        found |= {version for row in rows for version in _versions(row)}
    return found


def _versions(row: Any) -> Iterator[tuple[str, str]]:
    if row["status"] == "deleted":
        yield row["key"], ""
    elif row["status"] == "live" and row["payload_sha256"]:
        yield row["key"], row["payload_sha256"]
    if row["pending_sha256"]:
        yield row["key"], row["pending_sha256"]


def _put_back(connection: Connection, records: dict[str, dict[str, Any] | None]) -> None:
    gone = [{"k": key} for key, row in records.items() if row is None]
    there = [row for row in records.values() if row is not None]
    if gone:
        connection.execute(delete(RECORDS).where(RECORDS.c.key == bindparam("k")), gone)
    if there:  # the resource a record belongs to is the publication's to say
        names = tuple(name for name in RECORDS.columns.keys() if name not in ("key", "resource_id"))  # noqa: SIM118
        connection.execute(upsert(connection, RECORDS, names), there)


def _put_back_issues(connection: Connection, issues: dict[str, dict[str, Any] | None], undoing: str) -> None:
    new = [{"of": name, "run": undoing} for name, row in issues.items() if row is None]
    there = [row for row in issues.values() if row is not None]
    if new:  # a finding is never deleted: the undo resolves it
        resolved: dict[str, Any] = {"resolved_run_id": bindparam("run"), "run_id": bindparam("run")}
        connection.execute(update(ISSUES).where(ISSUES.c.finding == bindparam("of")).values(**resolved), new)
    if there:
        names = tuple(name for name in ISSUES.columns.keys() if name != "finding")  # noqa: SIM118
        connection.execute(upsert(connection, ISSUES, names), there)


def staged_rows(env: Environment, run_id: str) -> list[dict[str, Any]]:
    """What a staged run would change, one row a record: identifier, change, action, reason, absent, record."""
    rows = [row for batch in staged_batches(env, run_id) for row in batch]
    return sorted(rows, key=lambda row: (row["change"], row["identifier"]))
