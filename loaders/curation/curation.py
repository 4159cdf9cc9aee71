"""Write what stewards decide about records and pairs: accepted versions, corrections, withdrawals, judgements."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from loaders.catalog import PENDING_COLUMNS, check_signature, recount_uncoded_terms
from loaders.curation.absence import restore_absent
from loaders.curation.values import CannotDecide, corrected_record, fitting_value
from loaders.staging import resource_columns
from loaders.store import CurationRow, JudgementRow, ResourceRow, SourceRecordRow, now, write_transaction
from schemas import UNCORRECTABLE_FIELDS, Environment, Resource, match_sha256

_RECORDS: Any = SourceRecordRow.__table__
SHOWN_DIGITS = 12  # of a version's digest, in the list of waiting versions


def accept(env: Environment, key: str, *, by: str, reason: str, version: str = "") -> int:
    """Accept a quarantined version as it is, until its payload changes, and return the curation's id.

    `version` is the beginning of the digest of the version that was looked at. Raises CannotDecide when another version
    waits by now, or none.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        row = _record(connection, key)
        if row["pending_status"] != "quarantined":
            why = (
                f"it is unreadable ({row['pending_reason']})"
                if row["pending_status"]
                else "no version of it is waiting"
            )
            raise CannotDecide(f"{key} cannot be accepted: {why}")
        if not (row["pending_sha256"] or "").startswith(version):
            waiting = (row["pending_sha256"] or "")[:SHOWN_DIGITS]
            raise CannotDecide(
                f"{key} is not accepted: version {waiting} is waiting now, not {version}; "
                "look at it first: elib review quarantined"
            )
        resource = msgspec.json.decode(row["pending_record"], type=Resource)
        before = {name: value for name, value in row.items() if name != "resource_id"}
        values = {
            **resource_columns(resource),
            "status": "live",
            "deleted_reason": None,
            "payload_sha256": row["pending_sha256"],
            **dict.fromkeys(PENDING_COLUMNS),
        }
        connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**values))
        recount_uncoded_terms(connection, row["feed"], now())
        return _insert_curation(
            connection,
            signature,
            key=key,
            action="accept",
            value=row["pending_sha256"],
            before=msgspec.json.encode(before).decode(),
        )


def record_correction(env: Environment, target: str, path: str, value: str, *, by: str, reason: str) -> int:
    """Record a correction of a record (by key) or resource (by id), and return the curation's id.

    At every publication it is laid over the merged resource, of which the record is a member, after survivorship;
    `source_record` and matching keep the partner's value. `path` is in the shared record, such as title.en or
    license.uri; `value` is JSON or plain text. Raises CannotDecide when it does not fit the record or resource as it is
    today. A correction by key is checked against the record, so list indexes may differ in the merged resource.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        column = _target(connection, target)
        text = fitting_value(corrected_record(connection, column), _correctable(path), value)
        return _insert_curation(connection, signature, **column, path=path, value=text, action="set")


def withdraw(env: Environment, target: str, *, by: str, reason: str) -> int:
    """Withdraw a record (by key) or resource (by id) from publication, and return the curation's id."""
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        return _insert_curation(connection, signature, **_target(connection, target), action="withdraw")


def undo_curation(env: Environment, number: int, *, by: str, reason: str) -> None:
    """Undo a curation; an accepted version waits again, the version before it is back, and so is an absent record."""
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        row = connection.execute(select(CurationRow.__table__).where(CurationRow.id == number)).mappings().one_or_none()
        if row is None:
            raise CannotDecide(f"there is no curation {number}")
        if row["undone_at"] is not None:
            raise CannotDecide(f"curation {number} was undone at {row['undone_at']}")
        values = {"undone_at": now(), "undone_by": signature["by"], "undone_reason": signature["reason"]}
        connection.execute(update(CurationRow).where(CurationRow.id == number).values(**values))
        if row["action"] == "accept":
            _unaccept(connection, row["key"], row["value"], msgspec.json.decode(row["before"]))
        if row["action"] == "absent":
            restore_absent(connection, row["key"], row["value"], msgspec.json.decode(row["before"]))


def judge(env: Environment, verdict: str, key: str, other_key: str, *, by: str, reason: str) -> int:
    """Judge two records to be the `same` work or `different` works, and return the judgement's id.

    The newest judgement of a pair wins. Raises CannotDecide unless both are live records.
    """
    signature = check_signature(by, reason)
    if key == other_key:
        raise CannotDecide(f"{key} is named twice; a judgement is about two records")
    left, right = sorted((key, other_key))
    with write_transaction(env) as connection:
        left_sha256, right_sha256 = (
            _match_digest(_live_record(connection, record_key)) for record_key in (left, right)
        )
        inserted = connection.execute(
            insert(JudgementRow)
            .values(
                left_key=left,
                right_key=right,
                verdict=verdict,
                at=now(),
                left_sha256=left_sha256,
                right_sha256=right_sha256,
                **signature,
            )
            .returning(JudgementRow.id)
        )
        return inserted.scalar_one()


def _record(connection: Connection, key: str) -> dict[str, Any]:
    row = connection.execute(select(_RECORDS).where(_RECORDS.c.key == key)).mappings().one_or_none()
    if row is None:
        raise CannotDecide(f"there is no record {key!r} (a key is feed:identifier)")
    return dict(row)


def _match_digest(row: dict[str, Any]) -> str | None:
    """Return the digest of the fields that the matcher compares, to see later whether they changed."""
    return match_sha256(msgspec.json.decode(row["record"], type=Resource)) if row["record"] else None


def _live_record(connection: Connection, key: str) -> dict[str, Any]:
    row = _record(connection, key)
    if row["status"] != "live":
        raise CannotDecide(f"{key} is {row['status']}; a judgement is about two live records")
    return row


def _target(connection: Connection, target: str) -> dict[str, str]:
    if connection.scalar(select(_RECORDS.c.key).where(_RECORDS.c.key == target)) is not None:
        return {"key": target}
    if connection.scalar(select(ResourceRow.id).where(ResourceRow.id == target)) is not None:
        return {"resource_id": target}
    raise CannotDecide(f"there is no record or resource {target!r}")


def _correctable(path: str) -> str:
    """Return the path. Raises CannotDecide unless it begins with a field of the shared record."""
    first = path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    if first not in Resource.__struct_fields__:
        fields = [name for name in Resource.__struct_fields__ if name not in UNCORRECTABLE_FIELDS]
        raise CannotDecide(f"{path!r}: the shared record has no field {first!r}; it has {', '.join(fields)}")
    return path


def _insert_curation(connection: Connection, signature: dict[str, str], **values: Any) -> int:
    statement = insert(CurationRow).values(at=now(), **signature, **values).returning(CurationRow.id)
    return connection.execute(statement).scalar_one()


def _unaccept(connection: Connection, key: str, sha256: str, before: dict[str, Any]) -> None:
    row = _record(connection, key)
    if row["payload_sha256"] != sha256 or row["status"] != "live":
        return  # another version was accepted since
    if row["pending_status"]:  # a newer version is waiting, and stays
        before = {**before, **{name: row[name] for name in (*PENDING_COLUMNS, "datestamp", "run_id")}}
        before["status"] = before["status"] if before["status"] == "live" else row["pending_status"]
    connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**before))
    recount_uncoded_terms(connection, row["feed"], now())
