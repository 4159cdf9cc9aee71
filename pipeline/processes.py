"""Compute a table for many keys in two processes, where that is safe and worth it (decision 063)."""

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
MIN_KEYS_TO_SPLIT = 10_000  # one process computes fewer before a second one has started
_Compute = Callable[[Sequence[str]], "pa.Table"]


def split_across_processes(
    compute: _Compute, keys: Sequence[str], folder: Path, *, min_to_split: int = MIN_KEYS_TO_SPLIT
) -> pa.Table:
    """Return `compute(keys)`, in the keys' order; a forked process computes the second half of many.

    `compute` must not use an open connection or file of this process, and each half reads at its own moment. The fork's
    result comes back through an unnamed file in `folder`, so that nothing is left behind when either is killed. If the
    fork does not start or fails, its half is computed here, and its error is raised here.
    """
    if len(keys) < min_to_split or not _may_fork():
        return compute(keys)
    import pyarrow as pa

    middle = len(keys) // 2
    with tempfile.TemporaryFile(dir=folder) as file:
        fork = ForkProcess(target=_write, args=(compute, keys[middle:], file), daemon=True)
        if not _started(fork):
            return compute(keys)
        try:
            first = compute(keys[:middle])
        except BaseException:
            fork.kill()  # not terminate: Airflow's handler of that signal, which the fork has too, does nothing in it
            raise
        finally:
            fork.join()
        second = _read(file) if fork.exitcode == 0 else None
    if second is None:
        log.warning("The process that computed half of the rows exited with %s; computing them again", fork.exitcode)
        second = compute(keys[middle:])
    return pa.concat_tables([first, second])


def _started(fork: ForkProcess) -> bool:
    """Start the process; return False when the system has no room for it."""
    try:
        with warnings.catch_warnings():  # about threads: Arrow's are idle, and Arrow starts new ones in the fork
            warnings.simplefilter("ignore", DeprecationWarning)
            fork.start()
    except OSError as error:
        log.warning("One process computes all rows, because no second one could start: %s", error)
        return False
    return True


def _may_fork() -> bool:
    """Return whether a fork of this process can work: a lock that another thread holds would never open in it."""
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and not multiprocessing.current_process().daemon
        and (os.cpu_count() or 1) > 1
    )


def _write(compute: _Compute, keys: Sequence[str], file: BinaryIO) -> None:
    import pyarrow as pa

    table = compute(keys)
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    file.flush()


def _read(file: BinaryIO) -> pa.Table:
    import pyarrow as pa

    file.seek(0)
    with pa.ipc.open_stream(file) as stream:
        return stream.read_all()
