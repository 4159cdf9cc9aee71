"""The gate: judge a feed as it would be after a load, before anything changes."""

from transforms.gate.bounds import max_records_gone
from transforms.gate.verdict import COLUMNS, BadGate, GateResult, SharesBefore, judge, replay, with_restored

__all__ = [
    "COLUMNS",
    "BadGate",
    "GateResult",
    "SharesBefore",
    "judge",
    "max_records_gone",
    "replay",
    "with_restored",
]
