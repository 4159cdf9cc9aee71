"""The lists of `elib review`: plain lines for a steward to read, complete, never cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, or_, select, tuple_

from loaders.catalog import staged_rows
from loaders.curation.curation import SHOWN_DIGITS
from loaders.shell import elib_command
from loaders.store import (
    MAX_BOUND_VALUES,
    CurationRow,
    HarvestRunRow,
    IssueRow,
    JudgementRow,
    MatchRow,
    SourceRecordRow,
    WrongRunState,
    read_run,
    read_transaction,
    rows_among,
)
from schemas import Environment

_MAX_VALUE_CHARS = 120
_SIGNED = "--by NAME --reason WHY"  # what ends every decision's command
# What a steward reads for the names in the database.
_RUN_COUNT_WORDS = {
    "landed": "received",
    "added": "added",
    "changed": "changed",
    "unchanged": "unchanged",
    "deleted": "deleted",
    "rejected": "unreadable",
    "quarantined": "needs review",
}
_DELETION_REASONS = {
    "deleted": "the partner deleted it",
    "absent": "absent from a complete list",
    "retired": "the feed is retired",
}


def run_counts_line(counts: dict[str, int]) -> str:
    """Return a run's counts in words: received 5, added 3, …"""
    return ", ".join(f"{word} {counts[name]}" for name, word in _RUN_COUNT_WORDS.items())


def list_held_runs(env: Environment, feed: str | None = None) -> Iterator[str]:
    """List every held run: its reasons, its counts, and each deletion and change that it would make.

    For a run whose staging cannot be read any more, the reason stands in place of the changes.
    """
    with read_transaction(env) as connection:
        query = select(HarvestRunRow.id).where(HarvestRunRow.status == "held").order_by(HarvestRunRow.id)
        run_ids = connection.scalars(query if feed is None else query.where(HarvestRunRow.feed == feed)).all()
    if not run_ids:
        yield "no run needs a decision"
    for run_id in run_ids:
        try:
            yield from list_run_changes(env, run_id)
        except WrongRunState as error:  # the other runs can still be listed
            yield f"  {error}"


def list_run_changes(env: Environment, run_id: str) -> Iterator[str]:
    """List what one run would change, record by record."""
    from loaders.reports import reason_sentence  # imports what the pages need, which most commands do not

    run = read_run(env, run_id)
    yield f"{run.id} ({run.feed}) {run.status.upper()}: {run_counts_line(run.counts)}"
    yield from (f"  because {reason_sentence(reason, decide='then decide')}" for reason in run.reasons)
    if run.status == "held":
        yield f"  release: {elib_command('review', 'release', run.id, more=_SIGNED)}"
        yield f"  refuse: {elib_command('review', 'refuse', run.id, more=_SIGNED)}"
    rows = [row for row in staged_rows(env, run_id) if row["change"] != "unchanged"]
    for batch in chunked(rows, MAX_BOUND_VALUES):
        known = _records(env, [f"{run.feed}:{row['identifier']}" for row in batch])
        for row in batch:
            key = f"{run.feed}:{row['identifier']}"
            yield from _change_lines(key, row, known.get(key))


def list_waiting_versions(env: Environment, feed: str | None = None) -> Iterator[str]:
    """List every record that needs review or is unreadable: why, what is published meanwhile, and its open errors."""
    query = select(SourceRecordRow).where(SourceRecordRow.pending_status.is_not(None)).order_by(SourceRecordRow.key)
    if feed is not None:
        query = query.where(SourceRecordRow.feed == feed)
    with read_transaction(env) as connection:
        rows = connection.execute(query).mappings().all()
        errors = _open_errors(connection, [row["key"] for row in rows])
    if not rows:
        yield "no record needs review"
    for row in rows:
        published = "the previous version stays published" if row["status"] == "live" else "no version is published"
        word = _RUN_COUNT_WORDS[row["pending_status"]].upper()
        yield f"{row['key']} {word}: {row['pending_reason']}; {published}"
        if row["pending_status"] == "quarantined":
            version = (row["pending_sha256"] or "")[:SHOWN_DIGITS]
            yield f"  version {version}{_title(row['pending_record'])}"
            yield f"  accept: {elib_command('review', 'accept', row['key'], '--version', version, more=_SIGNED)}"
        yield from (f"  {error}" for error in errors.get(row["key"], ()))


