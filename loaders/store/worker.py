"""Which process runs a run, so that a run whose process is gone is recognised."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import psutil

from schemas import Base

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Worker(Base, frozen=True, kw_only=True):
    """A process of a machine since its last start; `started` tells it from a later one with the same pid."""

    host: str
    boot: str
    pid: int
    started: float


def this_worker() -> str:
    """This process, as JSON for harvest_run.worker."""
    pid = os.getpid()
    return msgspec.json.encode(
        _Worker(host=socket.gethostname(), boot=_boot(), pid=pid, started=psutil.Process(pid).create_time())
    ).decode()


def is_worker_gone(said: str | None) -> bool:
    """Whether the process that a run names has ended. One of another machine cannot be asked and counts as alive."""
    if said is None:
        return True
    worker = msgspec.json.decode(said, type=_Worker)
    if worker.host != socket.gethostname():
        return False
    if worker.boot != _boot():
        return True
    try:
        return abs(psutil.Process(worker.pid).create_time() - worker.started) > 1
    except psutil.NoSuchProcess:
        return True


def is_this_worker(said: str | None) -> bool:
    """Whether a run names this very process."""
    return said is not None and msgspec.json.decode(said, type=_Worker).pid == os.getpid() and not is_worker_gone(said)


def _boot() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else str(psutil.boot_time())
