"""The library's own lists and the words that partners use for them: schemas/vocabularies, one TOML file a list."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "vocabularies"


@lru_cache(maxsize=64)
def read_vocabulary(name: str) -> dict[str, Any]:
    """The table schemas/vocabularies/<name>.toml, read once. Raises FileNotFoundError when there is none."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
