"""Servers as they are met in public: what `elib harvest` prints, asks and exits with (tests/cases/harvest)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from tests.harvesters.case_server import CaseServer
from tests.harvesters.loopback import ReceivedRequest, serving

CASES = sorted((Path(__file__).parents[1] / "cases" / "harvest").glob("*.json"))
SETTINGS = {"rate": 100_000, "backoff": 0.001, "retries": 1, "timeout": 10}


def write_feed_file(path: Path, url: str, case: dict[str, Any]) -> None:
    required = {"title": "Books", "partner": "A Library", "url": url + case.get("path", "/oai")}
    declared = {**required, **case["feed"], "request": {**SETTINGS, **case.get("request", {})}}
    path.write_text("\n".join(f"{key} = {_toml(value)}" for key, value in declared.items()), encoding="utf-8")


def _toml(value: Any) -> str:
    """Return a value as TOML, which is JSON except for tables."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"


def mismatches(
    expected: dict[str, Any], exit_status: int, out: str, err: str, requests: list[ReceivedRequest]
) -> list[str]:
    """Return the keys of an expectation that do not hold."""
    printed = {json.loads(line)["identifier"] for line in out.splitlines()}
    paths = {request.path for request in requests}
    holds = {
        "exit": lambda status: exit_status == status,
        "distinct": lambda count: len(printed) == count,
        "at_least": lambda count: len(printed) >= count,
        "says": lambda pattern: re.search(pattern, err),
        "says_not": lambda pattern: not re.search(pattern, err),
        "printed": lambda pattern: re.search(pattern, out),
        "asked": lambda names: set(names) <= paths,
        "not_asked": lambda names: not set(names) & paths,
        "requests_at_most": lambda count: len(requests) <= count,
    }
    return [name for name, value in expected.items() if not holds[name](value)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_server_is_harvested_as_the_case_says(
    path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1,localhost")
    feed_file = tmp_path / "books.toml"
    with serving(CaseServer(case)) as loopback:
        write_feed_file(feed_file, loopback.url, case)
        exit_status = main(["harvest", str(feed_file), *case.get("arguments", ())])
    out, err = capfd.readouterr()
    kept = [mismatches(expected, exit_status, out, err, loopback.requests) for expected in case["expected"]]
    assert [] in kept, f"{case['why']}: exit {exit_status}, {kept}\n{err}"
