"""What the load writes: every row with its own record, out of outcomes that are still those that were staged."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands.cli import main
from loaders import catalog, store
from loaders.staging import row_batches, row_files, staging_folder
from loaders.store import engine
from schemas import Environment, Reason, SourceRecord, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import everything, feed, night, rows, sent, staged

MANY = 41


def second_night() -> list[SourceRecord]:
    """Of every five records one changed, one bad, one unreadable, one deleted, one as it was."""
    kinds: list[dict[str, Any]] = [{"title": "new"}, {"title": "bad"}, {"unreadable": True}, {"title": None}, {}]
    return [sent(f"r{number:02}", **{"title": f"old {number}", **kinds[number % 5]}) for number in range(MANY)]


def stage_second_night(env: Environment) -> tuple[str, Path]:
    night(env, feed(), [sent(f"r{number:02}", f"old {number}") for number in range(MANY)])
    run = staged(env, feed(), second_night())
    return run, staging_folder(env, run)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home on SQLite in which a second night is staged, to be copied; and the night's run."""
    home = tmp_path_factory.mktemp("prepared")
    env = environment({"ELIB_HOME": str(home)})
    new_catalog(env)
    run, _ = stage_second_night(env)
    engine(env).dispose()
    return home, run


@pytest.fixture
def staged_home(prepared: tuple[Path, str], tmp_path: Path) -> Iterator[tuple[Environment, str, Path]]:
    """A copy of the prepared home, the run, and the folder of its staging."""
    home, run = prepared
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    env = environment({"ELIB_HOME": str(tmp_path)})
    yield env, run, staging_folder(env, run)
    engine(env).dispose()


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


def test_no_batch_holds_more_records_than_requested(lite: Environment) -> None:
    _, folder = stage_second_night(lite)
    assert max(len(some) for path in row_files(folder) for some in row_batches(path, 7)) == 7


def outcomes(folder: Path) -> Path:
    (path,) = (folder / "outcomes").glob("chunk-*.parquet")
    return path


def turn_round(path: Path) -> None:
    """Outcomes as a later transform might have left them: other records at the places of those that were staged."""
    table = pq.read_table(path)
    pq.write_table(table.take(list(range(len(table)))[::-1]), path)


def find_errors(path: Path) -> None:
    """Outcomes as a later transform might have left them: the same records, in which a new rule finds an error."""
    table = pq.read_table(path)
    place = table.schema.get_field_index("codes")
    pq.write_table(table.set_column(place, "codes", pa.array(["license_missing"] * len(table))), path)


def cut(path: Path) -> None:
    pq.write_table(pq.read_table(path).slice(0, 10), path)


