"""The index in which records and resources are found by words of their titles, by persons and by what they are called.

It is made from the catalog, beside it in ELIB_HOME/search, and made again when it is missing or damaged.
"""

from loaders.search.index import INDEX_FOLDER, Words, update_index
from loaders.search.reading import Hit, Hits, NoIndex, search_index

__all__ = ["INDEX_FOLDER", "Hit", "Hits", "NoIndex", "Words", "search_index", "update_index"]
