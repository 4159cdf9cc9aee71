"""Identify the process that works on a run, so that a run whose process has ended is recognised."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import psutil

from schemas import Base

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Worker(Base, frozen=True, kw_only=True):
    """A process of a machine since the machine's last boot; `started` tells it from a later one with the same pid."""

    host: str
    boot: str
    pid: int
    started: float


def this_worker() -> str:
    """Return this process as JSON for harvest_run.worker."""
    pid = os.getpid()
    return msgspec.json.encode(
        _Worker(host=socket.gethostname(), boot=_boot_id(), pid=pid, started=psutil.Process(pid).create_time())
    ).decode()


def is_worker_gone(worker_json: str | None) -> bool:
    """Return whether the process of a run has ended. A process of another machine counts as alive.

    A zombie has ended: only its parent has not asked how.
    """
    if worker_json is None:
        return True
    worker = msgspec.json.decode(worker_json, type=_Worker)
    if worker.host != socket.gethostname():
        return False
    if worker.boot != _boot_id():
        return True
    try:
        return abs(psutil.Process(worker.pid).create_time() - worker.started) > 1 or is_process_gone(worker.pid)
    except psutil.NoSuchProcess:
        return True


def is_process_gone(pid: int) -> bool:
    """Return whether no process of this machine works under the number."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def is_this_worker(worker_json: str | None) -> bool:
    """Return whether a run's process is this very process."""
    if worker_json is None:
        return False
    return msgspec.json.decode(worker_json, type=_Worker).pid == os.getpid() and not is_worker_gone(worker_json)


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else str(psutil.boot_time())
