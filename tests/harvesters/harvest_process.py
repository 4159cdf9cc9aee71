"""Harvest a feed in a process of its own, for the test that kills it: FEED. Each part holds 50 records."""

from __future__ import annotations

import sys

from loaders.landing import landing
from pipeline import feed as tasks


class PrintedProgress(tasks.LoggedProgress):
    """Writes progress to standard output at once, so that a kill can be aimed."""

    def __call__(self, listed: int, total: int | None) -> None:
        sys.stdout.write(f"{listed}\n")
        sys.stdout.flush()


def main(name: str) -> None:
    landing.LANDING_PART_RECORDS = 50
    tasks.LoggedProgress = PrintedProgress  # type: ignore[misc]
    tasks.harvest(name)


if __name__ == "__main__":
    main(sys.argv[1])
