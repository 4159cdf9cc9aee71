"""The library's own lists and the terms that partners use for them: schemas/vocabularies, one TOML file per list."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "vocabularies"


@lru_cache(maxsize=64)
def read_vocabulary(name: str) -> dict[str, Any]:
    """Return the content of schemas/vocabularies/<name>.toml, which is read once.

    Raises FileNotFoundError when there is no such file.
    """
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
