"""Nights for the tests: a partner that lists records, a transform that reads them, and a whole run of a feed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from loaders import catalog, staging, store
from loaders.landing import ask, land
from loaders.store import read_transaction
from schemas import (
    Assessment,
    Environment,
    Feed,
    Identifier,
    Issue,
    Page,
    Rejection,
    Resource,
    SourceRecord,
    Term,
    Tombstone,
)

# For tests of what DuckDB and the landing decide; those of the catalog's own SQL run on both databases.
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)

TABLES = ("source_record", "issue", "unmapped_value", "refused", "judgement", "curation", "resource", "redirect")


def feed(name: str = "books", **more: Any) -> Feed:
    """Return a feed that deletes a record as soon as one whole list lacks it."""
    about = {"title": "Books", "partner": "A Library", "protocol": "rest", "url": "https://example.org/api"}
    return Feed(**{"name": name, "absent_after": 1, **about, **more})


def sent(
    identifier: str, title: str | None = "A title", *, datestamp: str | None = None, name: str = "books", **more: Any
) -> SourceRecord:
    """A record as the partner sends it; with title None, a deleted header."""
    payload = None if title is None else json.dumps({"title": title, **more}, sort_keys=True)
    return SourceRecord(
        feed=name,
        identifier=identifier,
        format="amb",
        datestamp=datestamp,
        deleted=title is None,
        payload=payload,
        harvested_at="2026-01-01T00:00:00Z",
    )


def transform(record: SourceRecord) -> Assessment:
    """Assess a record: "unreadable" is rejected, a title that begins with "bad" is an error, each note a warning."""
    outcome: dict[str, Any] = {}
    issues: list[Issue] = []
    if record.deleted:
        outcome["tombstone"] = Tombstone(key=record.key)
    else:
        payload = json.loads(record.payload or "")
        if payload.get("unreadable"):
            outcome["rejection"] = Rejection(key=record.key, reason="unreadable at $.title")
        else:
            terms = tuple(Term(field="level", source=level, code=None) for level in payload.get("levels", ()))
            outcome["resource"] = Resource(
                key=record.key,
                title={"en": payload["title"]},
                identifiers=(Identifier(scheme="other", value=record.identifier),),
                terms=terms,
            )
            for number, note in enumerate(payload.get("notes", ())):
                issues.append(_issue(record, "note", "warning", f"notes[{number}]", note))
            if payload["title"].startswith("bad"):
                issues.append(_issue(record, "title_bad", "error", "title.en", payload["title"]))
    return Assessment(
        feed=record.feed,
        identifier=record.identifier,
        format=record.format,
        datestamp=record.datestamp,
        sha256=record.sha256,
        issues=tuple(issues),
        score=50,
        **outcome,
    )


def _issue(record: SourceRecord, code: str, severity: Any, path: str, value: str) -> Issue:
    return Issue(key=record.key, code=code, severity=severity, path=path, value=value)


def pages(
    records: Iterable[SourceRecord], *, full: bool = True, complete: bool = True, size: int = 10, **more: Any
) -> Iterator[Page]:
    all_records = list(records)
    ends = range(size, len(all_records) + size, size) if all_records else [size]
    for end in ends:
        last = end >= len(all_records)
        yield Page(
            records=all_records[end - size : end],
            position={"next": end},
            complete=complete and last,
            full=full,
            response_date="2026-01-01T00:00:00Z",
            **more,
        )


def staged(env: Environment, source: Feed, records: Iterable[SourceRecord], **more: Any) -> str:
    """Begin a run, land the records and stage them, as far as the gate."""
    run = store.begin_run(env, source.name)
    land(env.landing, source, run, pages(records, **more), ask=ask(env.landing, source))
    stage(env, run, absent_after=source.absent_after)
    return run


def stage(env: Environment, run: str, *, absent_after: int = 1) -> dict[str, int]:
    plan = staging.plan_staging(env, run, absent_after=absent_after)
    for chunk in plan.chunks:
        staging.write_outcomes(env, chunk, (transform(record) for record in staging.read_chunk(env, chunk)))
    return staging.stage(env, run)


def night(env: Environment, source: Feed, records: Iterable[SourceRecord], **more: Any) -> dict[str, int]:
    """Run a night and load it; return its counts without zeros."""
    return run_counts(catalog.load(env, staged(env, source, records, **more)))


def run_counts(counts: dict[str, int]) -> dict[str, int]:
    assert counts["landed"] == sum(counts[n] for n in store.RUN_COUNTS[1:])
    return {name: count for name, count in counts.items() if count and name in store.RUN_COUNTS}


def rows(env: Environment, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    with read_transaction(env) as connection:
        return sorted(map(tuple, connection.execute(text(f"SELECT {columns} FROM {table}"))), key=repr)


def everything(env: Environment) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table except harvest_run."""
    return {table: rows(env, table) for table in TABLES}


def states(env: Environment) -> dict[str, str]:
    return dict(rows(env, "source_record", "identifier, status"))
