"""All network access: one module per protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from schemas import Ask, Environment, Feed, HarvestFailed, Page, Progress, ProtocolName

HarvestFunction = Callable[[Feed, Ask, Environment, Progress], Iterator[Page]]
ServerCheck = Callable[[Feed, Ask, Environment], list[str]]
FindFunction = Callable[[Feed, str, Ask, Environment], Page | None]


class Harvester(NamedTuple):
    """How a protocol is harvested; how a server is asked what it offers, and for one record, where it can say."""

    harvest: HarvestFunction
    check: ServerCheck | None = None
    find: FindFunction | None = None


def _oai_pmh() -> Harvester:
    from harvesters import oai_pmh

    return Harvester(oai_pmh.harvest, oai_pmh.check, oai_pmh.find)


def _rest() -> Harvester:
    from harvesters.lists import one_record, rest

    return Harvester(rest.harvest, find=one_record.find_detail)


def _opendatasoft() -> Harvester:
    from harvesters.lists import one_record, opendatasoft

    return Harvester(opendatasoft.harvest, find=one_record.find_in_dataset)


def _rss() -> Harvester:
    from harvesters.documents import rss

    return Harvester(rss.harvest)


def _csv() -> Harvester:
    from harvesters.documents import csv

    return Harvester(csv.harvest)


def _sitemap() -> Harvester:
    from harvesters.documents import sitemap

    return Harvester(sitemap.harvest, find=sitemap.find)


def _files() -> Harvester:
    from harvesters.documents import files

    return Harvester(files.harvest)


# Of every protocol of `schemas.PROTOCOLS`. Each imports libraries of its own, and a feed needs one.
HARVESTERS: dict[ProtocolName, Callable[[], Harvester]] = {
    "oai_pmh": _oai_pmh,
    "rest": _rest,
    "opendatasoft": _opendatasoft,
    "rss": _rss,
    "csv": _csv,
    "sitemap": _sitemap,
    "files": _files,
}


def harvest(feed: Feed, ask: Ask, env: Environment, progress: Progress | None = None) -> Iterator[Page]:
    """Yield the feed's records page by page, exactly as the server sent them.

    Each page's position is enough to continue behind it (`ask.position`). The last page of a harvest that reached the
    end of the list has `complete=True`; a harvest that ends otherwise raises HarvestFailed with one of `causes.CAUSES`.
    `progress` is called with the records listed so far, and with how many there are when that is known.
    """
    from harvesters.client import Credentials
    from harvesters.unexpected import pages_with_defects

    pages = HARVESTERS[feed.protocol]().harvest(feed, ask, env, progress or _no_progress)
    yield from map(Credentials(feed, ask.credentials).scrub, pages_with_defects(pages, feed.url, ask.position))


def find_record(feed: Feed, identifier: str, ask: Ask, env: Environment) -> Page:
    """Return a page with one record as the server sends it now, or with why it cannot be read; empty without it.

    It is requested alone where the protocol or the feed's declaration can do that; elsewhere the list is read from its
    beginning until the record comes. The feed's `request.budget` bounds the time. Raises HarvestFailed, with the cause
    `too_slow` when the time ended before the record came.
    """
    from harvesters.client import Credentials

    find = HARVESTERS[feed.protocol]().find
    page = find(feed, identifier, ask, env) if find else None
    if page is None:
        page = _find_in_list(feed, identifier, ask, env)
    page = Credentials(feed, ask.credentials).scrub(page)
    return msgspec.structs.replace(
        page,
        records=[record for record in page.records if record.identifier == identifier],
        skipped=tuple(skipped for skipped in page.skipped if skipped.identifier in (identifier, None)),
    )


def _find_in_list(feed: Feed, identifier: str, ask: Ask, env: Environment) -> Page:
    for page in harvest(feed, ask, env):
        names = {record.identifier for record in page.records} | {skipped.identifier for skipped in page.skipped}
        if identifier in names:
            return page
    return Page()


def check(feed: Feed, ask: Ask, env: Environment) -> list[str]:
    """Return what prevents the feed from being harvested, one sentence each; none when a record can be read.

    Compares the feed's format and sets with what the server offers, where the protocol lists that, then requests one
    record.
    """
    from harvesters.client import Credentials

    problems: list[str] = []
    try:
        if check_server := HARVESTERS[feed.protocol]().check:
            problems += check_server(feed, ask, env)
        if not any(page.records for page in harvest(feed, msgspec.structs.replace(ask, limit=1), env)):
            problems.append("the list holds no record")
    except HarvestFailed as error:
        problems.append(f"{error.cause}: {error.sentence}")
    return [Credentials(feed, ask.credentials).hide(problem) for problem in problems]


def _no_progress(listed: int, total: int | None) -> None:
    """Progress callback that does nothing."""


__all__ = ["HARVESTERS", "HarvestFailed", "Harvester", "check", "find_record", "harvest"]
