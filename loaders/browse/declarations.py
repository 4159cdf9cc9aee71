"""The declarations that a feed had, each with what it changed, and what was changed from the console by whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from loaders.browse.run_changes import Difference
from loaders.store import FeedDeclarationVersionRow, TaskNoteRow

MAX_VERSIONS = 50
CHANGE_NOTES = ("status", "expect")  # the kinds of objects of the notes that the console writes of its changes
_VERSIONS: Any = FeedDeclarationVersionRow.__table__
_NOTES: Any = TaskNoteRow.__table__


class DeclarationVersion(NamedTuple):
    """A declaration: its number, when a run first saw it, where it is from, and the keys that it changed."""

    version: int
    seen_at: str
    source: str
    differences: tuple[Difference, ...]


class DeclarationChange(NamedTuple):
    """A change of a feed's file from the console: who made it, when, and what it was."""

    who: str
    at: str
    kind: str
    note: str

    @property
    def status(self) -> str:
        """The status that a feed was given."""
        return self.note.partition("\n")[0]

    @property
    def reason(self) -> str:
        """Why it was given; empty for other changes."""
        return self.note.partition("\n")[2] if self.kind == "status" else ""


def declaration_versions(connection: Connection, feed: str) -> list[DeclarationVersion]:
    """Return the declarations that a feed had, newest first; at most MAX_VERSIONS."""
    query = select(_VERSIONS).where(_VERSIONS.c.feed == feed).order_by(_VERSIONS.c.version.desc())
    rows = list(connection.execute(query.limit(MAX_VERSIONS + 1)).mappings())
    keys = [_flat(json.loads(row["declaration"])) for row in rows]
    return [
        DeclarationVersion(row["version"], row["seen_at"], row["source"], _differences(before, after))
        for row, after, before in zip(rows[:MAX_VERSIONS], keys, [*keys[1:], {}], strict=False)
    ]


def declaration_changes(connection: Connection, feed: str) -> list[DeclarationChange]:
    """Return what was changed in a feed's file from the console, newest first; at most MAX_VERSIONS."""
    names = [f"{kind}:{feed}" for kind in CHANGE_NOTES]
    query = select(_NOTES).where(_NOTES.c.object.in_(names)).order_by(_NOTES.c.id.desc()).limit(MAX_VERSIONS)
    rows = connection.execute(query).mappings()
    return [
        DeclarationChange(row["who"], row["at"], row["object"].partition(":")[0], row["note"] or "") for row in rows
    ]


def _flat(keys: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a declaration, those of its sections with the section's name, and their values as text."""
    flat: dict[str, str] = {}
    for key, value in keys.items():
        for part, each in value.items() if isinstance(value, dict) else ((None, value),):
            flat[f"{key}.{part}" if part else key] = (
                each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
            )
    return flat


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return tuple(Difference(key, before.get(key, ""), after.get(key, "")) for key in changed)
