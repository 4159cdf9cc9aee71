"""`elib links`: check the published addresses that are due, or some of them now."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

_CHECKS_BETWEEN_LINES = 100


def links(
    host: Annotated[str, typer.Option(help="Only the due addresses of this host, such as unesdoc.unesco.org.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many addresses.")] = None,
    url: Annotated[
        list[str] | None, typer.Option(help="Check this published address now, due or not; may be repeated.")
    ] = None,
) -> int:
    """Check published addresses: of each that is due, whether it still leads to what it promises.

    Exits with 1 while another process checks them, when no host answers, and when an address or a host given is not
    published.
    """
    from loaders.catalog import migrate
    from loaders.store import FeedBusy
    from pipeline.links import LinksFailed, check_links
    from schemas import environment

    env, host = environment(), host.strip().rstrip(".").lower()
    migrate(env)
    try:
        result = check_links(env, os.environ, host=host, urls=url or (), limit=limit, progress=_show)
    except (FeedBusy, LinksFailed) as error:
        print(error, file=sys.stderr)
        return 1
    if result.notes:
        print(" ".join(result.notes))
    for each in result.unpublished:
        print(
            f"{each} is not checked: no resource has this address; give it as a resource's page has it", file=sys.stderr
        )
    if result.unknown_host:
        print(f"--host: no published address is on {host}; {result.unknown_host}", file=sys.stderr)
    return 1 if result.unpublished or result.unknown_host else 0


def _show(checked: int) -> None:
    if checked % _CHECKS_BETWEEN_LINES == 0:
        print(f"{checked} addresses checked so far", file=sys.stderr)
