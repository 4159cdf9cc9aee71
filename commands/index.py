"""`elib index`: bring the library's search index up to what is published, or make it anew."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def index(
    anew: Annotated[bool, typer.Option("--anew", help="Make it anew, of every published resource.")] = False,
) -> int:
    """Bring the library's search index up to the catalog. Exits with 1 while another process writes it."""
    from loaders.catalog import migrate
    from loaders.search import IndexBusy
    from pipeline.catalog import index_library
    from schemas import environment

    env = environment()
    migrate(env)
    try:
        written = index_library(env, anew=anew, wait_seconds=0)
    except IndexBusy as busy:
        print(busy, file=sys.stderr)
        return 1
    print(f"{written} resources written into the search index.")
    return 0
