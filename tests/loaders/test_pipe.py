"""python -m loaders, fed as the pipe feeds it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loaders.catalog import decisions as catalog_decide
from schemas import Environment, SourceRecord, replace
from tests.loaders.nights import everything, feed, night, rows, sent, states, transform

ROOT = Path(__file__).parents[2]


def lines(records: Iterable[SourceRecord]) -> bytes:
    return b"".join(msgspec.json.encode(transform(digested(record))) + b"\n" for record in records)


def digested(record: SourceRecord) -> SourceRecord:
    """The record as a harvester gives it."""
    digest = sha256(record.payload.encode()).hexdigest() if record.payload else None
    return replace(record, sha256=digest)


def loaders(env: Environment, given: bytes, *words: str) -> tuple[int, str, str]:
    home = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url}
    command = [sys.executable, "-m", "loaders", *words]
    ended = subprocess.run(command, input=given, capture_output=True, cwd=ROOT, env={**os.environ, **home}, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def test_the_pipe_stages_a_held_run_a_feed(env: Environment) -> None:
    records = [
        sent("b1", "bad", name="beta"),
        sent("a1", name="alpha"),
        sent("a1", name="alpha"),
        sent("a2", name="alpha"),
    ]
    code, out, error = loaders(env, lines(records))
    assert (code, error, rows(env, "source_record")) == (0, "", [])
    first, second, advice = out.splitlines()
    assert first.startswith("alpha: received 2, added 2, changed 0, unchanged 0,")
    assert second.startswith(
        "beta: received 1, added 0, changed 0, unchanged 0, deleted 0, unreadable 0, needs review 1 HELD beta-"
    )
    assert advice.endswith("elib review held"), "which gives the commands to release and to refuse a run"
    run = first.split()[-1]
    catalog_decide.release(env, run, by="A Steward", reason="looked at it")
    assert states(env) == {"a1": "live", "a2": "live"}
    assert rows(env, "harvest_run WHERE feed = 'alpha'", "status, duplicates, ungated_by") == [("loaded", 1, None)]


def test_a_load_past_the_gate_says_so_and_by_whom(env: Environment) -> None:
    given = lines([sent("r1"), sent("r2", None)])
    assert loaders(env, given, "--load")[0] == 2, "who?"
    code, out, _ = loaders(env, given, "--load", "--by", "An Operator")
    assert (code, "loaded ungated by An Operator" in out) == (0, True)
    assert rows(env, "harvest_run", "status, ungated_by") == [("loaded", "An Operator")]
    before = everything(env)
    assert "received 2, added 0, changed 0, unchanged 2" in loaders(env, given, "--load", "--by", "An Operator")[1]
    assert everything(env) == before


def test_what_the_pipe_loads_does_not_hide_what_has_landed(env: Environment) -> None:
    night(env, feed(), [sent("r1")])
    loaders(env, lines([sent("r2")]), "--load", "--by", "An Operator")
    assert night(env, feed(), [sent("r1", "new"), sent("r2")]) == {"landed": 2, "changed": 1, "unchanged": 1}


def test_a_bad_line_is_named_and_nothing_is_staged(lite: Environment) -> None:
    given = lines([sent("r1")]) + b"\n" + b'{"feed": "books", "identifier": "r2"}\n'
    code, out, error = loaders(lite, given)
    assert (code, out) == (2, "")
    assert error.startswith("line 3: not an assessment: ")
    assert "nothing was staged" in error
    assert rows(lite, "harvest_run") == []
    assert list(lite.staging.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"feed": "../../elsewhere"}, "a feed's name has small letters"),
        ({"identifier": ""}, "no identifier"),
        ({"sha256": None}, "None is not the sha256 of a payload"),
        ({"rejection": {"key": "books:r1", "reason": "unreadable"}}, "2 outcomes"),
        ({"resource": {"key": "films:9"}}, "it also has the key 'films:9'"),
        ({"identifier": "r\x001"}, "contains NUL"),
        ({"identifier": "r" * 1_201}, "more than 1200 bytes"),
        (
            {"issues": [{"key": "books:r2", "code": "x", "severity": "info", "path": "", "value": ""}]},
            "it also has the key 'books:r2'",
        ),
    ],
)
def test_a_line_that_contradicts_itself_is_named_and_nothing_is_written(
    lite: Environment, more: dict[str, Any], why: str
) -> None:
    good = msgspec.to_builtins(transform(digested(sent("r1"))))
    before = sorted(path for path in lite.home.parent.rglob("*") if path.is_file() and path.suffix == ".parquet")
    code, out, error = loaders(lite, msgspec.json.encode(good) + b"\n" + msgspec.json.encode(good | more) + b"\n")
    assert (code, out) == (2, "")
    assert error.startswith("line 2: not an assessment: ") and why in error and "nothing was staged" in error
    assert rows(lite, "harvest_run") == []
    assert sorted(path for path in lite.home.parent.rglob("*.parquet") if path.is_file()) == before


def test_what_a_killed_pipe_left_is_swept(lite: Environment) -> None:
    old, new = (lite.staging / f"pipe-{name}" for name in ("2026-01-01T000000", "2026-01-02T000000"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    assert loaders(lite, b"")[0] == 0
    assert (old.exists(), new.exists()) == (False, True)


def test_a_reader_that_has_enough_is_no_failure(lite: Environment) -> None:
    command = [sys.executable, "-m", "loaders"]
    given = msgspec.json.encode(transform(digested(sent("r1")))) + b"\n"
    environment = {**os.environ, "ELIB_HOME": str(lite.home), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as running:
        assert running.stdin and running.stdout and running.stderr
        running.stdout.close()
        running.stdin.write(given)
        running.stdin.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0
    assert rows(lite, "harvest_run", "status") == [("held",)]
