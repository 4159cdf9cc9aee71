"""A sitemap's pages and the schema.org JSON-LD in them, robots.txt respected.

https://www.sitemaps.org/protocol.html https://www.w3.org/TR/json-ld11/#embedding-json-ld-in-html-documents
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
from lxml import etree
from protego import Protego

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, RequestFailed, as_harvest_failure, concerns_one_record, failed
from harvesters.client import Client, Reply, printable_url, user_agent
from harvesters.datestamps import parse_datestamp
from harvesters.documents.document import pages
from harvesters.documents.embedded import records_in
from harvesters.lists import server_date
from harvesters.records import Result, unreadable
from harvesters.strict_xml import InvalidXml, parse_xml
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Progress

# what distinguishes the sitemaps of one long list: map.xml, map-2.xml, map.xml?page=3, map-b.xml
_NUMBER_IN_LIST = re.compile(r"(?:[?&]\w+=|[-_./])?[0-9]+|(?:[?&]\w+=|[-_.])?(?<![a-z])[a-z](?![a-z])", re.I)
_MAX_INDEX_DEPTH = 3  # sitemap indexes that list sitemap indexes


class _Entry(NamedTuple):
    """A page as a sitemap lists it."""

    url: str
    lastmod: str | None
    sitemap: str


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield the records that the sitemap's pages hold; for an incremental harvest, of the pages that changed since."""
    with Client(feed, ask, env) as client:
        robots = _robots_rules(feed, client)
        reply = client.send(feed.url, params=feed.request.params)
        whole = ask.full or ask.since is None
        failures: list[HarvestFailed] = []
        lastmods, repeated = _distinct(_entries(reply, client, feed, 0, failures))
        if failures and not lastmods:
            raise failures[0]
        listed = [(url, lastmod) for url, lastmod in lastmods.items() if whole or _may_be_newer(lastmod, ask.since)]
        if len(listed) > feed.request.max_pages:
            raise failed("too_large", f"{feed.url} lists more than {feed.request.max_pages} pages")
        allowed = _allowed_pages(listed, robots, client.notes)

        def report_of_allowed(count: int, total: int | None) -> None:
            report(count, len(allowed))

        missing = [unreadable(None, failure.sentence) for failure in failures]
        records = chain(missing, _records(feed, client, allowed))
        yield from pages(
            records, feed, ask, client, report_of_allowed, server_date(reply), whole=whole, repeated=repeated
        )


def _robots_rules(feed: Feed, client: Client) -> Protego:
    """Return the site's rules for harvesters; a site without any allows everything."""
    try:
        rules = client.send(urljoin(feed.url, "/robots.txt")).body.decode("utf-8-sig", "replace")
    except HarvestFailed as failure:
        # a 4xx means that there are no rules: https://www.rfc-editor.org/rfc/rfc9309#section-2.3.1.3
        forbidden = failure.cause == "blocked" and not isinstance(failure, RequestFailed)
        if failure.cause not in ("gone", "bad_format") and not forbidden:
            raise
        rules = ""
    return Protego.parse(rules)


def _allowed_pages(
    listed: list[tuple[str, str | None]], robots: Protego, notes: list[str]
) -> list[tuple[str, str | None]]:
    """Return the pages, with their lastmod, that robots.txt lets us request; adds to `notes` how many it does not."""
    token = user_agent().partition("/")[0]
    allowed = [(url, lastmod) for url, lastmod in listed if robots.can_fetch(url, token)]
    if len(allowed) < len(listed):
        notes.append(f"robots.txt keeps us from {len(listed) - len(allowed)} of {len(listed)} pages")
    return allowed


def _entries(reply: Reply, client: Client, feed: Feed, depth: int, failures: list[HarvestFailed]) -> Iterator[_Entry]:
    """Yield every page of a sitemap, or of the sitemaps that an index lists.

    The failures of single sitemaps are added to `failures`. Raises HarvestFailed.
    """
    root, is_index = _parse_sitemap(reply)
    for url, lastmod in _locations(root, reply.url):
        if not is_index:
            yield _Entry(url, lastmod, reply.url)
        elif depth >= _MAX_INDEX_DEPTH:
            raise failed("too_large", f"{feed.url} lists sitemaps more than {_MAX_INDEX_DEPTH} deep")
        else:
            try:
                yield from _entries(client.send(url), client, feed, depth + 1, failures)
            except HarvestFailed as failure:
                if not concerns_one_record(failure) or depth or failure.cause == "too_large":
                    raise
                failures.append(failure)


def _locations(root: etree._Element, base: str) -> Iterator[tuple[str, str | None]]:
    """Yield the URL and the lastmod of each child of a sitemap or index that has a URL, resolved against `base`."""
    for element in root:
        fields = {
            etree.QName(child).localname: (child.text or "").strip() for child in element if isinstance(child.tag, str)
        }
        if fields.get("loc"):
            yield urljoin(base, fields["loc"]), fields.get("lastmod") or None


def _parse_sitemap(reply: Reply) -> tuple[etree._Element, bool]:
    """Return the root of a sitemap or of an index of sitemaps, and whether it is an index. Raises HarvestFailed."""
    url = printable_url(httpx.URL(reply.url))
    try:
        root = parse_xml(reply.body)
    except InvalidXml as error:
        cause, page = html_cause(reply.body, "malformed")
        raise failed(cause, f"{url} is {page or f'not XML ({error})'} instead of a sitemap") from error
    name = etree.QName(root).localname
    if name not in ("urlset", "sitemapindex"):
        raise failed("bad_format", f"{url} is <{name}> instead of a sitemap")
    return root, name == "sitemapindex"


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
        if urlsplit(url).scheme not in ("http", "https"):
            continue
        try:
            reply = client.send(url)
        except HarvestFailed as failure:
            if failure.cause == "gone":
                gone += 1
                continue
            consecutive_failures += 1
            ours = failure.cause in ("quiet_hours", "too_slow") and not isinstance(failure, RequestFailed)
            if ours or consecutive_failures > MAX_CONSECUTIVE_FAILURES:
                raise as_harvest_failure(failure) from failure
            yield unreadable(url, failure.sentence)
            continue
        consecutive_failures = 0
        yield from records_in(feed, reply, url, lastmod)
    if gone:
        client.notes.append(f"the sitemap lists {gone} pages that are gone")


def _may_be_newer(lastmod: str | None, since: str | None) -> bool:
    """Return whether a page may have changed since; one without a readable lastmod may have."""
    if lastmod is None or since is None:
        return True
    try:
        return parse_datestamp(lastmod) >= parse_datestamp(since)
    except ValueError:
        return True
