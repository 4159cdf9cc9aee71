"""A damaged or missing file, a full disk and a folder that cannot be written end in one sentence that names it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands.cli import main
from loaders.landing import land, part_paths
from loaders.store import begin_run, storage_sentence, temporary_ending
from pipeline import catalog
from pipeline import feed as tasks
from pipeline.endings import failure_sentence
from schemas import ROOT, Ask, Environment, UnusableFile
from tests.loaders.nights import pages, rows
from tests.pipeline.feeds import declare, land_only, listed, night


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip(path: Path) -> None:
    """Damage a page of the file; its footer stays readable."""
    content = bytearray(path.read_bytes())
    content[40:400] = b"\xff" * 360
    path.write_bytes(bytes(content))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_payload(path: Path) -> None:
    """A sound file whose payload is not the one that was landed."""
    table = pq.read_table(path)
    place = table.schema.get_field_index("payload")
    texts = [text and text.replace("Photo", "Phono") for text in table["payload"].to_pylist()]
    pq.write_table(table.set_column(place, "payload", pa.array(texts, pa.string())), path)


DAMAGE: dict[str, Callable[[Path], None]] = {"cut": cut, "flipped": flip, "empty": empty, "other": other_payload}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_landing_part_is_named_by_the_night_that_reads_it_and_can_be_set_aside(
    home: Environment, kind: str
) -> None:
    declare(home, "books")
    records = [listed("books", number) for number in range(5)]
    run = land_only(home, "books", records)
    (part,) = part_paths(home.landing / "books" / run)
    DAMAGE[kind](part)
    with pytest.raises(UnusableFile) as caught:
        tasks.run_feed("books", run)
    assert str(part) in str(caught.value) and "restore it from a backup" in str(caught.value)
    ((status, cause, error),) = rows(home, "harvest_run", "status, cause, error")
    assert (status, cause, error) == ("failed", "unusable_file", str(caught.value))
    assert "Traceback" not in error and "\n" not in error
    assert failure_sentence(caught.value) == error

    shutil.move(part.parent, home.home / "set aside")
    assert night(home, "books", records)[1]["added"] == 5


def test_a_set_aside_part_comes_back_with_a_whole_harvest(home: Environment) -> None:
    declare(home, "books")
    records = [listed("books", number) for number in range(5)]
    first, _ = night(home, "books", records)
    night(home, "books", records)  # landed without payloads: they are in the first part
    shutil.rmtree(home.landing / "books" / first)
    run = begin_run(home, "books", version=tasks.transforms_version())
    land(home.landing, tasks.load_feed(home, "books"), run, pages(records), ask=Ask())  # as with full
    assert tasks.run_feed("books", run)["unchanged"] == 5
    assert tasks.run_feed("books", tasks.begin_reprocess("books"))["unchanged"] == 5


@pytest.mark.parametrize("name", ["plan.json", "state.parquet", "chunks/chunk-00000.parquet"])
def test_a_damaged_file_of_a_staging_is_named(home: Environment, name: str) -> None:
    declare(home, "books")
    run = land_only(home, "books", [listed("books", number) for number in range(5)])
    (chunk,) = tasks.plan("books", run)
    path = home.staging / run / name
    cut(path) if name.endswith("parquet") else path.write_text("{", encoding="utf-8")
    with pytest.raises(UnusableFile, match=f"{path} cannot be used: it is damaged .*; run the feed again"):
        tasks.transform("books", chunk)
        tasks.check("books", run)
        tasks.stage("books", run)


def test_a_missing_file_of_a_staging_is_named(home: Environment) -> None:
    declare(home, "books")
    run = land_only(home, "books", [listed("books", number) for number in range(5)])
    (chunk,) = tasks.plan("books", run)
    tasks.transform("books", chunk)
    folder = home.staging / run
    (outcomes,) = (path for path in folder.rglob("*.parquet") if path.parent.name == "outcomes")
    outcomes.unlink()
    with pytest.raises(UnusableFile, match="cannot be used: it is missing; run the feed again"):
        tasks.check("books", run)


def package(tmp_path: Path) -> Path:
    """A copy of the packages, whose files a test may damage."""
    for name in ("schemas", "transforms", "loaders", "pipeline", "commands", "harvesters", "dags"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_broken_file_of_the_package_ends_a_command_in_one_sentence(tmp_path: Path) -> None:
    copy = package(tmp_path / "copy")
    variables = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "ELIB_HOME": str(tmp_path / "home"),
        "ELIB_FEEDS": str(copy / "feeds"),
    }
    record = listed("books", 1, about=["Biology"])
    line = msgspec.json.encode(record)
    cases = {
        "schemas/vocabularies/licenses.toml": ["transform"],
        "schemas/vocabularies/resource_type.toml": ["transform"],
        "transforms/rules/words.toml": ["transform"],
        "transforms/match/model.json": ["publish"],
    }
    for name, words in cases.items():
        path = copy / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] + b"\n[[[")
        ran = subprocess.run(
            [sys.executable, "-m", "commands.cli", *words], cwd=copy, env=variables, input=line, check=False,
            capture_output=True,
        )  # fmt: skip
        path.write_bytes(whole)
        told = ran.stderr.decode()
        assert ran.returncode == 1 and "Traceback" not in told, (name, told)
        assert f"{path} cannot be used: " in told.splitlines()[-1] and "this release" in told.splitlines()[-1], told


@pytest.mark.parametrize("words", [("review", "held"), ("publish",), ("backup",), ("reprocess", "books")])
def test_a_home_that_is_no_folder_ends_a_command_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    assert main(list(words)) == 1
    told = capsys.readouterr().err
    assert str(tmp_path / "file") in told and "Traceback" not in told and len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/part"), "/x/part: the disk is full: make room"),
        (OSError(errno.EROFS, "Read-only file system", "/x/part"), "/x/part: this user cannot write there"),
        (PermissionError(errno.EACCES, "Permission denied", "/x\n/part"), "/x␊/part: this user cannot write there"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ": the disk is full: make room"),
        (duckdb.OutOfMemoryException("failed to offload data block of size 256 KiB"), ": the disk is full: make room"),
        (pa.lib.ArrowInvalid("not about the disk"), None),
        (ValueError("permission denied"), None),
    ],
)
def test_what_the_disk_says_becomes_a_sentence(home: Environment, error: Exception, words: str | None) -> None:
    sentence = storage_sentence(error, home)
    assert (sentence is None) if words is None else (sentence is not None and words in sentence)


def test_what_a_killed_match_and_report_left_is_gone_after_the_next(home: Environment) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(3)])
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    ending = f"{temporary_ending().partition('-')[0]}-{ended.pid}.tmp"
    for folder in (home.home / "match" / f"found-abc.{ending}", home.home / "match" / f"elib-abc.{ending}"):
        folder.mkdir(parents=True)
        (folder / "features.parquet").write_bytes(b"half")
    (home.reports / "feeds").mkdir(parents=True, exist_ok=True)
    (home.reports / "feeds" / f".books.html.{ending}").write_bytes(b"half")
    catalog.publish(catalog.match())
    catalog.report()
    assert list(home.home.rglob(f"*{ending}")) == []
