"""`elib downloads`: write the library's downloads now, as the DAG `downloads` does after the catalog's morning run."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def downloads(
    even_unchanged: Annotated[
        bool, typer.Option("--even-unchanged", help="Also when nothing has changed since the newest one.")
    ] = False,
) -> int:
    """Write a dump of what is published into ELIB_HOME/downloads, if anything changed since the newest one.

    Exits with 1 while another process writes one, and with 2 for wrong settings.
    """
    from loaders.catalog import migrate
    from loaders.downloads import BadKeepRule, DownloadsFailed
    from loaders.store import FeedBusy
    from pipeline.downloads import write_downloads
    from schemas import environment

    env = environment()
    migrate(env)
    try:
        print(write_downloads(env, even_unchanged=even_unchanged))
    except (DownloadsFailed, FeedBusy) as failed:
        print(failed, file=sys.stderr)
        return 2 if isinstance(failed, BadKeepRule) else 1
    return 0
