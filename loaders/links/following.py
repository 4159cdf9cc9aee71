"""Keep the published addresses in step with publications: only resources that changed since are read.

A resource's `updated_at` never goes back, so that the place up to which everything is known is a time and an id. It is
written with each batch: after a kill, the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from loaders.links.addresses import addresses_of, host_of
from loaders.links.consequences import refresh_resources, resolve_left_issues
from loaders.links.state import catalog_time
from loaders.store import (
    LinkCheckRow,
    PublishedLinkRow,
    ResourceRow,
    Run,
    read_publish_state,
    read_transaction,
    rows_among,
    undecoded,
    upsert,
    write_publish_state,
    write_rows,
    write_transaction,
)
from schemas import Base, Environment

_STATE = "links"  # the row of publish_state
_BATCH_ROWS = 1_000
_CHECKS: Any = LinkCheckRow.__table__
_LINKS: Any = PublishedLinkRow.__table__
_RESOURCES: Any = ResourceRow.__table__


class _Place(Base, frozen=True):
    updated_at: str = ""
    id: str = ""


def follow_publications(env: Environment, run: Run, at: datetime) -> int:
    """Write the addresses of resources that publications changed, drop what is no longer published.

    Returns the number of resources that were read. New addresses are due at `at`.
    """
    read = 0
    while is_behind(env):
        with write_transaction(env) as connection:
            read += _follow(connection, run, at)
    with write_transaction(env) as connection:
        resolve_left_issues(connection, run)
    return read


def is_behind(env: Environment) -> bool:
    """Return whether a publication has changed resources whose addresses are not known yet."""
    with read_transaction(env) as connection:
        return bool(_changed(connection, _place(connection), 1))


def _place(connection: Connection) -> _Place:
    state = read_publish_state(connection, _STATE)
    return msgspec.json.decode(state, type=_Place) if state else _Place()


def _changed(connection: Connection, place: _Place, limit: int) -> Sequence[Any]:
    table = _RESOURCES.c
    record = undecoded(connection, table.record).label("record")
    query = select(table.id, table.updated_at, table.withdrawn_at, record)
    after = tuple_(table.updated_at, table.id) > tuple_(place.updated_at, place.id)
    return connection.execute(query.where(after).order_by(table.updated_at, table.id).limit(limit)).all()


def _follow(connection: Connection, run: Run, at: datetime) -> int:
    """Write the addresses of the next batch of resources, and the place up to which they are known."""
    rows = _changed(connection, _place(connection), _BATCH_ROWS)
    if not rows:
        return 0
    wanted: dict[str, dict[str, bool]] = {row.id: {} if row.withdrawn_at else _contents(row.record) for row in rows}
    known = _known_links(connection, list(wanted))
    concerned = _concerned(connection, wanted, known)
    _write_links(connection, wanted, known)
    _add_addresses(connection, (url for each in wanted.values() for url in each), at)
    _drop_addresses(connection, {url for name, each in known.items() for url in each if url not in wanted[name]})
    refresh_resources(connection, run, concerned, at)
    last = _Place(rows[-1].updated_at, rows[-1].id)
    write_publish_state(connection, _STATE, msgspec.json.encode(last).decode())
    return len(rows)


def _known_links(connection: Connection, resource_ids: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Return the addresses that are known of resources, and whether each opens its resource."""
    known: dict[str, dict[str, bool]] = {resource_id: {} for resource_id in resource_ids}
    for link in rows_among(connection, select(_LINKS), _LINKS.c.resource_id, resource_ids):
        known[link.resource_id][link.url] = link.is_content
    return known


def _contents(record: Any) -> dict[str, bool]:
    return {each.url: each.is_content for each in addresses_of(record)}


def _concerned(
    connection: Connection, wanted: Mapping[str, Mapping[str, bool]], known: Mapping[str, Mapping[str, bool]]
) -> list[str]:
    """Return the resources of which an address of before or now is dead or has moved."""
    urls = {url for side in (wanted, known) for each in side.values() for url in each}
    is_told = _CHECKS.c.dead_at.is_not(None) | _CHECKS.c.final_url.is_not(None)
    told = {row.url for row in rows_among(connection, select(_CHECKS.c.url).where(is_told), _CHECKS.c.url, list(urls))}
    return [name for name in wanted if told and not told.isdisjoint([*wanted[name], *known[name]])]


def _write_links(
    connection: Connection, wanted: Mapping[str, Mapping[str, bool]], known: Mapping[str, Mapping[str, bool]]
) -> None:
    gone = [{"of": name, "gone": url} for name, each in known.items() for url in each if url not in wanted[name]]
    new = [
        {"resource_id": name, "url": url, "is_content": is_content}
        for name, each in wanted.items()
        for url, is_content in each.items()
        if known[name].get(url) != is_content
    ]
    its_row = (_LINKS.c.resource_id == bindparam("of"), _LINKS.c.url == bindparam("gone"))
    write_rows(connection, delete(_LINKS).where(*its_row), gone)
    write_rows(connection, upsert(connection, _LINKS, ("is_content",)), new)


def _add_addresses(connection: Connection, urls: Iterable[str], at: datetime) -> None:
    wanted = list(dict.fromkeys(urls))
    there = {row.url for row in rows_among(connection, select(_CHECKS.c.url), _CHECKS.c.url, wanted)}
    due = catalog_time(at)
    rows = [
        {"url": url, "host": host_of(url), "detail": "", "strikes": 0, "next_due": due}
        for url in wanted
        if url not in there
    ]
    write_rows(connection, insert(_CHECKS), rows)


def _drop_addresses(connection: Connection, urls: set[str]) -> None:
    """Drop the addresses that no resource has any more."""
    used = {row.url for row in rows_among(connection, select(_LINKS.c.url), _LINKS.c.url, list(urls))}
    gone = [{"gone": url} for url in sorted(urls - used)]
    write_rows(connection, delete(_CHECKS).where(_CHECKS.c.url == bindparam("gone")), gone)
