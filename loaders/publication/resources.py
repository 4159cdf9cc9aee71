"""Write resources, their versions and redirects, and the resource id of each record: only rows that change."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from loaders.publication.identity import Identities, resolve
from loaders.publication.planning import CatalogBefore, PlannedResource, PublishedResource
from loaders.publication.rows import (
    DERIVATION_VERSION,
    DERIVED_COLUMNS,
    best_score,
    changes,
    derive_columns,
    encode_record,
    sets_of,
    sha256_of,
    version_row,
)
from loaders.store import (
    RedirectRow,
    ResourceRow,
    ResourceSetRow,
    ResourceVersionRow,
    SourceRecordRow,
    change_time,
    note_publication,
    read_publish_state,
    rows_among,
    upsert,
    write_publish_state,
    write_rows,
)
from schemas import Correction, Member, Relation, Resource

log = logging.getLogger("elib.catalog")
_BATCH_ROWS = 500
_RESOURCES_BETWEEN_LINES = 10_000  # in the log
_DERIVATION_BATCH_ROWS = 5_000
_DERIVATION_STATE = "derivation"  # the row of publish_state: the version by which the columns were derived
_MERGE_STATE = "merge"  # the row of publish_state: the version of the code that merged last
_DIGESTED = msgspec.json.Encoder(order="deterministic")
_RESOURCES: Any = ResourceRow.__table__


class _MergeResult(Protocol):
    """The result of a merge: the record, and a sentence for each correction that did not fit."""

    @property
    def record(self) -> Resource: ...
    @property
    def problems(self) -> tuple[str, ...]: ...


Merge = Callable[[Sequence[Member], Sequence[Correction], Sequence[Relation]], _MergeResult]


def has_outdated_columns(connection: Connection) -> bool:
    """Return whether the next publication derives the columns of every resource by a new derivation version."""
    return read_publish_state(connection, _DERIVATION_STATE) != _derivation()


def _derivation() -> str:
    return msgspec.json.encode({"version": DERIVATION_VERSION}).decode()


def has_outdated_merges(connection: Connection, merge_version: str) -> bool:
    """Return whether the next publication merges every resource of several records again, by other code."""
    return read_publish_state(connection, _MERGE_STATE) != _merge_state(merge_version)


def note_merge_version(connection: Connection, merge_version: str) -> None:
    """Remember the version of the code that merged the resources of a publication."""
    write_publish_state(connection, _MERGE_STATE, _merge_state(merge_version))


def _merge_state(merge_version: str) -> str:
    return msgspec.json.encode({"version": merge_version}).decode()


def rewrite_derived_columns(connection: Connection) -> int:
    """Bring the derived columns of every resource up to date once per derivation version; return how many rows changed.

    Neither `updated_at` nor a version tells of it, because the records themselves are unchanged.
    """
    if not has_outdated_columns(connection):
        return 0
    columns = [_RESOURCES.c[name] for name in DERIVED_COLUMNS]
    page = select(_RESOURCES.c.id, _RESOURCES.c.record, *columns, _RESOURCES.c.sets).order_by(_RESOURCES.c.id)
    last_id, changed = "", 0
    while rows := connection.execute(page.where(_RESOURCES.c.id > last_id).limit(_DERIVATION_BATCH_ROWS)).all():
        feeds = _feeds_of_resources(connection, [row.id for row in rows])
        derived = [
            (row, {**derive_columns(row.record), "sets": sets_of(row.record, feeds.get(row.id, ()))}) for row in rows
        ]
        stale = [{"of": row.id, **values} for row, values in derived if list(values.values()) != list(row[2:])]
        _update_resources(connection, stale)
        _write_sets(connection, {row.id: (row.sets, values["sets"]) for row, values in derived})
        changed += len(stale)
        last_id = rows[-1].id
    write_publish_state(connection, _DERIVATION_STATE, _derivation())
    return changed


class ResourceWriter:
    """Write the resources of one publication and count the changes."""

    def __init__(
        self,
        connection: Connection,
        run_id: str,
        before: CatalogBefore,
        merge: Merge,
        trust: Mapping[str, int],
        merge_version: str | None = None,
    ) -> None:
        self.connection = connection
        self.run_id = run_id
        self.before = before
        self.merge = merge
        self.trust = trust
        self.merge_version = merge_version
        self.at = change_time(connection)
        self.counts = {"added": 0, "changed": 0, "unchanged": before.standing, "deleted": 0}
        self.problems: list[str] = []
        self.touched = 0  # resources of which something changed besides their rows
        self.looked_at = 0  # resources that are new or may have changed

    def write(self, resources: Iterable[PlannedResource]) -> None:
        """Write the resources that are not yet as planned."""
        doubtful = (planned for planned in resources if not self._is_current(planned))
        for batch in chunked(doubtful, _BATCH_ROWS):
            self._write(batch)
            before, self.looked_at = self.looked_at, self.looked_at + len(batch)
            if before // _RESOURCES_BETWEEN_LINES < self.looked_at // _RESOURCES_BETWEEN_LINES:
                log.info("publish: %d resources are new or may have changed so far", self.looked_at)

    def write_alone(self, parts: Iterable[tuple[CatalogBefore, list[PlannedResource]]]) -> None:
        """Write the resources of records that are alone, and the records' ids, some at a time (planning.plan_alone)."""
        everything = self.before
        for before, resources in parts:
            self.before = before
            self.write(resources)
            self._assign_members(resources)
        self.before = everything

    def _is_current(self, planned: PlannedResource) -> bool:
        """Tell, without reading any record, whether a resource is published already as planned."""
        known = self.before.resources.get(planned.id)
        if known is None:
            return False
        records = [self.before.live[key] for key in planned.keys]
        current = (
            known.quality == best_score([record.score for record in records])
            and known.members == len(records)
            and known.review == planned.review
            and known.withdrawn_at == planned.withdrawn_at
            and self._has_record(planned, known)
        )
        self.counts["unchanged"] += current
        return current

    def _has_record(self, planned: PlannedResource, known: PublishedResource) -> bool:
        """Tell whether a resource has the record that it should have: that of its only member, or the merged one."""
        if self._is_one_record(planned):
            return known.merged_from is None and known.sha256 == self.before.live[planned.keys[0]].sha256
        return known.merged_from is not None and known.merged_from == self._merged_from(planned, known.sha256)

    def _is_one_record(self, planned: PlannedResource) -> bool:
        """Tell whether a resource has the text of its only member, byte for byte."""
        if len(planned.keys) > 1 or planned.related or planned.corrections:
            return False
        return not self.before.live[planned.keys[0]].license_withheld

    def _merged_from(self, planned: PlannedResource, sha256: bytes) -> bytes | None:
        """Return a digest of all that a merge depends on, and of the record that it made; None without a version."""
        if self.merge_version is None:
            return None
        members = [
            (key, record.feed, self.trust.get(record.feed, 0), record.sha256, record.license_withheld)
            for key, record in ((key, self.before.live[key]) for key in planned.keys)
        ]
        parts = (self.merge_version, members, planned.corrections, planned.related, sha256)
        return hashlib.blake2b(_DIGESTED.encode(parts), digest_size=16).digest()

    def _write(self, batch: list[PlannedResource]) -> None:
        record_keys = [key for planned in batch for key in planned.keys]
        records_by_name = self._read_records(SourceRecordRow.key, SourceRecordRow.record, record_keys)
        known_ids = [planned.id for planned in batch if planned.id in self.before.resources]
        old_records = self._read_records(ResourceRow.id, ResourceRow.record, known_ids)
        old_sets = self._read_records(ResourceRow.id, ResourceRow.sets, known_ids)
        last_versions = self._last_versions(known_ids)
        added, changed, versions, filled = [], [], [], []
        for planned in batch:
            row = self._row(planned, records_by_name)
            if planned.id not in old_records:
                added.append({**row, "created_at": self.at, "updated_at": self.at})
                versions.append(version_row(planned.id, 1, self.run_id, self.at, {"created": list(planned.keys)}))
            elif differences := self._differences(planned, row, old_records[planned.id], old_sets[planned.id]):
                number = last_versions.get(planned.id, 0) + 1
                changed.append({**row, "of": planned.id, "updated_at": self.at})
                versions.append(version_row(planned.id, number, self.run_id, self.at, differences))
            else:
                self.counts["unchanged"] += 1
                filled.append({"of": planned.id, "merged_from": row["merged_from"]})
        self.counts["added"] += len(added)
        self.counts["changed"] += len(changed)
        write_rows(self.connection, insert(ResourceRow), added)
        _update_resources(self.connection, changed)
        _update_resources(self.connection, list(filter(self._has_other_digest, filled)))
        _write_sets(self.connection, {row["id"]: (old_sets.get(row["id"]), row["sets"]) for row in (*added, *changed)})
        write_rows(self.connection, insert(ResourceVersionRow), versions)

    def _row(self, planned: PlannedResource, records_by_name: Mapping[str, str]) -> dict[str, Any]:
        records = [self.before.live[key] for key in planned.keys]
        merged_from = None
        if self._is_one_record(planned):
            record_json, sha256 = records_by_name[planned.keys[0]], records[0].sha256.hex()
        else:
            record_json, is_told = self._merge(planned, records_by_name)
            sha256 = sha256_of(record_json)
            merged_from = None if is_told else self._merged_from(planned, bytes.fromhex(sha256))
        return {
            "id": planned.id,
            **derive_columns(record_json),
            "sets": sets_of(record_json, (record.feed for record in records)),
            "quality": best_score([record.score for record in records]),
            "record": record_json,
            "record_sha256": sha256,
            "members": len(planned.keys),
            "review": planned.review,
            "withdrawn_at": planned.withdrawn_at,
            "merged_from": merged_from.hex() if merged_from else None,
        }

    def _has_other_digest(self, row: Mapping[str, Any]) -> bool:
        known = self.before.resources[row["of"]].merged_from
        return bool(row["merged_from"] != (known.hex() if known else None))

    def _merge(self, planned: PlannedResource, records_by_name: Mapping[str, str]) -> tuple[str, bool]:
        """Return the merged record as JSON, and whether something is told of it that every publication tells again."""
        members = [
            Member(
                trust=self.trust.get(self.before.live[key].feed, 0),
                record=msgspec.json.decode(records_by_name[key], type=Resource),
                license_withheld=self.before.live[key].license_withheld,
            )
            for key in planned.keys
        ]
        merged = self.merge(members, planned.corrections, planned.related)
        self.problems.extend(f"{planned.id}: {problem}" for problem in merged.problems)
        return encode_record(merged.record), bool(merged.problems)

    def _differences(
        self, planned: PlannedResource, row: Mapping[str, Any], old_record: str, old_sets: str | None
    ) -> dict[str, Any]:
        """Compare a published resource with its planned row: {field or column: {from, to}}."""
        known = self.before.resources[planned.id]
        same_record = known.sha256.hex() == row["record_sha256"]
        differences: dict[str, Any] = {} if same_record else changes(old_record, row["record"])
        for name in ("quality", "members", "review", "withdrawn_at"):
            if getattr(known, name) != row[name]:
                differences[name] = {"from": getattr(known, name), "to": row[name]}
        if not differences and old_sets != row["sets"]:  # the same record, of another feed
            differences["sets"] = {"from": old_sets, "to": row["sets"]}
        return differences

    def withdraw_others(self, stay: set[str], identities: Identities) -> None:
        """Withdraw the resources that are not among `stay`: without a live member, or replaced by another id."""
        gone = [
            resource_id
            for resource_id, known in self.before.resources.items()
            if resource_id not in stay and known.withdrawn_at is None
        ]
        for batch in chunked(gone, _BATCH_ROWS):
            last_versions = self._last_versions(batch)
            versions = []
            for resource_id in batch:
                target = identities.redirects.get(resource_id)
                change = {"redirected": target} if target is not None else {"withdrawn": True}
                number = last_versions.get(resource_id, 0) + 1
                versions.append(version_row(resource_id, number, self.run_id, self.at, change))
            write_rows(self.connection, insert(ResourceVersionRow), versions)
            withdrawn = [{"of": resource_id, "withdrawn_at": self.at, "updated_at": self.at} for resource_id in batch]
            _update_resources(self.connection, withdrawn)
        self.counts["deleted"] += len(gone)

    def write_redirects(self, identities: Identities) -> None:
        """Write new redirects, delete those of returned ids, and make older chains lead to the last id.

        Each of these ids counts as changed, so that those who follow the library's changes learn where it leads now.
        """
        for returned in chunked(sorted(identities.returned), _BATCH_ROWS):
            self.connection.execute(delete(RedirectRow).where(RedirectRow.old_id.in_(returned)))
            self._touch(_RESOURCES.c.id.in_(returned))
        new = identities.redirects
        if not new:
            return
        redirects = identities.merged_redirects(self.before.redirects)
        rows = [
            {"old_id": old_id, "id": resolve(redirects, target), "at": self.at}
            for old_id, target in redirects.items()
            if old_id in new or resolve(redirects, target) != target
        ]
        for batch in chunked(rows, _BATCH_ROWS):
            write_rows(self.connection, upsert(self.connection, RedirectRow.__table__, ("id", "at")), batch)
            self._touch(_RESOURCES.c.id.in_([row["old_id"] for row in batch]))

    def touch_feeds(self, feeds: Iterable[str]) -> None:
        """Count every published resource with a record of these feeds as changed: what is told of them is another."""
        for feed in feeds:
            log.info("publish: %s's partner, licence or consent changed; all of its resources count as changed", feed)
            its_records = select(SourceRecordRow.resource_id).where(SourceRecordRow.feed == feed)
            published = _RESOURCES.c.withdrawn_at.is_(None)
            self._touch(and_(published, _RESOURCES.c.id.in_(its_records.where(SourceRecordRow.status == "live"))))

    def _touch(self, condition: Any) -> None:
        touched = update(_RESOURCES).where(condition, _RESOURCES.c.updated_at != self.at).values(updated_at=self.at)
        self.touched += self.connection.execute(touched).rowcount

    def note_changes(self) -> None:
        """Note the publication with the time of its changes, if it changed a resource."""
        if self.counts["added"] or self.counts["changed"] or self.counts["deleted"] or self.touched:
            note_publication(self.connection, self.at, self.run_id)

    def assign(self, resources: Sequence[PlannedResource], identities: Identities) -> None:
        """Write to each record its resource's id; clear it where only the record is no longer published."""
        self._assign_members(resources)
        stay = {planned.id for planned in resources} if self.before.not_published else set()
        redirects = identities.merged_redirects(self.before.redirects)
        self._assign(
            (key, None)
            for key, resource_id in self.before.not_published.items()
            if resolve(redirects, resource_id) in stay
        )

    def _assign_members(self, resources: Iterable[PlannedResource]) -> None:
        live = self.before.live
        self._assign(
            (key, planned.id) for planned in resources for key in planned.keys if live[key].resource_id != planned.id
        )

    def _assign(self, ids: Iterable[tuple[str, str | None]]) -> None:
        table: Any = SourceRecordRow.__table__
        statement = update(table).where(table.c.key == bindparam("of")).values(resource_id=bindparam("to"))
        for batch in chunked(ids, _BATCH_ROWS):
            write_rows(self.connection, statement, [{"of": key, "to": resource_id} for key, resource_id in batch])

    def _read_records(self, name: Any, record: Any, wanted: Sequence[str]) -> dict[str, str]:
        records_by_name: dict[str, str] = {}
        for batch in chunked(wanted, _BATCH_ROWS):
            records_by_name.update(self.connection.execute(select(name, record).where(name.in_(batch))).all())
        return records_by_name

    def _last_versions(self, resource_ids: Sequence[str]) -> dict[str, int]:
        if not resource_ids:
            return {}
        resource_id = ResourceVersionRow.resource_id
        newest = select(resource_id, func.max(ResourceVersionRow.version)).where(resource_id.in_(resource_ids))
        return dict(self.connection.execute(newest.group_by(resource_id)).all())


