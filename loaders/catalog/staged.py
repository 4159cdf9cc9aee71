"""The rows that a staged run writes, read in batches; a staging that cannot be read is told with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.parquet as pq

from loaders.staging import RowsUnreadable, check_staged_files, parquet_batches, row_batches, row_files, staging_folder
from loaders.store import WrongRunState
from schemas import Environment, sentence

LOAD_BATCH_ROWS = 2_000
STAGE_AGAIN = "run the feed again to stage it anew"


def staged_batches(env: Environment, run_id: str, *, records: bool = True) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows that a staged run writes in batches, with their records or without.

    Raises WrongRunState when the staging is gone or its files have changed.
    """
    folder = staging_folder(env, run_id)
    files = row_files(folder)
    if not files:
        raise WrongRunState(
            sentence("%(run_id)s: its staging is gone; %(stage_again)s", run_id=run_id, stage_again=str(STAGE_AGAIN))
        )
    with told_unreadable(run_id):
        check_staged_files(folder, outcomes=records)
        for path in files:
            if "version_status" not in pq.read_schema(path).names:
                raise WrongRunState(
                    sentence(
                        "%(run_id)s: it was staged by an earlier version of the project; %(stage_again)s",
                        run_id=run_id,
                        stage_again=str(STAGE_AGAIN),
                    )
                )
            yield from row_batches(path, LOAD_BATCH_ROWS) if records else parquet_batches(path, LOAD_BATCH_ROWS)


@contextmanager
def told_unreadable(run_id: str) -> Iterator[None]:
    """Turn RowsUnreadable into WrongRunState, which says what to do."""
    try:
        yield
    except RowsUnreadable as error:
        raise WrongRunState(
            sentence(
                "%(run_id)s: %(why)s; %(stage_again)s", run_id=run_id, why=str(error), stage_again=str(STAGE_AGAIN)
            )
        ) from error
