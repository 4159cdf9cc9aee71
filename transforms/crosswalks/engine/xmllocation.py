"""The places of a format's trees, each worked out once: records of one feed have the same few shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from sys import intern
from typing import TYPE_CHECKING, Any

from transforms.crosswalks.engine.table import Disposition, Table
from transforms.crosswalks.engine.xmlparse import Element, Step, local_name, numbered, shown, step_of
from transforms.crosswalks.engine.xmlplace import Place, placed

if TYPE_CHECKING:
    from transforms.crosswalks.engine.xmltree import XmlFormat

REMEMBERED = 50_000  # places and children of shapes of one format; beyond, all are forgotten and learned again
NONE: frozenset[str] = frozenset()

Named = tuple[str, frozenset[str]]  # step of the key, attributes that made it
Naming = Callable[[Element, str], "Named | None"]
_Mark = tuple[object, str | None, Named | None, tuple[str, ...]]  # tag, prefix, naming's and placing's answers
_Shape = tuple[tuple[Any, ...], ...]  # of each child its mark, or tag and prefix where that is all that counts


class Location:
    """Where an element or attribute lies: its key in the table, its XPath, and what the table does with it."""

    __slots__ = (
        "_attributes",
        "_places",
        "_shapes",
        "grouped",
        "holder",
        "key",
        "made",
        "met",
        "nested",
        "parted",
        "path",
        "plain",
        "repeats",
        "targets",
        "tried",
        "whole",
    )

    def __init__(self, holder: Locations, key: str, path: str, *, grouped: bool = False) -> None:
        table = holder.table
        self.holder = holder
        self.key = key
        self.path = path
        self.repeats = False  # whether what lies here may come again, word for word: sections, and groups of a reader
        self.parted = False  # whether what lies here does not, but its parts may
        self.tried = self.met = 0  # how often that was tried, and it had
        self.made = NONE  # attributes that gave the key, and are no leaves
        self.nested: XmlFormat | None = None  # the format that takes over here
        self.plain = True  # whether neither a group nor another format begins here
        self.grouped = grouped  # whether a reader takes what is here
        self.whole = grouped or table.maps(key)  # whether a text with markup is one value here
        self.targets: Disposition = table.row(key)
        self._attributes: dict[str, Location] = {}
        self._places: dict[Step, Location] = {}
        self._shapes: dict[_Shape, list[Location | None]] = {}

    def begins(self) -> Location:
        """The same place, as one where a group of the table may begin."""
        table = self.holder.table
        if not self.grouped and self.key in table.readers:
            self.plain = False
            self.grouped = self.whole = self.repeats = True
        elif self.grouped and self.key in table.inner:
            self.plain = False
        return self

    def parts(self) -> None:
        """Look for what comes again in the parts of what lies here, and no longer in the whole."""
        self.repeats, self.parted = False, not self.grouped
        for place in self._places.values():
            place.repeats = place.repeats or (self.parted and place.nested is None)

    def attribute(self, raw: str) -> Location:
        """Where an attribute of the element lies."""
        try:
            return self._attributes[raw]
        except KeyError:
            name = local_name(raw)
            key = f"{self.key}/@{name}" if self.key else f"@{name}"
            self.holder.count += 1
            found = self._attributes[raw] = Location(self.holder, key, f"{self.path}/@{shown(raw)}")
            return found

    def below(self, children: list[Element]) -> list[Location | None]:
        """Where each child lies; None for what is no element, such as an entity that nobody declared."""
        naming, place = self.holder.naming, self.holder.place
        if naming is not None or place is not None:
            shape: _Shape = tuple([_mark(child, naming, place) for child in children])
        elif len(children) == 1:
            shape = ((children[0].tag, children[0].prefix),)
        else:
            shape = tuple([(child.tag, child.prefix) for child in children])
        try:
            return self._shapes[shape]
        except KeyError:
            found = list(self._found(shape))
            self.holder.count += len(found)
            self._shapes[_kept(shape)] = found
            return found

    def _found(self, shape: _Shape) -> Iterator[Location | None]:
        steps = [step_of(mark[0], mark[1]) for mark in shape]
        steps = placed(steps, [mark[3] for mark in shape]) if self.holder.place else numbered(steps)
        for (name, step), mark in zip(steps, shape, strict=True):
            named: Named | None = mark[2] if len(mark) > 2 else None
            yield self._child(name, f"{self.path}/{step}", named) if name else None

    def _child(self, name: str, path: str, named: Named | None) -> Location:
        known = (named[0] if named else name, path)
        if known not in self._places:
            self.holder.count += 1
            self._places[known] = self._made(name, path, named)
        return self._places[known]

    def _made(self, name: str, path: str, named: Named | None) -> Location:
        holder = self.holder
        if name in holder.transparent:
            return Location(holder, self.key, path, grouped=self.grouped)
        if named is not None:
            name = named[0]
        key = f"{self.key}/{name}" if self.key else name
        found = Location(holder, key, path, grouped=self.grouped)
        found.made = named[1] if named else NONE
        if key in holder.nested:
            found.nested, found.plain = holder.nested[key], False
            return found
        found.repeats = self.parted and not self.grouped
        return found.begins()


class Locations:
    """All places of one format that were met, up to a bound."""

    def __init__(
        self,
        table: Table,
        naming: Naming | None = None,
        transparent: frozenset[str] = NONE,
        nested: Mapping[str, XmlFormat] | None = None,
        place: Place | None = None,
    ) -> None:
        self.table = table
        self.naming = naming
        self.transparent = transparent  # wrappers that add nothing to a key, such as LOM's string
        self.nested = nested or {}  # keys at which another format's table takes over
        self.place = place
        self.count = 0
        self._roots: dict[str, Location] = {}

    def root(self, path: str) -> Location:
        """Where the root of a tree lies."""
        if self.count > REMEMBERED:
            self._roots, self.count = {}, 0
        if path not in self._roots:
            self.count += 1
            self._roots[path] = root = Location(self, "", path).begins()
            root.parts()
        return self._roots[path]


def _mark(child: Element, naming: Naming | None, place: Place | None) -> _Mark:
    tag = child.tag
    named = naming(child, local_name(tag)) if naming is not None and isinstance(tag, str) else None
    return tag, child.prefix, named, place(child) if place is not None else ()


def _kept(shape: _Shape) -> _Shape:
    """The shape with one string for all names that are alike: lxml makes new ones for every element."""
    return tuple([tuple([intern(part) if type(part) is str else part for part in mark]) for mark in shape])
