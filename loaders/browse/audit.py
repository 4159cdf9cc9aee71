"""Who decided what, when and why: every decision, newest first; those that were made together are one entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, case, exists, func, literal, select, tuple_

from loaders.browse.run_changes import shown_value
from loaders.store import CurationRow, HarvestRunRow, JudgementRow, ReaderReportDecisionRow, TermMappingRow
from schemas import Base

_CURATIONS: Any = CurationRow.__table__
_JUDGEMENTS: Any = JudgementRow.__table__
_MAPPINGS: Any = TermMappingRow.__table__
_REPORTED: Any = ReaderReportDecisionRow.__table__
_RUNS: Any = HarvestRunRow.__table__
_RUN_ACTION: Any = case(
    (_RUNS.c.status == "refused", "run refused"), (_RUNS.c.status == "undone", "run undone"), else_="run released"
)
_REPORT_ACTION: Any = literal("report ") + _REPORTED.c.action
_MAX_NUMBER_DIGITS = 10  # of an INTEGER of the database


class Entry(Base, frozen=True, kw_only=True):
    """One decision, or several that were made together.

    table: curation, judgement, mapping, report (of readers) or run
    action: what was decided, such as set, accept, same, map, `report dismiss` or `run refused`
    targets: keys of records, a resource's id, a term, or a run's id; of several decisions those of the last one
    about: the path of a correction, or the feed of a mapping
    count: how many decisions were made together
    undo: what takes it back, as the console's undo takes it; empty where nothing does
    """

    table: str
    action: str
    targets: tuple[str, ...]
    about: str
    value: str
    by: str
    at: str
    reason: str
    count: int
    undo: str
    undone_at: str | None
    undone_by: str | None


class AuditPlace(NamedTuple):
    """Where a page ends: the last number of each table, and time and id of the last run; empty: from the newest on."""

    curation: str = ""
    judgement: str = ""
    mapping: str = ""
    report: str = ""
    run: str = ""


class AuditPage(NamedTuple):
    """Some entries, and where the next page begins; None at the end."""

    entries: list[Entry]
    after: AuditPlace | None


def audit_page(
    connection: Connection, *, by: str = "", kind: str = "", after: AuditPlace | None = None, limit: int = 50
) -> AuditPage:
    """Return decisions of a person and of a kind (an action), newest first; empty means all."""
    after = after or AuditPlace()
    read = (_read_curations, _read_judgements, _read_mappings, _read_reported, _read_runs)
    rows = [
        (place, entry)
        for reader, start in zip(read, after, strict=True)
        for place, entry in reader(connection, by, kind, start, limit + 1)
    ]
    rows.sort(key=lambda each: each[1].at, reverse=True)
    shown = rows[:limit]
    last = after._asdict() | {entry.table: place for place, entry in shown}
    return AuditPage([entry for _, entry in shown], AuditPlace(**last) if len(rows) > limit else None)


def audit_facets(connection: Connection) -> dict[str, list[tuple[str, int]]]:
    """Count all decisions by who made them (`by`) and by what was decided (`kind`), the most frequent first."""
    people: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    mapped: Any = case((_MAPPINGS.c.code.is_(None), "ignore"), else_="map")
    queries = (
        select(_CURATIONS.c.by, _CURATIONS.c.action, func.count()).group_by(_CURATIONS.c.by, _CURATIONS.c.action),
        select(_JUDGEMENTS.c.by, _JUDGEMENTS.c.verdict, func.count()).group_by(_JUDGEMENTS.c.by, _JUDGEMENTS.c.verdict),
        select(_MAPPINGS.c.by, mapped, func.count()).group_by(_MAPPINGS.c.by, mapped),
        select(_REPORTED.c.by, _REPORT_ACTION, func.count()).group_by(_REPORTED.c.by, _REPORTED.c.action),
        select(_RUNS.c.decided_by, _RUN_ACTION, func.count())
        .where(_RUNS.c.decided_by.is_not(None))
        .group_by(_RUNS.c.decided_by, _RUN_ACTION),
    )
    for query in queries:
        for person, action, count in connection.execute(query):
            people[person] += count
            kinds[action] += count
    return {
        name: sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        for name, counts in (("by", people), ("kind", kinds))
    }


def _numbered(connection: Connection, table: Any, conditions: list[Any], start: str, limit: int) -> Iterator[Any]:
    """Yield the rows of a table with numbers, newest first; of decisions made together the last, and their number."""
    later = table.alias()
    is_last = ~exists(select(later.c.id).where(later.c.batch_id == table.c.batch_id, later.c.id > table.c.id))
    others = table.alias()
    together = select(func.count()).where(others.c.batch_id == table.c.batch_id).scalar_subquery()
    query = select(table, together.label("together")).where(is_last, *conditions)
    if start.isdecimal() and len(start) < _MAX_NUMBER_DIGITS:
        query = query.where(table.c.id < int(start))
    yield from connection.execute(query.order_by(table.c.id.desc()).limit(limit)).mappings()


def _read_curations(connection: Connection, by: str, kind: str, start: str, limit: int) -> Iterator[tuple[str, Entry]]:
    conditions = _matching(_CURATIONS.c.by, by) + _matching(_CURATIONS.c.action, kind)
    for row in _numbered(connection, _CURATIONS, conditions, start, limit):
        is_value = row["action"] == "set" and row["value"]
        yield (
            str(row["id"]),
            Entry(
                table="curation",
                action=row["action"],
                targets=(row["key"] or row["resource_id"],),
                about=row["path"] or "",
                value=shown_value(msgspec.json.decode(row["value"])) if is_value else "",
                undo="" if row["undone_at"] else row["batch_id"] or f"curation:{row['id']}",
                **_signature(row),
            ),
        )


def _read_judgements(connection: Connection, by: str, kind: str, start: str, limit: int) -> Iterator[tuple[str, Entry]]:
    conditions = _matching(_JUDGEMENTS.c.by, by) + _matching(_JUDGEMENTS.c.verdict, kind)
    for row in _numbered(connection, _JUDGEMENTS, conditions, start, limit):
        yield (
            str(row["id"]),
            Entry(
                table="judgement",
                action=row["verdict"],
                targets=(row["left_key"], row["right_key"]),
                about="",
                value="",
                undo="" if row["undone_at"] else row["batch_id"] or "",
                **_signature(row),
            ),
        )


def _read_mappings(connection: Connection, by: str, kind: str, start: str, limit: int) -> Iterator[tuple[str, Entry]]:
    conditions = _matching(_MAPPINGS.c.by, by)
    if kind:
        conditions.append({"map": _MAPPINGS.c.code.is_not(None), "ignore": _MAPPINGS.c.code.is_(None)}.get(kind, False))
    for row in _numbered(connection, _MAPPINGS, conditions, start, limit):
        yield (
            str(row["id"]),
            Entry(
                table="mapping",
                action="ignore" if row["code"] is None else "map",
                targets=(row["value"],),
                about=row["feed"] or "",
                value=" ".join(filter(None, (row["field"], row["scheme"], row["code"]))),
                undo="" if row["undone_at"] else row["batch_id"] or "",
                **_signature(row),
            ),
        )


def _read_reported(connection: Connection, by: str, kind: str, start: str, limit: int) -> Iterator[tuple[str, Entry]]:
    conditions = _matching(_REPORTED.c.by, by) + _matching(_REPORT_ACTION, kind)
    for row in _numbered(connection, _REPORTED, conditions, start, limit):
        yield (
            str(row["id"]),
            Entry(
                table="report",
                action=f"report {row['action']}",
                targets=(row["resource_id"],),
                about="",
                value="",
                undo="" if row["undone_at"] else row["batch_id"],
                **_signature(row),
            ),
        )


def _read_runs(connection: Connection, by: str, kind: str, start: str, limit: int) -> Iterator[tuple[str, Entry]]:
    conditions = [_RUNS.c.decided_at.is_not(None), *_matching(_RUNS.c.decided_by, by), *_matching(_RUN_ACTION, kind)]
    at, _, last = start.partition("~")
    if last:
        conditions.append(tuple_(_RUNS.c.decided_at, _RUNS.c.id) < tuple_(at, last))
    query = select(_RUNS, _RUN_ACTION.label("action")).where(and_(*conditions))
    rows = connection.execute(query.order_by(_RUNS.c.decided_at.desc(), _RUNS.c.id.desc()).limit(limit)).mappings()
    for row in rows:
        yield (
            f"{row['decided_at']}~{row['id']}",
            Entry(
                table="run",
                action=row["action"],
                targets=(row["id"],),
                about=row["feed"] or "",
                value="",
                by=row["decided_by"],
                at=row["decided_at"],
                reason=row["decision_reason"] or "",
                count=1,
                undo="",
                undone_at=None,
                undone_by=None,
            ),
        )


def _matching(column: Any, value: str) -> list[Any]:
    return [column == value] if value else []


def _signature(row: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: row[name] for name in ("by", "at", "reason", "undone_at", "undone_by")}
    return {**same, "count": row["together"] or 1}
