"""A sitemap's pages and the schema.org JSON-LD in them, robots.txt respected.

https://www.sitemaps.org/protocol.html https://www.w3.org/TR/json-ld11/#embedding-json-ld-in-html-documents
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from urllib.parse import urlsplit

from harvesters.causes import (
    MAX_CONSECUTIVE_FAILURES,
    RequestFailed,
    as_harvest_failure,
    as_server_failure,
    concerns_one_record,
    failed,
    of_one_record,
)
from harvesters.client import Client, Reply, join_address
from harvesters.datestamps import parse_datestamp
from harvesters.documents.document import pages
from harvesters.documents.embedded import records_in
from harvesters.documents.locations import Location, Sitemap, read_sitemap
from harvesters.documents.robots import Robots
from harvesters.evenly import evenly
from harvesters.lists import server_date
from harvesters.records import Result, UnreadableElement, split_results, unreadable
from harvesters.unexpected import is_of_the_system, skip_unexpected, unexpected_response
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Progress, Skipped, replace

# what distinguishes the sitemaps of one long list: map.xml, map-2.xml, map.xml?page=3, map-b.xml
_NUMBER_IN_LIST = re.compile(r"(?:[?&]\w+=|[-_./])?[0-9]+|(?:[?&]\w+=|[-_.])?(?<![a-z])[a-z](?![a-z])", re.I)
_NUMBER_ON_PAGE = re.compile(r"#[0-9]+\Z")  # of the records of one page from the second on
_MAX_LIMITED_SITEMAPS = 10  # of an index, that a limited harvest reads
_MAX_INDEX_DEPTH = 3  # sitemap indexes that list sitemap indexes


class _Entry(NamedTuple):
    """A page as a sitemap lists it."""

    url: str
    lastmod: str | None
    sitemap: str


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield the records that the sitemap's pages hold; for an incremental harvest, of the pages that changed since."""
    with Client(feed, ask, env) as client:
        robots = Robots(client)
        reply = client.send(feed.url, params=feed.request.params)
        whole = ask.full or ask.since is None
        sitemaps = _Sitemaps(feed, client, ask.limit)
        lastmods, repeated = _distinct(sitemaps.entries(reply))
        sitemaps.require_pages(lastmods)
        listed = _changed_pages(lastmods, None if whole else ask.since)
        if len(listed) > feed.request.max_pages:
            raise failed("too_large", f"{feed.url} lists more than {feed.request.max_pages} pages")
        allowed = _allowed_pages(listed, robots, client.notes)
        chosen = allowed if ask.limit is None else list(evenly(allowed, ask.limit))
        is_all = len(chosen) == len(allowed) and not sitemaps.has_left_out

        def report_of_allowed(count: int, total: int | None) -> None:
            report(count, len(chosen))

        missing = [_missing(failure) for failure in sitemaps.failures]
        records = chain(missing, sitemaps.unreadable, _records(feed, client, chosen))
        for page in pages(
            records, feed, ask, client, report_of_allowed, server_date(reply), whole=whole, repeated=repeated
        ):
            yield page if is_all else replace(page, complete=False, full=False, counted=None)


def find(feed: Feed, identifier: str, ask: Ask, env: Environment) -> Page:
    """Return a page with the record of a web page, whose address the identifier is; an empty one when it is gone."""
    url = _NUMBER_ON_PAGE.sub("", identifier)
    with Client(feed, ask, env) as client:
        if not Robots(client).allow(url):
            return Page(skipped=(Skipped(identifier=identifier, reason="robots.txt keeps us from this page"),))
        try:
            results = list(records_in(feed, client.send(url), url, None))
        except HarvestFailed as failure:
            if failure.cause == "gone":
                return Page()
            raise
        records, skipped, raw = split_results(results)
        return Page(records=records, skipped=skipped, raw=raw, notes=tuple(client.notes))


def _changed_pages(lastmods: dict[str, str | None], since: str | None) -> list[tuple[str, str | None]]:
    """Return the pages that may have changed since, with their lastmod; all of them without `since`."""
    return [(url, lastmod) for url, lastmod in lastmods.items() if _may_be_newer(lastmod, since)]


def _missing(failure: HarvestFailed) -> UnreadableElement:
    """Return what is missing with a sitemap that cannot be read: records without a name."""
    element = unreadable(None, of_one_record(failure))
    return replace(element, raw=failure.raw[0]) if isinstance(failure, RequestFailed) and failure.raw else element


def _allowed_pages(
    listed: list[tuple[str, str | None]], robots: Robots, notes: list[str]
) -> list[tuple[str, str | None]]:
    """Return the pages, with their lastmod, that robots.txt lets us request; adds to `notes` how many it does not."""
    allowed = [(url, lastmod) for url, lastmod in listed if robots.allow(url)]
    if len(allowed) < len(listed):
        notes.append(f"robots.txt keeps us from {len(listed) - len(allowed)} of {len(listed)} pages")
    return allowed


