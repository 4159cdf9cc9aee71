"""The library's own index: published resources, found by what readers type, with facets and three orders."""

from loaders.search.library.documents import FACETS, SearchTerms
from loaders.search.library.folder import LIBRARY_INDEX_FOLDER, LibraryState, NoLibraryIndex, library_state
from loaders.search.library.queries import MAX_WORDS, ORDERS, Wanted
from loaders.search.library.reading import LibraryHits, LibraryResource, search_library, search_titles
from loaders.search.library.writing import IndexBusy, update_library_index

__all__ = [
    "FACETS",
    "LIBRARY_INDEX_FOLDER",
    "MAX_WORDS",
    "ORDERS",
    "IndexBusy",
    "LibraryHits",
    "LibraryResource",
    "LibraryState",
    "NoLibraryIndex",
    "SearchTerms",
    "Wanted",
    "library_state",
    "search_library",
    "search_titles",
    "update_library_index",
]
