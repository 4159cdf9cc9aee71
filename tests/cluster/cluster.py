"""An Airflow over several workers: each is a process tree with a host name and process numbers of its own.

The workers have in common what machines of a cluster have: ELIB_HOME, the databases, Redis and the network. A worker
that is killed is a machine that is switched off: every process of it ends at once.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.servers import Postgres, RedisServer
from tests.dags.real_airflow import ENDED, ROOT, free_port, signed_in, until

HEARTBEAT_TIMEOUT = 60  # of airflow.cfg
RECOVERY_SECONDS = HEARTBEAT_TIMEOUT + 120  # within which everything ends after a kill
_NAMESPACES = ["--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]
_COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}


def unshare() -> list[str] | None:
    """The command that gives its child a host name and process numbers of its own; None where it may not."""
    for command in (["unshare"], ["unshare", "--user", "--map-root-user"]):
        try:
            ended = subprocess.run([*command, *_NAMESPACES, "hostname", "w0.test"], capture_output=True, check=False)
        except FileNotFoundError:
            return None
        if ended.returncode == 0:
            return [*command, *_NAMESPACES]
    return None


class Cluster:
    """A scheduler, a DAG processor and an API server over a home, and workers by their names."""

    def __init__(self, folder: Path, feeds: Path, postgres: Postgres, redis: RedisServer) -> None:
        self.folder, self.home, self.postgres, self.redis = folder, folder / "home", postgres, redis
        self.home.mkdir()
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
        self.variables = {
            **clean,
            "ELIB_HOME": str(self.home),
            "ELIB_FEEDS": str(feeds),
            "ELIB_ALLOW_PRIVATE": "127.0.0.1",
            "ELIB_CATALOG_URL": postgres.url("catalog"),
            "ELIB_REDIS_URL": redis.url,
            "ELIB_LINKS": "off",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": redis.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": postgres.url("airflow", "db+postgresql+psycopg2"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.url("airflow", "postgresql+psycopg2"),
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # where the machine is busy, no task fails for that
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",  # no test changes a DAG's file
            "PYTHONPATH": str(ROOT),
        }
        self.client: httpx.Client
        self._components: dict[str, subprocess.Popen[bytes]] = {}
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    # processes

    def start(self, *, schedulers: int, workers: int) -> None:
        """Set the installation up, and start its components and workers."""
        with (self.folder / "setup.log").open("ab") as log:
            setup = [sys.executable, "-m", "commands.cli", "setup"]
            subprocess.run(setup, env=self.variables, cwd=self.folder, check=True, stdout=log, stderr=log)
        names = [*_COMPONENTS, *(f"scheduler-{number}" for number in range(2, schedulers + 1))]
        for name in names:
            self._components[name] = self._start(name, self._airflow(*_COMPONENTS[name.partition("-2")[0]]))
        for number in range(1, workers + 1):
            self.start_worker(f"w{number}")
        self.client = signed_in(self.home, self.port, self._components["api-server"])

    def _airflow(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "commands.cli", "airflow", "--", *words]

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, env=self.variables, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def start_worker(self, name: str, *, limits: str = "", **variables: str) -> None:
        """Start a worker of two tasks at once; `limits` are words of the shell's ulimit."""
        words = ["celery", "worker", "--celery-hostname", f"{name}@{name}.test", "--skip-serve-logs"]
        airflow = shlex.join(self._airflow(*words, "--pid", str(self.folder / f"{name}.pid")))
        ulimit = f"ulimit {limits}; " if limits else ""
        settings = shlex.join(["env", *(f"{name}={value}" for name, value in variables.items())])
        namespaces = unshare()
        assert namespaces is not None
        command = [*namespaces, "bash", "-c", f"hostname {name}.test; {ulimit}exec {settings} {airflow}"]
        self.workers[name] = self._start(name, command)

    def kill_worker(self, name: str) -> None:
        """Switch a machine off."""
        worker = self.workers.pop(name)
        worker.kill()  # and with it the first process of its namespace, and with that every other
        worker.wait()

    def kill_scheduler(self) -> None:
        """Kill the first of the schedulers, for good."""
        scheduler = self._components.pop("scheduler")
        os.killpg(scheduler.pid, signal.SIGKILL)
        scheduler.wait()

    def restart_ended(self) -> list[str]:
        """Start again the components that have ended, as systemd or a container's restart policy does; their names."""
        ended = [name for name, process in self._components.items() if process.poll() is not None]
        for name in ended:
            self._components[name] = self._start(name, self._airflow(*_COMPONENTS[name.partition("-2")[0]]))
        return ended

    def stop(self) -> None:
        for name in list(self.workers):
            self.kill_worker(name)
        for process in self._components.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        for process in self._components.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    # what Airflow says

    def get(self, path: str) -> dict[str, Any] | None:
        """The answer of the REST API; None while the API server or its database is away."""
        try:
            answer = self.client.get(f"/api/v2/{path}")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def pause(self, dag: str, is_paused: bool) -> None:
        self.client.patch(f"/api/v2/dags/{dag}", json={"is_paused": is_paused}).raise_for_status()

    def instances(self, dag: str, run: str) -> list[dict[str, Any]]:
        answer = self.get(f"dags/{dag}/dagRuns/{run}/taskInstances")
        return [] if answer is None else answer["task_instances"]

    def host_of(self, dag: str, run: str, task: str) -> str | None:
        """The name of the worker that runs a task; None while none does."""
        for instance in self.instances(dag, run):
            if instance["task_id"] == task and instance["state"] == "running" and instance["hostname"]:
                return str(instance["hostname"]).partition(".")[0]
        return None

    def state(self, dag: str, run: str) -> str | None:
        """How a run has ended; None while it has not."""
        answer = self.get(f"dags/{dag}/dagRuns/{run}")
        return answer["state"] if answer is not None and answer["state"] in ENDED else None

    def require_success(self, runs: dict[str, str]) -> None:
        """Wait for the end of runs, by DAG, while components that end are started again; raise unless they succeed."""
        for dag, run in runs.items():

            def ended(dag: str = dag, run: str = run) -> str | None:
                self.restart_ended()
                return self.state(dag, run)

            state = until(ended, f"the end of {run} of {dag}")
            tasks = {(task["task_id"], task["map_index"]): task["state"] for task in self.instances(dag, run)}
            assert state == "success", f"{dag}: {tasks}"

    def tries(self, dag: str, run: str, task: str) -> list[int]:
        """How often each instance of a task was tried."""
        return [instance["try_number"] for instance in self.instances(dag, run) if instance["task_id"] == task]

    def sentence(self, dag: str, run: str, task: str, attempt: int) -> str:
        """The sentence that a try of a task ended in."""
        address = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"
        lines = self.client.get(address, headers={"Accept": "application/json"}).raise_for_status().json()["content"]
        return next((str(line["exit_code"]) for line in lines if line.get("exit_code")), "")


@contextmanager
def running(cluster: Cluster, *, schedulers: int = 1, workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster, and stop every process of it at the end."""
    try:
        cluster.start(schedulers=schedulers, workers=workers)
        yield cluster
    finally:
        cluster.stop()
