"""What waits for a steward, in pages and by facets; every query reads what waits and not the whole catalog."""

from loaders.worklists.pairs import Place, count_pairs, neighbours, pairs_like, read_pair
from loaders.worklists.waiting import (
    Facets,
    OpenError,
    Waiting,
    WaitingFilter,
    open_errors,
    waiting_facets,
    waiting_keys,
    waiting_page,
)

__all__ = [
    "Facets",
    "OpenError",
    "Place",
    "Waiting",
    "WaitingFilter",
    "count_pairs",
    "neighbours",
    "open_errors",
    "pairs_like",
    "read_pair",
    "waiting_facets",
    "waiting_keys",
    "waiting_page",
]
