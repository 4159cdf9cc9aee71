"""Write what checks found, with everything that follows from it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from loaders.links.consequences import refresh_resources
from loaders.links.state import LinkState, next_state
from loaders.store import LinkCheckRow, PublishedLinkRow, Run, rows_among, write_rows, write_transaction
from schemas import Base, Environment, LinkCheck

_PAGE_ROWS = 500
_CHECKS: Any = LinkCheckRow.__table__
_LINKS: Any = PublishedLinkRow.__table__
_COLUMNS = LinkState.__struct_fields__


class CheckCounts(Base, frozen=True, kw_only=True):
    """How many addresses were checked, failed, died, live again, and have moved since they were checked before."""

    checked: int = 0
    failed: int = 0
    died: int = 0
    revived: int = 0
    moved: int = 0

    def __add__(self, other: CheckCounts) -> CheckCounts:
        return CheckCounts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


def write_checks(env: Environment, run: Run, checks: Sequence[LinkCheck], at: datetime) -> CheckCounts:
    """Write what checks found at a time (UTC), and what follows for resources and records; return the counts.

    An address that is no longer published is left out.
    """
    checks_by_url = {check.url: check for check in checks}
    counts = CheckCounts()
    with write_transaction(env) as connection:
        rows = list(rows_among(connection, select(_CHECKS), _CHECKS.c.url, list(checks_by_url)))
        changed: list[dict[str, Any]] = []
        told: list[str] = []
        for row in rows:
            before = LinkState(**{name: getattr(row, name) for name in _COLUMNS})
            after = next_state(before, checks_by_url[row.url], at)
            changed.append({"of": row.url, **{f"new_{name}": getattr(after, name) for name in _COLUMNS}})
            counts += _counts(before, after, checks_by_url[row.url])
            if (before.dead_at is None, before.final_url) != (after.dead_at is None, after.final_url):
                told.append(row.url)
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _COLUMNS}
        write_rows(connection, update(_CHECKS).where(_CHECKS.c.url == bindparam("of")).values(**values), changed)
        for url in told:
            refresh_resources(connection, run, _resources_with(connection, url), at)
    return counts


def _counts(before: LinkState, after: LinkState, check: LinkCheck) -> CheckCounts:
    return CheckCounts(
        checked=1,
        failed=int(check.outcome == "failed"),
        died=int(after.dead_at is not None and before.dead_at is None),
        revived=int(after.dead_at is None and before.dead_at is not None),
        moved=int(after.final_url is not None and after.final_url != before.final_url),
    )


def _resources_with(connection: Connection, url: str) -> Iterator[str]:
    """Yield the resources that have an address, in pages: a home page may be that of a hundred thousand."""
    page = select(_LINKS.c.resource_id).where(_LINKS.c.url == url).order_by(_LINKS.c.resource_id).limit(_PAGE_ROWS)
    last = ""
    while ids := list(connection.scalars(page.where(_LINKS.c.resource_id > last))):
        yield from ids
        last = ids[-1]
