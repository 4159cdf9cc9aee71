"""`python -m commands.publish [--full]`: match, publish and report now, without waiting for the catalog's DAG."""

from __future__ import annotations

import argparse
import sys

from pipeline import catalog as tasks_catalog
from schemas import environment


def main() -> int:
    """Publish once and say what changed; `--full` compares every record again, not only what changed."""
    arguments = argparse.ArgumentParser(prog="python -m commands.publish", description=main.__doc__)
    arguments.add_argument("--full", action="store_true", help="compare every record again")
    from loaders.backup import NotReprocessed
    from loaders.catalog import migrate
    from loaders.declarations import Undeclared
    from loaders.store import FeedBusy

    full = arguments.parse_args().full
    migrate(environment())
    try:
        counts = tasks_catalog.publish(tasks_catalog.match(full=full))
    except (NotReprocessed, Undeclared, FeedBusy) as error:
        print(error, file=sys.stderr)
        return 1
    tasks_catalog.report()
    said = ", ".join(f"{counts[name]} {name}" for name in ("added", "changed", "unchanged", "deleted"))
    print(f"Published: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
