"""Trials of the harness: each is repeatable by its seed, bounded in time, and either survived or failed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

TRIAL_SECONDS = 3_000  # a trial that takes longer hangs, and has failed


@dataclass(frozen=True)
class Trial:
    """One fault and what must hold after it; `run` raises when it does not."""

    name: str
    run: Callable[[], None]


# Prepares servers and homes in a folder, and returns the trial of each seed
Part = Callable[[Path], AbstractContextManager[Callable[[int], Trial]]]


@dataclass
class Tally:
    """What became of the trials of one part."""

    part: str
    tried: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def survived(self) -> int:
        return self.tried - len(self.failures)

    def __str__(self) -> str:
        return f"{self.part:<10}{self.tried:>8}{self.survived:>10}{len(self.failures):>8}"


HEADER = f"{'part':<10}{'tried':>8}{'survived':>10}{'failed':>8}"


def total(tallies: list[Tally]) -> Tally:
    """Return the sum of the tallies."""
    failures = [failure for tally in tallies for failure in tally.failures]
    return Tally("total", sum(tally.tried for tally in tallies), failures)


def run_part(name: str, part: Part, folder: Path, seeds: Iterator[int], seconds: float) -> Tally:
    """Run the trials of the seeds until the time is over, one at least; print each failure with its seed.

    The time includes what the part prepares.
    """
    tally, deadline = Tally(name), time.monotonic() + seconds
    with part(folder) as trial_of:
        for seed in seeds:
            trial = trial_of(seed)
            tally.tried += 1
            try:
                with _bounded():
                    trial.run()
            except Exception as error:
                text = " ".join(f"{type(error).__name__}: {error}".split())[:2000]
                failure = f"FAILED {name}, seed {seed}, {trial.name}: {text}"
                again = f"repeat it: python -m tests.faults --part {name} --seed {seed} --trials 1"
                tally.failures.append(f"{failure}\n    {again}")
                sys.stdout.write(tally.failures[-1] + "\n")
                sys.stdout.flush()
            if time.monotonic() >= deadline:
                break
    return tally


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise TimeoutError in a trial that hangs."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the trial took more than {TRIAL_SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(TRIAL_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
