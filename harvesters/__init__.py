"""The only sockets of the house: every protocol that the partners speak, one module and one line of a table each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

import msgspec

from schemas import Ask, Environment, Feed, HarvestFailed, Page

Report = Callable[[int, int | None], None]
Harvester = Callable[[Feed, Ask, Environment, Report], Iterator[Page]]

# protocol → the module that speaks it; imported when it is first asked for
PROTOCOLS: dict[str, str] = {
    "oai_pmh": "harvesters.oai_pmh",
    "rest": "harvesters.lists.rest",
    "opendatasoft": "harvesters.lists.opendatasoft",
    "rss": "harvesters.documents.rss",
    "csv": "harvesters.documents.csv",
    "sitemap": "harvesters.documents.sitemap",
    "files": "harvesters.documents.files",
}


def harvester(protocol: str) -> Harvester:
    """The harvester that speaks a protocol."""
    speaking: Harvester = import_module(PROTOCOLS[protocol]).harvest
    return speaking


def harvest(feed: Feed, ask: Ask, env: Environment, progress: Report | None = None) -> Iterator[Page]:
    """What the feed says, page by page, word for word.

    Each page's position is enough to go on from behind it (`ask.position`). The last page of a harvest that came to
    its end has `complete=True`; a harvest that ends otherwise raises HarvestFailed with one of `causes.CAUSES`.
    `progress` hears the records listed so far, and of how many when that is known.
    """
    from harvesters.client import Credentials

    yield from map(
        Credentials(feed, ask.credentials).scrub, harvester(feed.protocol)(feed, ask, env, progress or _quietly)
    )


def check(feed: Feed, ask: Ask, env: Environment) -> list[str]:
    """What stands between a feed file and its server, a sentence each; nothing when it can be harvested.

    Asks for the format and the sets where the protocol lists them, then for one record.
    """
    from harvesters.client import Credentials

    found: list[str] = []
    try:
        if feed.protocol == "oai_pmh":
            found += import_module("harvesters.oai_pmh").check(feed, ask, env)
        one = msgspec.structs.replace(ask, limit=1)
        if not any(page.records for page in harvest(feed, one, env)):
            found.append("the list holds no record")
    except HarvestFailed as error:
        found.append(f"{error.cause}: {error.sentence}")
    return [Credentials(feed, ask.credentials).hide(sentence) for sentence in found]


def _quietly(listed: int, total: int | None) -> None:
    """Nobody wants to know."""


__all__ = ["PROTOCOLS", "HarvestFailed", "check", "harvest", "harvester"]
