"""The indexes in which records and resources are found; both are made from the catalog, and again when one is missing.

The console's, in ELIB_HOME/search, has the names of records and resources. The library's, in ELIB_HOME/library-search,
has what readers search: published resources.
"""

from loaders.search.index import INDEX_FOLDER, Words, update_index
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
    "search_index",
    "search_library",
    "search_titles",
    "update_index",
    "update_library_index",
]
