"""Write what stewards decide about records and pairs: accepted versions, corrections, withdrawals, judgements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from loaders.catalog import PENDING_COLUMNS, check_signature, recount_uncoded_terms
from loaders.curation.absence import restore_absent
from loaders.curation.seen import SeenDecisions, check_seen
from loaders.curation.values import (
    CannotDecide,
    check_title_stays,
    corrected_record,
    fitting_value,
    page_summary,
    replaced_text,
    with_corrections,
)
from loaders.shell import elib_command
from loaders.staging import resource_columns
from loaders.store import (
    CurationRow,
    JudgementRow,
    RefusedRow,
    ResourceRow,
    SourceRecordRow,
    now,
    read_transaction,
    upsert,
    write_transaction,
)
from schemas import UNCORRECTABLE_FIELDS, Environment, Resource, Sentence, match_sha256, sentence

_RECORDS: Any = SourceRecordRow.__table__
_OTHER_VERSION = {  # by what was to be done with it
    "accepted": sentence(
        "%(key)s is not accepted: version %(now)s is waiting now, not %(version)s; look at it first: %(command)s"
    ),
    "refused": sentence(
        "%(key)s is not refused: version %(now)s is waiting now, not %(version)s; look at it first: %(command)s"
    ),
}
_WITHOUT_PAGE = {  # by what a record lacks
    "neither": sentence(
        "%(key)s is not accepted: it has not a title and not an address or identifier. Its page would show %(page)s. "
        "Correct it (%(command)s), or publish it so with --force"
    ),
    "title": sentence(
        "%(key)s is not accepted: it has not a title. Its page would show %(page)s. "
        "Correct it (%(command)s), or publish it so with --force"
    ),
    "address": sentence(
        "%(key)s is not accepted: it has not an address or identifier. Its page would show %(page)s. "
        "Correct it (%(command)s), or publish it so with --force"
    ),
}
SHOWN_DIGITS = 12  # of a version's digest, in the list of waiting versions


def accept(env: Environment, key: str, *, by: str, reason: str, version: str = "", force: bool = False) -> int:
    """Accept a quarantined version as it is, until its payload changes, and return the curation's id.

    `version` is the beginning of the digest of the version that was looked at. Raises CannotDecide when another version
    waits by now, or none; and, unless `force`, when its page would have no title, or lead nowhere.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        number = accept_version(connection, key, version, signature, force=force)
        recount_uncoded_terms(connection, key.partition(":")[0], now())
    return number


def accept_version(
    connection: Connection, key: str, version: str, signature: Mapping[str, str], *, force: bool = False
) -> int:
    """Do what `accept` does in a transaction of the caller, who recounts the feed's uncoded terms."""
    row = _waiting_version(connection, key, "accepted", version)
    if not force:
        _check_page(connection, row)
    connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**accepted_columns(row)))
    return insert_curation(
        connection, signature, key=key, action="accept", value=row["pending_sha256"], before=_before(row)
    )


def accepted_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a row of source_record once its waiting version is the accepted one."""
    return {
        **resource_columns(msgspec.json.decode(row["pending_record"], type=Resource)),
        "status": "live",
        "deleted_reason": None,
        "payload_sha256": row["pending_sha256"],
        **dict.fromkeys(PENDING_COLUMNS),
    }


def refuse_version(env: Environment, key: str, *, by: str, reason: str, version: str = "") -> int:
    """Refuse a quarantined version, until the partner's data changes, and return the curation's id.

    The version before it stays published, with its own licence. Raises CannotDecide as `accept` does.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        return refuse_waiting(connection, key, version, signature)


def refuse_waiting(connection: Connection, key: str, version: str, signature: Mapping[str, str]) -> int:
    """Do what `refuse_version` does in a transaction of the caller."""
    row = _waiting_version(connection, key, "refused", version)
    refused = {"key": key, "sha256": row["pending_sha256"], "feed": row["feed"], "run_id": row["run_id"]}
    signed = {name: signature[name] for name in ("by", "reason")}
    connection.execute(
        upsert(connection, RefusedRow.__table__, ("run_id", "at", "by", "reason")), {**refused, "at": now(), **signed}
    )
    connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**dict.fromkeys(PENDING_COLUMNS)))
    return insert_curation(
        connection, signature, key=key, action="refuse", value=row["pending_sha256"], before=_before(row)
    )


def _waiting_version(connection: Connection, key: str, decided: str, version: str) -> dict[str, Any]:
    """Return the row of a record of which a quarantined version waits. Raises CannotDecide when another does, or none.

    `decided` is what is done to it, for the sentence; `version` the beginning of its digest, if it matters.
    """
    row = _record(connection, key)
    if row["pending_status"] != "quarantined":
        raise CannotDecide(_not_waiting(key, decided, row))
    if not (row["pending_sha256"] or "").startswith(version):
        waiting = (row["pending_sha256"] or "")[:SHOWN_DIGITS]
        listed = elib_command("review", "quarantined")
        values = {"key": key, "now": waiting, "version": version, "command": listed}
        raise CannotDecide(Sentence(text=_OTHER_VERSION[decided].text, values=values))
    return row


