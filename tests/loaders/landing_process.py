"""A harvest in a process of its own, for the tests that kill it: HOME RUN LAST FILL [LIMIT]."""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from loaders.landing import ask, landing
from schemas import Page
from tests.loaders.nights import feed, sent


def filler(number: int, size: int) -> str:
    """Text that does not compress; from the 500th record on it is long."""
    return random.Random(number).randbytes(size if number >= 500 else 10).hex()


def pages(start: int, last: int, fill: int) -> Iterator[Page]:
    for number in range(start, last, 10):
        records = [sent(f"r{n}", f"Title {n}", filler=filler(n, fill)) for n in range(number, number + 10)]
        end = number + 10 >= last
        yield Page(
            records=records,
            position={"next": number + 10},
            complete=end,
            full=True,
            response_date="2026-01-02T00:00:00Z",
        )


def main(home: str, run: str, last: str, fill: str, limit: str = "") -> None:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    landing.LANDING_PART_RECORDS = 50
    next_ask = ask(Path(home), feed())
    start = (next_ask.position or {"next": 0})["next"]

    def progress(so_far: int, total: int | None) -> None:
        sys.stdout.write(f"{so_far}\n")
        sys.stdout.flush()

    landing.land(Path(home), feed(), run, pages(start, int(last), int(fill)), ask=next_ask, progress=progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
