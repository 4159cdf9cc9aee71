"""A crosswalk is a table from source path to target field, and a few readers for what a row cannot express."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from schemas import Leaf, replace
from transforms.draft import (
    IF_KNOWN,
    PERSONAL,
    Draft,
    Finding,
    IgnoredLeaf,
    Statement,
    is_repository_note,
    mask_emails,
)
from transforms.remembering import remember

USED = "."  # the row of a leaf that is read together with its element or its group, and is no value by itself
MAX_RECORD_LEAVES = 20_000
MAX_REMEMBERED_KEYS = 10_000  # keys whose row a table, or names that a process, remembers
MAX_REMEMBERED_CHARS = 400  # of each of them
_MAX_VALUE_CHARS = 100_000
_MAX_FIELD_VALUES = 1_000


class Unreadable(Exception):
    """A payload that the crosswalk cannot read: what is wrong, and where."""


class Value(msgspec.Struct, frozen=True):
    """One non-empty leaf of a payload: its key without numbers, its exact path, its text and its surroundings."""

    key: str
    path: str
    text: str
    language: str | None
    attributes: Mapping[str, str] | None  # the attributes of its element, by lower-cased name


@remember(4096)
def _keys(group: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys of these paths under a group."""
    return tuple(f"{group}/{name}" if name else group for name in names)


class Group:
    """The leaves under one element or object, for a reader to take; the table's rows decide about the others."""

    __slots__ = ("_added", "_taken", "draft", "inner", "key", "path", "values")

    def __init__(self, key: str, path: str, draft: Draft, outer: Group | None = None) -> None:
        if outer is not None:
            outer.inner.append(self)
        self.key = key
        self.path = path
        self.draft = draft
        self.values: list[Value] = []  # not yet taken, in the source's order
        self.inner: list[Group] = []
        self._taken: list[Value] = []
        self._added: set[str] = set()  # paths whose value is in the draft

    def take(self, *names: str) -> list[Value]:
        """Take the values at these paths under the group ("" is the group's own text), in the source's order."""
        keys = _keys(self.key, names)
        values = [value for value in self.values if value.key in keys]
        if values:
            self.values = [value for value in self.values if value.key not in keys]
            self._taken += values
        return values

    def first(self, *names: str) -> Value | None:
        """Take the first value at these paths, in the order of the names, and leave the others."""
        for key in _keys(self.key, names) if self.values else ():
            for number, value in enumerate(self.values):
                if value.key == key:
                    del self.values[number]
                    self._taken.append(value)
                    return value
        return None

    def text(self, *names: str) -> str:
        """Take the first value at these paths and return its text; "" when there is none."""
        value = self.first(*names)
        return "" if value is None else value.text

    def groups(self, name: str) -> list[Group]:
        """Return the inner groups of that name (see Table.inner), in the source's order."""
        key = f"{self.key}/{name}"
        return [group for group in self.inner if group.key == key]

    def add(self, field: str, value: Value | None, hint: str | None = None, text: str | None = None) -> None:
        """Put a value of the group, or another text in its place, into a target field; do nothing for None."""
        if value is not None:
            self._added.add(value.path)
            statement = Statement(value.text if text is None else text, value.path, value.language, hint)
            _add(self.draft, field, statement)

    def map(self, row: str, value: Value, text: str | None = None) -> None:
        """Put a value of the group, or another text in its place, into the fields that a row's text names."""
        for field, hint, _ in _targets(row):
            self.add(field, value, hint, text)

    def ignore(self, value: Value, reason: str) -> None:
        """List a value of the group as ignored."""
        self._added.add(value.path)
        self.draft.ignored.append(IgnoredLeaf(Leaf(path=value.path, value=value.text), reason))

    def finish(self, table: Table) -> None:
        """Account for values that the reader took without adding them, and apply rows to those it left."""
        self.draft.used += [
            Leaf(path=value.path, value=value.text) for value in self._taken if value.path not in self._added
        ]
        for value in self.values:
            table.apply(value, self.draft)
        for group in self.inner:
            group.finish(table)


Reader = Callable[[Group], None]  # takes the values that it knows out of the group and adds them to fields


class _Target(NamedTuple):
    """A field that a row names."""

    field: str
    hint: str | None
    attribute: str | None  # that gives the hint or its end


class _Ignored(msgspec.Struct, frozen=True):
    """A row of ignored leaves."""

    row: str
    reason: str


Disposition = tuple[_Target, ...] | _Ignored | None  # None: no row, the leaf is unmapped


def route(disposition: Disposition, value: Value, draft: Draft) -> None:
    """Add a leaf to its target fields, to the ignored leaves with the reason, or to the unmapped ones."""
    if disposition is None:
        add_unmapped(draft, value.path, value.text)
    elif isinstance(disposition, _Ignored):
        leaf = Leaf(path=value.path, value=value.text)
        draft.ignored.append(IgnoredLeaf(leaf, disposition.reason, disposition.row))
    else:
        if not disposition:
            draft.used.append(Leaf(path=value.path, value=value.text))
        for field, stated, attribute in disposition:
            hint = stated if attribute is None else _with_attribute(stated, value, attribute)
            _add(draft, field, Statement(value.text, value.path, value.language, hint))


def merge_drafts(part: Draft, draft: Draft) -> None:
    """Add everything that the draft of a part of a record holds to the draft of the whole."""
    for field, statements in part.fields.items():
        for statement in statements:
            _add(draft, field, statement)
    draft.unmapped += part.unmapped
    draft.ignored += part.ignored
    draft.used += part.used
    draft.findings += part.findings


