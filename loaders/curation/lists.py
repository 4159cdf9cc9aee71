"""The lists that a steward reads: plain lines, complete, never cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from more_itertools import chunked
from sqlalchemy import select, tuple_

from loaders.catalog import staged_rows
from loaders.curation.curation import SHOWN
from loaders.store import (
    FUNNEL,
    MAX_BOUND_VALUES,
    CurationRow,
    HarvestRunRow,
    IssueRow,
    JudgementRow,
    MatchRow,
    NotRunning,
    SourceRecordRow,
    read_run,
    read_transaction,
    rows_among,
)
from schemas import Environment


def funnel_line(counts: dict[str, int]) -> str:
    """The funnel in words: landed 5, added 3, …"""
    return ", ".join(f"{name} {counts[name]}" for name in FUNNEL)


def held(env: Environment, feed: str | None = None) -> Iterator[str]:
    """Every held run: its reasons, its funnel, and each deletion and change that it would make.

    Of a run whose staging cannot be read any more, why, in place of the changes.
    """
    with read_transaction(env) as connection:
        query = select(HarvestRunRow.id).where(HarvestRunRow.status == "held").order_by(HarvestRunRow.id)
        found = connection.scalars(query if feed is None else query.where(HarvestRunRow.feed == feed)).all()
    if not found:
        yield "no run is held"
    for run_id in found:
        try:
            yield from shown(env, run_id)
        except NotRunning as error:  # its staging cannot be read: the others still can
            yield f"  {error}"


def shown(env: Environment, run_id: str) -> Iterator[str]:
    """One staged run, record by record."""
    from loaders.reports import reason_sentence  # imports what the pages need, which most commands do not

    run = read_run(env, run_id)
    yield f"{run.id} ({run.feed}) {run.status.upper()}: {funnel_line(run.counts)}"
    yield from (f"  held because {reason}" for reason in map(reason_sentence, run.reasons))
    rows = [row for row in staged_rows(env, run_id) if row["change"] != "unchanged"]
    for batch in chunked(rows, MAX_BOUND_VALUES):
        known = _records(env, [f"{run.feed}:{row['identifier']}" for row in batch])
        for row in batch:
            key = f"{run.feed}:{row['identifier']}"
            yield from _row_lines(key, row, known.get(key))


def quarantined(env: Environment, feed: str | None = None) -> Iterator[str]:
    """Every version that waits: its key, why, and what is published meanwhile; then its open errors."""
    query = select(SourceRecordRow).where(SourceRecordRow.pending_status.is_not(None)).order_by(SourceRecordRow.key)
    if feed is not None:
        query = query.where(SourceRecordRow.feed == feed)
    with read_transaction(env) as connection:
        rows = connection.execute(query).mappings().all()
        errors = _errors(connection, [row["key"] for row in rows])
    if not rows:
        yield "no version waits"
    for row in rows:
        stays = "the version before stays published" if row["status"] == "live" else "nothing of it is published"
        yield f"{row['key']} {row['pending_status'].upper()}: {row['pending_reason']}; {stays}"
        if row["pending_status"] == "quarantined":
            yield f"  version {(row['pending_sha256'] or '')[:SHOWN]}{_title(row['pending_record'])}"
        yield from (f"  {line}" for line in errors.get(row["key"], ()))


def pairs(env: Environment, feed: str | None = None) -> Iterator[str]:
    """Every pair whose verdict is review, and each that publication put up again, with what was seen."""
    query = (
        select(MatchRow)
        .where((MatchRow.verdict == "review") | MatchRow.review.is_not(None))
        .order_by(MatchRow.probability.desc(), MatchRow.left_key, MatchRow.right_key)
    )
    with read_transaction(env) as connection:
        rows = connection.execute(query).mappings().all()
        judged = _judgements(connection, [(row["left_key"], row["right_key"]) for row in rows])
    rows = [row for row in rows if row["review"] or (row["left_key"], row["right_key"]) not in judged]
    if feed is not None:
        rows = [row for row in rows if feed in (row[side].split(":")[0] for side in ("left_key", "right_key"))]
    if not rows:
        yield "no pair waits"
    for row in rows:
        again = f"; {row['review']}" if row["review"] else ""
        yield f"{row['left_key']} | {row['right_key']}: probability {row['probability']:.6f}{again}"
        for one in msgspec.json.decode(row["evidence"]):
            yield f"  {one['field']}: {one['seen']} ({one['weight']:+.2f})"


def curations(env: Environment, feed: str | None = None) -> Iterator[str]:
    """Every curation with its number, newest last."""
    with read_transaction(env) as connection:
        rows = connection.execute(select(CurationRow).order_by(CurationRow.id)).mappings().all()
    rows = [row for row in rows if feed is None or (row["key"] or "").startswith(f"{feed}:")]
    if not rows:
        yield "no curation"
    for row in rows:
        what = f"{row['path']} = {row['value']}" if row["action"] == "set" else row["value"] or ""
        undone = f" UNDONE {row['undone_at']} by {row['undone_by']}" if row["undone_at"] else ""
        target = row["key"] or row["resource_id"]
        yield f"{row['id']}: {row['action']} {target} {what} by {row['by']}: {row['reason']}{undone}"


# Why a record would go, by the reason in staging.
_GONE = {"deleted": "the partner says so", "absent": "absent from a complete list", "retired": "the feed is retired"}


def _row_lines(key: str, row: dict[str, Any], known: dict[str, Any] | None) -> Iterator[str]:
    why = _GONE.get(row["reason"], row["reason"]) if row["change"] == "deleted" else row["reason"]
    yield f"  {row['change']} {key}{f': {why}' if why else ''}{_title(row['record'] or (known or {}).get('record'))}"
    if row["change"] == "changed" and known is not None:
        before, after = (msgspec.json.decode(one) for one in (known["record"], row["record"]))
        for name in sorted({*before, *after} - {"provenance"}):
            if before.get(name) != after.get(name):
                yield f"    {name}: {_short(before.get(name))} → {_short(after.get(name))}"


def _title(record: str | None) -> str:
    titles = msgspec.json.decode(record).get("title") if record else None
    return f" “{next(iter(titles.values()))}”" if titles else ""


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else f"{text[:117]}…"


def _records(env: Environment, keys: list[str]) -> dict[str, dict[str, Any]]:
    with read_transaction(env) as connection:
        rows = connection.execute(select(SourceRecordRow).where(SourceRecordRow.key.in_(keys))).mappings()
        return {row["key"]: dict(row) for row in rows}


def _errors(connection: Any, keys: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = select(IssueRow.key, IssueRow.code, IssueRow.path, IssueRow.value)
    query = query.where(IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None))
    for key, code, path, value in rows_among(connection, query, IssueRow.key, keys):
        found.setdefault(key, []).append(f"{code} at {path}: {value}")
    return found


def _judgements(connection: Any, asked: list[tuple[str, str]]) -> set[tuple[str, str]]:
    pair = (JudgementRow.left_key, JudgementRow.right_key)
    return {(left, right) for left, right in rows_among(connection, select(*pair), tuple_(*pair), asked)}
