"""The library's own lists and the terms that partners use for them: schemas/vocabularies, one TOML file per list."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from schemas.unusable_file import UnusableFile

_FOLDER = Path(__file__).parent / "vocabularies"


@lru_cache(maxsize=64)
def read_vocabulary(name: str) -> dict[str, Any]:
    """Return the content of schemas/vocabularies/<name>.toml, which is read once.

    Raises UnusableFile when it is missing or is not TOML.
    """
    return read_toml(_FOLDER / f"{name}.toml")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file of the package. Raises UnusableFile when it is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableFile(path, error, "correct it, or put back the file of this release") from error
