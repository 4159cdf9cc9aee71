"""Where the library's index is: the folders of two states at most, and the file that says which one is read.

The index is written in place by an update, and in a new folder when it is made anew; the file is replaced at the end,
so that readers go from one whole index to the next.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import tantivy

from loaders.search.library.documents import ANALYZER, index_schema
from loaders.store import whole_file
from schemas import Base, Environment

LIBRARY_INDEX_FOLDER = "library-search"
LIBRARY_INDEX_VERSION = 4  # another one makes the index anew
STATE_FILE = "state.json"


class NoLibraryIndex(Exception):
    """There is no index that can be read; the message says why."""


class LibraryState(Base, frozen=True, kw_only=True):
    """What the index has.

    folder: the name of its folder
    publication: id of the publication up to which it has everything; empty: none was made
    partners: digest of the partners' names by feed
    links: up to when it has which resources are dead
    resources: how many are in it
    at: when it was written
    """

    version: int
    folder: str
    publication: str
    partners: str
    links: str
    resources: int
    at: str


def library_folder(env: Environment) -> Path:
    """Return the folder that holds the index and its state."""
    return env.home / LIBRARY_INDEX_FOLDER


def library_state(env: Environment) -> LibraryState | None:
    """Return the state of the index; None when there is none, it is damaged, or of another version."""
    try:
        text = (library_folder(env) / STATE_FILE).read_bytes()
        state = msgspec.json.decode(text, type=LibraryState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return state if state.version == LIBRARY_INDEX_VERSION else None


def write_state(env: Environment, state: LibraryState) -> None:
    """Make a state the one that is read."""
    with whole_file(library_folder(env) / STATE_FILE) as temporary:
        temporary.write_bytes(msgspec.json.encode(state))


def open_index(folder: Path, *, is_new: bool = False) -> tantivy.Index:
    """Open an index; the tokenizer is registered each time it is opened. Raises ValueError when it is damaged."""
    if not is_new and not tantivy.Index.exists(str(folder)):
        raise ValueError(f"{folder.name} holds no index")
    index = tantivy.Index(index_schema(), path=str(folder))
    index.register_tokenizer(ANALYZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    index.config_reader(reload_policy="manual")
    return index
