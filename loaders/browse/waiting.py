"""Records of which a version waits for a person: facets over their errors, pages of them, and the keys of all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, exists, func, or_, select

from loaders.store import IssueRow, SourceRecordRow, rows_among
from schemas import Base, Resource

_RECORDS: Any = SourceRecordRow.__table__
_ISSUES: Any = IssueRow.__table__
_FIELD_END = re.compile(r"[.\[]")
_KEYS_PER_QUERY = 1_000
UNREADABLE = "unreadable"  # the rule of versions that could not be read: they have no findings


class WaitingFilter(Base, frozen=True, kw_only=True):
    """Which waiting versions are meant; an empty value means all.

    feed: of this feed
    rule: with an open error of this rule; `unreadable` for those that could not be read
    field: with an open error in this field of the shared record
    text: with this text in the key or the record
    """

    feed: str = ""
    rule: str = ""
    field: str = ""
    text: str = ""


class OpenError(NamedTuple):
    """An open finding of level error."""

    code: str
    path: str
    value: str


class Waiting(Base, frozen=True, kw_only=True):
    """A record of which a version waits.

    record: the waiting version; None when it could not be read
    published: the version that is published meanwhile; None when there is none
    version: digest of the waiting payload
    """

    key: str
    status: str
    reason: str
    version: str
    resource_id: str | None
    record: Resource | None
    published: Resource | None
    errors: tuple[OpenError, ...]


class Facets(Base, frozen=True, kw_only=True):
    """How many waiting versions there are, by what could narrow them further; the most frequent first."""

    total: int
    feeds: list[tuple[str, int]]
    rules: list[tuple[str, int]]
    fields: list[tuple[str, int]]


def waiting_facets(connection: Connection, chosen: WaitingFilter) -> Facets:
    """Count the versions that the filter means, and those that it would mean with another feed, rule or field."""
    return Facets(
        total=connection.scalar(select(func.count()).select_from(_RECORDS).where(*_conditions(chosen))) or 0,
        feeds=_by_feed(connection, msgspec.structs.replace(chosen, feed="")),
        rules=_by_rule(connection, msgspec.structs.replace(chosen, rule="")),
        fields=_by_field(connection, msgspec.structs.replace(chosen, field="")),
    )


def waiting_counts(connection: Connection) -> dict[str, int]:
    """Count the versions that wait, by feed."""
    query = select(_RECORDS.c.feed, func.count()).where(_RECORDS.c.pending_status.is_not(None))
    return dict(_counts(connection, query.group_by(_RECORDS.c.feed)))


def waiting_page(connection: Connection, chosen: WaitingFilter, *, after: str = "", limit: int = 50) -> list[Waiting]:
    """Return the versions that the filter means, by key, from the one after `after` on."""
    query = select(_RECORDS).where(*_conditions(chosen), _RECORDS.c.key > after).order_by(_RECORDS.c.key).limit(limit)
    rows = connection.execute(query).mappings().all()
    errors = open_errors(connection, [row["key"] for row in rows])
    return [_waiting(row, errors.get(row["key"], ())) for row in rows]


def waiting_keys(connection: Connection, chosen: WaitingFilter) -> Iterator[str]:
    """Yield the keys of all versions that the filter means, in order."""
    after = ""
    while True:
        query = select(_RECORDS.c.key).where(*_conditions(chosen), _RECORDS.c.key > after)
        keys = connection.scalars(query.order_by(_RECORDS.c.key).limit(_KEYS_PER_QUERY)).all()
        yield from keys
        if len(keys) < _KEYS_PER_QUERY:
            return
        after = keys[-1]


def _conditions(chosen: WaitingFilter) -> list[Any]:
    """Return the conditions on source_record that the filter means."""
    conditions = [_RECORDS.c.pending_status.is_not(None)]
    if chosen.feed:
        conditions.append(_RECORDS.c.feed == chosen.feed)
    if chosen.rule == UNREADABLE:
        conditions.append(_RECORDS.c.pending_status == "rejected")
    error = _ISSUES.alias()  # of its own: the facets join the errors of the same record
    wanted = []
    if chosen.rule and chosen.rule != UNREADABLE:
        wanted.append(error.c.code == chosen.rule)
    if chosen.field:
        wanted.append(_is_in_field(error.c.path, chosen.field))
    if wanted:
        of_record = (error.c.key == _RECORDS.c.key, *_is_open_error(error))
        conditions.append(exists(select(error.c.key).where(*of_record, *wanted)))
    if chosen.text:
        conditions.append(
            or_(
                _RECORDS.c.key.contains(chosen.text, autoescape=True),
                _RECORDS.c.pending_record.contains(chosen.text, autoescape=True),
            )
        )
    return conditions


def _is_open_error(issues: Any) -> tuple[Any, Any]:
    return issues.c.resolved_run_id.is_(None), issues.c.severity == "error"


def _is_in_field(path: Any, field: str) -> Any:
    return or_(path == field, *(path.startswith(f"{field}{end}", autoescape=True) for end in ".["))


def _by_feed(connection: Connection, chosen: WaitingFilter) -> list[tuple[str, int]]:
    query = select(_RECORDS.c.feed, func.count()).where(*_conditions(chosen)).group_by(_RECORDS.c.feed)
    return _sorted(_counts(connection, query))


def _by_rule(connection: Connection, chosen: WaitingFilter) -> list[tuple[str, int]]:
    query = _errors_of(chosen, _ISSUES.c.code).group_by(_ISSUES.c.code)
    counts = _counts(connection, query)
    counts.pop(None, None)
    unreadable = select(func.count()).select_from(_RECORDS)
    unreadable = unreadable.where(*_conditions(msgspec.structs.replace(chosen, rule=UNREADABLE)))
    counts[UNREADABLE] = 0 if chosen.field else connection.scalar(unreadable) or 0
    return _sorted(+counts)


def _by_field(connection: Connection, chosen: WaitingFilter) -> list[tuple[str, int]]:
    """Count records by the field of an error; one with errors at several places of a field counts once a place."""
    counts: Counter[str] = Counter()
    query = _errors_of(chosen, _ISSUES.c.path).group_by(_ISSUES.c.path)
    for path, count in connection.execute(query):
        if path is None:
            continue
        counts[_FIELD_END.split(path, maxsplit=1)[0]] += count
    return _sorted(counts)


def _errors_of(chosen: WaitingFilter, column: Any) -> Any:
    """Return a query of records by a column of their open errors, of those that the filter means; NULL: without any.

    The outer join lets SQLite begin with the records that wait, and not with the findings of all records.
    """
    join = _RECORDS.outerjoin(_ISSUES, and_(_ISSUES.c.key == _RECORDS.c.key, *_is_open_error(_ISSUES)))
    return select(column, func.count(_RECORDS.c.key.distinct())).select_from(join).where(*_conditions(chosen))


def _counts(connection: Connection, query: Any) -> Counter[Any]:
    return Counter({row[0]: row[1] for row in connection.execute(query)})


def _sorted(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def open_errors(connection: Connection, keys: list[str]) -> dict[str, tuple[OpenError, ...]]:
    """Return the open errors of records, by key."""
    errors: dict[str, tuple[OpenError, ...]] = {}
    query = select(_ISSUES.c.key, _ISSUES.c.code, _ISSUES.c.path, _ISSUES.c.value).where(*_is_open_error(_ISSUES))
    for key, code, path, value in rows_among(connection, query, _ISSUES.c.key, keys):
        errors[key] = (*errors.get(key, ()), OpenError(code, path, value))
    return errors


def _waiting(row: Any, errors: tuple[OpenError, ...]) -> Waiting:
    return Waiting(
        key=row["key"],
        status=row["pending_status"],
        reason=row["pending_reason"] or "",
        version=row["pending_sha256"] or "",
        resource_id=row["resource_id"],
        record=_decode(row["pending_record"]),
        published=_decode(row["record"]) if row["status"] == "live" else None,
        errors=errors,
    )


def _decode(text: str | None) -> Resource | None:
    return None if text is None else msgspec.json.decode(text, type=Resource)
