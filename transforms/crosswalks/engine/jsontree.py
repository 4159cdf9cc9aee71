"""Reads JSON payloads: every non-empty leaf once, with its JSON path, through one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from schemas import Leaf
from transforms.crosswalks.engine.paths import member_step
from transforms.crosswalks.engine.references import Links, References
from transforms.crosswalks.engine.table import MAX_RECORD_LEAVES, Group, Table, Unreadable, Value, add_unmapped
from transforms.crosswalks.engine.xmltree import XmlFormat
from transforms.draft import Draft

_MAX_DEPTH = 100


def parse_json(payload: str) -> dict[str, Any]:
    """Parse a payload and return the record's object.

    Raises Unreadable when the text is not JSON, or not an object with members.
    """
    try:
        record = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Unreadable(f"not readable as JSON: {error}") from error
    except RecursionError as error:
        raise Unreadable("nested too deep to be read as JSON") from error
    if not isinstance(record, dict):
        raise Unreadable(f"the record is a JSON {type(record).__name__}, not an object")
    if not record:
        raise Unreadable("no metadata in the record")
    return record


def repeated_members(payload: str) -> list[Leaf]:
    """Return the members that an object names again, which a JSON parser loses (RFC 8259, section 4)."""
    lost = Draft()

    def keep_last(members: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = dict(members)
        if len(kept) < len(members):
            last = {name: number for number, (name, _) in enumerate(members)}
            for number, (name, value) in enumerate(members):
                if last[name] != number and value is not None and (text := _text(value)):
                    add_unmapped(lost, f"$..{name}", text)
        return kept

    json.loads(payload, object_pairs_hook=keep_last)
    return lost.unmapped


class NamedText(NamedTuple):
    """An object that is one text with its qualifiers, such as {"value": …, "language": …}."""

    key: str
    member: str  # that holds the text
    language: str | None
    qualifiers: frozenset[str]  # members that gave the key or the language, and are no leaves


_Naming = Callable[[dict[str, Any], str], NamedText | None]


class JsonFormat:
    """One JSON format: how its object is read."""

    def __init__(
        self,
        table: Table,
        *,
        naming: _Naming | None = None,
        transparent: frozenset[str] = frozenset(),
        references: References | None = None,
        xml: XmlFormat | None = None,
    ) -> None:
        self.table = table
        self.naming = naming
        self.transparent = transparent  # keys that add nothing to what is below them
        self.references = references
        self.xml = xml  # how the same format is read when a server sends it as XML

    def with_table(self, table: Table) -> JsonFormat:
        """Return the same format read through another table: a partner's dialect."""
        return JsonFormat(table, naming=self.naming, transparent=self.transparent, references=self.references)

    def read(self, record: Mapping[str, Any], draft: Draft) -> None:
        """Read every leaf of the record's object into the draft."""
        _JsonWalk(self, draft).record(record)

    def members(self, parent: Mapping[str, Any], at: At) -> Iterator[tuple[str, Any, At]]:
        """Yield each member of an object with its name, value and where it lies."""
        for name, value in parent.items():
            key = f"{at.key}/{name.lower()}" if at.key else name.lower()
            yield name, value, At("" if key in self.transparent else key, at.path + member_step(name))


class At(NamedTuple):
    """Where a value lies: its key in the table and its JSON path."""

    key: str
    path: str

    def target(self, path: str) -> At:
        """Return where an object at this path is read when a reference here leads to it."""
        return At(self.key, path)