def _feeds_of_resources(connection: Connection, resource_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return the feeds of the live records of each resource."""
    feeds: dict[str, set[str]] = {}
    query = select(SourceRecordRow.resource_id, SourceRecordRow.feed).where(SourceRecordRow.status == "live").distinct()
    for resource_id, feed in rows_among(connection, query, SourceRecordRow.resource_id, resource_ids):
        feeds.setdefault(resource_id, set()).add(feed)
    return feeds


def _write_sets(connection: Connection, sets: Mapping[str, tuple[str | None, str]]) -> None:
    """Bring the rows of `resource_set` from a resource's sets of before (JSON; None: none) to its sets of now."""
    gone, new = [], []
    for resource_id, (before_json, after_json) in sets.items():
        before = set(msgspec.json.decode(before_json or "[]", type=list[str]))
        after = set(msgspec.json.decode(after_json, type=list[str]))
        gone += [{"of_spec": spec, "of": resource_id} for spec in sorted(before - after)]
        new += [{"spec": spec, "resource_id": resource_id} for spec in sorted(after - before)]
    row = ResourceSetRow.__table__
    its_row: Any = (row.c.spec == bindparam("of_spec"), row.c.resource_id == bindparam("of"))
    write_rows(connection, delete(ResourceSetRow).where(*its_row), gone)
    write_rows(connection, insert(ResourceSetRow), new)


def _update_resources(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update the resources that the rows name as `of`; all rows have the same columns."""
    if rows:
        names = [name for name in rows[0] if name not in ("of", "id")]
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        statement = update(_RESOURCES).where(_RESOURCES.c.id == bindparam("of")).values(**values)
        bound = [{"of": row["of"], **{f"new_{name}": row[name] for name in names}} for row in rows]
        write_rows(connection, statement, bound)
