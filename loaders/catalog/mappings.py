"""The stewards' mappings of terms that are in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import inspect, or_, select

from loaders.store import TermMappingRow, parse_catalog_url, read_transaction
from schemas import Environment, TermMapping

_MAPPINGS: Any = TermMappingRow.__table__


def active_mappings(env: Environment, feed: str | None = None) -> tuple[TermMapping, ...]:
    """Return the mappings in force, in their order: general ones before those of a feed, older before newer.

    With `feed` only those that count for it. Empty where there is no catalog, or one of a release without mappings.
    """
    url = parse_catalog_url(env.catalog_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return ()
    query = select(*(_MAPPINGS.c[name] for name in TermMapping.__struct_fields__)).where(
        _MAPPINGS.c.undone_at.is_(None)
    )
    if feed is not None:
        query = query.where(or_(_MAPPINGS.c.feed.is_(None), _MAPPINGS.c.feed == feed))
    with read_transaction(env) as connection:
        if not inspect(connection).has_table(_MAPPINGS.name):
            return ()
        rows = connection.execute(query.order_by(_MAPPINGS.c.feed.is_not(None), _MAPPINGS.c.id)).mappings()
        return tuple(TermMapping(**row) for row in rows)
