"""A crosswalk is a table from source path to target field, and a few readers for what a table cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import msgspec

from schemas import Leaf, replace
from transforms.draft import IF_KNOWN, PERSONAL, Draft, Finding, Statement, is_repository_note, mask_emails

USED = "."  # a row that says: read together with its element or its group, not a value by itself
_MAX_TEXT = 100_000  # characters kept of one value
_MAX_VALUES = 1_000  # values kept of one field
MAX_LEAVES = 20_000  # unmapped leaves listed of one record
REMEMBERED = 10_000  # paths whose row a table remembers


class Unreadable(Exception):
    """A payload that the crosswalk cannot read: what is wrong, and where."""


class Value(msgspec.Struct, frozen=True, gc=False):
    """One non-empty leaf of a source: its index-free key, its exact path, its text and what stands beside it."""

    key: str
    path: str
    text: str
    language: str | None
    beside: Mapping[str, str] | None  # the attributes of its element, lower-cased names


@lru_cache(maxsize=4096)
def _keys(group: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of these paths under a group."""
    return tuple(f"{group}/{name}" if name else group for name in names)


class Group:
    """The leaves under one element or object, to be taken by a reader; what it leaves is looked up in the table."""

    __slots__ = ("_said", "_taken", "draft", "inner", "key", "path", "values")

    def __init__(self, key: str, path: str, draft: Draft) -> None:
        self.key = key
        self.path = path
        self.draft = draft
        self.values: list[Value] = []  # those that nobody took, in the source's order
        self.inner: list[Group] = []
        self._taken: list[Value] = []
        self._said: set[str] = set()

    def take(self, *names: str) -> list[Value]:
        """The values at these paths under the group ("" is the group's own text), in the source's order."""
        keys = _keys(self.key, names)
        found = [value for value in self.values if value.key in keys]
        if found:
            self.values = [value for value in self.values if value.key not in keys]
            self._taken += found
        return found

    def first(self, *names: str) -> Value | None:
        """The first value at these paths, in the order of the names; the others are left where they are."""
        for key in _keys(self.key, names) if self.values else ():
            for number, value in enumerate(self.values):
                if value.key == key:
                    del self.values[number]
                    self._taken.append(value)
                    return value
        return None

    def groups(self, name: str) -> list[Group]:
        """The inner groups of that name (see Table.inner), in the source's order."""
        key = f"{self.key}/{name}"
        return [group for group in self.inner if group.key == key]

    def add(self, field: str, value: Value | None, hint: str | None = None, text: str | None = None) -> None:
        """Put a value of the group into a target field; nothing when there is none."""
        if value is not None:
            self._said.add(value.path)
            said = value.text if text is None else text
            _say(self.draft, field, Statement(said, value.path, value.language, hint))

    def finish(self, table: Table) -> None:
        """Account for what the reader took without saying it, and look up what it left; inner groups come last."""
        said = self._said
        self.draft.used += [Leaf(path=one.path, value=one.text) for one in self._taken if one.path not in said]
        for value in self.values:
            table.put(value, self.draft)
        for group in self.inner:
            group.finish(table)


Reader = Callable[[Group], None]  # takes what it knows out of the group and says it
_Target = tuple[str, str | None, str | None]  # field, hint, attribute that gives the hint or its end
Disposition = tuple[_Target, ...] | str | None  # targets, the reason for ignoring, or None: unmapped


def _say(draft: Draft, field: str, said: Statement) -> None:
    """Put one value into a field within the bounds; what is cut off or left over is reported as unmapped.

    A repository's note on its own work is no description, and is ignored.
    """
    if field == "description" and is_repository_note(said.value):
        draft.ignored.append((Leaf(path=said.path, value=said.value), PERSONAL))
        return
    if len(said.value) > _MAX_TEXT:
        draft.unmapped.append(Leaf(path=said.path, value=f"… shortened from {len(said.value)} characters"))
        draft.findings.append(Finding(code="text_shortened", path=field, value=str(len(said.value))))
        said = replace(said, value=said.value[:_MAX_TEXT])
    known = draft.fields.get(field)
    if known is None:
        draft.fields[field] = [said]
    elif len(known) < _MAX_VALUES:
        known.append(said)
    else:
        leave(draft, said.path, said.value)


