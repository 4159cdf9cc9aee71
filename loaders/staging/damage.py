"""Find the damaged file behind an error: the libraries that read a file seldom say which one it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.landing import part_paths, read_footer
from loaders.staging.folder import staging_folder
from loaders.store import feed_name_of
from schemas import Environment, UnusableFile

# What reading a damaged file raises, beside duckdb.Error
_RAISED_BY_DAMAGE = (OSError, ValueError, TypeError, KeyError, pa.ArrowException)
_BATCH_ROWS = 1_000
SET_PART_ASIDE = (
    "restore it from a backup; or move its folder out of landing and trigger the feed's DAG with full, so that the "
    "partner is asked for everything again"
)
_STAGE_AGAIN = "run the feed again to stage it anew"


def find_damage(env: Environment, run_id: str, error: BaseException) -> UnusableFile | None:
    """Return the first damaged file of the feed's landing or the run's staging, when the error may come from one.

    Reads every file of both from end to end.
    """
    import duckdb  # here, because every task imports this module

    if not isinstance(error, (*_RAISED_BY_DAMAGE, duckdb.Error)):
        return None
    folder = staging_folder(env, run_id)
    text = str(error) if isinstance(error, FileNotFoundError) else ""
    if str(folder) in text:  # pyarrow names the file in its text only
        name = text[text.index(str(folder)) :].partition("'")[0]
        return UnusableFile(Path(name), "it is missing", _STAGE_AGAIN)
    for path in _landing_parts(env.landing / feed_name_of(run_id)):
        if why := _damage_of(path, is_part=True):
            return UnusableFile(path, why, SET_PART_ASIDE)
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".parquet", ".json"} and not path.name.startswith(".") and (why := _damage_of(path)):
            return UnusableFile(path, why, _STAGE_AGAIN)
    return None


def _landing_parts(folder: Path) -> Iterator[Path]:
    for run in sorted(path for path in folder.glob("*") if path.is_dir()):
        yield from part_paths(run)


def _damage_of(path: Path, *, is_part: bool = False) -> str:
    """Return what a file raises when it is read from end to end; empty for a sound one."""
    try:
        if path.suffix == ".json":
            msgspec.json.decode(path.read_bytes())
            return ""
        if is_part:
            read_footer(path)
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS):
                batch.validate(full=True)
    except Exception as error:
        return f"it is damaged ({type(error).__name__}: {error})"
    return ""
