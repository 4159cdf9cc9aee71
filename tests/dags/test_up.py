"""`make up` is a real Airflow: a feed triggered by its REST API is harvested, loaded, and published by the catalog DAG.

`airflow dags test` would pass without a shared secret; only a scheduler that hands tasks to workers shows it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from dags.night import SAMPLES, written_for
from samples.server import ReplayServer

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0  # seconds until a state that must come is called missing


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    """A running installation in a temporary home with the sample feeds, and a client with the admin's token."""
    home = tmp_path_factory.mktemp("home")
    port = free_port()
    with ReplayServer(SAMPLES) as server:
        feeds = written_for(server.url.removeprefix("http://").rstrip("/"), home / "feeds")
        process = start(home, feeds, port)
        try:
            yield signed_in(home, port, process), home
        finally:
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=60) == 0
    with pytest.raises(httpx.ConnectError):  # nothing is left on its port
        httpx.get(f"http://127.0.0.1:{port}/")


def start(home: Path, feeds: Path, port: int) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
    environment = {
        **clean,
        "ELIB_HOME": str(home),
        "ELIB_FEEDS": str(feeds),
        "ELIB_ALLOW_PRIVATE": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([sys.executable, "-m", "dags.setup"], env=environment, check=True, cwd=home)
    return subprocess.Popen([sys.executable, "-m", "dags.up"], env=environment, cwd=home)


def signed_in(home: Path, port: int, process: subprocess.Popen[bytes]) -> httpx.Client:
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
    passwords = home / "airflow" / "passwords.json"

    def token() -> str | None:
        assert process.poll() is None, "Airflow ended while it was starting"
        if not passwords.exists():
            return None
        try:
            login = {"username": "admin", "password": json.loads(passwords.read_text())["admin"]}
            answer = client.post("/auth/token", json=login)
        except (httpx.TransportError, json.JSONDecodeError):
            return None
        return answer.json()["access_token"] if answer.status_code == 201 else None

    client.headers["Authorization"] = f"Bearer {until(token, 'a token of the API')}"
    return client


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def until(ask, what: str):  # type: ignore[no-untyped-def]
    """The first answer that is not None; a server of another process can only be asked again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")


def states(client: httpx.Client, dag: str, run: str) -> dict[str, str]:
    answer = client.get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances").raise_for_status()
    return {task["task_id"]: task["state"] for task in answer.json()["task_instances"]}


@pytest.mark.slow
def test_a_feed_triggered_by_the_api_is_loaded_and_published(airflow: tuple[httpx.Client, Path]) -> None:
    client, home = airflow
    dag = "feed_sample_golab_apps"
    until(lambda: client.get(f"/api/v2/dags/{dag}").status_code == 200 or None, f"the DAG {dag}")
    client.patch(f"/api/v2/dags/{dag}", json={"is_paused": False}).raise_for_status()
    started = client.post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None}).raise_for_status().json()

    def loaded() -> str | None:
        state = states(client, dag, started["dag_run_id"])
        assert "failed" not in state.values(), state
        return state.get("load") if state.get("load") == "success" else None

    until(loaded, "the load task's success")
    engine = create_engine(f"sqlite:///{home / 'catalog.db'}")

    def published() -> int | None:
        with engine.connect() as connection:
            return connection.execute(text("select count(*) from resource")).scalar() or None

    assert until(published, "the catalog DAG's publication") > 0
    with engine.connect() as connection:
        live = connection.execute(text("select count(*) from source_record where status = 'live'")).scalar()
        waiting = connection.execute(
            text("select count(*) from source_record where status = 'live' and resource_id is null")
        ).scalar()
    assert live and waiting == 0


@pytest.mark.slow
def test_the_api_asks_who_you_are(airflow: tuple[httpx.Client, Path]) -> None:
    client, _ = airflow
    stranger = httpx.get(str(client.base_url) + "/api/v2/dags")
    assert stranger.status_code == 401