def leave(draft: Draft, path: str, text: str) -> None:
    """List a leaf as unmapped, within the bounds and without e-mail addresses."""
    text = mask_emails(text)
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}… shortened from {len(text)} characters"
    draft.unmapped.append(Leaf(path=path, value=text))


def dispose(targets: Disposition, value: Value, draft: Draft) -> None:
    """One leaf ends as a value of its target fields, as ignored for a reason, or as unmapped."""
    if targets is None:
        leave(draft, value.path, value.text)
    elif isinstance(targets, str):
        draft.ignored.append((Leaf(path=value.path, value=value.text), targets))
    else:
        if not targets:
            draft.used.append(Leaf(path=value.path, value=value.text))
        for field, stated, attribute in targets:
            hint = stated if attribute is None else _completed(stated, value, attribute)
            _say(draft, field, Statement(value.text, value.path, value.language, hint))


def add(part: Draft, draft: Draft) -> None:
    """Everything that a part of a record says, into the draft of the whole."""
    for field, values in part.fields.items():
        for said in values:
            _say(draft, field, said)
    draft.unmapped += part.unmapped
    draft.ignored += part.ignored
    draft.used += part.used
    draft.findings += part.findings


def _completed(stated: str | None, value: Value, attribute: str) -> str | None:
    """A row's hint with what the attribute says."""
    beside = (value.beside or {}).get(attribute)
    return f"{stated}{beside or ''}" if stated else beside


def _targets(said: str) -> tuple[_Target, ...]:
    return tuple(_target(word) for word in re.findall(r"[^\s:?]+(?::\"[^\"]*\"|:\S+|\?)?", said) if word != USED)


def _target(word: str) -> _Target:
    if word.endswith("?"):
        return word[:-1], IF_KNOWN, None
    field, _, hint = word.partition(":")
    hint = hint.strip('"')
    before, at, attribute = hint.partition("@")
    return (field, before or None, attribute) if at else (field, hint or None, None)


class Table:
    """Rows by index-free, lower-cased path.

    `*` as last step means all below, as first step any element; `dc.title.*` is any qualifier. A row's text names
    target fields: `title`; with a hint, `contributors:author`; with a hint that an attribute gives or ends,
    `identifiers:@type` and `contributors:author||@authority`; only where the term is known, `levels?`; and `.` is
    read together with its element.
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
        self.inner = frozenset(inner)  # elements inside a reader's that are groups of their own
        self._rows: dict[str, Disposition] = {**{key: _targets(said) for key, said in rows.items()}, **self.ignored}
        self._known: dict[str, Disposition] = {}

    def extended(
        self, rows: Mapping[str, str], ignored: Mapping[str, str], readers: Mapping[str, Reader] | None = None
    ) -> Table:
        """This table with a dialect's own rows over it."""
        kept = {key: reason for key, reason in self.ignored.items() if key not in rows}
        mine = {key: said for key, said in self.rows.items() if key not in ignored}
        return Table(mine | dict(rows), kept | dict(ignored), self.readers | dict(readers or {}), self.inner)

    def row(self, key: str) -> Disposition:
        """What happens to a leaf at this key."""
        try:
            return self._known[key]
        except KeyError:
            found = self._find(key)
            if len(self._known) < REMEMBERED:
                self._known[key] = found
            return found

    def maps(self, key: str) -> bool:
        """Whether the element itself (not only what is below it) has a row of target fields."""
        return key in self.rows and bool(self._rows[key])

    def _find(self, key: str) -> Disposition:
        if key in self._rows:
            return self._rows[key]
        last = "*/" + key.rpartition("/")[2]
        if last in self._rows:
            return self._rows[last]
        if "." in key and "/" not in key and (dotted := f"{key.rpartition('.')[0]}.*") in self._rows:
            return self._rows[dotted]
        above = key
        while above:
            above = above.rpartition("/")[0]
            wild = f"{above}/*" if above else "*"
            if wild in self._rows:
                return self._rows[wild]
        return None

    def put(self, value: Value, draft: Draft) -> None:
        """One leaf ends as a value of a target field, as ignored for a reason, or as unmapped."""
        dispose(self.row(value.key), value, draft)

    def finish(self, group: Group) -> None:
        """Let the reader take what it knows, and look up the rest."""
        self.readers[group.key](group)
        group.finish(self)
