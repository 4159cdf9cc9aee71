"""Subtrees that come again: records of one feed repeat whole parts, word for word, and an exact copy says the same."""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

from transforms.crosswalks.engine.xmllocation import Location
from transforms.crosswalks.engine.xmlparse import Element
from transforms.draft import Draft

_LARGEST = 4_000  # bytes of a subtree that is kept
_KEPT = 4_096  # subtrees; beyond, all are forgotten and learned again
_ONCE = 65_536  # subtrees of which is only known that they were met
_TRIED = 256  # times after which a place is given up
_WORTH = 0.2  # unless this share of what lay there had come before


class _Copy(NamedTuple):
    """A subtree by its place, the language around it, and its exact text."""

    at: Location
    language: str | None
    text: bytes


class Part(NamedTuple):
    """What a subtree says, and how many leaves it has."""

    draft: Draft
    leaves: int


class Parts:
    """What was read of subtrees that came twice, within a bound."""

    def __init__(self) -> None:
        self._known: dict[_Copy, Part] = {}
        self._once: set[int] = set()

    def copy(self, element: Element, at: Location, language: str | None) -> _Copy | None:
        """The subtree as something to be known again; None where that is not worth its while."""
        if at.tried > _TRIED and at.met < _WORTH * at.tried:
            at.parts()
            return None
        at.tried += 1
        text = etree.tostring(element, encoding="utf-8", xml_declaration=False, with_tail=False)
        return _Copy(at, language, text) if len(text) <= _LARGEST else None

    def known(self, copy: _Copy) -> Part | None:
        """What the subtree said before."""
        found = self._known.get(copy)
        if found is not None:
            copy.at.met += 1
        return found

    def comes_again(self, copy: _Copy) -> bool:
        """Whether it was met before, so that what it says is to be kept."""
        mark = hash(copy)
        if mark in self._once:
            return True
        if len(self._once) >= _ONCE:
            self._once.clear()
        self._once.add(mark)
        return False

    def keep(self, copy: _Copy, part: Part) -> None:
        """Keep what the subtree says."""
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[copy] = part