def list_pairs(env: Environment, feed: str | None = None) -> Iterator[str]:
    """List every pair to review, also those that a publication listed again, with their evidence."""
    to_review = or_(MatchRow.verdict == "review", MatchRow.review.is_not(None))
    by_probability = (MatchRow.probability.desc(), MatchRow.left_key, MatchRow.right_key)
    with read_transaction(env) as connection:
        rows = connection.execute(select(MatchRow).where(to_review).order_by(*by_probability)).mappings()
        pairs = {(row["left_key"], row["right_key"]): row for row in rows if _is_of(feed, row)}
        judged = _judged(connection, list(pairs))
    waiting = {keys: row for keys, row in pairs.items() if row["review"] or keys not in judged}
    if not waiting:
        yield "no pair needs a decision"
    for (left, right), row in waiting.items():
        yield from _pair_lines(left, right, row)


def _pair_lines(left: str, right: str, row: Any) -> Iterator[str]:
    again = f"; {row['review']}" if row["review"] else ""
    yield f"{left} | {right}: probability {row['probability']:.6f}{again}"
    for evidence in msgspec.json.decode(row["evidence"]):
        yield f"  {evidence['field']}: {evidence['seen']} ({evidence['weight']:+.2f})"
    for verdict in ("same", "different"):
        yield f"  {verdict}: {elib_command('review', verdict, left, right, more=_SIGNED)}"


def _is_of(feed: str | None, row: Any) -> bool:
    return feed is None or feed in (row[side].partition(":")[0] for side in ("left_key", "right_key"))


def list_curations(env: Environment, feed: str | None = None) -> Iterator[str]:
    """List every curation with its number, newest last."""
    query = select(CurationRow).order_by(CurationRow.id)
    if feed is not None:
        query = query.where(CurationRow.key.startswith(f"{feed}:", autoescape=True))
    with read_transaction(env) as connection:
        rows = connection.execute(query).mappings().all()
    if not rows:
        yield "no correction, withdrawal or accepted version"
    yield from map(_curation_line, rows)


def _curation_line(row: Any) -> str:
    value = f"{row['path']} = {row['value']}" if row["action"] == "set" else row["value"] or ""
    undone = f" UNDONE {row['undone_at']} by {row['undone_by']}" if row["undone_at"] else ""
    target = row["key"] or row["resource_id"]
    return f"{row['id']}: {row['action']} {target} {value} by {row['by']}: {row['reason']}{undone}"


def _change_lines(key: str, row: dict[str, Any], known: dict[str, Any] | None) -> Iterator[str]:
    reason = row["reason"]
    if row["change"] == "deleted":
        reason = _DELETION_REASONS.get(reason, reason)
    title = _title(row["record"] or (known or {}).get("record"))
    yield f"  {_RUN_COUNT_WORDS.get(row['change'], row['change'])} {key}{f': {reason}' if reason else ''}{title}"
    if row["change"] == "changed" and known is not None:
        before, after = msgspec.json.decode(known["record"]), msgspec.json.decode(row["record"])
        for field in sorted({*before, *after} - {"provenance"}):
            if before.get(field) != after.get(field):
                yield f"    {field}: {_short(before.get(field))} → {_short(after.get(field))}"


def _title(record: str | None) -> str:
    titles = msgspec.json.decode(record).get("title") if record else None
    return f" “{next(iter(titles.values()))}”" if titles else ""


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[: _MAX_VALUE_CHARS - 3]}…"


def _records(env: Environment, keys: list[str]) -> dict[str, dict[str, Any]]:
    with read_transaction(env) as connection:
        rows = connection.execute(select(SourceRecordRow).where(SourceRecordRow.key.in_(keys))).mappings()
        return {row["key"]: dict(row) for row in rows}


def _open_errors(connection: Connection, keys: list[str]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    query = select(IssueRow.key, IssueRow.code, IssueRow.path, IssueRow.value)
    query = query.where(IssueRow.severity == "error", IssueRow.resolved_run_id.is_(None))
    for key, code, path, value in rows_among(connection, query, IssueRow.key, keys):
        errors.setdefault(key, []).append(f"{code} at {path}: {value}")
    return errors


def _judged(connection: Connection, pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    keys = (JudgementRow.left_key, JudgementRow.right_key)
    in_force = select(*keys).where(JudgementRow.undone_at.is_(None))
    return {(left, right) for left, right in rows_among(connection, in_force, tuple_(*keys), pairs)}