def _not_waiting(key: str, decided: str, row: Mapping[str, Any]) -> Sentence:
    """Return why a record's version cannot be accepted or refused: it is unreadable, or there is none."""
    values = {"key": key, "why": row["pending_reason"] or ""}
    if row["pending_status"]:
        texts = {
            "accepted": sentence("%(key)s cannot be accepted: it is unreadable (%(why)s)"),
            "refused": sentence("%(key)s cannot be refused: it is unreadable (%(why)s)"),
        }
    else:
        texts = {
            "accepted": sentence("%(key)s cannot be accepted: no version of it is waiting"),
            "refused": sentence("%(key)s cannot be refused: no version of it is waiting"),
        }
    return Sentence(text=texts[decided].text, values=values)


def _before(row: Mapping[str, Any]) -> str:
    return msgspec.json.encode({name: value for name, value in row.items() if name != "resource_id"}).decode()


def _check_page(connection: Connection, row: dict[str, Any]) -> None:
    """Raise CannotDecide, saying what would be published, when the page has no title or nothing leads to the work."""
    targets = [{"key": row["key"]}, *([{"resource_id": row["resource_id"]}] if row["resource_id"] else [])]
    record = with_corrections(connection, msgspec.json.decode(row["pending_record"], type=Resource), targets)
    has_title, leads = any(record.title.values()), bool(record.url or record.links or record.identifiers)
    if has_title and leads:
        return
    missing = "neither" if not has_title and not leads else "title" if not has_title else "address"
    values = {
        "key": row["key"],
        "page": page_summary(record),
        "command": elib_command("review", "correct", row["key"], more="FIELD VALUE"),
    }
    raise CannotDecide(Sentence(text=_WITHOUT_PAGE[missing].text, values=values))


def record_correction(
    env: Environment, target: str, path: str, value: str, *, by: str, reason: str, seen: SeenDecisions | None = None
) -> int:
    """Record a correction of a record (by key) or resource (by id), and return the curation's id.

    At every publication it is laid over the merged resource, of which the record is a member, after survivorship;
    `source_record` and matching keep the partner's value. `path` is in the shared record, such as title.en or
    license.uri; `value` is JSON or plain text. Raises CannotDecide when it does not fit the record or resource as it is
    today, or takes its only title away. A correction by key is checked against the record, so list indexes may differ
    in the merged resource. With what was `seen`, another's later correction of the same place is not overruled.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        column = _target(connection, target)
        ((name, mine),) = column.items()
        same_place = (getattr(CurationRow, name) == mine, CurationRow.path == path, CurationRow.action == "set")
        check_seen(connection, CurationRow, seen and seen.curation, *same_place)
        record = corrected_record(connection, column)
        text = fitting_value(record, correctable(path), value)
        check_title_stays(record, path, text)
        return insert_curation(connection, signature, **column, path=path, value=text, action="set")


def what_is_replaced(env: Environment, target: str, path: str) -> str:
    """Return what a correction of a record or resource at a path would replace, as text; empty where nothing is."""
    with read_transaction(env) as connection:
        return replaced_text(connection, _target(connection, target), correctable(path))


def withdraw(env: Environment, target: str, *, by: str, reason: str) -> int:
    """Withdraw a record (by key) or resource (by id) from publication, and return the curation's id.

    Raises CannotDecide when there is none, or when it is withdrawn already.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        ((name, mine),) = _target(connection, target).items()
        of_target = (getattr(CurationRow, name) == mine, CurationRow.action == "withdraw")
        in_force = select(CurationRow.by).where(*of_target, CurationRow.undone_at.is_(None)).limit(1)
        if (other := connection.scalar(in_force)) is not None:
            raise CannotDecide(sentence("%(target)s is withdrawn already, by %(by)s", target=target, by=other))
        return insert_curation(connection, signature, **{name: mine}, action="withdraw")


