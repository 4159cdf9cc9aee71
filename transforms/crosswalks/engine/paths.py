"""Names and path steps of a payload's leaves: XPath steps of XML elements, JSON path steps of members."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations

from lxml import etree

from transforms.crosswalks.engine.table import MAX_REMEMBERED_CHARS, MAX_REMEMBERED_KEYS

Element = etree._Element
Step = tuple[str, str]  # an element's lower-cased local name, and its name as the path shows it
Predicates = Callable[[Element], tuple[str, ...]]  # XPath predicates that tell an element from its siblings

_PLAIN_ATTRIBUTE = re.compile(r"[\w.:-]+")
_PLAIN_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LOCAL_NAMES: dict[object, str] = {}
_STEPS: dict[tuple[object, str | None], Step] = {}


def local_name(tag: object) -> str:
    """Return a tag's or attribute's lower-cased name without its namespace."""
    try:
        return _LOCAL_NAMES[tag]
    except KeyError:
        name = bare_name(str(tag)).lower()
        if len(_LOCAL_NAMES) < MAX_REMEMBERED_KEYS and len(name) <= MAX_REMEMBERED_CHARS:
            _LOCAL_NAMES[tag] = name
        return name


def bare_name(name: str) -> str:
    """Return a name without its namespace, in the source's case."""
    return name.rpartition("}")[2]


def step_of(tag: object, prefix: str | None) -> Step:
    """Return the step of a child element; of a node that is no element, two empty texts."""
    try:
        return _STEPS[(tag, prefix)]
    except KeyError:
        if not isinstance(tag, str):
            return "", ""
        step = local_name(tag), f"{prefix}:{bare_name(tag)}" if prefix else bare_name(tag)
        if len(_STEPS) < MAX_REMEMBERED_KEYS and len(step[1]) <= MAX_REMEMBERED_CHARS:
            _STEPS[(tag, prefix)] = step
        return step


def by_attributes(*names: str) -> Predicates:
    """Return predicates of these attributes, as in `datafield[@tag='650']`: for dim, xoai and MARC."""

    def predicates(element: Element) -> tuple[str, ...]:
        texts = ((name, element.get(name) or "") for name in names)
        return tuple(f"[@{name}='{text}']" for name, text in texts if _PLAIN_ATTRIBUTE.fullmatch(text))

    return predicates


_Selector = tuple[Step, tuple[str, ...]]


def with_predicates(steps: Sequence[Step], predicates: Sequence[tuple[str, ...]]) -> list[Step]:
    """Return the steps of siblings with their predicates, numbered among all that XPath selects by these.

    `field[@element='title']` selects the fields with a qualifier too, so those count.
    """
    siblings: list[_Selector] = list(zip(steps, predicates, strict=True))
    selectors = {sibling: _selectors(sibling) for sibling in siblings}
    total = Counter(selector for sibling in siblings for selector in selectors[sibling])
    seen: Counter[_Selector] = Counter()
    result = []
    for sibling in siblings:
        seen.update(selectors[sibling])
        (name, step), chosen = sibling
        number = f"[{seen[sibling]}]" if total[sibling] > 1 else ""
        result.append((name, f"{step}{''.join(chosen)}{number}"))
    return result


def _selectors(sibling: _Selector) -> list[_Selector]:
    """Return the selectors that match such an element: with all of its predicates, and with fewer."""
    step, predicates = sibling
    return [(step, fewer) for length in range(len(predicates) + 1) for fewer in combinations(predicates, length)]


def member_step(name: str) -> str:
    """Return one step of a JSON path (RFC 9535)."""
    return f".{name}" if _PLAIN_MEMBER.fullmatch(name) else f"[{name!r}]"
