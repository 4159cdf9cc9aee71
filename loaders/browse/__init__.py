"""What the web shows of the catalog: in pages and by facets; no query reads every record."""

from loaders.browse.pairs import Place, count_pairs, neighbours, pairs_like, read_pair
from loaders.browse.today import Need, Note, todays_needs
from loaders.browse.waiting import (
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
    "Need",
    "Note",
    "OpenError",
    "Place",
    "Waiting",
    "WaitingFilter",
    "count_pairs",
    "neighbours",
    "open_errors",
    "pairs_like",
    "read_pair",
    "todays_needs",
    "waiting_facets",
    "waiting_keys",
    "waiting_page",
]
