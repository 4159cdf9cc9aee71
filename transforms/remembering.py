"""Remember what functions return for the values of records, in a bounded amount of memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

REMEMBERED_CHARS = 4 * 1024 * 1024  # of the arguments of one function
_P = ParamSpec("_P")
_R = TypeVar("_R")


def remember(entries: int) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Keep a pure function's results for its last calls, so many entries and at most REMEMBERED_CHARS of arguments.

    Calls with longer arguments than an equal share of these are not kept: a partner may send texts of megabytes, and
    their number alone bounds nothing.
    """
    max_chars = REMEMBERED_CHARS // entries

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        kept: Any = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            for value in args:
                if value.__class__ is str:
                    if len(value) > max_chars:
                        return function(*args, **kwargs)
                elif value.__class__ is tuple and _chars(value) > max_chars:
                    return function(*args, **kwargs)
            if kwargs and any(_chars(value) > max_chars for value in kwargs.values()):
                return function(*args, **kwargs)
            return kept(*args, **kwargs)  # type: ignore[no-any-return]

        return call

    return decorate


def _chars(value: Any) -> int:
    """Return how many characters a value holds: a text, or a tuple of texts and tuples."""
    if isinstance(value, (str, bytes)):
        return len(value)
    return sum(map(_chars, value)) if isinstance(value, tuple) else 0
