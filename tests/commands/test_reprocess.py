"""`make reprocess`: what the operator reads, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from commands.cli import main
from loaders import store
from schemas import Environment
from tests.pipeline.feeds import declare, listed, night


def test_a_reprocess_normalizes_the_feed_again_and_prints_the_counts(
    home: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    assert main(["reprocess", "books"]) == 0
    assert capsys.readouterr().out == (
        "books: 0 of 4 records changed; 0 added, 4 unchanged, 0 deleted, 0 rejected, 0 quarantined\n"
    )


def test_a_held_reprocess_says_what_to_do_and_is_in_the_report(
    home: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    declare(home, "books", 'status = "retired"\n')
    assert main(["reprocess", "books"]) == 0
    assert capsys.readouterr().out.startswith("books: HELD; what to do: ")
    people = json.loads((home.reports / "night.json").read_bytes())["people"]
    assert ("held", "books") in [(need["what"], need["feed"]) for need in people]


def test_an_undeclared_feed_is_reported(home: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reprocess", "bocks"]) == 2
    assert "bocks.toml" in capsys.readouterr().err


def test_a_harvest_between_two_tasks_is_left_alone_until_it_is_taken_over(
    home: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    task = (
        "from loaders import store; from schemas import environment; "
        "print(store.begin_run(environment(), 'books', dag='feed_books'))"
    )
    ended = subprocess.run([sys.executable, "-c", task], capture_output=True, text=True, check=True)
    run = ended.stdout.strip()
    assert main(["reprocess", "books"]) == 1
    assert f"run {run} is between two tasks of the DAG feed_books" in capsys.readouterr().err
    assert store.read_run(home, run).status == "running"
    assert main(["reprocess", "books", "--take-over"]) == 0
    assert store.read_run(home, run).status == "failed"
