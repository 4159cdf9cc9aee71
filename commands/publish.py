"""`elib publish`: match, publish and report now, without waiting for the catalog's DAG."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def publish(
    full: Annotated[
        bool, typer.Option("--full", help="Compare and plan every record again, not only what changed.")
    ] = False,
) -> int:
    """Match, publish and report now. Exits with 1 when nothing can be published."""
    from loaders.catalog import migrate
    from loaders.declarations import Undeclared
    from loaders.restored import NotReprocessed
    from loaders.store import FeedBusy
    from pipeline.catalog import PublicationUnfinished
    from schemas import environment

    migrate(environment())
    try:
        print(publish_now(full=full))
    except (NotReprocessed, Undeclared, FeedBusy, PublicationUnfinished) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def publish_now(*, full: bool = False) -> str:
    """Match, publish and report in this process; return a line on what changed.

    Raises NotReprocessed, Undeclared, FeedBusy or PublicationUnfinished.
    """
    from pipeline import catalog

    counts = catalog.publish(catalog.match(full=full))
    catalog.report()
    return "Published: " + ", ".join(f"{counts[name]} {name}" for name in ("added", "changed", "unchanged", "deleted"))
