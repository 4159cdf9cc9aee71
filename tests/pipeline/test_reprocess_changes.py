"""A reprocess: what it changes is counted by kind, and that our own code reads every record otherwise does not hold it.

The "other code" of these tests is a copy of the project with one word of a vocabulary changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loaders import store
from loaders.reports import LANGUAGES
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import ROOT, Environment
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, land_only, listed, night

_ROOMS = ("schemas", "harvesters", "transforms", "loaders", "pipeline", "dags", "commands", "pyproject.toml")


@pytest.fixture(scope="module")
def other_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that calls a worksheet an exercise sheet."""
    copy = tmp_path_factory.mktemp("code")
    for room in _ROOMS:
        source = ROOT / room
        shutil.copytree(source, copy / room) if source.is_dir() else shutil.copy(source, copy / room)
    vocabulary = copy / "schemas" / "vocabularies" / "resource_type.toml"
    text = vocabulary.read_text(encoding="utf-8")
    assert text.count('label = "Worksheet"') == 1
    vocabulary.write_text(text.replace('label = "Worksheet"', 'label = "Exercise sheet"'), encoding="utf-8")
    return copy


def reprocess_with(code: Path, name: str) -> str:
    """Reprocess the feed with the code of a folder; return what the command prints."""
    command = [sys.executable, "-m", "commands.cli", "reprocess", name]
    ended = subprocess.run(
        command, cwd=code, env=os.environ | {"PYTHONPATH": str(code)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_change_of_code_that_alters_every_record_is_loaded_and_counted(
    library: Environment, other_code: Path
) -> None:
    night(library, "books", [listed("books", number) for number in range(60)])
    output = reprocess_with(other_code, "books")
    assert output.splitlines()[0].startswith("books: 60 of 60 records changed; ")
    assert output.splitlines()[1] == "       60  resource_types: changed"
    (run,) = (run for run, kind, status in rows(library, "harvest_run", "id, kind, status") if kind == "reprocess")
    assert store.read_run(library, run).status == "loaded"
    assert store.read_run(library, run).changes == (("resource_types: changed", 60),)
    tasks_catalog.report()
    for language in LANGUAGES:
        page = library.reports / "feeds" / ("books.html" if language == "en" else f"books.{language}.html")
        assert "resource_types: changed" in page.read_text(encoding="utf-8")


def test_a_harvest_in_which_every_payload_changed_is_held(library: Environment) -> None:
    night(library, "books", [listed("books", number) for number in range(60)])
    assert night(library, "books", [listed("books", number, datePublished="2023") for number in range(60)])[1] == {}


def test_a_reprocess_of_payloads_that_all_changed_is_held(library: Environment) -> None:
    night(library, "books", [listed("books", number) for number in range(60)])
    run = land_only(library, "books", [listed("books", number, datePublished="2023") for number in range(60)])
    store.fail_run(library, run, "interrupted", "The machine went down.")
    again = tasks.begin_reprocess("books")
    assert tasks.run_feed("books", again) == {}
    (reason,) = store.read_run(library, again).reasons
    assert getattr(reason, "code", None) == "all_changed"
    assert dict(store.read_run(library, again).changes) == {"issued: changed": 60}, "a held one says what it would do"


def test_each_kind_of_change_says_how_many_records_it_touches(library: Environment) -> None:
    """The feed's file changes what its records are read to be, as a change of code does."""
    works = [listed("books", number, **({"license": None} if number < 4 else {})) for number in range(12)]
    works += [listed("books", 12, license=None, inLanguage=None)]
    night(library, "books", works)
    declare(library, "books", 'default_license = "CC BY-NC 4.0"\n')
    run = tasks.begin_reprocess("books")
    assert tasks.run_feed("books", run)["changed"] == 5
    changes = dict(store.read_run(library, run).changes)
    assert changes == {
        "license.open: none → false (amb: the feed's default)": 5,
        "finding license_assumed: found": 5,
        "finding license_missing: no longer found": 5,
        "finding license_not_open: found": 5,
    }
    (noted,) = (text for text, of in rows(library, "harvest_run", "changes, id") if of == run)
    assert dict(json.loads(noted)) == changes
