"""The configuration that a feed's DAG is triggered with: {"full": true} asks for a full harvest."""

from __future__ import annotations

from collections.abc import Mapping

TRUTH_WORDS = {"true": True, "false": False}


def wants_full(conf: Mapping[str, object] | None) -> bool:
    """Whether the configuration asks for a full harvest. Raises ValueError for anything but `full`, true or false."""
    unknown = sorted(set(conf or {}) - {"full"})
    if unknown:
        raise ValueError(f'the run\'s configuration has {", ".join(unknown)}; it may only have {{"full": true}}')
    full = (conf or {}).get("full", False)
    word = str(full).strip().lower()
    if not isinstance(full, bool | str) or word not in TRUTH_WORDS:
        raise ValueError(f'the run\'s configuration has full = {full!r}; write {{"full": true}} or {{"full": false}}')
    return TRUTH_WORDS[word]
