"""Rows made by two processes: the same as by one, whatever becomes of the second process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from schemas import ROOT

PARTS = """
import os, signal, sys, threading
from pathlib import Path
import pyarrow as pa
from pipeline.processes import split_across_processes

HERE = os.getpid()
KEYS = [f"feed:{number:03}" for number in range(101)]

def make(keys):
    if KIND == "killed" and os.getpid() != HERE:
        os.kill(os.getpid(), signal.SIGKILL)
    if KIND == "bad" and KEYS[-1] in keys:
        raise ValueError(f"{KEYS[-1]} cannot be read")
    if KIND == "bad here" and KEYS[0] in keys:
        raise ValueError(f"{KEYS[0]} cannot be read")
    if KIND == "bad here":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(100)  # so that a copy that nobody ends makes the test fail, and not hang
        signal.pause()
    return pa.table({"key": list(keys), "process": [os.getpid()] * len(keys)})

def show(many):
    made = split_across_processes(make, KEYS, Path(sys.argv[1]), min_to_split=many)
    print(made["key"].to_pylist() == KEYS, len(set(made["process"].to_pylist())), sorted(os.listdir(sys.argv[1])))
"""


def told(script: str, folder: Path, kind: str = "") -> subprocess.CompletedProcess[str]:
    """What a process of its own prints: one of the tests' own has threads."""
    source = f"KIND = {kind!r}\n{PARTS}{textwrap.dedent(script)}"
    return subprocess.run(
        [sys.executable, "-c", source, str(folder)], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )


@pytest.mark.parametrize(("many", "processes"), [(101, 2), (102, 1)])
def test_two_processes_make_many_rows_and_one_makes_few(tmp_path: Path, many: int, processes: int) -> None:
    assert told(f"show({many})", tmp_path).stdout == f"True {processes} []\n"


def test_the_half_of_a_process_that_is_killed_is_made_again(tmp_path: Path) -> None:
    ended = told("show(2)", tmp_path, "killed")
    assert ended.stdout == "True 1 []\n"
    assert "exited with -9" in ended.stderr


def test_what_hinders_the_second_process_is_raised_in_the_first(tmp_path: Path) -> None:
    ended = told("show(2)", tmp_path, "bad")
    assert ended.returncode == 1
    assert ended.stderr.rstrip().endswith("ValueError: feed:100 cannot be read")
    assert list(tmp_path.iterdir()) == []


def test_what_hinders_the_first_process_ends_the_second_whatever_that_does_when_it_is_asked(tmp_path: Path) -> None:
    ended = told("signal.signal(signal.SIGTERM, signal.SIG_IGN); show(2)", tmp_path, "bad here")
    assert ended.stderr.rstrip().endswith("ValueError: feed:000 cannot be read")
    assert "computing them again" not in ended.stderr


def test_one_process_makes_all_where_the_system_has_no_room_for_a_second(tmp_path: Path) -> None:
    script = """
        def full():
            raise BlockingIOError(11, "Resource temporarily unavailable")

        os.fork = full
        show(2)
    """
    ended = told(script, tmp_path)
    assert ended.stdout == "True 1 []\n", ended.stderr
    assert "no second one could start" in ended.stderr


def test_a_process_with_a_second_thread_is_not_copied(tmp_path: Path) -> None:
    script = """
        ended = threading.Event()
        other = threading.Thread(target=ended.wait)
        other.start()
        show(2)
        ended.set()
        other.join()
    """
    assert told(script, tmp_path).stdout == "True 1 []\n"
