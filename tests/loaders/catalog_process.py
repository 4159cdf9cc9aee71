"""A feed's nights in a process of its own: HOME FEED NIGHTS, or HOME FEED kill to die in the middle of a load."""

from __future__ import annotations

import os
import signal
import sys

from loaders import catalog
from loaders.catalog import loading as catalog_load
from loaders.catalog import staged as catalog_staged
from schemas import environment
from tests.loaders.nights import feed, night, sent, staged


def main(url: str, home: str, name: str, nights: str) -> None:
    env = environment({"ELIB_HOME": home, "ELIB_CATALOG_URL": url})
    if nights == "kill":
        catalog_staged.LOAD_BATCH_ROWS = 10
        run = staged(env, feed(name), [sent(f"k{n}", name=name) for n in range(100)])

        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        catalog_load.load_issues = die  # every batch of records is written, and nothing is committed
        catalog.load(env, run)
    for number in range(int(nights)):
        records = [sent(f"r{n}", f"night {number}", notes=[str(number)], name=name) for n in range(30 + number)]
        night(env, feed(name), records)


if __name__ == "__main__":
    main(*sys.argv[1:])
