"""Nights that cannot run, or not to their end: one sentence says why, and an exit code that is not 0."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import create_engine, text

from commands import night
from commands.airflow_home import prepare
from loaders.store import engine, write_transaction
from schemas import Environment, environment, read_feeds
from tests.catalogs import new_catalog
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.pipeline.feeds import declare, listed
from tests.pipeline.feeds import night as load

ROOT = Path(__file__).parents[2]
FEED = """title = "{name}"
partner = "p"
protocol = "oai_pmh"
format = "oai_dc"
url = "{url}"
[request]
retries = 0
"""
GOOD = FEED.format(name="t", url="http://127.0.0.1:9/oai")


def command(name: str, home: Path, **variables: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "commands.cli", name],
        env={**clean, "ELIB_HOME": str(home), "PYTHONPATH": str(ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_command(name: str, home: Path, **variables: str) -> tuple[int, str]:
    """Run a command; return its exit code and everything it printed."""
    with command(name, home, **variables) as running:
        out, error = running.communicate(timeout=600)
        return running.returncode, out + error


def test_a_second_night_in_the_same_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    with FileLock(tmp_path / "locks" / "night.lock"):
        code, output = run_command("run", tmp_path)
    assert (code, output) == (1, f"Another night is running in {tmp_path}; wait until it is done.\n")


def test_a_home_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, output = run_command("run", tmp_path / "file" / "home")
    assert code == 1 and output.startswith("The night could not be run: ") and len(output.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [("postgresql+psycopg://nobody@127.0.0.1:1/nothing", "connection failed"), ("nonsense", "not the address")],
)
@pytest.mark.parametrize("name", ["run", "setup"])
def test_an_unreachable_catalog_is_reported_in_one_sentence(tmp_path: Path, name: str, url: str, why: str) -> None:
    (tmp_path / "feeds").mkdir()
    code, output = run_command(name, tmp_path, ELIB_CATALOG_URL=url, ELIB_FEEDS=str(tmp_path / "feeds"))
    line = output.splitlines()[-1]
    assert code == 1 and "Traceback" not in output
    assert line.startswith("The catalog cannot be used: ") and why in line and "ELIB_CATALOG_URL" in line


def test_a_catalog_of_a_newer_version_is_reported_in_one_sentence(tmp_path: Path) -> None:
    env = environment({"ELIB_HOME": str(tmp_path)})
    new_catalog(env)
    with write_transaction(env) as connection:
        connection.execute(text("UPDATE elib_alembic_version SET version_num = '999'"))
    engine(env).dispose()
    code, output = run_command("setup", tmp_path)
    assert code == 1 and "Traceback" not in output
    last = output.splitlines()[-1]
    assert "cannot be used: it is of version 999" in last and "install the software that it belongs to" in last


def test_damaged_secrets_are_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "secrets.env").write_text("")
    for name in ("setup", "up", "run"):
        code, output = run_command(name, tmp_path)
        assert code == 1 and "secrets.env lacks" in output and "Traceback" not in output, name


@pytest.mark.slow
def test_a_folder_without_feeds_fails_the_night(tmp_path: Path) -> None:
    code, output = run_command("run", tmp_path, ELIB_FEEDS=str(tmp_path / "nothing"))
    assert code == 1 and f"{tmp_path / 'nothing'} holds no feed file" in output


def test_unreadable_sample_feed_files_are_reported_and_the_others_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = tmp_path / "samples" / "feeds"
    samples.mkdir(parents=True)
    (samples / "good.toml").write_text(GOOD)
    (samples / "folder.toml").mkdir()
    (samples / "nowhere.toml").symlink_to("nothing")
    os.mkfifo(samples / "pipe.toml")
    monkeypatch.setattr(night, "SAMPLES", tmp_path / "samples")
    for _ in range(2):  # the copies of the first time are taken away again
        good, bad = read_feeds(night.write_sample_feeds("127.0.0.1:1", tmp_path / "copies"))
        assert [feed.name for feed in good] == ["good"]
        assert [error.path.stem for error in bad] == ["folder", "nowhere", "pipe"]


@pytest.mark.slow
def test_ctrl_c_ends_the_night_and_not_only_the_current_feed(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    requested, go_on = threading.Event(), threading.Event()

    def partner(request: ReceivedRequest) -> Answer:
        requested.set()
        go_on.wait(1_200)
        return Answer(status=503)

    with serving(partner) as loopback:
        for name in ("alpha", "beta"):
            (feeds / f"{name}.toml").write_text(FEED.format(name=name, url=loopback.url + "/oai"))
        variables = {"ELIB_FEEDS": str(feeds), "ELIB_ALLOW_PRIVATE": "127.0.0.1"}
        with command("run", tmp_path / "home", **variables) as running:
            assert requested.wait(600)
            running.send_signal(signal.SIGINT)
            out, error = running.communicate(timeout=600)
        go_on.set()
    assert running.returncode == 130, out + error
    assert "Stopped; what was loaded stays" in out
    with create_engine(f"sqlite:///{tmp_path / 'home' / 'catalog.db'}").connect() as connection:
        runs = connection.execute(text("SELECT feed, status, cause FROM harvest_run")).all()
    assert [tuple(row) for row in runs] == [("alpha", "failed", "interrupted")], out + error


def test_make_up_reports_a_port_in_use_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        code, output = run_command("up", tmp_path, AIRFLOW__API__PORT=str(port))
    assert code == 1
    assert output.strip() == f"Port {port} of 127.0.0.1: Address already in use; AIRFLOW__API__PORT names another."


def test_a_second_make_up_in_the_same_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    with FileLock(tmp_path / "locks" / "up.lock"):
        code, output = run_command("up", tmp_path)
    assert (code, output) == (1, f"Another make up is running in {tmp_path}; stop it first.\n")


def test_other_users_cannot_read_the_passwords_of_airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    home = tmp_path / "airflow"
    home.mkdir()
    (home / "passwords.json").write_text('{"admin": "x"}')
    prepare(environment({"ELIB_HOME": str(tmp_path)}))
    assert (home / "passwords.json").read_text() == '{"admin": "x"}'
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == {
        "passwords.json": 0o600,
        "secrets.env": 0o600,
    }


@pytest.mark.slow
def test_a_held_run_is_printed_as_held_with_its_command_and_is_no_failure(home: Environment) -> None:
    books = [json.loads(listed("books", number).payload) for number in range(40)]

    def partner(request: ReceivedRequest) -> Answer:
        return Answer(json.dumps(books[:5])) if request.path == "/api" else Answer(status=404)

    declare(home, "books")
    load(home, "books", [listed("books", number) for number in range(40)])
    with serving(partner) as server:
        path = home.feeds / "books.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("https://example.org", server.url), encoding="utf-8")
        variables = {"ELIB_FEEDS": str(home.feeds), "ELIB_ALLOW_PRIVATE": "127.0.0.1"}
        code, output = run_command("run", home.home, **variables)
    assert code == 0, output
    (line,) = [line for line in output.splitlines() if line.startswith("books ")]
    assert line.endswith("HELD")
    assert "then decide: " in output and "review show books-" in output
    people = json.loads((home.reports / "night.json").read_bytes())["people"]
    assert ("held", "books") in [(need["what"], need["feed"]) for need in people]
