"""What follows from the state of addresses: which resources are dead, and what is found in their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from more_itertools import chunked
from sqlalchemy import Connection, select

from loaders.catalog import ISSUE_TABLE, known_issues, write_issues
from loaders.links.addresses import Address, addresses_of
from loaders.links.state import catalog_time
from loaders.staging import issue_id
from loaders.store import (
    DeadResourceRow,
    HarvestRunRow,
    LinkCheckRow,
    PublishedLinkRow,
    Run,
    SourceRecordRow,
    rows_among,
    undecoded,
    upsert,
    write_rows,
)

_SCOPE = "link"  # of the issues written here
_BATCH_RESOURCES = 200
_CHECKS: Any = LinkCheckRow.__table__
_DEAD: Any = DeadResourceRow.__table__
_CODES = ("address_dead", "address_moved")
_ISSUES: Any = ISSUE_TABLE.c
_LINKS: Any = PublishedLinkRow.__table__
_RECORDS: Any = SourceRecordRow.__table__


def refresh_resources(connection: Connection, run: Run, resource_ids: Iterable[str], at: datetime) -> None:
    """Bring what is told of resources to the state of their addresses: in the index's order, and as issues of records.

    Resources and issues that are as they should be are not written.
    """
    for some in chunked(resource_ids, _BATCH_RESOURCES):
        _refresh_dead(connection, some, at)
        _refresh_issues(connection, run, some)


def _refresh_dead(connection: Connection, resource_ids: Sequence[str], at: datetime) -> None:
    contents: dict[str, list[str | None]] = {resource_id: [] for resource_id in resource_ids}
    same = _LINKS.join(_CHECKS, _LINKS.c.url == _CHECKS.c.url)
    query = select(_LINKS.c.resource_id, _CHECKS.c.dead_at, _CHECKS.c.first_failed_at).select_from(same)
    for row in rows_among(connection, query.where(_LINKS.c.is_content), _LINKS.c.resource_id, resource_ids):
        contents[row.resource_id].append(row.first_failed_at if row.dead_at else None)
    known = {
        row.resource_id: row.since for row in rows_among(connection, select(_DEAD), _DEAD.c.resource_id, resource_ids)
    }
    rows = []
    for resource_id, failed in contents.items():
        since = max(filter(None, failed)) if failed and all(failed) else None
        if known.get(resource_id) != since:
            rows.append({"resource_id": resource_id, "since": since, "changed_at": catalog_time(at)})
    write_rows(connection, upsert(connection, _DEAD, ("since", "changed_at")), rows)


def _refresh_issues(connection: Connection, run: Run, resource_ids: Sequence[str]) -> None:
    record = undecoded(connection, _RECORDS.c.record).label("record")
    query = select(_RECORDS.c.key, _RECORDS.c.feed, record).where(_RECORDS.c.status == "live")
    rows = list(rows_among(connection, query, _RECORDS.c.resource_id, resource_ids))
    addresses = {row.key: addresses_of(row.record) for row in rows}
    checks = _checks_of(connection, addresses.values())
    issues = {
        issue["finding"]: issue for row in rows for issue in _issues(row.key, row.feed, addresses[row.key], checks)
    }
    for keys in chunked([row.key for row in rows], _BATCH_RESOURCES):
        own = {name: issue for name, issue in issues.items() if issue["key"] in set(keys)}
        known = known_issues(connection, ISSUE_TABLE.c.key.in_(keys), _SCOPE, own)
        write_issues(connection, run, own, known, _SCOPE)


def resolve_left_issues(connection: Connection, run: Run) -> int:
    """Resolve what is found of the addresses of records that are no longer in a resource; return how many issues.

    Neither the record's own resource, which it has left, nor a run that takes it out tells of its addresses.
    """
    feeds = connection.scalars(select(HarvestRunRow.feed).where(HarvestRunRow.feed.is_not(None)).distinct()).all()
    is_open = (_ISSUES.feed.in_(feeds), _ISSUES.code.in_(_CODES), _ISSUES.resolved_run_id.is_(None))
    of_record = ISSUE_TABLE.outerjoin(_RECORDS, _RECORDS.c.key == _ISSUES.key)
    is_left = _RECORDS.c.key.is_(None) | (_RECORDS.c.status != "live") | _RECORDS.c.resource_id.is_(None)
    query = select(_ISSUES.key).select_from(of_record).where(*is_open, _ISSUES.scope == _SCOPE, is_left)
    keys = sorted(set(connection.scalars(query)))
    for some in chunked(keys, _BATCH_RESOURCES):
        known = known_issues(connection, _ISSUES.key.in_(some), _SCOPE, {})
        write_issues(connection, run, {}, known, _SCOPE)
    return len(keys)


def _checks_of(connection: Connection, addresses: Iterable[Iterable[Address]]) -> dict[str, Any]:
    """Return what is known of the addresses of some records, by address."""
    urls = {address.url for each in addresses for address in each}
    return {row.url: row for row in rows_among(connection, select(_CHECKS), _CHECKS.c.url, list(urls))}


def _issues(key: str, feed: str, addresses: Iterable[Address], checks: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for url, path, _ in addresses:
        check = checks.get(url)
        if check is None:
            continue
        if check.dead_at:
            yield _issue(key, feed, "address_dead", "warning", path, url)
        elif check.final_url:
            yield _issue(key, feed, "address_moved", "info", path, f"{url} → {check.final_url}")


def _issue(key: str, feed: str, code: str, severity: str, path: str, value: str) -> dict[str, str]:
    return {
        "finding": issue_id(key, code, path, value),
        "key": key,
        "feed": feed,
        "code": code,
        "severity": severity,
        "path": path,
        "value": value,
    }