def add_unmapped(draft: Draft, path: str, text: str) -> None:
    """List a leaf as unmapped, shortened and without e-mail addresses."""
    text = mask_emails(text)
    if len(text) > _MAX_VALUE_CHARS:
        text = f"{text[:_MAX_VALUE_CHARS]}… shortened from {len(text)} characters"
    draft.unmapped.append(Leaf(path=path, value=text))


def _add(draft: Draft, field: str, statement: Statement) -> None:
    """Put one statement into a field within the bounds; what is cut off or left over is reported as unmapped.

    A repository's note on its own work is no description, and is ignored.
    """
    if field == "description" and is_repository_note(statement.value):
        draft.ignored.append(IgnoredLeaf(Leaf(path=statement.path, value=statement.value), PERSONAL))
        return
    if len(statement.value) > _MAX_VALUE_CHARS:
        length = len(statement.value)
        draft.unmapped.append(Leaf(path=statement.path, value=f"… shortened from {length} characters"))
        draft.findings.append(Finding(code="text_shortened", path=field, value=str(length)))
        statement = replace(statement, value=statement.value[:_MAX_VALUE_CHARS])
    statements = draft.fields.get(field)
    if statements is None:
        draft.fields[field] = [statement]
    elif len(statements) < _MAX_FIELD_VALUES:
        statements.append(statement)
    else:
        add_unmapped(draft, statement.path, statement.value)


def _with_attribute(hint: str | None, value: Value, attribute: str) -> str | None:
    """Complete a row's hint with the text of an attribute."""
    text = (value.attributes or {}).get(attribute)
    return f"{hint}{text or ''}" if hint else text


@lru_cache(maxsize=1024)
def _targets(row: str) -> tuple[_Target, ...]:
    words = re.findall(r"[^\s:?]+(?::\"[^\"]*\"|:\S+|\?)?", row)
    return tuple(_target(word) for word in words if word != USED)


def _target(word: str) -> _Target:
    if word.endswith("?"):
        return _Target(word[:-1], IF_KNOWN, None)
    field, _, hint = word.partition(":")
    hint = hint.strip('"')
    before, at, attribute = hint.partition("@")
    return _Target(field, before or None, attribute) if at else _Target(field, hint or None, None)


class Table:
    """What becomes of each leaf, by its lower-cased path without numbers (its key).

    A row names target fields: `title`; with a hint, `contributors:author`; with a hint that an attribute gives or
    ends, `identifiers:@type` and `contributors:author||@authority`; only where our list of the field knows the term,
    `levels?`; `.` is read together with its element. In a key, `*` as last step means all below, as first step any
    element; `dc.title.*` is any qualifier. Leaves that a `*` ignored are listed by `python -m bench.coverage --leaves`.
    """

    def __init__(
        self,
        rows: Mapping[str, str],
        ignored: Mapping[str, str],
        readers: Mapping[str, Reader] | None = None,
        inner: Iterable[str] = (),
    ) -> None:
        self.rows = dict(rows)
        self.ignored = dict(ignored)
        self.readers = dict(readers or {})
        self.inner = frozenset(inner)  # elements inside a reader's group that are groups of their own
        self._dispositions: dict[str, Disposition] = {key: _targets(row) for key, row in rows.items()}
        self._dispositions |= {key: _Ignored(key, reason) for key, reason in ignored.items()}
        self._remembered: dict[str, Disposition] = {}

    def extended(
        self, rows: Mapping[str, str], ignored: Mapping[str, str], readers: Mapping[str, Reader] | None = None
    ) -> Table:
        """Return this table with a dialect's rows over it."""
        ignored_here = {key: reason for key, reason in self.ignored.items() if key not in rows}
        rows_here = {key: row for key, row in self.rows.items() if key not in ignored}
        return Table(
            rows_here | dict(rows), ignored_here | dict(ignored), self.readers | dict(readers or {}), self.inner
        )

    def disposition(self, key: str) -> Disposition:
        """Return what becomes of a leaf at this key."""
        try:
            return self._remembered[key]
        except KeyError:
            disposition = self._find(key)
            if len(self._remembered) < MAX_REMEMBERED_KEYS and len(key) <= MAX_REMEMBERED_CHARS:
                self._remembered[key] = disposition
            return disposition

    def maps(self, key: str) -> bool:
        """Tell whether the element itself, and not only what is below it, has a row of target fields."""
        return key in self.rows and bool(self._dispositions[key])

    def _find(self, key: str) -> Disposition:
        return next((self._dispositions[name] for name in _row_names(key) if name in self._dispositions), None)

    def apply(self, value: Value, draft: Draft) -> None:
        """Put one leaf where its row says."""
        route(self.disposition(value.key), value, draft)

    def finish(self, group: Group) -> None:
        """Let the reader take the values that it knows, and apply rows to the rest."""
        self.readers[group.key](group)
        group.finish(self)


def _row_names(key: str) -> Iterable[str]:
    """Name the rows that may be about a key, from the closest to the widest."""
    yield key
    yield f"*/{key.rpartition('/')[2]}"
    if "." in key and "/" not in key:
        yield f"{key.rpartition('.')[0]}.*"
    above = key
    while above:
        above = above.rpartition("/")[0]
        yield f"{above}/*" if above else "*"