DAMAGE = {
    "other records": (turn_round, "was written anew since 'r[0-9]{2}' was staged of it"),
    "other errors": (find_errors, "was written anew since 'r[0-9]{2}' was staged of it"),
    "too few": (cut, "has 10 rows, and [0-9]+ were staged"),
    "gone": (Path.unlink, "is gone"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_run_whose_staged_outcomes_were_altered_loads_nothing(
    staged_home: tuple[Environment, str, Path], kind: str
) -> None:
    lite, run, folder = staged_home
    harm, why = DAMAGE[kind]
    path = outcomes(folder)
    harm(path)
    before = everything(lite)
    with pytest.raises(store.WrongRunState, match=f"{path} {why}.*run the feed again to stage it anew"):
        catalog.load(lite, run)
    assert everything(lite) == before
    assert rows(lite, f"harvest_run WHERE id = '{run}'", "status") == [("landed",)]


@pytest.mark.parametrize("kind", DAMAGE)
def test_an_unreadable_held_run_is_reported_hides_no_other_and_can_be_refused(
    staged_home: tuple[Environment, str, Path],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lite, run, folder = staged_home
    monkeypatch.setenv("ELIB_HOME", str(lite.home))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    films = staged(lite, feed("films"), [sent("f1", "A film", name="films")])
    for held_run in (run, films):
        store.hold_run(lite, held_run, [Reason(code="pipe")])
    harm, why = DAMAGE[kind]
    harm(outcomes(folder))
    assert main(["review", "held"]) == 0
    told = capsys.readouterr().out
    assert re.search(f"{why}; run the feed again", told)
    assert "films:f1" in told
    assert main(["review", "release", run, "--by", "A Steward", "--reason", "looked at it"]) == 1
    assert re.search(why, capsys.readouterr().err)
    assert main(["review", "refuse", run, "--by", "A Steward", "--reason", "looked at it"]) == 0
    assert rows(lite, f"harvest_run WHERE id = '{run}'", "status") == [("refused",)]


def test_changed_rows_in_distant_row_groups_get_their_own_records(lite: Environment) -> None:
    many = [sent(f"r{number:04}", f"old {number}") for number in range(2_500)]
    night(lite, feed(), many)
    changed = {number: sent(f"r{number:04}", f"new {number}") for number in (3, 1_700, 2_499)}
    run = staged(lite, feed(), [changed.get(number, record) for number, record in enumerate(many)])
    catalog.load(lite, run)
    told = dict(rows(lite, "source_record", "identifier, record"))
    titles = [json.loads(told[f"r{number:04}"])["title"]["en"] for number in range(2_500)]
    assert titles == [f"{'new' if number in changed else 'old'} {number}" for number in range(2_500)]


LOST = {  # the files of a staging that a load reads
    "the rows of a chunk": "rows/chunk-00000.parquet",
    "the rows without records": "rows/plain.parquet",
    "the outcomes of a chunk": "outcomes/chunk-00000.parquet",
    "the versions that are no longer refused": "unrefused.parquet",
}


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("harm", ["lost", "cut", "empty", "short"])
def test_a_load_whose_staging_lacks_something_loads_nothing_and_names_the_file(
    staged_home: tuple[Environment, str, Path], kind: str, harm: str
) -> None:
    lite, run, folder = staged_home
    path = folder / LOST[kind]
    why = {"lost": "is gone", "cut": "is damaged: ", "empty": "is damaged: "}.get(harm, "")
    if harm == "lost":
        path.unlink()
    elif harm == "short":
        table = pq.read_table(path)
        if not len(table):
            pytest.skip("it has no rows")
        pq.write_table(table.slice(1), path)
        why = f"has {len(table) - 1} rows, and {len(table)} were staged"
    else:
        path.write_bytes(path.read_bytes()[: 100 if harm == "cut" else 0])
    before = everything(lite)
    with pytest.raises(store.WrongRunState, match=f"{path} {why}.*; run the feed again to stage it anew"):
        catalog.load(lite, run)
    assert everything(lite) == before


def test_a_load_without_the_note_of_its_files_still_compares_the_rows_with_the_counts(env: Environment) -> None:
    run, folder = stage_second_night(env)
    (folder / "staged.json").unlink()  # as an earlier version staged it
    (folder / "rows" / "chunk-00000.parquet").unlink()
    before = everything(env)
    with pytest.raises(
        store.WrongRunState, match="rows has 0 changed records, and 9 were staged, so nothing is loaded"
    ):
        catalog.load(env, run)
    assert everything(env) == before


def test_what_is_staged_is_synced_before_it_counts_and_folders_too(
    lite: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[str] = set()
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    _, folder = stage_second_night(lite)
    names = {re.sub(r"/[.]([^/]*)[.][0-9a-f]{8}-[0-9]+[.]tmp$", r"/\1", path) for path in synced}
    read = [*row_files(folder), outcomes(folder), folder / "unrefused.parquet", folder / "staged.json"]
    folders = [lite.staging, folder, folder / "rows", folder / "outcomes"]
    assert {str(path) for path in (*read, *folders)} <= names