class _Sitemaps:
    """Reads a sitemap, and those that an index of sitemaps lists, each once.

    For a limited harvest a few sitemaps of an index are read, at even distances; `has_left_out` says that others were
    not.
    """

    def __init__(self, feed: Feed, client: Client, limit: int | None) -> None:
        self.feed = feed
        self.client = client
        self.has_left_out = False
        self._most = None if limit is None else max(1, min(_MAX_LIMITED_SITEMAPS, limit // 2))  # of one index
        self.failures: list[HarvestFailed] = []  # of single sitemaps
        self.unreadable: list[UnreadableElement] = []  # entries
        self.empty = 0  # entries without an address
        self._seen: set[str] = set()

    def require_pages(self, pages: Collection[str]) -> None:
        """Raise HarvestFailed when no page is listed and a sitemap failed; note how many entries have no address."""
        if self.failures and not pages:
            raise self.failures[0]
        if self.empty:
            self.client.notes.append(f"{self.empty} entries of the sitemap have no <loc>")

    def entries(self, reply: Reply, depth: int = 0) -> Iterator[_Entry]:
        """Yield every page of a sitemap, or of the sitemaps that an index lists. Raises HarvestFailed."""
        self._seen.add(reply.url)
        sitemap = read_sitemap(reply, may_be_empty=depth > 0)
        self.unreadable += sitemap.unreadable
        self.empty += sitemap.empty
        for location, lastmod in self._chosen(sitemap):
            url = join_address(reply.url, location)
            if url is None:
                self.unreadable.append(unreadable(location, f"{location!r} is not a valid web address"))
            elif not sitemap.is_index:
                yield _Entry(url, lastmod, reply.url)
            elif url not in self._seen:
                yield from self._inner(url, depth + 1)

    def _chosen(self, sitemap: Sitemap) -> list[Location]:
        """Return the locations of a sitemap; of an index, so many as a limited harvest reads."""
        if not sitemap.is_index or self._most is None or len(sitemap.locations) <= self._most:
            return sitemap.locations
        self.has_left_out = True
        self.client.notes.append(f"{self._most} of {len(sitemap.locations)} sitemaps were read")
        return list(evenly(sitemap.locations, self._most))

    def _inner(self, url: str, depth: int) -> Iterator[_Entry]:
        """Yield the pages of a sitemap that an index lists; if it cannot be read, the others are."""
        if depth > _MAX_INDEX_DEPTH:
            raise failed("too_large", f"{self.feed.url} lists sitemaps more than {_MAX_INDEX_DEPTH} deep")
        self._seen.add(url)
        if len(self._seen) > self.feed.request.max_pages:
            raise failed("too_large", f"{self.feed.url} lists more than {self.feed.request.max_pages} sitemaps")
        try:
            yield from self.entries(self.client.send(url), depth)
        except HarvestFailed as failure:
            if not concerns_one_record(failure) or failure.cause == "too_large":
                raise
            self.failures.append(failure)


def _distinct(entries: Iterable[_Entry]) -> tuple[dict[str, str | None], int]:
    """Return each page once, with its lastmod, and how many pages are in two sitemaps of one list.

    Such a list may have shifted while it was read, so that another page is in none. Sitemaps belong to one list when
    their URLs differ in a number or a letter only; the sitemaps of two sections of a site may share a page.
    """
    lastmods: dict[str, str | None] = {}
    sitemaps: dict[str, str] = {}
    repeated = 0
    for url, lastmod, sitemap in entries:
        earlier = sitemaps.get(url, sitemap)
        repeated += earlier != sitemap and _list_name(earlier) == _list_name(sitemap)
        lastmods[url], sitemaps[url] = lastmod, sitemap
    return lastmods, repeated


def _list_name(sitemap: str) -> str:
    """Return the sitemap's URL without what numbers it within one list."""
    parts = urlsplit(sitemap)
    return parts.netloc + _NUMBER_IN_LIST.sub("", f"{parts.path}?{parts.query}".removesuffix("?"))


def _records(feed: Feed, client: Client, urls: list[tuple[str, str | None]]) -> Iterator[Result]:
    """Request each page and yield its records; pages that are gone are counted in a note. Raises HarvestFailed."""
    gone = consecutive_failures = 0
    for url, lastmod in urls:
        try:
            reply = client.send(url)
            consecutive_failures = 0
            yield from records_in(feed, reply, url, lastmod)
        except HarvestFailed as failure:
            if failure.cause == "gone":
                gone += 1
                continue
            consecutive_failures += 1
            _require_one_page(failure, consecutive_failures)
            yield _skipped_page(client, url, failure)
        except Exception as error:
            if is_of_the_system(error):
                raise
            client.skipped_pages.add(unexpected_response(error, url, b""))
            yield skip_unexpected(error, url, url)
    if gone:
        client.notes.append(f"the sitemap lists {gone} pages that are gone")
    client.skipped_pages.require_few(feed.url)


def _require_one_page(failure: HarvestFailed, consecutive_failures: int) -> None:
    """Raise HarvestFailed when a failure is not one page's: our time is over, or many pages in a row failed."""
    ours = failure.cause in ("quiet_hours", "too_slow") and not isinstance(failure, RequestFailed)
    if ours:
        raise as_harvest_failure(failure) from failure
    if consecutive_failures > MAX_CONSECUTIVE_FAILURES:
        where = f"and so did more than {MAX_CONSECUTIVE_FAILURES} pages in a row"
        raise as_server_failure(failure, where) from failure


def _skipped_page(client: Client, url: str, failure: HarvestFailed) -> UnreadableElement:
    """Return a page that the server could not give, and count it."""
    client.skipped_pages.add(failure)
    return unreadable(url, of_one_record(failure))


def _may_be_newer(lastmod: str | None, since: str | None) -> bool:
    """Return whether a page may have changed since; one without a readable lastmod may have."""
    if lastmod is None or since is None:
        return True
    try:
        return parse_datestamp(lastmod) >= parse_datestamp(since)
    except ValueError:
        return True
