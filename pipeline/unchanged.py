"""Tell by a digest what a match and a publication depend on besides the catalog: our code, libraries, declarations."""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from schemas import ROOT

if TYPE_CHECKING:
    from loaders.declarations import FeedsInUse

_ROOMS = ("schemas", "transforms", "loaders", "pipeline")
_LIBRARIES = ("duckdb", "msgspec", "pyarrow", "rapidfuzz", "splink")  # whose newer versions may judge a pair otherwise


def publication_inputs(feeds: FeedsInUse) -> str:
    """Return digests, joined by a dash, of what a match and its publication depend on besides the catalog.

    The first is of our code, any change of which counts, so that the night after an upgrade does all of its work; the
    second of the declarations.
    """
    from pipeline.feed_terms import feed_terms

    declared = [(feed.name, feed.trust, feed.one_to_one) for feed in feeds.feeds]
    declarations = (declared, sorted(feed_terms(feeds).items()), sorted(feeds.undeclared))
    return f"{_code_digest()}-{hashlib.sha256(msgspec.json.encode(declarations)).hexdigest()}"


def is_other_code(inputs: str | None, others: str) -> bool:
    """Return whether two results of `publication_inputs` come from different code; False when one is not known."""
    return bool(inputs and inputs.partition("-")[0] != others.partition("-")[0])


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Return a digest of the files of the rooms below the web, of the libraries' versions, and of Python's."""
    digest = hashlib.sha256(sys.version.encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    for path in _files():
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files() -> list[Path]:
    files = (path for room in _ROOMS for path in (ROOT / room).rglob("*"))
    return sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts)
