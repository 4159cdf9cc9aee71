"""`make up` leaves nothing behind, however its components end and however often somebody presses Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from commands import up

ROOT = Path(__file__).parents[2]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
COMPONENT = f"""
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE)
worker.stdout.readline()
print(worker.pid, flush=True)
time.sleep(600)
"""
UP = f"""
import subprocess, sys
from commands import airflow_home, up
up.GRACE_SECONDS = 0.5
airflow_home.prepare = lambda env: None
up._COMPONENTS = {{"one": [], "two": []}}
up._print_addresses = lambda *_: print("waiting", flush=True)
up._start = lambda *_: subprocess.Popen([sys.executable, "-c", {COMPONENT!r}], start_new_session=True)
sys.exit(up.up())
"""


@pytest.fixture(autouse=True)
def _restored_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give up sooner, and restore the signal handlers afterwards."""
    monkeypatch.setattr(up, "GRACE_SECONDS", 0.5)
    before = {number: signal.getsignal(number) for number in up.STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("dead", [False, True])
def test_a_worker_that_ignores_the_end_of_its_component_is_ended_too(dead: bool) -> None:
    component = subprocess.Popen([sys.executable, "-c", COMPONENT], stdout=subprocess.PIPE, start_new_session=True)
    assert component.stdout is not None
    worker = psutil.Process(int(component.stdout.readline()))
    if dead:  # for want of memory, say
        component.kill()
        component.wait()
    up._end([component])
    psutil.wait_procs([worker], timeout=600)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert component.returncode is not None
    component.stdout.close()


def test_a_second_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    prepared = {"AIRFLOW__API__BASE_URL": "http://127.0.0.1:8080"}  # by airflow_home.prepare, which is left out here
    environment = {**os.environ, **prepared, "ELIB_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", UP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        lines = {running.stdout.readline().strip() for _ in range(3)}
        workers = [psutil.Process(int(pid)) for pid in lines - {"waiting"}]
        assert len(workers) == 2
        for _ in range(5):
            running.send_signal(signal.SIGINT)
        assert running.wait(timeout=600) == 0
    assert [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE] == []
