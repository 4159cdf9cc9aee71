"""`make up`: the real Airflow — scheduler, DAG processor, UI — on 127.0.0.1, until Ctrl-C or SIGTERM.

The components are started one by one rather than with `airflow standalone`, whose log servers listen on every
interface (ports 8793 and 8794) and whose api-server can outlive it. Each has its own process group, and all of
them end together.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from types import FrameType

import psutil
from filelock import FileLock, Timeout

from commands.airflow_home import prepare
from schemas import Environment, environment

_COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GRACE = 15.0  # seconds between asking a component to end and ending it


class _PortTaken(Exception):
    """The UI cannot listen where it should."""


class _Asked(Exception):
    """Someone asked us to stop."""


def main() -> int:
    """Run every component until one ends or we are asked to stop; no component outlives us."""
    env = environment()
    try:
        with _up_lock(env):
            return _run(env)
    except Timeout:
        print(f"Another make up is running in {env.home}; stop it first.", file=sys.stderr)
    except (_PortTaken, ValueError) as error:
        print(error, file=sys.stderr)
    return 1


def _up_lock(env: Environment) -> FileLock:
    """One Airflow in one home: two schedulers on one SQLite hinder each other."""
    env.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(env.locks / "up.lock", timeout=0)


def _run(env: Environment) -> int:
    prepare(env)
    _check_port()
    running: dict[str, subprocess.Popen[bytes]] = {}
    for number in STOPS:
        signal.signal(number, _asked)
    logs = env.home / "airflow" / "logs"
    try:
        for name, arguments in _COMPONENTS.items():
            running[name] = _start(name, arguments, logs)
        _say_where(env.home, logs)
        ended = _first_to_end(running)
        print(
            f"Airflow's {ended} ended with code {running[ended].returncode}; see {logs / (ended + '.log')}", flush=True
        )
        return 1
    except _Asked:
        return 0
    finally:
        _end(running.values())


def _check_port() -> None:
    """Say now what the api-server's log would say in half a minute. Raises PortTaken."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", int(_port())))
        except (OSError, ValueError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise _PortTaken(f"Port {_port()} of 127.0.0.1: {why}; AIRFLOW__API__PORT names another.") from error


def _asked(number: int, frame: FrameType | None) -> None:
    _heed_no_more()
    raise _Asked


def _heed_no_more() -> None:
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


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


def _end(components: Collection[subprocess.Popen[bytes]]) -> None:
    """End whole process groups, so that no worker of a component, dead or alive, stays on its port.

    A second Ctrl-C does not stop this.
    """
    _heed_no_more()
    for one in components:
        _signal_group(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while any(_lives(one.pid) for one in components) and time.monotonic() < deadline:
        time.sleep(0.1)
    for one in components:
        _signal_group(one.pid, signal.SIGKILL)
        one.wait()


def _lives(group: int) -> bool:
    """Whether a process of the group is alive; what has ended and was not waited for does not count."""
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
    return False


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # they have ended by themselves
        os.killpg(group, number)


def _say_where(home: Path, logs: Path) -> None:
    print(
        f"Airflow is starting on http://127.0.0.1:{_port()} (user admin; its password is in "
        f"{home / 'airflow' / 'passwords.json'}).\n"
        f"Feeds: {os.environ['ELIB_FEEDS']}. A feed's DAG is paused until you unpause it. Logs: {logs}. Ctrl-C stops.",
        flush=True,
    )


def _port() -> str:
    return os.environ.get("AIRFLOW__API__PORT", "8080")


if __name__ == "__main__":
    sys.exit(main())
