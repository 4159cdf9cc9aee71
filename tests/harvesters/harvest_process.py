"""A night's harvest in a process of its own, for the test that kills it: FEED; each part is landed after 50 records."""

from __future__ import annotations

import sys

from loaders.landing import landing
from pipeline import feed as tasks


class Aloud(tasks.Progress):
    """Progress that is said on standard output at once, so that a kill can be aimed."""

    def __call__(self, listed: int, total: int | None) -> None:
        sys.stdout.write(f"{listed}\n")
        sys.stdout.flush()


def main(name: str) -> None:
    landing.PART_RECORDS = 50
    tasks.Progress = Aloud  # type: ignore[misc]  # what it says, and nothing that it does
    tasks.harvest(name)


if __name__ == "__main__":
    main(sys.argv[1])
