"""The standing corrections of records, wherever a steward made them: on the record, or on its resource."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from loaders.store import CurationRow, RedirectRow, RestoredMemberRow, SourceRecordRow, rows_among
from schemas import Correction


def standing_corrections(connection: Connection, *, undone: bool = False) -> dict[str, tuple[Correction, ...]]:
    """Return the corrections in force by record key, oldest first; with `undone`, those that were undone instead."""
    query = select(CurationRow.__table__).where(
        CurationRow.action == "set",
        CurationRow.undone_at.is_not(None) if undone else CurationRow.undone_at.is_(None),
    )
    by_target: dict[str, list[Correction]] = {}
    resource_ids = set()
    for row in connection.execute(query.order_by(CurationRow.id)).mappings():
        correction = Correction(id=row["id"], path=row["path"] or "", value=row["value"], by=row["by"], at=row["at"])
        by_target.setdefault(row["key"] or row["resource_id"], []).append(correction)
        if row["resource_id"]:
            resource_ids.add(row["resource_id"])
    by_key = {target: corrections for target, corrections in by_target.items() if target not in resource_ids}
    for key, resource_id in set(_members(connection, resource_ids)):
        by_key[key] = [*by_key.get(key, ()), *by_target[resource_id]]
    return {key: tuple(sorted(corrections, key=lambda each: each.id)) for key, corrections in by_key.items()}


def _members(connection: Connection, resource_ids: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the key of each record of these resources, with the resource's id (also of one that redirects)."""
    if not resource_ids:
        return
    redirects = rows_among(
        connection, select(RedirectRow.old_id, RedirectRow.id), RedirectRow.old_id, sorted(resource_ids)
    )
    old_ids: dict[str, list[str]] = {}
    for old_id, new_id in redirects:
        old_ids.setdefault(new_id, []).append(old_id)
    wanted = sorted(resource_ids | old_ids.keys())
    for table in (SourceRecordRow, RestoredMemberRow):
        for key, resource_id in rows_among(connection, select(table.key, table.resource_id), table.resource_id, wanted):
            yield from (
                (key, target) for target in (resource_id, *old_ids.get(resource_id, ())) if target in resource_ids
            )
