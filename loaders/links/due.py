"""Which addresses are published, and due: a range of an index for each host; the other addresses are not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, literal, select, tuple_

from loaders.store import LinkCheckRow, rows_among

_CHECKS: Any = LinkCheckRow.__table__


class DueAddress(NamedTuple):
    """An address that is due, and since when."""

    next_due: str
    url: str


def hosts_with_due(connection: Connection, at: str, most: int) -> list[tuple[str, int]]:
    """Return each host with its number of due addresses, of which at most so many are counted; most of them first."""
    hosts: list[tuple[str, int]] = []
    for host in known_hosts(connection):
        some = select(literal(1)).where(_CHECKS.c.host == host, _CHECKS.c.next_due <= at).limit(most).subquery()
        if due := connection.scalar(select(func.count()).select_from(some)):
            hosts.append((host, due))
    return sorted(hosts, key=lambda each: (-each[1], each[0]))


def known_hosts(connection: Connection) -> Iterator[str]:
    """Yield each host that has a published address, in order, with one look into the index for each."""
    host: str | None = ""
    next_host = select(func.min(_CHECKS.c.host))
    while (host := connection.scalar(next_host.where(_CHECKS.c.host > host))) is not None:
        yield host


def due_addresses(connection: Connection, host: str, at: str, after: DueAddress | None, limit: int) -> list[DueAddress]:
    """Return the due addresses of a host, the oldest first, from the one after `after` on."""
    place = (_CHECKS.c.next_due, _CHECKS.c.url)
    query = select(*place).where(_CHECKS.c.host == host, _CHECKS.c.next_due <= at).order_by(*place).limit(limit)
    if after is not None:
        query = query.where(tuple_(*place) > tuple_(*after))
    return [DueAddress(*row) for row in connection.execute(query)]


def published_addresses(connection: Connection, urls: Iterable[str]) -> list[str]:
    """Return those of some addresses that are published, each once, in their order."""
    named = list(dict.fromkeys(urls))
    known = {url for (url,) in rows_among(connection, select(_CHECKS.c.url), _CHECKS.c.url, named)}
    return [url for url in named if url in known]
