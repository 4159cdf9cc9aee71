"""What the web shows of the catalog: in pages and by facets; no query reads every record."""

from loaders.browse.pairs import Place, count_pairs, neighbours, pairs_like, read_pair
from loaders.browse.run_changes import (
    ChangeFacets,
    ChangeFilter,
    ChangesPage,
    Difference,
    RunChange,
    change_facets,
    differences_of,
    has_changes,
    run_changes,
    shown_value,
)
from loaders.browse.runs import PUBLICATIONS, RunPlace, RunSummary, newest_run, read_run_summary, run_facets, runs_page
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
    "PUBLICATIONS",
    "ChangeFacets",
    "ChangeFilter",
    "ChangesPage",
    "Difference",
    "Facets",
    "Need",
    "Note",
    "OpenError",
    "Place",
    "RunChange",
    "RunPlace",
    "RunSummary",
    "Waiting",
    "WaitingFilter",
    "change_facets",
    "count_pairs",
    "differences_of",
    "has_changes",
    "neighbours",
    "newest_run",
    "open_errors",
    "pairs_like",
    "read_pair",
    "read_run_summary",
    "run_changes",
    "run_facets",
    "runs_page",
    "shown_value",
    "todays_needs",
    "waiting_facets",
    "waiting_keys",
    "waiting_page",
]
