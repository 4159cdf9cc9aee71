"""`elib up`: the real Airflow (scheduler, DAG processor, triggerer, UI) and the web on 127.0.0.1, until Ctrl-C or so.

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
from typing import TYPE_CHECKING

from commands.web import DEFAULT_PORT, PORT_VARIABLE

if TYPE_CHECKING:
    from filelock import FileLock

    from schemas import Environment

_COMPONENTS = {
    "scheduler": ["airflow", "scheduler", "--skip-serve-logs"],
    "dag-processor": ["airflow", "dag-processor"],
    "api-server": ["airflow", "api-server"],
    # nothing defers; the UI calls an Airflow without one unhealthy
    "triggerer": ["airflow", "triggerer", "--skip-serve-logs"],
    "web": ["commands.cli", "web"],
}
_PORTS = {"AIRFLOW__API__PORT": "8080", PORT_VARIABLE: str(DEFAULT_PORT)}  # by the variable that names another
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GRACE_SECONDS = 15.0  # between asking a component to end and ending it


class _PortTaken(Exception):
    """The UI cannot listen where it should."""


class _StopRequested(Exception):
    """A signal asked this process to stop."""


def up() -> int:
    """Run Airflow with its UI, and the web, on 127.0.0.1. Stops with Ctrl-C, or when one of its processes ends."""
    from filelock import Timeout

    from schemas import environment

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
    """Return the lock of one Airflow per home: two schedulers on one SQLite disturb each other."""
    from filelock import FileLock

    env.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(env.locks / "up.lock", timeout=0)


def _run(env: Environment) -> int:
    from commands.airflow_home import prepare

    prepare(env)
    # The web asks this Airflow to do what takes long, and signs in as the admin whose password Airflow keeps here.
    os.environ.setdefault("ELIB_AIRFLOW_URL", os.environ["AIRFLOW__API__BASE_URL"])
    for variable in _PORTS:
        _check_port(variable)
    running: dict[str, subprocess.Popen[bytes]] = {}
    for number in STOP_SIGNALS:
        signal.signal(number, _request_stop)
    logs = env.home / "airflow" / "logs"
    try:
        for name, arguments in _COMPONENTS.items():
            running[name] = _start(name, arguments, logs)
        _print_addresses(env.home, logs)
        ended = _first_to_end(running)
        print(
            f"Airflow's {ended} ended with code {running[ended].returncode}; see {logs / (ended + '.log')}", flush=True
        )
        return 1
    except _StopRequested:
        return 0
    finally:
        _end(running.values())


def _check_port(variable: str) -> None:
    """Raise _PortTaken now; the component would log it in half a minute."""
    port = _port(variable)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", int(port)))
        except (OSError, ValueError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise _PortTaken(f"Port {port} of 127.0.0.1: {why}; {variable} names another.") from error


def _request_stop(number: int, frame: FrameType | None) -> None:
    _ignore_stop_signals()
    raise _StopRequested


def _ignore_stop_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _start(name: str, arguments: list[str], logs: Path) -> subprocess.Popen[bytes]:
    logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", *arguments]
    with (logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _first_to_end(running: dict[str, subprocess.Popen[bytes]]) -> str:
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                return name
        time.sleep(1)


def _end(components: Collection[subprocess.Popen[bytes]]) -> None:
    """End whole process groups, so that no worker of a component keeps its port. A second Ctrl-C does not stop this."""
    _ignore_stop_signals()
    for component in components:
        _signal_group(component.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(_lives(component.pid) for component in components) and time.monotonic() < deadline:
        time.sleep(0.1)
    for component in components:
        _signal_group(component.pid, signal.SIGKILL)
        component.wait()


def _lives(group: int) -> bool:
    """Return whether a process of the group is alive; zombies do not count."""
    import psutil

    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
    return False


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(group, number)


def _print_addresses(home: Path, logs: Path) -> None:
    print(
        f"Airflow is starting on http://127.0.0.1:{_port('AIRFLOW__API__PORT')} (user admin; its password is in "
        f"{home / 'airflow' / 'passwords.json'}).\n"
        f"The console is starting on http://127.0.0.1:{_port(PORT_VARIABLE)}/console; `elib user add NAME` makes an "
        f"account.\n"
        f"Feeds: {os.environ['ELIB_FEEDS']}. A feed's DAG is paused until you unpause it. Logs: {logs}. Ctrl-C stops.",
        flush=True,
    )


def _port(variable: str) -> str:
    return os.environ.get(variable, _PORTS[variable])
