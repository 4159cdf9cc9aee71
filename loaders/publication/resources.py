"""What a publication writes of resources: rows, versions, redirects, and whose each record is; only what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from loaders.publication.identity import Identities, resolve
from loaders.publication.planning import Before, Target
from loaders.publication.rows import best, changes, columns, sha256_of, text_of, version
from loaders.store import RedirectRow, ResourceRow, ResourceVersionRow, SourceRecordRow, now, upsert, write_rows
from schemas import Correction, Member, Relation, Resource

BATCH = 500
_RESOURCES: Any = ResourceRow.__table__


class _Merged(Protocol):
    """What a merge gives: the record, and a sentence for each correction that did not fit."""

    @property
    def record(self) -> Resource: ...
    @property
    def problems(self) -> tuple[str, ...]: ...


Merge = Callable[[Sequence[Member], Sequence[Correction], Sequence[Relation]], _Merged]


class Publication:
    """One publication at work: it counts what it does."""

    def __init__(
        self, connection: Connection, run_id: str, before: Before, merge: Merge, trust: Mapping[str, int]
    ) -> None:
        self.connection = connection
        self.run_id = run_id
        self.before = before
        self.merge = merge
        self.trust = trust
        self.at = now()
        self.counts = {"added": 0, "changed": 0, "unchanged": 0, "deleted": 0}
        self.problems: list[str] = []

    def write(self, targets: Iterable[Target]) -> None:
        """Write the resources that are not as they are to be."""
        doubtful = (target for target in targets if not self._stands(target))
        for part in chunked(doubtful, BATCH):
            self._write(part)

    def _stands(self, target: Target) -> bool:
        """Whether a resource of one record is published already just as that record says: then its text is not read."""
        known = self.before.resources.get(target.id)
        if known is None or len(target.keys) > 1 or target.related or target.corrections:
            return False
        row = self.before.live[target.keys[0]]
        same = known[:4] == (row.sha256, row.score, 1, target.review) and known.withdrawn_at == target.withdrawn_at
        self.counts["unchanged"] += same
        return same

    def _write(self, targets: list[Target]) -> None:
        texts = self._texts(SourceRecordRow.key, SourceRecordRow.record, [key for one in targets for key in one.keys])
        known = [one.id for one in targets if one.id in self.before.resources]
        old = self._texts(ResourceRow.id, ResourceRow.record, known)
        last = self._last_versions(known)
        made, changed, versions = [], [], []
        for target in targets:
            row = self._row(target, texts)
            if target.id not in old:
                created = {"created": list(target.keys)}
                made.append({**row, "created_at": self.at, "updated_at": self.at})
                versions.append(version(target.id, 1, self.run_id, self.at, created))
            elif said := self._changes(target, row, old[target.id]):
                changed.append({**row, "of": target.id, "updated_at": self.at})
                versions.append(version(target.id, last.get(target.id, 0) + 1, self.run_id, self.at, said))
            else:
                self.counts["unchanged"] += 1
        self.counts["added"] += len(made)
        self.counts["changed"] += len(changed)
        write_rows(self.connection, insert(ResourceRow), made)
        self._update(changed)
        write_rows(self.connection, insert(ResourceVersionRow), versions)

    def _row(self, target: Target, texts: Mapping[str, str]) -> dict[str, Any]:
        rows = [self.before.live[key] for key in target.keys]
        if len(target.keys) == 1 and not target.related and not target.corrections:
            text, sha256 = texts[target.keys[0]], rows[0].sha256.hex()
        else:
            text = self._merged(target, texts)
            sha256 = sha256_of(text)
        return {
            "id": target.id,
            **columns(text),
            "quality": best([row.score for row in rows]),
            "record": text,
            "record_sha256": sha256,
            "members": len(target.keys),
            "review": target.review,
            "withdrawn_at": target.withdrawn_at,
        }

    def _merged(self, target: Target, texts: Mapping[str, str]) -> str:
        members = [
            Member(
                trust=self.trust.get(self.before.live[key].feed, 0),
                record=msgspec.json.decode(texts[key], type=Resource),
            )
            for key in target.keys
        ]
        merged = self.merge(members, target.corrections, target.related)
        self.problems.extend(f"{target.id}: {problem}" for problem in merged.problems)
        return text_of(merged.record)

    def _changes(self, target: Target, row: Mapping[str, Any], old: str) -> dict[str, Any]:
        """What is to change in a resource that is there."""
        known = self.before.resources[target.id]
        said: dict[str, Any] = {} if known.sha256.hex() == row["record_sha256"] else changes(old, row["record"])
        for name in ("quality", "members", "review", "withdrawn_at"):
            if getattr(known, name) != row[name]:
                said[name] = {"from": getattr(known, name), "to": row[name]}
        return said

    def withdraw(self, stay: set[str], identities: Identities) -> None:
        """Withdraw the resources of which no member is left, or of which another resource took over."""
        gone = [name for name, one in self.before.resources.items() if name not in stay and one.withdrawn_at is None]
        for part in chunked(gone, BATCH):
            last = self._last_versions(part)
            versions = []
            for name in part:
                said = (
                    {"redirected": identities.redirects[name]} if name in identities.redirects else {"withdrawn": True}
                )
                versions.append(version(name, last.get(name, 0) + 1, self.run_id, self.at, said))
            write_rows(self.connection, insert(ResourceVersionRow), versions)
            self._update([{"of": name, "withdrawn_at": self.at, "updated_at": self.at} for name in part])
        self.counts["deleted"] += len(gone)
        self._redirect(identities)

    def _redirect(self, identities: Identities) -> None:
        """Write new redirects, drop those of ids that came back; older ones that led to an id gone now lead on."""
        fresh = identities.redirects
        for back in chunked(sorted(identities.returned), BATCH):
            self.connection.execute(delete(RedirectRow).where(RedirectRow.old_id.in_(back)))
        if not fresh:
            return
        every = identities.redirected(self.before.redirects)
        rows = [
            {"old_id": old, "id": resolve(every, name), "at": self.at}
            for old, name in every.items()
            if old in fresh or resolve(every, name) != name
        ]
        for part in chunked(rows, BATCH):
            write_rows(self.connection, upsert(self.connection, RedirectRow.__table__, ("id", "at")), part)

    def assign(self, targets: Iterable[Target], identities: Identities) -> None:
        """Note at each record of which resource it is. One that lives no more lets go of a resource that goes on."""
        live = self.before.live
        moved: list[dict[str, str | None]] = [
            {"of": key, "to": target.id}
            for target in targets
            for key in target.keys
            if live[key].resource_id != target.id
        ]
        stay = {target.id for target in targets} if self.before.gone else set()
        every = identities.redirected(self.before.redirects)
        moved += [{"of": key, "to": None} for key, name in self.before.gone.items() if resolve(every, name) in stay]
        table: Any = SourceRecordRow.__table__
        statement = update(table).where(table.c.key == bindparam("of")).values(resource_id=bindparam("to"))
        for part in chunked(moved, BATCH):
            write_rows(self.connection, statement, part)

    def _texts(self, name: Any, text: Any, wanted: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in chunked(wanted, BATCH):
            found.update(self.connection.execute(select(name, text).where(name.in_(part))).all())
        return found

    def _last_versions(self, names: Sequence[str]) -> dict[str, int]:
        if not names:
            return {}
        newest = select(ResourceVersionRow.resource_id, func.max(ResourceVersionRow.version))
        grouped = newest.where(ResourceVersionRow.resource_id.in_(names)).group_by(ResourceVersionRow.resource_id)
        return dict(self.connection.execute(grouped).all())

    def _update(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            names = [name for name in rows[0] if name not in ("of", "id")]
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
            statement = update(_RESOURCES).where(_RESOURCES.c.id == bindparam("of")).values(**values)
            said = [{"of": row["of"], **{f"new_{name}": row[name] for name in names}} for row in rows]
            write_rows(self.connection, statement, said)
