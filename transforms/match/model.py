"""Read the frozen model: weights, thresholds and term frequencies, made by bench/train_match.py."""

from __future__ import annotations

import hashlib
import math
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from schemas import Base, UnusableFile

MODEL_VERSION = 4  # of the file's shape and of the features that it was trained on
MODEL_PATH = Path(__file__).parent / "model.json"


class ModelUnusable(UnusableFile):
    """The model file cannot be read, or is of another version."""


class LevelBound(Base, frozen=True, kw_only=True, omit_defaults=True):
    """What the narrow table (transforms.match.compared_records) tells of a comparison's level: its numbers and hashes.

    `exact`: the level's own condition can be asked of it. `necessary`: the level cannot hold where `condition` does
    not. `sufficient`: the level holds where `condition` does. `unknown`: nothing.
    """

    kind: Literal["exact", "necessary", "sufficient", "unknown"]
    condition: str | None = None  # SQL over the columns of both sides; of necessary and sufficient ones


class Model(Base, frozen=True, kw_only=True):
    """A trained model. `settings` is splink's own; `frequencies` is the share of records that bear a generic title."""

    version: int
    trained: str  # what it was trained on
    same: float  # probability from which a pair is one work
    review: float  # probability from which a person looks
    guards: tuple[str, ...]  # comparisons that keep works of one title apart; apart from them a pair may be related
    doubtful: dict[str, tuple[str, ...]]  # comparison: labels of levels at which a pair is for review at best
    settings: dict[str, Any]
    frequencies: dict[str, float]
    bounds: dict[str, tuple[LevelBound, ...]]  # of each comparison, in the order of its levels in the settings


@cache
def read_model(path: Path = MODEL_PATH) -> Model:
    """Read the model of a file. Raises ModelUnusable, which says what to do."""
    mend = "train it again with `python bench/train_match.py` or restore the file of this release"
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ModelUnusable(path, f"not readable as a model: {error}", mend) from error
    version = raw.get("version") if isinstance(raw, dict) else None
    if version != MODEL_VERSION:
        raise ModelUnusable(path, f"a model of version {version}, and this release reads version {MODEL_VERSION}", mend)
    try:
        return msgspec.convert(raw, Model)
    except msgspec.ValidationError as error:
        raise ModelUnusable(path, error, mend) from error


def log2_odds(probability: float) -> float:
    """Return the match weight (log2 odds) at which a pair has this probability."""
    return math.log2(probability / (1 - probability))


def matcher_version() -> str:
    """Return the version of the matcher: of its features, and a digest of its model file."""
    from transforms.match.feature_rows import FEATURES_VERSION

    read_model()  # raises what to do about a file that cannot be used
    return f"{FEATURES_VERSION}-{hashlib.sha256(MODEL_PATH.read_bytes()).hexdigest()[:16]}"
