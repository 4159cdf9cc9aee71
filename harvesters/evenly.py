"""Choose some of many things at even distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(things: Sequence[T], number: int) -> Iterator[T]:
    """Yield so many of the things, at even distances from the first on; all of them when there are no more."""
    if len(things) <= number:
        yield from things
        return
    for position in range(number):
        yield things[position * len(things) // number]
