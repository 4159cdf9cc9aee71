"""Keep how long steps took that work side by side, beside their staging: they write nothing into the catalog."""

from __future__ import annotations

import secrets

from loaders.staging.folder import SECONDS_FOLDER, staging_folder
from schemas import Environment


def keep_seconds(env: Environment, run_id: str, step: str, seconds: float) -> None:
    """Note that a step of a run, or a part of it, took so long."""
    folder = staging_folder(env, run_id) / SECONDS_FOLDER
    folder.mkdir(exist_ok=True)
    (folder / f"{step}-{secrets.token_hex(8)}").write_text(repr(seconds), encoding="utf-8")


def take_seconds(env: Environment, run_id: str) -> dict[str, float]:
    """Return the seconds that were noted of a run, added up by step, and forget them.

    A note that was cut short by a kill counts nothing.
    """
    taken: dict[str, float] = {}
    for path in sorted((staging_folder(env, run_id) / SECONDS_FOLDER).glob("*-*")):
        step = path.name.rpartition("-")[0]
        taken[step] = taken.get(step, 0.0) + float(path.read_text(encoding="utf-8") or 0)
        path.unlink()
    return taken
