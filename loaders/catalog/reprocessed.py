"""What a reprocess changes, by kind: how many records had which field changed, and which findings came or went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from loaders.catalog.staged import staged_batches
from loaders.store import (
    IssueRow,
    Run,
    SourceRecordRow,
    locked_run,
    read_transaction,
    rows_among,
    write_changes,
    write_transaction,
)
from schemas import Environment

_MAX_KINDS = 40  # that are noted; the rest is counted together
_MAX_COUNTED_KINDS = 1_000  # in memory; further ones count under their field alone
_MAX_VALUE_CHARS = 60
_WRITTEN_ACTIONS = ("accept", "restore_older")
_TEXTS_BY_LANGUAGE = ("title", "description")
_OF_OTHERS = frozenset({"key", "issued_year", "terms", "provenance", "unmapped"})  # they follow the other fields
_MISSING: Any = (None, [], {}, "")

_Record = dict[str, Any]
Changes = list[tuple[str, int]]  # a kind of change, and how many records it touches; the most frequent first


def note_changes(env: Environment, run_id: str) -> Changes:
    """Count what a staged run changes in the feed's records, by field; note it in harvest_run and return it.

    The records are read in batches, so memory does not grow with the feed.
    """
    counter: Counter[str] = Counter()
    with locked_run(env, run_id) as run:
        for rows in staged_batches(env, run_id):
            written = {f"{run.feed}:{row['identifier']}": row["record"] for row in rows if _is_changed(row)}
            for before, after in _pairs(env, written):
                _count(counter, kinds_of_change(before, after))
        changes = _most_frequent(counter)
        with write_transaction(env) as connection:
            write_changes(connection, run_id, changes)
    return changes


def note_findings(connection: Connection, run: Run) -> None:
    """Note in how many records a reprocess that is being loaded found something, or no longer does, by rule."""
    if run.kind != "reprocess":
        return
    counter: Counter[str] = Counter()
    for column, words in ((IssueRow.first_run_id, "found"), (IssueRow.resolved_run_id, "no longer found")):
        query = select(IssueRow.code, func.count(IssueRow.key.distinct())).where(column == run.id)
        for code, records in connection.execute(query.group_by(IssueRow.code)):
            counter[f"finding {code}: {words}"] = records
    write_changes(connection, run.id, [*run.changes, *_most_frequent(counter)])


def kinds_of_change(before: _Record, after: _Record) -> Iterator[str]:
    """Yield each difference of two versions of a record: the field, what became of it, and the rule that did it."""
    fields = [field for field in sorted(before.keys() | after.keys()) if before.get(field) != after.get(field)]
    for field in fields:
        if field in _OF_OTHERS:
            continue
        words = _difference(field, before.get(field), after.get(field))
        rules = _new_rules(field, before, after)
        yield f"{words} ({', '.join(rules)})" if rules else words
    if fields and _OF_OTHERS.issuperset(fields):
        yield "origins and terms only"


def _is_changed(row: Mapping[str, Any]) -> bool:
    return row["action"] in _WRITTEN_ACTIONS and row["change"] == "changed"


def _pairs(env: Environment, written: Mapping[str, str]) -> Iterator[tuple[_Record, _Record]]:
    """Yield the accepted version of each record, as the catalog has it, with the one that takes its place."""
    query = select(SourceRecordRow.key, SourceRecordRow.record)
    with read_transaction(env) as connection:
        for key, record in rows_among(connection, query, SourceRecordRow.key, sorted(written)):
            if record is not None:
                yield msgspec.json.decode(record), msgspec.json.decode(written[key])


def _count(counter: Counter[str], kinds: Iterator[str]) -> None:
    for kind in kinds:
        known = kind in counter or len(counter) < _MAX_COUNTED_KINDS
        counter[kind if known else kind.partition(":")[0]] += 1


def _most_frequent(counter: Counter[str]) -> Changes:
    """Return the kinds by how many records they touch, and as the last row how many kinds are left out."""
    ordered = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = ordered[_MAX_KINDS:]
    return [*ordered[:_MAX_KINDS], *([(f"{len(rest)} other kinds", sum(n for _, n in rest))] if rest else [])]


def _difference(field: str, before: Any, after: Any) -> str:
    if field == "license":
        return _license_difference(before or {}, after or {})
    if field in _TEXTS_BY_LANGUAGE and before and after and sorted(before.values()) == sorted(after.values()):
        return f"{field}: language {_short(' '.join(before))} → {_short(' '.join(after))}"
    if before in _MISSING:
        return f"{field}: added"
    return f"{field}: removed" if after in _MISSING else f"{field}: changed"


def _license_difference(before: _Record, after: _Record) -> str:
    """Return what became of the licence: whether it is open, else its name, else that it is worded otherwise."""
    for name in ("open", "label", "uri"):
        if before.get(name) != after.get(name):
            return f"license.{name}: {_short(before.get(name))} → {_short(after.get(name))}"
    return "license: changed"


def _short(value: Any) -> str:
    text = {None: "none", True: "true", False: "false"}.get(value) or str(value)
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[:_MAX_VALUE_CHARS]}…"


def _new_rules(field: str, before: _Record, after: _Record) -> list[str]:
    """Return the rules that made the field's values and did not before."""
    earlier, later = (
        {origin["rule"] for origin in record.get("provenance", {}).get(field, ())} for record in (before, after)
    )
    return sorted(later - earlier)
