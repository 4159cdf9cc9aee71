"""The command line as a whole: help, version, wrong arguments, and the old module names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from commands.cli import main
from schemas import ROOT
from schemas.version import __version__

HEAVY = ("airflow", "sqlalchemy", "duckdb", "pyarrow", "pandas", "pydantic", "lxml", "httpx", "rich")
LOADED = f"""
import sys
from commands.cli import main
main(["--help"])
print("LOADED", [name for name in {HEAVY!r} if name in sys.modules])
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )


def test_help_answers_at_once_because_nothing_heavy_is_imported() -> None:
    printed = run("-c", LOADED).stdout
    assert printed.splitlines()[-1] == "LOADED []"
    for command in ("harvest", "transform", "load", "review", "preview", "publish", "reprocess", "run", "up", "backup"):
        assert f"\n  {command} " in printed


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"elib {__version__}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["harvest"], "Missing argument 'FEED'"),
        (["harvest", "x.toml", "--since", "yesterday"], "'yesterday' is neither YYYY-MM-DD nor YYYY-MM-DDThh:mm:ssZ"),
        (["harvest", "x.toml", "--limit", "0"], "greater than or equal to 1"),
        (["load", "--load"], "--load goes past the gate: add --by NAME"),
        (["review", "release", "books-1", "--by", "A Steward"], "Missing option '--reason'"),
        (["review", "forget", "books-1"], "No such command 'forget'"),
        (["preview", "a\x1b[2Jb"], "arguments must be valid UTF-8 without control characters"),
        (["preview", "a\ud800b"], "arguments must be valid UTF-8 without control characters"),
    ],
)
def test_wrong_arguments_are_reported_in_one_sentence_with_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert sentence in " ".join(printed.err.split()) and "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("module", "usage"),
    [
        ("harvesters", "Usage: elib harvest"),
        ("transforms", "Usage: elib transform"),
        ("loaders", "Usage: elib load"),
        ("loaders.review", "Usage: elib review"),
    ],
)
def test_the_old_module_names_are_the_same_commands(module: str, usage: str) -> None:
    ran = run("-m", module, "--help")
    assert (ran.returncode, ran.stdout.startswith(usage)) == (0, True)
