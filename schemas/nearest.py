"""The known value that a mistyped one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MIN_SIMILARITY = 0.6  # of difflib: col_oasi and col_oasis have 0.9
_MAX_SHOWN = 10  # values, where none is near


def nearest_advice(value: str, known: Iterable[str]) -> str:
    """Return what may have been meant by a value that is not known: "did you mean X?", else what is known."""
    by_folded = {each.casefold(): each for each in sorted(set(known))}
    near = get_close_matches(value.casefold(), by_folded, n=1, cutoff=_MIN_SIMILARITY)
    if near:
        return f"did you mean {by_folded[near[0]]}?"
    if not by_folded:
        return "none is known"
    shown = list(by_folded.values())[:_MAX_SHOWN]
    more = f" and {len(by_folded) - len(shown)} more" if len(by_folded) > len(shown) else ""
    return f"known are {', '.join(shown)}{more}"
