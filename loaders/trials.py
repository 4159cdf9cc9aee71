"""The files of trials: one folder per trial below ELIB_HOME/trials, each file whole; and the order of those that wait.

The name of a folder is an id that cannot be guessed. Nothing else of the installation is written by a trial.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from loaders.store import lock_path, make_folder, whole_file
from schemas import Environment

KEPT_DAYS = 30
TrialPart = Literal["request", "worker", "progress", "preview"]
_T = TypeVar("_T")
_ID = re.compile(r"[0-9a-f]{32}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_ARCHIVES = (b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # whose texts are compressed
_TURN = re.compile(r"([0-9]{20})-([0-9a-f]{32})")


def mint_trial_id() -> str:
    """Return an id for a new trial."""
    return secrets.token_hex(16)


def trial_folder(env: Environment, trial_id: str) -> Path | None:
    """Return the folder of a trial; None for what is no id of one, so that no path can be made of it."""
    return _folder(env) / trial_id if _ID.fullmatch(trial_id) else None


def trial_lock_name(trial_id: str) -> str:
    """Return the name of the lock that the process of a trial has as long as it lives."""
    return f"trial:{trial_id}"


def write_part(folder: Path, part: TrialPart, value: object) -> None:
    """Write a part of a trial, whole."""
    with whole_file(folder / f"{part}.json") as temporary:
        temporary.write_bytes(msgspec.json.encode(value))


def read_part(folder: Path, part: TrialPart, kind: type[_T]) -> _T | None:
    """Return a part of a trial; None when it has not been written."""
    try:
        return msgspec.json.decode((folder / f"{part}.json").read_bytes(), type=kind)
    except FileNotFoundError:
        return None


def keep_upload(folder: Path, upload: Path, name: str) -> str:
    """Copy an uploaded file into the trial's inbox; return the name that it has there."""
    suffix = Path(name).suffix.lower()
    stored = f"upload{suffix if _SUFFIX.fullmatch(suffix) else ''}"
    with whole_file(folder / "inbox" / stored) as temporary:
        shutil.copyfile(upload, temporary)
    return stored


def remove_old_trials(env: Environment, now: float | None = None) -> int:
    """Remove the trials that are kept no longer; return how many."""
    oldest = (time.time() if now is None else now) - KEPT_DAYS * 86_400
    old = [folder for folder in _folder(env).glob("*") if _ID.fullmatch(folder.name) and _began(folder) < oldest]
    for folder in old:
        _remove(env, folder)
    return len(old)


def remove_trials_that_hold(env: Environment, holds: Callable[[bytes], bool]) -> int:
    """Remove the trials of which a file holds something; return how many. An archive that was uploaded counts as it.

    Whoever needs such a trial makes it again, from a source that may hold it no longer.
    """
    folders = [folder for folder in _folder(env).glob("*") if _ID.fullmatch(folder.name)]
    held = [folder for folder in folders if any(_holds(path, holds) for path in folder.rglob("*") if path.is_file())]
    for folder in held:
        _remove(env, folder)
    return len(held)


def _remove(env: Environment, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock_path(env, trial_lock_name(folder.name)).unlink(missing_ok=True)


def _holds(path: Path, holds: Callable[[bytes], bool]) -> bool:
    try:
        body = path.read_bytes()
    except FileNotFoundError:  # another process has removed it
        return False
    return body.startswith(_ARCHIVES) or holds(body)


def _began(folder: Path) -> float:
    """Return when a trial began, by its file that is written once; by the folder when it has none yet."""
    try:
        return (folder / "request.json").stat().st_mtime
    except FileNotFoundError:
        try:
            return folder.stat().st_mtime
        except FileNotFoundError:
            return time.time()


# the order of those that wait


@contextmanager
def ordering(env: Environment) -> Iterator[None]:
    """Let one process at a time change the order of the trials that wait."""
    make_folder(_folder(env))
    descriptor = os.open(_folder(env) / "order.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def join_queue(env: Environment, trial_id: str) -> None:
    """Put a trial behind those that wait."""
    folder = _folder(env) / "queue"
    make_folder(folder)
    (folder / f"{time.time_ns():020d}-{trial_id}").touch()


def queue(env: Environment) -> list[str]:
    """Return the ids of the trials that wait or work, in their order."""
    names = (_TURN.fullmatch(path.name) for path in (_folder(env) / "queue").glob("*"))
    return [turn[2] for turn in sorted((name for name in names if name is not None), key=lambda name: name[1])]


def leave_queue(env: Environment, trial_id: str) -> None:
    """Take a trial out of the order, when it has ended."""
    for path in (_folder(env) / "queue").glob(f"*-{trial_id}"):
        path.unlink(missing_ok=True)


def take_slot(env: Environment, slots: int) -> int | None:
    """Take one of so many places to work at and return its open file; None while others have them all.

    The operating system gives it back when the process ends, however it ends.
    """
    make_folder(_folder(env))
    for number in range(slots):
        descriptor = os.open(_folder(env) / f"slot-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return descriptor
    return None


def _folder(env: Environment) -> Path:
    return env.home / "trials"