class _JsonWalk:
    """Reads one record's object into a draft."""

    def __init__(self, format_: JsonFormat, draft: Draft) -> None:
        self._format = format_
        self._table = format_.table
        self._draft = draft
        self._group: Group | None = None
        self._leaves_read = 0
        self._language: str | None = None  # of every text without one of its own (JSON-LD's @language)
        self._links: Links[Mapping[str, Any], At] | None = None

    def record(self, record: Mapping[str, Any]) -> None:
        """Read every leaf of a record's object."""
        self._language = _context_language(record.get("@context"))
        self._links = _links(self._format, record)
        self._value(record, At("", "$"))
        if self._links is not None:
            for left_over in self._links.left_over():
                self._value(*left_over)

    def _value(self, value: Any, at: At, depth: int = 0) -> None:
        """Read every leaf of a value: lists add their number to the path and nothing to the key."""
        if depth > _MAX_DEPTH:
            raise Unreadable(f"nested deeper than {_MAX_DEPTH} levels, at {at.path}")
        if isinstance(value, list):
            for number, entry in enumerate(value):
                self._value(entry, At(at.key, f"{at.path}[{number}]"), depth + 1)
            return
        is_read_elsewhere = isinstance(value, dict) and self._links and self._links.is_read_elsewhere(value, at, depth)
        if not is_read_elsewhere:
            self._entry(value, at, depth)

    def _entry(self, value: Any, at: At, depth: int) -> None:
        """Read a value that is no list, as a group when a reader is for it."""
        outer = self._group
        opens_group = at.key in (self._table.readers if outer is None else self._table.inner)
        if opens_group:
            self._group = Group(at.key, at.path, self._draft, outer)
        self._inside(value, at, depth)
        if self._links is not None and isinstance(value, dict):
            self._links.follow(value, at, lambda target, there: self._inside(target, there, depth + 1))
        group, self._group = self._group, outer
        if opens_group and outer is None and group is not None:
            self._table.finish(group)

    def _inside(self, value: Any, at: At, depth: int) -> None:
        if isinstance(value, dict):
            naming = self._format.naming
            if naming is not None and (named := naming(value, at.key)) is not None:
                self._named(value, named, at.path, depth)
                return
            for _, member, inside in self._format.members(value, at):
                self._value(member, inside, depth + 1)
        elif value is not None and (text := _text(value)):
            self._put(Value(at.key, at.path, text, self._language, None))

    def _named(self, parent: dict[str, Any], named: NamedText, path: str, depth: int) -> None:
        attributes_by_name = {
            name.lower(): _text(value) for name, value in parent.items() if isinstance(value, str | int | float)
        }
        for name, value in parent.items():
            if name == named.member:
                if text := _text(value):
                    self._put(Value(named.key, path + member_step(name), text, named.language, attributes_by_name))
            elif name not in named.qualifiers:
                self._value(value, At(f"{named.key}/@{name.lower()}", path + member_step(name)), depth + 1)

    def _put(self, value: Value) -> None:
        self._leaves_read += 1
        if self._leaves_read > MAX_RECORD_LEAVES:
            raise Unreadable(f"more than {MAX_RECORD_LEAVES} values in one record, at {value.path}")
        if self._group is not None:
            self._group.values.append(value)
        else:
            self._table.apply(value, self._draft)


def _links(format_: JsonFormat, record: Mapping[str, Any]) -> Links[Mapping[str, Any], At] | None:
    """Return what refers to one another in a record, if its format has references.

    An object with nothing but a reference refers; one with an identity and other members is referred to.
    """
    references = format_.references
    if references is None:
        return None

    def identity_of(part: Mapping[str, Any]) -> str:
        identity = part.get(references.identity) if len(part) > 1 else None
        return identity if isinstance(identity, str) else ""

    def reference_of(part: Mapping[str, Any]) -> str:
        reference = part.get(references.reference) if len(part) == 1 else None
        return reference if isinstance(reference, str) else ""

    def objects_below(part: Any, at: At, depth: int = 0) -> Iterator[tuple[Mapping[str, Any], At]]:
        if depth > _MAX_DEPTH:
            return  # which the walk reports
        if isinstance(part, list):
            parts = [(entry, At(at.key, f"{at.path}[{number}]")) for number, entry in enumerate(part)]
        else:
            parts = [(value, inside) for _, value, inside in format_.members(part, at)]
        for value, inside in parts:
            if isinstance(value, dict):
                yield value, inside
            if isinstance(value, dict | list):
                yield from objects_below(value, inside, depth + 1)

    links = Links(references, identity_of, reference_of, objects_below)
    links.collect(record, At("", "$"))
    return links


def _context_language(context: Any) -> str | None:
    """Return the default language that a JSON-LD context declares (JSON-LD 1.1, section 4.2.4)."""
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, dict) and isinstance(language := part.get("@language"), str) and language.strip():
            return language
    return None


def _text(value: Any) -> str:
    """Return a value as text: true and false as JSON writes them, a whole float without its fraction."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return str(int(value)) if is_whole else str(value)
