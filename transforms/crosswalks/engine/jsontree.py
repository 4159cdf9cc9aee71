"""Reads JSON payloads: every non-empty leaf once, with its JSON path, through one table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from schemas import Leaf
from transforms.crosswalks.engine.table import MAX_LEAVES, Group, Table, Unreadable, Value, leave
from transforms.crosswalks.engine.xmltree import XmlFormat
from transforms.draft import Draft

_MAX_DEPTH = 100
_Naming = Callable[[dict[str, Any], str], "Named | None"]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def parse(payload: str) -> dict[str, Any]:
    """The record's object. Raises Unreadable when the text is not JSON or not an object."""
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Unreadable(f"not readable as JSON: {error}") from error
    except RecursionError as error:
        raise Unreadable("nested too deep to be read as JSON") from error
    if not isinstance(found, dict):
        raise Unreadable(f"the record is a JSON {type(found).__name__}, not an object")
    if not found:
        raise Unreadable("no metadata in the record")
    return found


def repeated(payload: str) -> list[Leaf]:
    """The members that an object names again and that a JSON parser therefore loses (RFC 8259, section 4)."""
    lost = Draft()

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) < len(members):
            last = {name: number for number, (name, _) in enumerate(members)}
            for number, (name, one) in enumerate(members):
                if last[name] != number and one is not None and (text := _text(one)):
                    leave(lost, f"$..{name}", text)
        return found

    json.loads(payload, object_pairs_hook=pairs)
    return lost.unmapped


class Named(NamedTuple):
    """An object that is one text with what stands beside it, such as {"value": …, "language": …}."""

    key: str
    member: str  # that holds the text
    language: str | None
    made: frozenset[str]  # members that gave the key or the language


class _JsonWalk:
    """Walks one object through a table into a draft."""

    def __init__(
        self, table: Table, draft: Draft, naming: _Naming | None = None, transparent: frozenset[str] = frozenset()
    ) -> None:
        self.transparent = transparent  # keys that add nothing to what is below them
        self.table = table
        self.draft = draft
        self.naming = naming
        self.group: Group | None = None
        self.seen = 0
        self.language: str | None = None  # of every text that names none (JSON-LD's @language)

    def root(self, found: Mapping[str, Any]) -> None:
        """Every leaf of a record's object."""
        self.language = _context_language(found.get("@context"))
        self.anything(found, "", "$")

    def put(self, value: Value) -> None:
        self.seen += 1
        if self.seen > MAX_LEAVES:
            raise Unreadable(f"more than {MAX_LEAVES} values in one record, at {value.path}")
        if self.group is not None:
            self.group.values.append(value)
        else:
            self.table.put(value, self.draft)

    def anything(self, found: Any, key: str, path: str, depth: int = 0) -> None:
        """Every leaf of a value: lists add their number to the path and nothing to the key."""
        if depth > _MAX_DEPTH:
            raise Unreadable(f"nested deeper than {_MAX_DEPTH} levels, at {path}")
        if isinstance(found, list):
            for number, one in enumerate(found):
                self.anything(one, key, f"{path}[{number}]", depth + 1)
            return
        outer = self.group
        if key in self.table.readers and outer is None:
            self.group = Group(key, path, self.draft)
            self._inside(found, key, path, depth)
            group, self.group = self.group, None
            self.table.finish(group)
        elif outer is not None and key in self.table.inner:
            self.group = Group(key, path, self.draft)
            outer.inner.append(self.group)
            self._inside(found, key, path, depth)
            self.group = outer
        else:
            self._inside(found, key, path, depth)

    def _inside(self, found: Any, key: str, path: str, depth: int) -> None:
        if isinstance(found, dict):
            if self.naming is not None and (named := self.naming(found, key)) is not None:
                self._named(found, named, path, depth)
                return
            for name, one in found.items():
                inside = f"{key}/{name.lower()}" if key else name.lower()
                if inside in self.transparent:
                    inside = ""
                self.anything(one, inside, path + _step(name), depth + 1)
        elif found is not None and (text := _text(found)):
            self.put(Value(key, path, text, self.language, None))

    def _named(self, found: dict[str, Any], named: Named, path: str, depth: int) -> None:
        beside = {name.lower(): _text(one) for name, one in found.items() if isinstance(one, str | int | float)}
        for name, one in found.items():
            if name == named.member:
                if text := _text(one):
                    self.put(Value(named.key, path + _step(name), text, named.language, beside))
            elif name not in named.made:
                self.anything(one, f"{named.key}/@{name.lower()}", path + _step(name), depth + 1)


def _context_language(context: Any) -> str | None:
    """The default language that a JSON-LD context declares (JSON-LD 1.1, section 4.2.4)."""
    for one in context if isinstance(context, list) else [context]:
        if isinstance(one, dict) and isinstance(said := one.get("@language"), str) and said.strip():
            return said
    return None


def _step(name: str) -> str:
    """One step of a JSON path (RFC 9535)."""
    return f".{name}" if _PLAIN.fullmatch(name) else f"[{name!r}]"


def _text(found: Any) -> str:
    if isinstance(found, str):
        return found.strip()
    if isinstance(found, bool):
        return "true" if found else "false"
    whole = isinstance(found, float) and found.is_integer() and abs(found) < 1e15
    return str(int(found)) if whole else str(found)


class JsonFormat:
    """One JSON format: how its object is read."""

    def __init__(
        self,
        table: Table,
        *,
        naming: _Naming | None = None,
        transparent: frozenset[str] = frozenset(),
        xml: XmlFormat | None = None,
    ) -> None:
        self.table = table
        self.naming = naming
        self.transparent = transparent
        self.xml = xml  # how the same format reads when a server sends it as XML

    def with_table(self, table: Table) -> JsonFormat:
        """The same format read through another table: a partner's dialect."""
        return JsonFormat(table, naming=self.naming, transparent=self.transparent, xml=self.xml)

    def read(self, found: Mapping[str, Any], draft: Draft) -> None:
        """Every leaf of the object, into the draft."""
        _JsonWalk(self.table, draft, self.naming, self.transparent).root(found)
