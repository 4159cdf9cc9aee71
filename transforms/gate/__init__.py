"""The gate: judges a feed as it would stand after a load, before anything changes."""

from transforms.gate.verdict import History, judge, with_promised

__all__ = [
    "History",
    "judge",
    "with_promised",
]
