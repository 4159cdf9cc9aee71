"""Files that exist whole or not at all: written under a temporary name, synced, and renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from loaders.store.locks import require_locks

# the machine (not in names of older versions) and the process
_LEFT_OVER = re.compile(r"(?:.*\.)?(?:([0-9a-f]{8})-)?([0-9]{1,10})\.tmp")
_FOLDER_PREFIX = "elib-"  # of temporary folders
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK}
_SYNC_THREADS = 8
_MAX_FOREIGN_SECONDS = 86_400  # after which the file of another machine is left over


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; sync and rename it to `path` at the end, or remove it on an exception.

    A kill at any moment leaves either the old file or the new one, and at worst a temporary file that nothing reads and
    `sweep` removes. Raises LeaseLost when a lock that this thread works under is no longer its own.
    """
    with whole_files() as temporary_for:
        yield temporary_for(path)


@contextmanager
def whole_files() -> Iterator[Callable[[Path], Path]]:
    """Yield a function that returns for each path a temporary one to write to; at the end treat all as `whole_file`.

    Many files are replaced at less cost so: they are synced at the same time, and their folder once. None is replaced
    before the end; a kill while they are can leave some old and some new.
    """
    temporaries: dict[Path, Path] = {}

    def temporary_for(path: Path) -> Path:
        make_folder(path.parent)
        return temporaries.setdefault(path, path.with_name(f".{path.name}.{temporary_ending()}"))

    try:
        yield temporary_for
        _sync_files(list(temporaries.values()))
        require_locks()
        for path, temporary in temporaries.items():
            temporary.replace(path)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
    for folder in {path.parent for path in temporaries}:
        _sync_folder(folder)


def _sync_files(paths: Sequence[Path]) -> None:
    """Sync files, several at a time: the file system writes its journal once for those that wait together."""
    if len(paths) == 1:
        _sync_file(*paths)
    elif paths:
        with ThreadPoolExecutor(min(len(paths), _SYNC_THREADS)) as pool:
            list(pool.map(_sync_file, paths))


def _sync_file(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def link_file(path: Path, target: Path) -> None:
    """Give a file a second name, so that it outlives the first, durably; copy it where the disk knows no second names.

    So another process may delete or replace the first name while this one reads.
    """
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(path, target)
    _sync_file(target)


def temporary_ending() -> str:
    """Return what the names of this process's temporary files and folders end in."""
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    return f"{machine}-{os.getpid()}.tmp"


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder, and remove it at the end; those of processes that were killed are removed first."""
    sweep(parent, f"{_FOLDER_PREFIX}*.tmp")
    make_folder(parent)
    with tempfile.TemporaryDirectory(
        dir=parent, prefix=_FOLDER_PREFIX, suffix=f".{temporary_ending()}", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to write files into; sync and rename it to `path`, or remove it on an exception.

    There must be no folder at `path`. A kill leaves at worst a temporary folder, which the next one removes.
    """
    with temporary_folder(path.parent) as folder:
        yield folder
        for written in folder.iterdir():
            _sync_file(written)
        folder.chmod(0o777 & ~_umask())  # that of a temporary folder lets nobody else in
        _sync_folder(folder)
        folder.rename(path)
    _sync_folder(path.parent)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sweep(folder: Path, pattern: str = "**/*.tmp") -> None:
    """Remove the temporary files and folders in a folder (and below it) whose processes have ended."""
    for path in list(folder.glob(pattern)):
        if _is_left_over(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_left_over(path: Path) -> bool:
    name = _LEFT_OVER.fullmatch(path.name)
    if name is None:
        return False
    machine, pid = name.groups()
    if machine is not None and machine != temporary_ending().partition("-")[0]:
        try:
            return time.time() - path.lstat().st_mtime > _MAX_FOREIGN_SECONDS
        except FileNotFoundError:
            return False
    return _is_process_gone(int(pid))


def _is_process_gone(pid: int) -> bool:
    """Return whether no process of this machine works under the number."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, durably: without it a power failure can lose the folder with its files."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for created in missing:
        _sync_folder(created.parent)


def _sync_folder(folder: Path) -> None:
    """Make the folder's entries durable, without which a rename can be lost in a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
