"""A sitemap's pages and the schema.org JSON-LD in them, robots.txt respected.

https://www.sitemaps.org/protocol.html https://www.w3.org/TR/json-ld11/#embedding-json-ld-in-html-documents
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx
from lxml import etree

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, RequestFailed, as_harvest_failure, concerns_one_record, failed
from harvesters.client import Client, Reply, printable_url, user_agent
from harvesters.datestamps import parse_datestamp
from harvesters.documents.document import Broken, Read, pages
from harvesters.documents.embedded import records_in
from harvesters.lists import server_date
from harvesters.strict_xml import InvalidXml, parse_xml
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Skipped

_Report = Callable[[int, int | None], None]
# what tells the pages of one list apart in their addresses: map.xml, map-2.xml, map.xml?page=3, map-b.xml
_PAGE_OF_LIST = re.compile(r"(?:[?&]\w+=|[-_./])?[0-9]+|(?:[?&]\w+=|[-_.])?(?<![a-z])[a-z](?![a-z])", re.I)
_DEPTH = 3  # sitemaps that list sitemaps


def harvest(feed: Feed, ask: Ask, env: Environment, report: _Report) -> Iterator[Page]:
    """The records that the sitemap's pages hold; of an incremental harvest, of the pages that changed since."""
    with Client(feed, ask, env) as client:
        robots = _robots(feed, client)
        reply = client.send(feed.url, params=feed.request.params)
        whole = ask.full or ask.since is None
        lacking: list[HarvestFailed] = []
        every, repeated = _distinct(_urls(reply, client, feed, 0, lacking))
        if lacking and not every:
            raise lacking[0]
        listed = [(url, changed) for url, changed in every.items() if whole or _newer(changed, ask.since)]
        if len(listed) > feed.request.max_pages:
            raise failed("too_large", f"{feed.url} lists more than {feed.request.max_pages} pages")
        allowed = [(url, changed) for url, changed in listed if robots.can_fetch(user_agent(), url)]
        if len(allowed) < len(listed):
            client.notes.append(f"robots.txt keeps us from {len(listed) - len(allowed)} of {len(listed)} pages")

        def counted(count: int, total: int | None) -> None:
            report(count, len(allowed))

        broken = [Broken(skipped=Skipped(identifier=None, reason=error.sentence)) for error in lacking]
        found = chain(broken, _records(feed, client, allowed))
        yield from pages(found, feed, ask, client, counted, server_date(reply), whole=whole, repeated=repeated)


def _robots(feed: Feed, client: Client) -> RobotFileParser:
    """The site's rules for harvesters; a site without any allows everything."""
    robots = RobotFileParser()
    try:
        reply = client.send(urljoin(feed.url, "/robots.txt"))
        robots.parse(reply.body.decode("utf-8", "replace").splitlines())
    except HarvestFailed as error:
        # a 4xx is no rule: RFC 9309, 2.3.1.3
        closed = error.cause == "blocked" and not isinstance(error, RequestFailed)
        if error.cause not in ("gone", "bad_format") and not closed:
            raise
        robots.parse([])
    return robots


def _sitemap(reply: Reply) -> tuple[etree._Element, str]:
    """The root of a sitemap or of an index of sitemaps, and which of them it is. Raises HarvestFailed."""
    where = printable_url(httpx.URL(reply.url))
    try:
        root = parse_xml(reply.body)
    except InvalidXml as error:
        cause, what = html_cause(reply.body, "malformed")
        raise failed(cause, f"{where} is {what or f'not XML ({error})'} instead of a sitemap") from error
    kind = etree.QName(root).localname
    if kind not in ("urlset", "sitemapindex"):
        raise failed("bad_format", f"{where} is <{kind}> instead of a sitemap")
    return root, kind


def _urls(
    reply: Reply, client: Client, feed: Feed, depth: int, lacking: list[HarvestFailed]
) -> Iterator[tuple[str, str | None, str]]:
    """Every page that a sitemap lists, or the sitemaps that it lists, with its lastmod and the sitemap's address.

    `lacking` gathers failures.
    """
    root, kind = _sitemap(reply)
    for entry in root:
        said = {
            etree.QName(child).localname: (child.text or "").strip() for child in entry if isinstance(child.tag, str)
        }
        if not said.get("loc"):
            continue
        url = urljoin(reply.url, said["loc"])
        if kind == "urlset":
            yield url, said.get("lastmod") or None, reply.url
        elif depth >= _DEPTH:
            raise failed("too_large", f"{feed.url} lists sitemaps more than {_DEPTH} deep")
        else:
            try:
                yield from _urls(client.send(url), client, feed, depth + 1, lacking)
            except HarvestFailed as error:
                if not concerns_one_record(error) or depth or error.cause == "too_large":
                    raise
                lacking.append(error)


def _distinct(entries: Iterable[tuple[str, str | None, str]]) -> tuple[dict[str, str | None], int]:
    """Each page once, with its lastmod, and how many were listed twice where the list may have moved in between.

    That is in two sitemaps whose addresses differ in a number or a letter only, the pages of one list; the sitemaps of
    two sections of a site may share a page.
    """
    changes: dict[str, str | None] = {}
    sitemaps: dict[str, str] = {}
    repeated = 0
    for url, changed, sitemap in entries:
        earlier = sitemaps.get(url, sitemap)
        repeated += earlier != sitemap and _list_of(earlier) == _list_of(sitemap)
        changes[url], sitemaps[url] = changed, sitemap
    return changes, repeated


def _list_of(sitemap: str) -> str:
    """The address of a sitemap without what numbers it among the pages of one list."""
    parts = urlsplit(sitemap)
    return f"{parts.netloc}{_PAGE_OF_LIST.sub('', f'{parts.path}?{parts.query}'.removesuffix('?'))}"


def _records(feed: Feed, client: Client, urls: list[tuple[str, str | None]]) -> Iterator[Read]:
    gone = missed = 0
    for url, changed in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            continue
        try:
            reply = client.send(url)
        except HarvestFailed as error:
            if error.cause == "gone":
                gone += 1
                continue
            missed += 1
            ours = error.cause in ("quiet_hours", "too_slow") and not isinstance(error, RequestFailed)
            if ours or missed > MAX_CONSECUTIVE_FAILURES:
                raise as_harvest_failure(error) from error
            yield Broken(skipped=Skipped(identifier=url, reason=error.sentence))
            continue
        missed = 0
        yield from records_in(feed, reply, url, changed)
    if gone:
        client.notes.append(f"the sitemap lists {gone} pages that are gone")


def _newer(changed: str | None, since: str | None) -> bool:
    """Whether a page may have changed since; one that does not say when may have."""
    if changed is None or since is None:
        return True
    try:
        return parse_datestamp(changed) >= parse_datestamp(since)
    except ValueError:
        return True
