"""Decisions of stewards about records and pairs, and the lists they read."""

from loaders.curation.curation import accept, correct, judge, undo_curation, withdraw
from loaders.curation.lists import curations, funnel_line, held, pairs, quarantined, shown
from loaders.curation.values import NotThere

__all__ = [
    "NotThere",
    "accept",
    "correct",
    "curations",
    "funnel_line",
    "held",
    "judge",
    "pairs",
    "quarantined",
    "shown",
    "undo_curation",
    "withdraw",
]
