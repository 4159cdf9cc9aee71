"""What killed processes leave behind is removed; what a living one writes is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loaders.store import sweep, temporary_ending, temporary_folder, whole_file, whole_files

KILLED = """
import os, sys
from pathlib import Path
from loaders.store import temporary_folder, whole_file
with temporary_folder(Path(sys.argv[1])) as folder, whole_file(Path(sys.argv[1]) / "reports" / "night.html") as file:
    (folder / "spill").write_text("x")
    file.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_the_temporary_files_and_folders_of_killed_processes_are_swept(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == -9
    assert len(list(tmp_path.rglob("*.tmp"))) == 2
    with whole_file(tmp_path / "mine") as mine:
        mine.write_text("whole", encoding="utf-8")
        sweep(tmp_path)
        assert list(tmp_path.rglob("*.tmp")) == [mine]
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "whole"


def test_files_of_older_versions_are_swept_and_other_names_and_machines_are_left(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f".night.html.{gone.pid}.tmp", f".night.html.00000000-{gone.pid}.tmp", "notes.tmp", temporary_ending()]
    for name in names:
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_a_temporary_folder_ends_with_its_use(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "match") as folder:
        (folder / "spill").touch()
    assert list((tmp_path / "match").iterdir()) == []


def test_several_files_are_replaced_together_or_not_at_all(tmp_path: Path) -> None:
    names = [f"{number}.txt" for number in range(20)]
    with whole_files() as temporary_for:
        for name in names:
            temporary_for(tmp_path / name).write_text("first")
            assert not (tmp_path / name).exists()
    with pytest.raises(OSError, match="disk"), whole_files() as temporary_for:
        temporary_for(tmp_path / names[0]).write_text("second")
        raise OSError("the disk is full")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "first")
    with whole_files():
        pass
