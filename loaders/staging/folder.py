"""Where a run's staging lies.

`staging/<run_id>/`: `plan.json`, `state.parquet` (the catalog's side), `chunks/` (what to transform), `outcomes/` (what
came of it, with the records), `rows/` (what the load writes of them), `facts.parquet` (for the gate).
All of it can be made again from landing; a loaded run's may be deleted.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from schemas import Environment


def staging_folder(env: Environment, run_id: str) -> Path:
    """The run's own folder under ELIB_HOME/staging."""
    return env.staging / run_id


def relative_to_home(env: Environment, path: Path) -> str:
    """A path as XCom carries it: relative to ELIB_HOME."""
    return path.relative_to(env.home).as_posix()


def remove_staging(env: Environment, run_id: str) -> None:
    """Remove a run's staging, if there is any."""
    shutil.rmtree(staging_folder(env, run_id), ignore_errors=True)
