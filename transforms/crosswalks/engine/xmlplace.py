"""XPath steps of formats whose elements are told apart by attributes: dim, xoai, MARC."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations

from transforms.crosswalks.engine.xmlparse import Element, Step

_PLAIN = re.compile(r"[\w.:-]+")

Place = Callable[[Element], tuple[str, ...]]  # the XPath predicates that part an element from its siblings
_Kind = tuple[Step, tuple[str, ...]]


def by_attributes(*names: str) -> Place:
    """A place told by these attributes: `datafield[@tag='650']`."""

    def place(element: Element) -> tuple[str, ...]:
        return tuple(f"[@{name}='{text}']" for name in names if _PLAIN.fullmatch(text := element.get(name) or ""))

    return place


def placed(steps: Sequence[Step], places: Sequence[tuple[str, ...]]) -> list[Step]:
    """The steps with their predicates, numbered among all siblings that XPath selects by these.

    `field[@element='title']` selects the fields with a qualifier too, so those count.
    """
    kinds = list(zip(steps, places, strict=True))
    selectors = {kind: _selectors(kind) for kind in kinds}
    total = Counter(one for kind in kinds for one in selectors[kind])
    seen: Counter[_Kind] = Counter()
    found = []
    for kind in kinds:
        seen.update(selectors[kind])
        (name, step), place = kind
        found.append((name, f"{step}{''.join(place)}" + (f"[{seen[kind]}]" if total[kind] > 1 else "")))
    return found


def _selectors(kind: _Kind) -> list[_Kind]:
    """The steps that select an element of this kind: with all of its predicates, and with fewer."""
    step, place = kind
    return [(step, fewer) for length in range(len(place) + 1) for fewer in combinations(place, length)]
