"""The rules that a site's robots.txt has for us: https://www.rfc-editor.org/rfc/rfc9309 ; protego matches them."""

from __future__ import annotations

import re

import httpx
from protego import Protego

from harvesters.causes import RequestFailed
from harvesters.client import Client, join_address, printable_url, user_agent
from harvesters.web_pages import is_html
from schemas import HarvestFailed

_MAX_BYTES = 512_000  # https://www.rfc-editor.org/rfc/rfc9309#section-2.5 : at least 500 KiB
_MAX_DELAY_SECONDS = 30.0  # a longer Crawl-delay would keep a list of some thousand pages from ever ending
_LINE_END = re.compile(rb"\r\n|\r|\n")
_AGENT = re.compile(r"[ \t]*+user-agent[ \t]*+:[ \t]*+[A-Za-z_-]++", re.IGNORECASE)
_UNAVAILABLE = ("gone", "bad_format", "moved", "forbidden_address", "too_large")


class Robots:
    """The rules of every site that a harvest requests pages from; each robots.txt is requested once, the feed's first.

    Without `feeds_first` the feed's own is requested with its first page. Raises HarvestFailed if it cannot be asked:
    https://www.rfc-editor.org/rfc/rfc9309#section-2.3.1.4
    """

    def __init__(self, client: Client, *, feeds_first: bool = True) -> None:
        self._client = client
        self._failures: dict[str, HarvestFailed] = {}  # by robots.txt: why it cannot be asked
        self._token = user_agent().partition("/")[0]
        self._rules: dict[str, Protego | None] = {}  # by robots.txt; None where it cannot be asked
        if feeds_first:
            self.allow(client.feed.url)

    def allow(self, url: str) -> bool:
        """Return whether we may request a page. Its site's Crawl-delay is kept from then on.

        No page of another site whose robots.txt cannot be asked is allowed.
        """
        address = join_address(url, "/robots.txt")
        if address is None:
            return False
        if address not in self._rules:
            self._rules[address] = self._request(address)
        rules = self._rules[address]
        try:
            return rules is not None and bool(rules.can_fetch(url, self._token))
        except Exception:  # protego documents none; a page that it cannot judge is not requested
            return False

    def failure(self, url: str) -> HarvestFailed | None:
        """Return why the robots.txt of a page's site cannot be asked; None where it could be, or was not asked."""
        return self._failures.get(join_address(url, "/robots.txt") or "")

    def _request(self, address: str) -> Protego | None:
        try:
            rules = Protego.parse(_text(self._client.send(address).body))
        except HarvestFailed as failure:
            if not _is_unavailable(failure):
                self._failures[address] = failure
                self._note_unreachable(address, failure)
                return None
            rules = Protego.parse("")
        self._keep_delay(rules, httpx.URL(address))
        return rules

    def _note_unreachable(self, address: str, failure: HarvestFailed) -> None:
        """Let no page of another site be requested when its robots.txt cannot be asked; raise if it is the feed's."""
        url = httpx.URL(address)
        if self._client.credentials.belong_to(url):
            raise failure
        self._client.notes.append(f"no page of {url.host} is requested: {failure.sentence.partition('. ')[0]}")

    def _keep_delay(self, rules: Protego, url: httpx.URL) -> None:
        delay = rules.crawl_delay(self._token)
        if not delay:
            return
        kept = min(float(delay), _MAX_DELAY_SECONDS)
        self._client.keep_interval(url.host, kept)
        if kept < delay:
            request = f"{printable_url(url)} asks for {delay:g} s between two requests"
            self._client.notes.append(f"{request}, and {kept:g} s are kept")


def _is_unavailable(failure: HarvestFailed) -> bool:
    """Return whether there are no rules: 4xx, and redirects that lead nowhere (section 2.3.1)."""
    forbidden = failure.cause == "blocked" and not isinstance(failure, RequestFailed)
    return failure.cause in _UNAVAILABLE or forbidden


def _text(body: bytes) -> str:
    """Return a robots.txt for protego: without a byte order mark, versions of agents, or lines past the limit.

    A web page that comes instead holds no rules.
    """
    if is_html(body):
        return ""
    lines = _LINE_END.split(body.removeprefix(b"\xef\xbb\xbf")[: _MAX_BYTES + 1])
    if len(body) > _MAX_BYTES:
        lines.pop()  # it is cut
    texts = (line.decode("utf-8", "replace") for line in lines)
    return "\n".join(_without_version(text) for text in texts)


def _without_version(line: str) -> str:
    """Return a line with an agent's product token only, as section 2.2.1 compares it."""
    agent = _AGENT.match(line)
    return agent[0] if agent else " ".join(line.split())
