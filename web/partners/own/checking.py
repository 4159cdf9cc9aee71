"""Check a record again in a process of its own, with bounded time and memory: it reads what a partner's server sends.

A result is a file in ELIB_HOME/web/checks, so that a page can be loaded again without asking the partner again.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import subprocess
import sys
import threading
from pathlib import Path

import msgspec

from loaders.store import whole_file
from pipeline.record_check import CHECK_SECONDS, RecordCheck
from schemas import ROOT, Environment
from web.languages import marked

MAX_PROCESSES = 2  # of this web process at a time
PROCESS_SECONDS = CHECK_SECONDS + 45  # starting it takes some, on a slow machine many
_MAX_KEPT = 200
_CHECK_ID = re.compile(r"[0-9a-f]{32}")
log = logging.getLogger("elib.web")
_slots = threading.BoundedSemaphore(MAX_PROCESSES)


class NotChecked(Exception):
    """The record was not checked; the text, which is in the translation catalogs, says why and what to do."""


def check_again(env: Environment, feed: str, identifier: str) -> str:
    """Check a record and return the id of the result. Raises NotChecked."""
    if not _slots.acquire(blocking=False):
        raise NotChecked(marked("Other records are being checked now. Try again in a minute."))
    try:
        result = _run(env, feed, identifier)
    finally:
        _slots.release()
    check_id = secrets.token_hex(16)
    with whole_file(_path(env, check_id)) as temporary:
        temporary.write_bytes(result)
    for old in sorted(_folder(env).glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_MAX_KEPT]:
        old.unlink(missing_ok=True)
    return check_id


def read_check(env: Environment, check_id: str, feed: str, identifier: str) -> RecordCheck | None:
    """Return a result, if it is one of this record; None when there is none."""
    if not _CHECK_ID.fullmatch(check_id):
        return None
    try:
        check = msgspec.json.decode(_path(env, check_id).read_bytes(), type=RecordCheck)
    except FileNotFoundError:
        return None
    return check if (check.feed, check.identifier) == (feed, identifier) else None


def _run(env: Environment, feed: str, identifier: str) -> bytes:
    """Return the JSON of a RecordCheck. Raises NotChecked."""
    variables = {
        **os.environ,
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
        "ELIB_FEEDS": str(env.feeds),
        "ELIB_ALLOW_PRIVATE": ",".join(sorted(env.allow_private)),
        "ELIB_LOCK_URL": env.lock_url,
    }
    words = [sys.executable, "-m", "commands.cli", "check-record", "--json", "--", feed, identifier]
    try:
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROCESS_SECONDS,
            check=True,
        )
        msgspec.json.decode(done.stdout, type=RecordCheck)
    except subprocess.TimeoutExpired as error:
        raise NotChecked(
            marked("The check took too long and was ended. The next night looks at the record.")
        ) from error
    except (OSError, ValueError, subprocess.CalledProcessError, msgspec.DecodeError) as error:
        _log(error)
        raise NotChecked(marked("The check failed; the operators find the reason in the log.")) from error
    return done.stdout


def _log(error: Exception) -> None:
    output = getattr(error, "stderr", b"") or b""
    log.error("a record could not be checked: %s\n%s", error, output.decode(errors="replace"))


def _folder(env: Environment) -> Path:
    return env.home / "web" / "checks"


def _path(env: Environment, check_id: str) -> Path:
    folder = _folder(env)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{check_id}.json"
