"""A server that speaks S3, moto's, in an environment of its own: its requirements do not resolve with Airflow's.

The environment is made once, in var/, from a lock with hashes; where it cannot be made, the tests are skipped with the
reason, or fail where ELIB_TEST_S3=required.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from schemas import ROOT

LOCK = Path(__file__).with_name("requirements-moto.txt")
_START_SECONDS, _INSTALL_SECONDS = 60, 300


class S3Server(NamedTuple):
    """The server: its address, and the variables that lead a client to it."""

    url: str
    variables: dict[str, str]

    def make_bucket(self, name: str) -> str:
        """Make an empty bucket and return its address."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=30):
            return f"s3://{name}"


def _environment() -> Path:
    """Return the Python of moto's environment; make it when it is not there. Raises CalledProcessError."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = ROOT / "var" / f"moto-{digest}-{sys.version_info.major}{sys.version_info.minor}"
    folder.parent.mkdir(exist_ok=True)
    python, complete = folder / "bin" / "python", folder / "complete"
    with FileLock(folder.with_suffix(".lock"), timeout=_INSTALL_SECONDS):
        if not complete.exists():
            uv = Path(sys.executable).with_name("uv")
            made = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder]
            filled = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--system-certs",
                "--require-hashes",
                "--python",
                python,
                "-r",
                LOCK,
            ]
            for command in (made, filled):
                subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
            complete.touch()
    return python


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """The server, on a free port of the loopback."""
    try:
        python = _environment()
    except (OSError, subprocess.SubprocessError, TimeoutError) as error:
        if os.environ.get("ELIB_TEST_S3") == "required":
            raise
        pytest.skip(f"no environment for moto's S3 server can be made: {getattr(error, 'stderr', None) or error}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python.with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, server)
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        yield S3Server(url, {**keys, "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true"})
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"moto's server on {url} did not start") from None
            time.sleep(0.1)
