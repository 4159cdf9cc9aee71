"""Rows for many keys, made by two processes, where that is safe and worth its while."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger("elib.catalog")
MANY = 10_000  # keys; fewer are made by one process before the second has begun
_Make = Callable[[Sequence[str]], "pa.Table"]


def by_halves(make: _Make, keys: Sequence[str], folder: Path, *, many: int = MANY) -> pa.Table:
    """What `make` gives for the keys, in their order; a second process makes the second half of many.

    `make` must not use an open connection or file of this process, and each half reads at its own moment. What the
    other process makes comes back through a file in `folder` that has no name, so that nothing is left behind when
    either is killed. Should the other process not begin, or end before it is done, its half is made here, and what
    hindered it is raised here.
    """
    if len(keys) < many or not _may_fork():
        return make(keys)
    import pyarrow as pa

    middle = len(keys) // 2
    with tempfile.TemporaryFile(dir=folder) as file:
        other = ForkProcess(target=_write, args=(make, keys[middle:], file), daemon=True)
        if not _begun(other):
            return make(keys)
        try:
            first = make(keys[:middle])
        except BaseException:
            other.kill()  # not terminate: Airflow's handler of that signal, which the copy has too, does nothing in it
            raise
        finally:
            other.join()
        second = _read(file) if other.exitcode == 0 else None
    if second is None:
        log.warning("The process that made half of the rows ended with code %s; they are made again", other.exitcode)
        second = make(keys[middle:])
    return pa.concat_tables([first, second])


def _begun(other: ForkProcess) -> bool:
    """Start the process; false when the system has no room for it."""
    try:
        with warnings.catch_warnings():  # of threads: Arrow's are idle, and Arrow makes them anew in the copy
            warnings.simplefilter("ignore", DeprecationWarning)
            other.start()
    except OSError as error:
        log.warning("One process makes all rows, because no second could begin: %s", error)
        return False
    return True


def _may_fork() -> bool:
    """Whether a copy of this process can work: another thread might hold a lock that would never open in the copy."""
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and not multiprocessing.current_process().daemon
        and (os.cpu_count() or 1) > 1
    )


def _write(make: _Make, keys: Sequence[str], file: BinaryIO) -> None:
    import pyarrow as pa

    made = make(keys)
    with pa.ipc.new_stream(file, made.schema) as stream:
        stream.write_table(made)
    file.flush()


def _read(file: BinaryIO) -> pa.Table:
    import pyarrow as pa

    file.seek(0)
    with pa.ipc.open_stream(file) as stream:
        return stream.read_all()
