"""`make scaffold` writes formats and feeds that pass the test suite as they are; tried in a copy of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands.scaffold import CannotScaffold, scaffold_feed, scaffold_format
from schemas import ROOT

CROSSWALK_TESTS = [
    "tests/transforms/crosswalks/test_crosswalks_golden.py",
    "tests/transforms/crosswalks/test_crosswalks_document.py",
    "tests/transforms/crosswalks/test_crosswalks_accounted.py",
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the checkout without its environment, its runs and its caches."""
    left_out = shutil.ignore_patterns(".*", "var", "__pycache__", "*.egg-info", "node_modules")
    shutil.copytree(ROOT, tmp_path / "checkout", ignore=left_out)
    return tmp_path / "checkout"


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_new_format_passes_the_tests_of_formats_at_once(copy: Path, options: list[str]) -> None:
    written = run(copy, "commands.cli", "scaffold", "--format", "made_up", *options)
    assert written.returncode == 0, written.stderr
    assert "transforms/crosswalks/made_up.py" in written.stdout.splitlines()
    assert "## made_up\n" in (copy / "docs" / "crosswalks.md").read_text(encoding="utf-8")
    golden = (copy / "tests" / "fixtures" / "made_up" / "all_fields.golden.json").read_text(encoding="utf-8")
    assert "Rain in the garden" in golden
    tests = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *CROSSWALK_TESTS, "-k", "made_up or current or any")
    assert tests.returncode == 0, tests.stdout
    style = run(copy, "ruff", "check", "--no-cache", "transforms/crosswalks", "commands")
    assert style.returncode == 0, style.stdout
    form = run(copy, "ruff", "format", "--no-cache", "--check", "transforms/crosswalks")
    assert form.returncode == 0, form.stdout


def test_a_new_feed_passes_the_tests_of_feeds_at_once(copy: Path) -> None:
    written = run(copy, "commands.cli", "scaffold", "--feed", "made_up")
    assert written.returncode == 0, written.stderr
    assert "feeds/made_up.toml" in written.stdout.splitlines()
    tests = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/feeds", "tests/test_feed_files.py")
    assert tests.returncode == 0, tests.stdout
    style = run(copy, "ruff", "check", "--no-cache", "tests/feeds")
    assert style.returncode == 0, style.stdout


@pytest.mark.parametrize("name", ["Big", "1st", "with-dash", "../up", "class", "", "lom", "marc21", "engine"])
def test_a_name_that_cannot_be_a_format_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    formats = tmp_path / "transforms" / "crosswalks"
    (formats / "engine").mkdir(parents=True)
    for existing in ("formats.py", "lom.py"):
        shutil.copy(ROOT / "transforms" / "crosswalks" / existing, formats)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CannotScaffold):
        scaffold_format(name, root=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_existing_feed_is_never_overwritten(tmp_path: Path) -> None:
    scaffold_feed("books", root=tmp_path)
    feed = tmp_path / "feeds" / "books.toml"
    feed.write_text("changed", encoding="utf-8")
    with pytest.raises(CannotScaffold, match="already exists"):
        scaffold_feed("books", root=tmp_path)
    assert feed.read_text(encoding="utf-8") == "changed"


def test_a_wrong_name_is_explained_on_the_command_line() -> None:
    ended = run(ROOT, "commands.cli", "scaffold", "--feed", "Bad-Name")
    assert ended.returncode == 2
    assert "begin with a letter" in ended.stderr
