"""Faults of partners, disks and files: the cases of tests/cases, storms, full and read-only disks, damaged files."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.kills import Prepared, prepared
from tests.faults.nights import Limits, contents, require_equal, run_night
from tests.faults.partners import FEEDS
from tests.faults.trials import Trial
from tests.harvesters.case_server import CaseServer
from tests.harvesters.loopback import serving
from tests.harvesters.oai_storm import Storm, weather
from tests.harvesters.test_harvest_cases import CASES, mismatches, write_feed_file

ROOT = Path(__file__).parents[2]
SENTENCE_ENDS = (".", "!")
# files whose damage is another room's: databases have their own recovery, logs and reports are written anew
_NOT_DAMAGED = {"catalog.db", "catalog.db-wal", "catalog.db-shm"}


@contextmanager
def faults(folder: Path) -> Iterator[Callable[[int], Trial]]:
    """Return the trial of each seed: the cases one by one between faults of every other kind."""
    with prepared(folder) as nights:
        yield faults_of(nights)


def faults_of(nights: Prepared) -> Callable[[int], Trial]:
    """Return the trials of `faults` on nights that are prepared already."""
    kinds: list[tuple[str, Callable[[Prepared, int], None]]] = [
        ("storm", _storm),
        ("full disk", _full_disk),
        ("damaged file", _damaged_file),
        ("read-only home", _read_only),
    ]

    def trial(seed: int) -> Trial:
        case, kind = CASES[seed // 2 % len(CASES)], kinds[seed // 2 % len(kinds)]
        if seed % 2:
            return Trial(f"case {case.stem}", partial(_case, nights.folder, case))
        return Trial(kind[0], partial(kind[1], nights, seed))

    return trial


def _storm(nights: Prepared, seed: int) -> None:
    home = nights.folder / "storm"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    weather(Storm(seed), home)


def _case(folder: Path, path: Path) -> None:
    """Run `elib harvest` on a server of tests/cases/harvest."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    home = folder / "case"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ELIB_")}
    settings = {"ELIB_HOME": str(home / "home"), "ELIB_ALLOW_PRIVATE": "127.0.0.1,localhost", "PYTHONPATH": str(ROOT)}
    with serving(CaseServer(case)) as loopback:
        write_feed_file(home / "books.toml", loopback.url, case)
        command = [
            sys.executable,
            "-m",
            "commands.cli",
            "harvest",
            str(home / "books.toml"),
            *case.get("arguments", ()),
        ]
        ended = subprocess.run(
            command, env={**clean, **settings}, capture_output=True, text=True, timeout=900, check=False
        )
    kept = [
        mismatches(expected, ended.returncode, ended.stdout, ended.stderr, loopback.requests)
        for expected in case["expected"]
    ]
    assert [] in kept, f"{case['why']}: exit {ended.returncode}, {kept}, {ended.stderr[-800:]}"


def _full_disk(nights: Prepared, seed: int) -> None:
    """Let no file grow beyond a limit for one night; the next one makes up for it."""
    home = nights.copy("full")
    largest = max(path.stat().st_size for path in home.rglob("*") if path.is_file())
    limit = random.Random(seed).randrange(2_000, 2 * largest)
    ended = run_night(home, FEEDS, Limits(max_file_bytes=limit))
    if ended.exit_status != 0:
        _require_told(ended.output)
    run_night(home, FEEDS).require_success()
    require_equal(contents(home), nights.undisturbed)


def _read_only(nights: Prepared, seed: int) -> None:
    home = nights.copy("readonly")
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    for path in [*folders, *(path for path in home.rglob("*") if path.is_file())]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        ended = run_night(home, FEEDS, Limits(may_write=False))
    finally:
        for path in home.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        home.chmod(0o755)
    assert ended.exit_status not in (0, None) and ended.exit_status > 0, "a night in a read-only home succeeded"
    _require_told(ended.output)
    assert str(home) in ended.output, f"the folder is not named: {ended.output[-800:]}"
    run_night(home, FEEDS).require_success()
    require_equal(contents(home), nights.undisturbed)


def _damaged_file(nights: Prepared, seed: int) -> None:
    """Damage one file: the night goes on with the same result, or it ends and names the file, and repairs itself."""
    dice, home = random.Random(seed), nights.copy("damaged")
    files = sorted(path for path in home.rglob("*") if path.is_file() and _may_be_damaged(path.relative_to(home)))
    path = dice.choice(files)
    whole = path.read_bytes()
    path.write_bytes(_damage(whole, dice))
    ended = run_night(home, FEEDS)
    name = str(path.relative_to(home))
    if ended.exit_status != 0:
        assert path.name in ended.output or path.parent.name in ended.output, f"{name}: {ended.output[-800:]}"
        _require_told(ended.output)
        path.write_bytes(whole)
        run_night(home, FEEDS).require_success()
    try:
        require_equal(contents(home), nights.undisturbed)
    except AssertionError as error:
        raise AssertionError(f"{name} was damaged: {error}") from error


def _may_be_damaged(path: Path) -> bool:
    return path.name not in _NOT_DAMAGED and path.parts[0] not in ("locks", "reports", "airflow")


def _damage(whole: bytes, dice: random.Random) -> bytes:
    cut = dice.randrange(max(1, len(whole)))
    return dice.choice([b"", whole[:cut], whole[:cut] + bytes(min(64, len(whole) - cut)) + whole[cut + 64 :]])


def _require_told(output: str) -> None:
    last = output.strip().splitlines()[-1] if output.strip() else ""
    assert last, "the night ended and said nothing"
