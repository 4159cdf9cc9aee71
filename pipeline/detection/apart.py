"""Detect a source in a process of its own with bounded time, memory and files: what is read is a stranger's."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import msgspec

from pipeline.detection.found import Detection, Trouble
from schemas import ROOT, Base, Environment, sentence

log = logging.getLogger("elib.web")
AT_ONCE = 3  # processes of one web process
_WAIT_SECONDS = 60.0  # for one of them to end
_MAX_ADDRESS_CHARS = 2_000
_places = threading.BoundedSemaphore(AT_ONCE)


class DetectionTask(Base, frozen=True, kw_only=True):
    """What a process is told to look at, and what it may take.

    address: that a person typed, or what the owner of a file calls it
    path: where the file lies; empty for an address
    memory_bytes: of address space. seconds: until it must have answered. file_bytes: of each file that it writes
    """

    address: str
    path: str = ""
    memory_bytes: int = 2 * 2**30
    seconds: float = 120.0
    file_bytes: int = 80 * 2**20


def detect_apart(env: Environment, task: DetectionTask) -> Detection:
    """Return what `detect` finds at an address, or `detect_file` in a file, in a process of its own.

    What takes too much time or memory, or ends the process, is a trouble; never raises because of the source.
    """
    if not _places.acquire(timeout=_WAIT_SECONDS):
        what = sentence("Many sources are being looked at now.")
        return _nothing(task, what=what, advice=sentence("Try again in a few minutes."))
    try:
        with tempfile.TemporaryDirectory(prefix="elib-detection-") as folder:  # what a killed process leaves goes too
            answer = _run(env, task, folder)
    finally:
        _places.release()
    if answer is not None:
        return answer
    what = sentence("To look at the source takes more time or memory than is allowed.")
    advice = sentence("Give the address of a list in pages, or a smaller file without media.")
    return _nothing(task, what=what, advice=advice)


def _nothing(task: DetectionTask, **why: object) -> Detection:
    return Detection(address=task.address[:_MAX_ADDRESS_CHARS], trouble=msgspec.convert(why, Trouble))


def _run(env: Environment, task: DetectionTask, folder: str) -> Detection | None:
    """Return what the process has found; None when it ended without an answer."""
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
        "ELIB_FEEDS": str(env.feeds),
        "ELIB_ALLOW_PRIVATE": ",".join(sorted(env.allow_private)),
        "TMPDIR": folder,
    }
    answer, errors = Path(folder) / "answer.json", Path(folder) / "errors.txt"
    with answer.open("wb") as output, errors.open("wb") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.detection.worker"],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=log_file,
            start_new_session=True,
        )
        try:
            process.communicate(msgspec.json.encode(task), timeout=task.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.returncode == 0:
        return msgspec.json.decode(answer.read_bytes(), type=Detection)
    end = errors.read_bytes()[-2_000:].decode(errors="replace")
    log.warning("%s: the detection ended with %s: %s", task.address[:200], process.returncode, end)
    return None
