"""Where the files of a run's staging are.

`staging/<run_id>/`: `plan.json`, `state.parquet` and other files about the catalog, `chunks/` (what to transform),
`outcomes/` (the assessments of each chunk, with the records), `rows/` (what the load writes), `facts.parquet` (for the
gate), `staged.json` (how many rows each file has that the load reads), `seconds/` (how long steps took, until `stage`
tells the run). All of it can be made again from landing; the staging of a loaded run may be deleted.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from schemas import Environment

CHUNKS_FOLDER = "chunks"
OUTCOMES_FOLDER = "outcomes"
ROWS_FOLDER = "rows"
SECONDS_FOLDER = "seconds"


def staging_folder(env: Environment, run_id: str) -> Path:
    """Return the folder of a run's staging."""
    return env.staging / run_id


def outcome_path(env: Environment, chunk: str) -> Path:
    """Return the path of a chunk's assessments; `chunk` is relative to ELIB_HOME."""
    path = env.home / chunk
    return path.parent.parent / OUTCOMES_FOLDER / path.name


def relative_to_home(env: Environment, path: Path) -> str:
    """Return a path relative to ELIB_HOME, as XCom carries it."""
    return path.relative_to(env.home).as_posix()


def remove_staging(env: Environment, run_id: str) -> None:
    """Delete a run's staging, if there is one."""
    shutil.rmtree(staging_folder(env, run_id), ignore_errors=True)
