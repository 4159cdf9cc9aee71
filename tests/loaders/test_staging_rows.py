"""What the load writes: every row with its own record, out of outcomes that are still those that were staged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loaders import catalog
from loaders.staging import staging_folder
from loaders.staging_rows import RowsUnreadable, row_batches, row_files
from schemas import Environment, SourceRecord
from tests.loaders.nights import everything, feed, night, rows, said, staged

MANY = 41


def second_night() -> list[SourceRecord]:
    """Of every five records one changed, one bad, one unreadable, one deleted, one as it was."""
    kinds: list[dict[str, Any]] = [{"title": "new"}, {"title": "bad"}, {"unreadable": True}, {"title": None}, {}]
    return [said(f"r{number:02}", **{"title": f"old {number}", **kinds[number % 5]}) for number in range(MANY)]


def stage_second_night(env: Environment) -> tuple[str, Path]:
    night(env, feed(), [said(f"r{number:02}", f"old {number}") for number in range(MANY)])
    run = staged(env, feed(), second_night())
    return run, staging_folder(env, run)


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_every_row_has_its_own_record_however_many_are_read_at_a_time(lite: Environment, size: int) -> None:
    _, folder = stage_second_night(lite)
    read = [row for path in row_files(folder) for some in row_batches(path, size) for row in some]
    assert len(read) == sum(number % 5 != 4 for number in range(MANY))
    for row in read:
        kind = int(row["identifier"].removeprefix("r")) % 5
        if kind in (2, 3):
            assert row["record"] is None
        else:
            record = json.loads(row["record"])
            assert (record["key"], record["title"]["en"]) == (
                f"books:{row['identifier']}",
                "new" if kind == 0 else "bad",
            )


def test_no_batch_holds_more_records_than_were_asked_for(lite: Environment) -> None:
    _, folder = stage_second_night(lite)
    assert max(len(some) for path in row_files(folder) for some in row_batches(path, 7)) == 7


def write_anew(folder: Path, *, first: int, last: int) -> Path:
    """Outcomes as a later transform might have left them: other records at the places of those that were staged."""
    (path,) = (folder / "outcomes").glob("chunk-*.parquet")
    table = pq.read_table(path)
    pq.write_table(table.slice(first, last - first), path)
    return path


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (1, MANY, "was written anew since 'r00' was staged"),
        (0, 10, "has 10 records, and the staging names one of number 1"),
    ],
)
def test_outcomes_that_are_no_longer_those_that_were_staged_load_nothing(
    lite: Environment, first: int, last: int, why: str
) -> None:
    run, folder = stage_second_night(lite)
    path = write_anew(folder, first=first, last=last)
    before = everything(lite)
    with pytest.raises(RowsUnreadable, match=why) as raised:
        catalog.load(lite, run)
    assert str(path) in str(raised.value)
    assert everything(lite) == before
    assert rows(lite, f"harvest_run WHERE id = '{run}'", "status") == [("landed",)]


def test_outcomes_that_are_gone_are_named(lite: Environment) -> None:
    run, folder = stage_second_night(lite)
    (path,) = (folder / "outcomes").glob("chunk-*.parquet")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        catalog.load(lite, run)
