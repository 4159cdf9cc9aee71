"""python -m harvesters: JSON lines out, progress on stderr, an honest exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from harvesters import HARVESTERS
from harvesters.causes import CAUSES, causes_table, failed
from harvesters.client import from_environment
from harvesters.progress import progress_line
from schemas import PROTOCOLS, Feed, HarvestFailed, ProtocolName
from tests.harvesters.loopback import OaiServer, names, serving

ROOT = Path(__file__).parents[2]


def command(folder: Path, url: str, *words: str, private: str = "127.0.0.1") -> subprocess.CompletedProcess[str]:
    path = folder / "books.toml"
    lines = ['title = "B"', 'partner = "P"', 'protocol = "oai_pmh"', 'format = "oai_dc"', f'url = "{url}"']
    path.write_text("\n".join([*lines, "[request]", "rate = 1000"]))
    env = {**os.environ, "ELIB_HOME": str(folder), "ELIB_ALLOW_PRIVATE": private, "PYTHONPATH": str(ROOT)}
    words_all = [sys.executable, "-m", "harvesters", str(path), *words]
    return subprocess.run(words_all, capture_output=True, text=True, env=env, cwd=ROOT, check=False, timeout=600)


def test_the_command_prints_one_record_a_line(tmp_path: Path) -> None:
    with serving(OaiServer(count=25)) as loopback:
        done = command(tmp_path, loopback.url, "--limit", "12")
        since = command(tmp_path, loopback.url, "--since", "2026-01-24")
    assert done.returncode == 0
    assert [json.loads(line)["identifier"] for line in done.stdout.splitlines()] == names(range(12))
    assert "12 records" in done.stderr or "of 25 records" in done.stderr
    assert [json.loads(line)["identifier"] for line in since.stdout.splitlines()] == names([23, 24])


def test_the_command_says_why_it_failed(tmp_path: Path) -> None:
    with serving(OaiServer()) as loopback:
        refused = command(tmp_path, loopback.url, private="")
        wrong = command(tmp_path, "gopher://x")
    assert refused.returncode == 1
    assert "forbidden_address" in refused.stderr
    assert wrong.returncode == 2
    assert "url:" in wrong.stderr


def test_the_tables_of_protocols_agree() -> None:
    assert list(HARVESTERS) == list(PROTOCOLS) == list(get_args(ProtocolName))
    assert Feed.model_fields["protocol"].annotation == ProtocolName
    assert all(callable(harvester().harvest) for harvester in HARVESTERS.values())


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_every_cause_says_what_to_do_and_whether_it_is_tried_again(cause: str) -> None:
    error = failed(cause, "It happened")
    assert error.sentence.startswith("It happened. ")
    assert CAUSES[cause].advice in error.sentence
    assert error.sentence.endswith(("tries again.", "until this is changed."))


def test_the_documentation_shows_the_table_of_causes_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "harvest.md").read_text(encoding="utf-8")
    assert causes_table() in text, "run python -m harvesters.causes and put its table into docs/harvest.md"


def test_the_documentation_names_every_protocol_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "harvest.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z_]+)` \| [A-Z]", text, flags=re.MULTILINE) == list(PROTOCOLS)


def test_progress_is_a_line_with_rate_and_end() -> None:
    now = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
    assert progress_line(1200, 4800, 20, now) == "1 200 of 4 800 records (25 %), 60/s, until about 01:01 UTC"
    assert progress_line(7, None, 0, now) == "7 records, 0/s"


def test_a_connection_that_cannot_be_read_is_named_and_not_said() -> None:
    with pytest.raises(HarvestFailed) as caught:
        from_environment("partner", {"AIRFLOW_CONN_PARTNER": '{"password": s3cret}'})
    assert caught.value.cause == "blocked"
    assert "AIRFLOW_CONN_PARTNER" in caught.value.sentence
    assert "s3cret" not in caught.value.sentence


def test_credentials_come_from_the_environment_in_airflows_form() -> None:
    variables = {
        "AIRFLOW_CONN_ONE": "http://me:p%40ss@example.org",
        "AIRFLOW_CONN_FOUR": "http://:t0ken@example.org?header.X-Key=a%20b",
        "AIRFLOW_CONN_FIVE": "http://example.org?__extra__=%7B%22token%22%3A%20%22t0ken%22%7D",
        "AIRFLOW_CONN_SIX": "http://example.org?__extra__=%5B%5D1",
        "AIRFLOW_CONN_TWO": '{"conn_type": "http", "password": "t0ken", "extra": {"header.X-Key": "k"}}',
    }
    assert from_environment("one", variables) == {"login": "me", "password": "p@ss"}
    assert from_environment("two", variables) == {"token": "t0ken", "header.X-Key": "k"}
    assert from_environment("three", variables) == {}
    assert from_environment("four", variables) == {"token": "t0ken", "header.X-Key": "a b"}
    assert from_environment("five", variables) == {"token": "t0ken"}
    with pytest.raises(HarvestFailed, match="AIRFLOW_CONN_SIX"):
        from_environment("six", variables)
    assert from_environment(None, variables) == {}
