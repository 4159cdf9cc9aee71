"""Records that wait to be deleted because complete lists lack them: list them, and delete them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from loaders.catalog import PENDING_COLUMNS, check_signature, recount_uncoded_terms
from loaders.curation.values import CannotDecide
from loaders.declarations import feeds_in_use
from loaders.shell import elib_command
from loaders.staging import WaitingAbsences, waiting_absences
from loaders.store import CurationRow, IssueRow, SourceRecordRow, now, write_transaction
from schemas import Environment, Feed, sentence

_RECORDS: Any = SourceRecordRow.__table__
_ISSUES: Any = IssueRow.__table__


def list_waiting_absences(env: Environment, feed: str | None = None) -> Iterator[str]:
    """List every record that the newest complete list lacks, and that is deleted when enough lists lack it."""
    nothing = True
    for declared in _feeds(env, feed):
        for identifier, lists in waiting_absences(env, declared).lists.items():
            nothing = False
            complete = "1 complete list" if lists == 1 else f"{lists} complete lists"
            yield f"{declared.name}:{identifier}: missing from {complete}; deleted after {declared.absent_after}"
    if nothing:
        yield "no record waits to be deleted"


def _feeds(env: Environment, name: str | None) -> list[Feed]:
    return [feed for feed in feeds_in_use(env).feeds if name in (None, feed.name)]


def end_wait(env: Environment, target: str, *, by: str, reason: str) -> list[int]:
    """Delete a record (by key), or all records of a feed, that wait to be deleted; return the curations' ids.

    The decision holds until the partner lists the record again, also through a reprocess and a restored backup. Raises
    CannotDecide when nothing of that name waits.
    """
    signature = check_signature(by, reason)
    name, has_identifier, identifier = target.partition(":")
    feed = next(iter(_feeds(env, name)), None)
    waiting = WaitingAbsences() if feed is None else waiting_absences(env, feed)
    wanted = [identifier] if has_identifier else list(waiting.lists)
    if not wanted or not waiting.lists.keys() >= set(wanted):
        listed = elib_command("review", "absent")
        raise CannotDecide(
            sentence(
                "%(target)s does not wait to be deleted; this lists what does: %(listed)s", target=target, listed=listed
            )
        )
    with write_transaction(env) as connection:
        keys = [f"{name}:{absent}" for absent in wanted]
        numbers = [_delete(connection, key, waiting.run_id, signature) for key in keys]
        recount_uncoded_terms(connection, name, now())
    return numbers


def _delete(connection: Connection, key: str, run_id: str, signature: Mapping[str, str]) -> int:
    """Delete a record, resolve its issues, and write the decision with what it takes to undo it."""
    row = dict(connection.execute(select(_RECORDS).where(_RECORDS.c.key == key)).mappings().one())
    is_open = (_ISSUES.c.key == key, _ISSUES.c.resolved_run_id.is_(None))
    issues = [list(issue) for issue in connection.execute(select(_ISSUES.c.finding, _ISSUES.c.run_id).where(*is_open))]
    connection.execute(update(_ISSUES).where(*is_open).values(run_id=run_id, resolved_run_id=run_id))
    deleted = {"status": "deleted", "deleted_reason": "absent", **dict.fromkeys(PENDING_COLUMNS)}
    connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**deleted))
    record = {name: value for name, value in row.items() if name != "resource_id"}
    before = msgspec.json.encode({"record": record, "issues": issues}).decode()
    decision = insert(CurationRow).values(key=key, action="absent", value=run_id, before=before, at=now(), **signature)
    return connection.execute(decision.returning(CurationRow.id)).scalar_one()


def restore_absent(connection: Connection, key: str, run_id: str, before: dict[str, Any]) -> None:
    """Bring back a record that `end_wait` deleted, with its issues, unless a run has changed it since."""
    record = before["record"]
    row = connection.execute(select(_RECORDS).where(_RECORDS.c.key == key)).mappings().one_or_none()
    if row is None or row["status"] != "deleted" or row["run_id"] != record["run_id"]:
        return
    connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**record))
    for finding, issue_run_id in before["issues"]:
        resolved = (_ISSUES.c.finding == finding, _ISSUES.c.resolved_run_id == run_id)
        connection.execute(update(_ISSUES).where(*resolved).values(run_id=issue_run_id, resolved_run_id=None))
    recount_uncoded_terms(connection, row["feed"], now())
