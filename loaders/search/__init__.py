"""The indexes in which records and resources are found; both are made from the catalog, and again when one is missing.

The console's, in ELIB_HOME/search, has the names of records and resources. The library's, in ELIB_HOME/library-search,
has what readers search: published resources.
"""

from pathlib import Path

from loaders.search.index import INDEX_FOLDER, Words, read_state, update_index
from loaders.search.library import (
    FACETS,
    LIBRARY_INDEX_FOLDER,
    MAX_WORDS,
    ORDERS,
    IndexBusy,
    LibraryHits,
    LibraryResource,
    LibraryState,
    NoLibraryIndex,
    SearchTerms,
    Wanted,
    library_state,
    search_library,
    search_titles,
    update_library_index,
)
from loaders.search.reading import Hit, Hits, NoIndex, search_index
from schemas import Environment

__all__ = [
    "FACETS",
    "INDEX_FOLDER",
    "LIBRARY_INDEX_FOLDER",
    "MAX_WORDS",
    "ORDERS",
    "Hit",
    "Hits",
    "IndexBusy",
    "LibraryHits",
    "LibraryResource",
    "LibraryState",
    "NoIndex",
    "NoLibraryIndex",
    "SearchTerms",
    "Wanted",
    "Words",
    "library_state",
    "outdated_indexes",
    "search_index",
    "search_library",
    "search_titles",
    "update_index",
    "update_library_index",
]


def outdated_indexes(env: Environment) -> list[Path]:
    """Return the folders of the indexes that the next publication makes anew, because another version made them."""
    states = {INDEX_FOLDER: read_state, LIBRARY_INDEX_FOLDER: library_state}
    folders = [env.home / name for name, state in states.items() if state(env) is None]
    return [folder for folder in folders if folder.exists()]
