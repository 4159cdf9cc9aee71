"""A real Airflow for tests: `make up` in a home of its own, asked through its REST API."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TypeVar

import httpx
import psutil
from sqlalchemy import create_engine, text

ROOT = Path(__file__).parents[2]
PATIENCE = 900.0  # seconds until a state that must come is called missing
ENDED = ("success", "failed")
T = TypeVar("T")


def start(
    home: Path, feeds: Path, port: int, *, output: IO[bytes] | None = None, **variables: str
) -> subprocess.Popen[bytes]:
    """Set an installation up and start `make up` in it; SIGTERM ends it with every component's process group."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
    environment = {
        **clean,
        "ELIB_HOME": str(home),
        "ELIB_FEEDS": str(feeds),
        "ELIB_ALLOW_PRIVATE": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "ELIB_WEB_PORT": str(free_port()),
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # where the machine is busy, no task fails for that
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",  # no test changes a DAG's file
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    subprocess.run(
        [sys.executable, "-m", "commands.cli", "setup"], env=environment, check=True, cwd=home, stdout=output
    )
    up = [sys.executable, "-m", "commands.cli", "up"]
    return subprocess.Popen(up, env=environment, cwd=home, stdout=output, stderr=output)


def signed_in(home: Path, port: int, process: subprocess.Popen[bytes]) -> httpx.Client:
    """A client of the REST API with the admin's token, as soon as Airflow gives one."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600)
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


def until(ask: Callable[[], T | None], what: str) -> T:
    """The first answer that is not None; a server of another process can only be asked again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")


def trigger(client: httpx.Client, dag: str, conf: dict[str, object] | None = None) -> str:
    """Start a run of a DAG by hand; its id."""
    body = {"logical_date": None, "conf": conf or {}}
    return str(client.post(f"/api/v2/dags/{dag}/dagRuns", json=body).raise_for_status().json()["dag_run_id"])


def states(client: httpx.Client, dag: str, run: str) -> dict[str, str]:
    answer = client.get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances").raise_for_status()
    return {task["task_id"]: task["state"] for task in answer.json()["task_instances"]}


def kill_task(client: httpx.Client, dag: str, run: str, task: str, *, delay: float = 0) -> bool:
    """Kill the process that runs a task so many seconds after it began. False: the task ended before."""

    def process() -> psutil.Process | bool | None:
        answer = client.get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances").raise_for_status().json()
        instances = [instance for instance in answer["task_instances"] if instance["task_id"] == task]
        titles = {f"airflow worker -- {instance['id']}" for instance in instances}
        for candidate in psutil.process_iter(["cmdline"]):
            if " ".join(candidate.info["cmdline"] or []).strip() in titles:
                return candidate
        return False if [instance for instance in instances if instance["state"] in ENDED] else None

    running = until(process, f"the process of {task}")
    if not isinstance(running, psutil.Process):
        return False
    with suppress(psutil.NoSuchProcess):
        with suppress(psutil.TimeoutExpired):
            running.wait(delay)
            return False
        running.kill()
        return True
    return False


def runs_of_type(client: httpx.Client, dag: str, run_type: str) -> set[str]:
    params: dict[str, str | int] = {"run_type": run_type, "limit": 100}
    runs = client.get(f"/api/v2/dags/{dag}/dagRuns", params=params).raise_for_status().json()["dag_runs"]
    return {run["dag_run_id"] for run in runs}


def hour_comes(client: httpx.Client, home: Path, dag: str) -> str:
    """The id of a run that Airflow's scheduler makes because the hour of a DAG has come.

    Airflow's database is told that the hour was a minute ago, until the scheduler sees it: the DAG processor writes the
    true hour whenever it reads the file.
    """
    before = runs_of_type(client, dag, "scheduled")
    due = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}.000000"
    columns = ("next_dagrun", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end")
    changed = ", ".join(f"{column} = :due" for column in (*columns, "next_dagrun_create_after"))
    update = text(f"update dag set {changed} where dag_id = :dag")
    database = create_engine(f"sqlite:///{home / 'airflow' / 'airflow.db'}", connect_args={"timeout": 60})

    def made() -> str | None:
        fresh = runs_of_type(client, dag, "scheduled") - before
        if not fresh:
            with database.begin() as connection:
                connection.execute(update, {"due": due, "dag": dag})
        return next(iter(fresh), None)

    try:
        return until(made, f"a scheduled run of {dag}")
    finally:
        database.dispose()