def undo_curation(env: Environment, number: int, *, by: str, reason: str) -> str:
    """Undo a curation and return its action.

    An accepted version waits again, and the version before it is back; so is an absent record. A version that only the
    correction had mended waits again from the next publication on.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:
        row = connection.execute(select(CurationRow.__table__).where(CurationRow.id == number)).mappings().one_or_none()
        if row is None:
            raise CannotDecide(sentence("there is no curation %(number)s", number=number))
        if row["undone_at"] is not None:
            raise CannotDecide(
                sentence("curation %(number)s was undone at %(time)s", number=number, time=row["undone_at"])
            )
        undo_row(connection, dict(row), signature)
        action: str = row["action"]
    return action


def undo_row(connection: Connection, row: Mapping[str, Any], signature: Mapping[str, str]) -> None:
    """Undo a curation that is in force, in a transaction of the caller."""
    values = {"undone_at": now(), "undone_by": signature["by"], "undone_reason": signature["reason"]}
    connection.execute(update(CurationRow).where(CurationRow.id == row["id"]).values(**values))
    if row["action"] == "accept":
        _unaccept(connection, row["key"], row["value"], msgspec.json.decode(row["before"]))
    if row["action"] == "absent":
        restore_absent(connection, row["key"], row["value"], msgspec.json.decode(row["before"]))
    if row["action"] == "refuse":
        _unrefuse(connection, row["key"], row["value"], msgspec.json.decode(row["before"]))


def judge(env: Environment, verdict: str, key: str, other_key: str, *, by: str, reason: str) -> int:
    """Judge two records to be the `same` work or `different` works, and return the judgement's id.

    The newest judgement of a pair wins. Raises CannotDecide unless both are live records.
    """
    signature = check_signature(by, reason)
    if key == other_key:
        raise CannotDecide(sentence("%(key)s is named twice; a judgement is about two records", key=key))
    with write_transaction(env) as connection:
        return insert_judgement(connection, verdict, key, other_key, signature)


def insert_judgement(
    connection: Connection, verdict: str, key: str, other_key: str, signature: Mapping[str, str]
) -> int:
    """Do what `judge` does in a transaction of the caller."""
    left, right = sorted((key, other_key))
    left_sha256, right_sha256 = (_match_digest(_live_record(connection, record_key)) for record_key in (left, right))
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


def is_judged(connection: Connection, verdict: str, key: str, other_key: str) -> bool:
    """Return whether the newest judgement in force of two live records is this one, of what they say today."""
    left, right = sorted((key, other_key))
    columns = (JudgementRow.verdict, JudgementRow.left_sha256, JudgementRow.right_sha256)
    of_pair = (JudgementRow.left_key == left, JudgementRow.right_key == right, JudgementRow.undone_at.is_(None))
    newest = connection.execute(
        select(*columns).where(*of_pair).order_by(JudgementRow.id.desc()).limit(1)
    ).one_or_none()
    if newest is None or newest.verdict != verdict:
        return False
    digests = tuple(_match_digest(_live_record(connection, each)) for each in (left, right))
    return digests == (newest.left_sha256, newest.right_sha256)


def _record(connection: Connection, key: str) -> dict[str, Any]:
    row = connection.execute(select(_RECORDS).where(_RECORDS.c.key == key)).mappings().one_or_none()
    if row is None:
        raise CannotDecide(sentence("there is no record %(key)s (a key is feed:identifier)", key=repr(key)))
    return dict(row)


def _match_digest(row: dict[str, Any]) -> str | None:
    """Return the digest of the fields that the matcher compares, to see later whether they changed."""
    return match_sha256(msgspec.json.decode(row["record"], type=Resource)) if row["record"] else None


def _live_record(connection: Connection, key: str) -> dict[str, Any]:
    row = _record(connection, key)
    if row["status"] != "live":
        raise CannotDecide(
            sentence("%(key)s is %(status)s; a judgement is about two live records", key=key, status=row["status"])
        )
    return row


def _target(connection: Connection, target: str) -> dict[str, str]:
    if connection.scalar(select(_RECORDS.c.key).where(_RECORDS.c.key == target)) is not None:
        return {"key": target}
    if connection.scalar(select(ResourceRow.id).where(ResourceRow.id == target)) is not None:
        return {"resource_id": target}
    raise CannotDecide(sentence("there is no record or resource %(target)s", target=repr(target)))


def correctable(path: str) -> str:
    """Return the path. Raises CannotDecide unless it begins with a field of the shared record."""
    first = path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    if first not in Resource.__struct_fields__:
        fields = [name for name in Resource.__struct_fields__ if name not in UNCORRECTABLE_FIELDS]
        raise CannotDecide(
            sentence(
                "%(path)s: the shared record has no field %(field)s; it has %(fields)s",
                path=repr(path),
                field=repr(first),
                fields=", ".join(fields),
            )
        )
    return path


def insert_curation(connection: Connection, signature: Mapping[str, str], **values: Any) -> int:
    """Write a curation and return its id; `signature` is by and reason, and batch_id when it is one of several."""
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


def _unrefuse(connection: Connection, key: str, sha256: str, before: dict[str, Any]) -> None:
    """Let a refused version wait again, unless the record has another version by now."""
    connection.execute(delete(RefusedRow).where(RefusedRow.key == key, RefusedRow.sha256 == sha256))
    row = _record(connection, key)
    if (
        row["payload_sha256"] == before["payload_sha256"]
        and row["status"] == before["status"]
        and not row["pending_status"]
    ):
        waiting = {name: before[name] for name in PENDING_COLUMNS}
        connection.execute(update(_RECORDS).where(_RECORDS.c.key == key).values(**waiting))
