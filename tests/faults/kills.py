"""Kill a night with SIGKILL at a random moment of each step; the next night makes the catalog of an undisturbed one."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.nights import contents, kill_night, require_equal, run_night
from tests.faults.partners import FEEDS, Partners, declare, serving_partners
from tests.faults.trials import Trial

Contents = dict[str, list[tuple[str, ...]]]


@dataclass(frozen=True)
class Prepared:
    """A home after the partners' first night, the steps of the second one, and the catalog that it ends with."""

    folder: Path
    partners: Partners
    seconds_by_step: dict[str, float]
    undisturbed: Contents

    def copy(self, name: str) -> Path:
        """Return a copy of the home after the first night."""
        home = self.folder / name
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.folder / "first", home)
        return home


@contextmanager
def prepared(folder: Path) -> Iterator[Prepared]:
    """Serve the partners, run their first night, and the second one in a copy."""
    with serving_partners() as (loopback, partners):
        first = folder / "first"
        declare(first / "feeds", loopback.url)
        run_night(first, FEEDS).require_success()
        partners.night = 2
        shutil.copytree(first, folder / "undisturbed")
        second = run_night(folder / "undisturbed", FEEDS)
        second.require_success()
        undisturbed = contents(folder / "undisturbed")
        assert undisturbed != contents(first)
        yield Prepared(folder, partners, second.seconds_by_step, undisturbed)


@contextmanager
def kills(folder: Path) -> Iterator[Callable[[int], Trial]]:
    """Return the trial of each seed: every step in turn, killed up to three times."""
    with prepared(folder) as nights:
        yield kills_of(nights)


def kills_of(nights: Prepared) -> Callable[[int], Trial]:
    """Return the trials of `kills` on nights that are prepared already."""
    steps = list(nights.seconds_by_step)

    def trial(seed: int) -> Trial:
        first = steps[seed % len(steps)]
        return Trial(f"SIGKILL in {first}", lambda: _killed(nights, seed, first))

    return trial


def _killed(nights: Prepared, seed: int, first: str) -> None:
    dice = random.Random(seed)
    home = nights.copy("killed")
    steps = list(nights.seconds_by_step)
    later = steps[steps.index(first) :]  # a night after a kill goes on from what was done, and may still be killed
    for step in [first, *sorted(dice.choices(later, k=dice.choice([0, 0, 1, 2])), key=steps.index)]:
        delay = dice.uniform(0, 0.9 * nights.seconds_by_step[step])
        if not kill_night(home, FEEDS, step, delay):
            break  # it ended before: what follows is a night after a whole one
    run_night(home, FEEDS).require_success()
    require_equal(contents(home), nights.undisturbed)
