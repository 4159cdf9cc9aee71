"""References inside one record: a part that is referred to is read where the reference stands.

EDM's `dc:creator` names an `edm:Agent` by `rdf:resource`; a JSON-LD node names another of the same `@graph` by `@id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar


class References(NamedTuple):
    """How the parts of a record refer to one another, and at which keys of the table such a reference is followed."""

    keys: frozenset[str]
    reference: str  # the attribute or member that holds the reference, such as `resource`
    identity: str  # the attribute or member that names a part, such as `about`


class At(Protocol):
    """Where a part lies: its key in the table and its path."""

    @property
    def key(self) -> str: ...
    @property
    def path(self) -> str: ...
    def target(self, path: str, /) -> Self:
        """Return where a part at this path is read when a reference here leads to it."""
        ...


_Part = TypeVar("_Part")
_At = TypeVar("_At", bound=At)


class Links(Generic[_Part, _At]):
    """The parts of one record that are referred to at a followed key, each with where it lies."""

    def __init__(
        self,
        references: References,
        identity_of: Callable[[_Part], str],
        reference_of: Callable[[_Part], str],
        below: Callable[[_Part, _At], Iterable[tuple[_Part, _At]]],
    ) -> None:
        """Take functions that return a part's identity, the reference that it holds, and all parts below it."""
        self._keys = references.keys
        self._identity_of = identity_of
        self._reference_of = reference_of
        self._below = below
        self._parts: dict[str, tuple[_Part, _At]] = {}
        self._referred: set[str] = set()
        self._following: set[str] = set()
        self._followed: set[str] = set()
        self._passed_over: dict[str, tuple[Any, ...]] = {}
        self._released: set[str] = set()

    def collect(self, root: _Part, at: _At) -> None:
        """Find the parts that are referred to, also from inside other such parts."""
        for part, location in ((root, at), *self._below(root, at)):
            if identity := self._identity_of(part):
                self._parts.setdefault(identity, (part, location))
        waiting = [(root, at)]
        while waiting:
            for part, location in self._below(*waiting.pop()):
                identity = self._reference_of(part) if location.key in self._keys else ""
                if identity in self._parts and identity not in self._referred:
                    self._referred.add(identity)
                    target, target_at = self._parts[identity]
                    waiting.append((target, location.target(target_at.path)))

    def is_read_elsewhere(self, part: _Part, *where: Any) -> bool:
        """Tell whether a part is read where it is referred to; if so, remember where it was passed over."""
        identity = self._identity_of(part)
        if identity not in self._referred or identity in self._released or self._parts[identity][0] is not part:
            return False
        self._passed_over[identity] = (part, *where)
        return True

    def follow(self, part: _Part, at: _At, read: Callable[[_Part, _At], None]) -> None:
        """Read the part that this one refers to, unless that is already being read (a circle)."""
        identity = self._reference_of(part) if at.key in self._keys else ""
        if identity in self._parts and identity not in self._following:
            target, target_at = self._parts[identity]
            self._followed.add(identity)
            self._following.add(identity)
            read(target, at.target(target_at.path))
            self._following.discard(identity)

    def left_over(self) -> Iterator[tuple[Any, ...]]:
        """Yield each part that was passed over and never referred to after all: parts that refer only to themselves."""
        while waiting := self._passed_over.keys() - self._followed - self._released:
            identity = next(name for name in self._passed_over if name in waiting)
            self._released.add(identity)
            yield self._passed_over[identity]
