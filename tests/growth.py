"""Measure how the time of a call grows with its input, in a process of its own that is ended when it takes too long."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LINEAR = 10.0  # times as long for four times the input: 4 when linear, 16 when quadratic
MEASURABLE = 0.002  # seconds; less is noise
PATIENCE = 300.0  # seconds for all sizes of one call
_DIED = "ended without a result"  # begins the reason of a process that died


def steepest(call: Callable[[Any], object], make: Callable[[int], Any], start: int = 4_000, end: int = 256_000) -> str:
    """Why a call does not grow about linearly with its input's size; empty when it does.

    `make` builds the input of a size. The sizes quadruple from `start` until `end`.
    """
    return in_time(lambda: growth(call, make, start, end))


def in_time(function: Callable[[], str], patience: float = PATIENCE) -> str:
    """Return what a function returns, or "does not end" when a process of its own has not returned it in time.

    The process is a copy of this one, in which other tests may have left threads: a copy can die or stand still for
    that reason alone, so a copy without a result is made once more before it counts. When that one dies too, the
    function is called in this process, which ends if it is the function that kills it.
    """
    context = multiprocessing.get_context("fork")
    result, reason = _in_process(context, function, patience)
    if result is None:
        result, reason = _in_process(context, function, patience)
    if result is None and reason.startswith(_DIED):
        return function()
    return reason if result is None else result


def in_new_process(function: Callable[[], str], patience: float) -> str:
    """The same as `in_time` for a function of a module, in a process that has nothing of this one.

    For what imports many libraries: some die when they are imported into a copy of a process with threads.
    """
    result, reason = _in_process(multiprocessing.get_context("spawn"), function, patience)
    return reason if result is None else result


def _in_process(context: Any, function: Callable[[], str], patience: float) -> tuple[str | None, str]:
    """Return what the function returned in a process of the context; without a result, why there is none."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(function, sender))
    process.start()
    sender.close()
    try:
        if receiver.poll(patience):
            return str(receiver.recv()), ""
        return None, f"does not end in {patience:.0f} seconds"
    except EOFError:
        process.join()
        return None, f"{_DIED}, with exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()


def _send_result(function: Callable[[], str], sender: Any) -> None:
    sender.send(function())


def growth(call: Callable[[Any], object], make: Callable[[int], Any], start: int, end: int) -> str:
    """The same as `steepest`, in this process."""
    size, before = start, seconds(call, make(start))
    while size * 4 <= end:
        after = seconds(call, make(size * 4))
        if before > MEASURABLE and after > LINEAR * before:
            before, after = (
                seconds(call, make(size), 3),
                seconds(call, make(size * 4), 3),
            )  # another process may have run
            if after > LINEAR * before:
                return f"{after / before:.0f} times as long for {size * 4:,} as for {size:,}"
        size, before = size * 4, after
    return ""


def seconds(call: Callable[[Any], object], argument: Any, rounds: int = 1) -> float:
    """The processor's seconds for a call, the least of several rounds; an exception counts as an end."""
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        with suppress(Exception):
            call(argument)
        times.append(time.process_time() - begin)
    return min(times)


def peak_megabytes(function: Callable[[], object]) -> int:
    """Return by how much the memory of a process grows at most while it calls the function; an exception ends it."""

    def measure() -> str:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with suppress(Exception):
            function()
        return str((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)

    return int(in_time(measure))
