"""Erase addresses from what is known of links, at once: else they stay there until the links are checked again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from loaders.links import addresses_of
from loaders.store import LinkCheckRow, PublishedLinkRow, SourceRecordRow, rows_among, undecoded, write_rows
from schemas import TextDigest, redact

_CHECKS: Any = LinkCheckRow.__table__
_LINKS: Any = PublishedLinkRow.__table__
_RECORDS: Any = SourceRecordRow.__table__


def erase_links_of_record(connection: Connection, resource_ids: Sequence[str]) -> int:
    """Drop the addresses of resources that none of the records left in them has; return how many rows went.

    Call it once the erased record is gone.
    """
    record = undecoded(connection, _RECORDS.c.record).label("record")
    rows = rows_among(connection, select(record), _RECORDS.c.resource_id, list(resource_ids))
    kept = {address.url for row in rows if row.record for address in addresses_of(row.record)}
    return _drop(connection, [link for link in _links_of(connection, resource_ids) if link[1] not in kept])


def erase_text_from_links(connection: Connection, resource_ids: Sequence[str], text: TextDigest) -> int:
    """Drop the addresses of resources that hold a text, and what their checks have seen of it; return how many rows."""
    links = _links_of(connection, resource_ids)
    urls = sorted({url for _, url in links})
    changes = []
    for row in rows_among(connection, select(_CHECKS), _CHECKS.c.url, urls):
        detail, target = redact(row.detail, [text]), row.final_url and redact(row.final_url, [text])
        if (detail, target) != (row.detail, row.final_url):
            changes.append({"of": row.url, "new_detail": detail, "new_target": None})
    cleaned = update(_CHECKS).where(_CHECKS.c.url == bindparam("of"))
    write_rows(connection, cleaned.values(detail=bindparam("new_detail"), final_url=bindparam("new_target")), changes)
    return len(changes) + _drop(connection, [link for link in links if redact(link[1], [text]) != link[1]])


def _links_of(connection: Connection, resource_ids: Sequence[str]) -> list[tuple[str, str]]:
    rows = rows_among(connection, select(_LINKS), _LINKS.c.resource_id, list(resource_ids))
    return [(row.resource_id, row.url) for row in rows]


def _drop(connection: Connection, links: Sequence[tuple[str, str]]) -> int:
    """Drop addresses of resources, and what is known of those that no other resource has."""
    rows = [{"of": resource_id, "gone": url} for resource_id, url in links]
    its_row = (_LINKS.c.resource_id == bindparam("of"), _LINKS.c.url == bindparam("gone"))
    write_rows(connection, delete(_LINKS).where(*its_row), rows)
    urls = {url for _, url in links}
    used = {row.url for row in rows_among(connection, select(_LINKS.c.url), _LINKS.c.url, sorted(urls))}
    unused = [{"gone": url} for url in sorted(urls - used)]
    write_rows(connection, delete(_CHECKS).where(_CHECKS.c.url == bindparam("gone")), unused)
    return len(rows) + len(unused)
