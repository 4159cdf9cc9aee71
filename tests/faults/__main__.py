"""Run the harness: `python -m tests.faults [--part NAME] [--seconds N] [--seed N] [--trials N]`.

Exits with 1 when a trial failed. A failure names its seed; the same seed makes the same trial again.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.addresses import addresses
from tests.faults.airflow_kills import airflow_kills
from tests.faults.fuzz import fuzz
from tests.faults.kills import kills
from tests.faults.servers import faults
from tests.faults.trials import HEADER, Part, Tally, run_part, total

# the parts, and their shares of the time
PARTS: dict[str, tuple[Part, float]] = {
    "kills": (kills, 0.3),
    "airflow": (airflow_kills, 0.25),
    "faults": (faults, 0.25),
    "ssrf": (addresses, 0.08),
    "fuzz": (fuzz, 0.12),
}


def main() -> int:
    """Run the chosen parts and print what was tried, survived and failed."""
    options = _arguments()
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")  # of killed nights
    logging.getLogger().addHandler(logging.NullHandler())
    names = options.part or list(PARTS)
    tallies: list[Tally] = []
    ends = time.monotonic() + options.seconds
    sys.stdout.write(HEADER + "\n")
    for number, name in enumerate(names):
        share = PARTS[name][1] / sum(PARTS[later][1] for later in names[number:])
        seconds = max(0.0, ends - time.monotonic()) * share  # a part that took longer leaves less to the others
        with tempfile.TemporaryDirectory(prefix=f"faults-{name}-") as folder:
            tallies.append(run_part(name, PARTS[name][0], Path(folder), _seeds(options), seconds))
        sys.stdout.write(f"{tallies[-1]}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total(tallies)}\n")
    return int(any(tally.failures for tally in tallies))


def _seeds(options: argparse.Namespace) -> Iterator[int]:
    seeds = itertools.count(options.seed)
    return itertools.islice(seeds, options.trials)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--part", action="append", choices=sorted(PARTS), help="only this part; may be repeated")
    parser.add_argument("--seconds", type=float, default=1200, help="the time of all parts together")
    parser.add_argument("--seed", type=int, default=0, help="the first trial's seed; the next ones count on from it")
    parser.add_argument("--trials", type=int, help="at most so many trials per part")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
