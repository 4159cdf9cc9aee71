"""What stewards decide about records and pairs: accepted versions, corrections, withdrawals, judgements."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from loaders.catalog import PENDING_COLUMNS, check_signature, recount_unmapped
from loaders.curation.values import NotThere, fitting, today
from loaders.staging import resource_columns
from loaders.store import CurationRow, JudgementRow, ResourceRow, SourceRecordRow, now, write_transaction
from schemas import Environment, match_sha256
from schemas import resource as shared

_RECORDS: Any = SourceRecordRow.__table__
SHOWN = 12  # digits of a version's digest, as the list of what waits shows it
_OURS = frozenset({"key", "terms", "provenance", "unmapped"})  # fields that nobody corrects


def accept(env: Environment, key: str, *, by: str, reason: str, version: str = "") -> int:
    """Accept a quarantined version as it is, until its payload changes; returns the curation's id.

    `version` is how the digest of the version that was looked at begins: another one that waits by now is not accepted.
    """
    said = check_signature(by, reason)
    with write_transaction(env) as connection:
        row = _record(connection, key)
        if row["pending_status"] != "quarantined":
            why = f"it was rejected ({row['pending_reason']})" if row["pending_status"] else "no version of it waits"
            raise NotThere(f"{key} cannot be accepted: {why}")
        if not (row["pending_sha256"] or "").startswith(version):
            waits = f"version {(row['pending_sha256'] or '')[:SHOWN]} waits now, not {version}"
            raise NotThere(f"{key} is not accepted: {waits}; look at it first: elib review quarantined")
        resource = msgspec.json.decode(row["pending_record"], type=shared.Resource)
        before = {name: value for name, value in row.items() if name != "resource_id"}
        values = {
            **resource_columns(resource),
            "status": "live",
            "deleted_reason": None,
            "payload_sha256": row["pending_sha256"],
            **dict.fromkeys(PENDING_COLUMNS),
        }
        connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**values))
        recount_unmapped(connection, row["feed"], now())
        kept = msgspec.json.encode(before).decode()
        return _curate(connection, said, key=key, action="accept", value=row["pending_sha256"], before=kept)


def correct(env: Environment, target: str, path: str, value: str, *, by: str, reason: str) -> int:
    """Set a field of a record (by key) or resource (by id) at every publication; returns the curation's id.

    `path` is of the shared record, such as title.en or license.uri; `value` is JSON, or plain text. Raises NotThere
    when it does not fit what the record or resource says today.
    """
    said = check_signature(by, reason)
    with write_transaction(env) as connection:
        found = _target(connection, target)
        text = fitting(today(connection, found), _path(path), value)
        return _curate(connection, said, **found, path=path, value=text, action="set")


def withdraw(env: Environment, target: str, *, by: str, reason: str) -> int:
    """Withdraw a record (by key) or resource (by id) from publication; returns the curation's id."""
    said = check_signature(by, reason)
    with write_transaction(env) as connection:
        return _curate(connection, said, **_target(connection, target), action="withdraw")


def undo_curation(env: Environment, number: int, *, by: str, reason: str) -> None:
    """Undo a curation. Of an accepted version: it waits again, and the version before it is back."""
    said = check_signature(by, reason)
    with write_transaction(env) as connection:
        row = connection.execute(select(CurationRow.__table__).where(CurationRow.id == number)).mappings().one_or_none()
        if row is None:
            raise NotThere(f"there is no curation {number}")
        if row["undone_at"] is not None:
            raise NotThere(f"curation {number} was undone at {row['undone_at']}")
        values = {"undone_at": now(), "undone_by": said["by"], "undone_reason": said["reason"]}
        connection.execute(update(CurationRow).where(CurationRow.id == number).values(**values))
        if row["action"] == "accept":
            _unaccept(connection, row["key"], row["value"], msgspec.json.decode(row["before"]))


def _digest(record: str | None) -> str | None:
    return match_sha256(msgspec.json.decode(record, type=shared.Resource)) if record else None


def judge(env: Environment, verdict: str, one: str, other: str, *, by: str, reason: str) -> int:
    """Say that two records are the same work, or different ones; the newest judgement of a pair wins."""
    said = check_signature(by, reason)
    if one == other:
        raise NotThere(f"{one} is one record; a judgement is about two")
    left, right = sorted((one, other))
    with write_transaction(env) as connection:
        rows = [_living(connection, key) for key in (left, right)]
        digests = [_digest(row["record"]) for row in rows]
        made = connection.execute(
            insert(JudgementRow)
            .values(
                left_key=left,
                right_key=right,
                verdict=verdict,
                at=now(),
                left_sha256=digests[0],
                right_sha256=digests[1],
                **said,
            )
            .returning(JudgementRow.id)
        )
        return made.scalar_one()


def _record(connection: Connection, key: str) -> dict[str, Any]:
    row = connection.execute(select(_RECORDS).where(_RECORDS.c.key == key)).mappings().one_or_none()
    if row is None:
        raise NotThere(f"there is no record {key!r} (a key is feed:identifier)")
    return dict(row)


def _living(connection: Connection, key: str) -> dict[str, Any]:
    row = _record(connection, key)
    if row["status"] != "live":
        raise NotThere(f"{key} is {row['status']}; a judgement is about two live records")
    return row


def _target(connection: Connection, target: str) -> dict[str, str]:
    if connection.scalar(select(_RECORDS.c.key).where(_RECORDS.c.key == target)) is not None:
        return {"key": target}
    if connection.scalar(select(ResourceRow.id).where(ResourceRow.id == target)) is not None:
        return {"resource_id": target}
    raise NotThere(f"there is no record or resource {target!r}")


def _path(path: str) -> str:
    first = path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    fields = [name for name in shared.Resource.__struct_fields__ if name not in _OURS]
    if first not in fields:
        raise NotThere(f"{path!r}: the shared record has no field {first!r}; it has {', '.join(fields)}")
    return path


def _curate(connection: Connection, said: dict[str, str], **values: Any) -> int:
    made = connection.execute(insert(CurationRow).values(at=now(), **said, **values).returning(CurationRow.id))
    return made.scalar_one()


def _unaccept(connection: Connection, key: str, sha256: str, before: dict[str, Any]) -> None:
    row = _record(connection, key)
    if row["payload_sha256"] != sha256 or row["status"] != "live":
        return  # another version has taken its place since
    if row["pending_status"]:  # a newer version waits, and goes on waiting
        before = {**before, **{name: row[name] for name in (*PENDING_COLUMNS, "datestamp", "run_id")}}
        before["status"] = before["status"] if before["status"] == "live" else row["pending_status"]
    connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**before))
    recount_unmapped(connection, row["feed"], now())
