"""`make up`: the real Airflow — scheduler, DAG processor, UI — on 127.0.0.1, until Ctrl-C or SIGTERM.

The components are started one by one rather than with `airflow standalone`, whose log servers listen on every
interface (ports 8793 and 8794) and whose api-server can outlive it. Each has its own process group, and all of
them end together.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from dags.home import prepare
from schemas import environment

COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}
GRACE = 15.0  # seconds between asking a component to end and ending it


class Asked(Exception):
    """Someone asked us to stop."""


def main() -> int:
    """Run every component until one ends or we are asked to stop; no component outlives us."""
    env = environment()
    prepare(env)
    running: dict[str, subprocess.Popen[bytes]] = {}
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _asked)
    logs = env.home / "airflow" / "logs"
    try:
        for name, arguments in COMPONENTS.items():
            running[name] = _start(name, arguments, logs)
        _say_where(env.home, logs)
        ended = _first_to_end(running)
        print(f"Airflow's {ended} ended with code {running[ended].returncode}; see {logs / (ended + '.log')}")
        return 1
    except Asked:
        return 0
    finally:
        _end(running.values())


def _asked(number: int, frame: FrameType | None) -> None:
    raise Asked


def _start(name: str, arguments: list[str], logs: Path) -> subprocess.Popen[bytes]:
    logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "airflow", *arguments]
    with (logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _first_to_end(running: dict[str, subprocess.Popen[bytes]]) -> str:
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                return name
        time.sleep(1)


def _end(processes: object) -> None:
    """End whole process groups, so that no worker of a component stays on its port."""
    alive = [process for process in processes if process.poll() is None]  # type: ignore[attr-defined]
    for process in alive:
        _signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for process in alive:
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return  # it has ended by itself meanwhile


def _say_where(home: Path, logs: Path) -> None:
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    print(
        f"Airflow is starting on http://127.0.0.1:{port} (user admin; its password is in "
        f"{home / 'airflow' / 'passwords.json'}).\n"
        f"Feeds: {os.environ['ELIB_FEEDS']}. A feed's DAG is paused until you unpause it. Logs: {logs}. Ctrl-C stops."
    )


if __name__ == "__main__":
    sys.exit(main())
