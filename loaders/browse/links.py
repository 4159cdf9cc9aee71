"""What checks of published addresses found: how much of each host is checked, and which addresses are dead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, case, exists, func, select, tuple_

from loaders.store import LinkCheckRow, PublishedLinkRow, SourceRecordRow, read_publish_state, rows_among

MAX_HOSTS = 200
RECENT_DAYS = 30  # a host's share that is checked is told of these days
HOSTS_STATE = "link_hosts"  # the row of publish_state
_CHECKS: Any = LinkCheckRow.__table__
_LINKS: Any = PublishedLinkRow.__table__
_RECORDS: Any = SourceRecordRow.__table__


class HostLinks(NamedTuple):
    """The addresses of a host: how many, checked since a time, never checked, and dead.

    certificate_until: when its certificate ends or has ended; None where that is not soon
    """

    host: str
    addresses: int
    checked: int
    unchecked: int
    dead: int
    certificate_until: str | None


class HostsOfLinks(NamedTuple):
    """The hosts with most addresses, and when they were counted; None for now."""

    hosts: list[HostLinks]
    at: str | None


class LinkFilter(NamedTuple):
    """Which dead addresses are meant; an empty value means all.

    host: with the port where that is not the usual one. feed: in a live record of this feed. since: that fail since
    then or later, a time or the beginning of one
    """

    host: str = ""
    feed: str = ""
    since: str = ""


class DeadLink(NamedTuple):
    """A dead address: since when it fails, when that was found, what was seen, and one of the resources with it."""

    url: str
    since: str
    dead_at: str
    detail: str
    resource_id: str | None


def hosts_of_links(connection: Connection, since: str) -> HostsOfLinks:
    """Return the hosts with most addresses, at most MAX_HOSTS, as the last check of the links has counted them.

    A million addresses take seconds to count. Where no check has done it they are counted now, checked from `since` on.
    """
    kept = read_publish_state(connection, HOSTS_STATE)
    if kept is not None:
        return msgspec.json.decode(kept, type=HostsOfLinks)
    return HostsOfLinks(count_links_of_hosts(connection, since), None)


def count_links_of_hosts(connection: Connection, since: str) -> list[HostLinks]:
    """Count the addresses of the hosts with most of them, at most MAX_HOSTS; read from an index alone."""
    count, table = func.count(), _CHECKS.c
    checked = func.sum(case((table.checked_at >= since, 1), else_=0))
    query = select(table.host, count, checked, count - func.count(table.checked_at), func.count(table.dead_at))
    rows = connection.execute(query.group_by(table.host).order_by(count.desc(), table.host).limit(MAX_HOSTS)).all()
    ends = _certificate_ends(connection)
    return [HostLinks(row[0], row[1], int(row[2] or 0), row[3], row[4], ends.get(row[0])) for row in rows]


def _certificate_ends(connection: Connection) -> dict[str, str]:
    query = select(_CHECKS.c.host, func.min(_CHECKS.c.certificate_until))
    ending = query.where(_CHECKS.c.certificate_until.is_not(None)).group_by(_CHECKS.c.host)
    return {row[0]: row[1] for row in connection.execute(ending)}


def count_ending_certificates(connection: Connection) -> int:
    """Return the number of hosts whose certificate ends soon, or has ended."""
    ending = _CHECKS.c.certificate_until.is_not(None)
    return connection.scalar(select(func.count(_CHECKS.c.host.distinct())).where(ending)) or 0


def dead_links_page(
    connection: Connection, after: tuple[str, str] | None, limit: int, chosen: LinkFilter | None = None
) -> list[DeadLink]:
    """Return the dead addresses that the filter means, the last found first, from the one after (dead_at, url) on."""
    place = (_CHECKS.c.dead_at, _CHECKS.c.url)
    query = select(_CHECKS).where(_CHECKS.c.dead_at.is_not(None), *(_conditions(chosen) if chosen else ()))
    if after is not None:
        query = query.where(tuple_(*place) < tuple_(*after))
    rows = connection.execute(query.order_by(*(each.desc() for each in place)).limit(limit)).all()
    resource = select(_LINKS.c.url, func.min(_LINKS.c.resource_id).label("id")).group_by(_LINKS.c.url)
    ids = {row.url: row.id for row in rows_among(connection, resource, _LINKS.c.url, [row.url for row in rows])}
    return [DeadLink(row.url, row.first_failed_at, row.dead_at, row.detail, ids.get(row.url)) for row in rows]


def link_sizes(connection: Connection, urls: Iterable[str]) -> dict[str, int]:
    """Return how many bytes the files at addresses have, of those that a check has found."""
    query = select(_CHECKS.c.url, _CHECKS.c.size_bytes).where(_CHECKS.c.size_bytes.is_not(None))
    return {row.url: row.size_bytes for row in rows_among(connection, query, _CHECKS.c.url, list(urls))}


def _conditions(chosen: LinkFilter) -> list[Any]:
    conditions = [_CHECKS.c.host == chosen.host] if chosen.host else []
    if chosen.since:
        conditions.append(_CHECKS.c.first_failed_at >= chosen.since)
    if chosen.feed:
        of_resource = _LINKS.join(_RECORDS, _RECORDS.c.resource_id == _LINKS.c.resource_id)
        of_feed = (_LINKS.c.url == _CHECKS.c.url, _RECORDS.c.feed == chosen.feed, _RECORDS.c.status == "live")
        conditions.append(exists(select(_LINKS.c.url).select_from(of_resource).where(*of_feed)))
    return conditions


def dead_since(connection: Connection, urls: Iterable[str]) -> dict[str, str]:
    """Return since when addresses fail, of those that are dead."""
    query = select(_CHECKS.c.url, _CHECKS.c.first_failed_at).where(_CHECKS.c.dead_at.is_not(None))
    return {row.url: row.first_failed_at for row in rows_among(connection, query, _CHECKS.c.url, list(urls))}
