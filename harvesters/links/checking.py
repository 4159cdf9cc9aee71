"""Check addresses of one host, one after the other: robots.txt, HEAD, and the beginning of a GET."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import msgspec

from harvesters.causes import RequestFailed
from harvesters.client import Client, Reply, join_address, parse_retry_after
from harvesters.documents.robots import Robots
from harvesters.links.judging import Answer, Hop, is_busy, judge
from harvesters.links.page import PageFacts, is_page, read_page
from schemas import Ask, Base, Environment, Feed, HarvestFailed, LinkCheck

_MAX_BYTES, _MAX_FILE_BYTES = 65_536, 4_096  # of a page, and of what HEAD says is a file
_MAX_REDIRECTS = 6
_MAX_SIZE_DIGITS = 15  # of a Content-Length that is believed: a petabyte
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_RETRIES, _BACKOFF_SECONDS, _BUDGET_SECONDS = 1, 3.0, 6 * 3600.0
# https://docs.openssl.org/master/man1/openssl-verification-options/ , X509_V_ERR_*
_CERTIFICATE_STATUSES = {9: "certificate_expired", 10: "certificate_expired"} | dict.fromkeys(
    (62, 64), "certificate_wrong_host"
)
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_OWN_STATUSES = {"forbidden_address": "not_public", "too_large": "unreadable", "too_slow": "busy"}


class LinkPoliteness(Base, frozen=True, kw_only=True):
    """How addresses are requested: requests per second of a host, seconds for an answer, seconds between retries."""

    rate: float = 1.0
    timeout: float = 20.0
    backoff: float = _BACKOFF_SECONDS


class LinkChecker:
    """Checks addresses, a context manager. Every request goes through the client, at its host's turn."""

    def __init__(self, env: Environment, politeness: LinkPoliteness) -> None:
        request = {
            "rate": politeness.rate,
            "timeout": politeness.timeout,
            "backoff": politeness.backoff,
            "budget": _BUDGET_SECONDS,
            "retries": _RETRIES,
            "headers": {"Accept-Encoding": "identity", "Accept": "text/html,*/*;q=0.8"},
        }
        # Nothing is of this feed's own origin, so that no failure is taken for one of the whole harvest
        about = {"name": "links", "title": "Links", "partner": "-", "protocol": "rest", "url": "https://links.invalid/"}
        feed = Feed.model_validate({"format": "amb", **about, "request": request})
        self._client = Client(feed, Ask(), env)
        self._robots = Robots(self._client, feeds_first=False)
        self._elsewhere: dict[str, PageFacts | None] = {}  # by site: what it shows at an address that does not exist

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.__exit__(kind, error, at)

    def check(self, url: str) -> LinkCheck:
        """Request an address and judge what it answers. Raises nothing that a server may cause."""
        before = self._client.skipped_pages.requested
        try:
            check = self._check(url)
        except _Kept as kept:
            check = LinkCheck(url=url, status=kept.status, detail=kept.detail, retry_after=kept.retry_after)
        except HarvestFailed as failure:
            check = LinkCheck(url=url, status=status_of_failure(failure), detail=_in_short(failure))
        return msgspec.structs.replace(check, requests=self._client.skipped_pages.requested - before)

    def _check(self, url: str) -> LinkCheck:
        answer = self._ask(url)
        page = answer.page
        final = answer.hops[-1].url if answer.hops else url
        check = judge(url, answer)
        if page is None or check.outcome != "alive" or not urlsplit(url).path.strip("/"):
            return check
        return judge(url, answer, self._shown_elsewhere(final))

    def _ask(self, url: str) -> Answer:
        """Return the answer to GET, which alone is what a reader gets; to HEAD, asked before it, of a busy server.

        Where HEAD was redirected, GET goes there at once. If that fails, it begins as a reader does: an address that
        the server made for one request, or for HEAD alone, does not count.
        """
        try:
            answer, content_type = self._follow("HEAD", url, ())
        except RequestFailed:  # some servers close the connection instead
            return self._follow("GET", url, ())[0]
        if is_busy(answer):
            return answer
        if answer.status < 400:
            at = answer.hops[-1].url if answer.hops else url
            most = _MAX_BYTES if is_page(content_type) else _MAX_FILE_BYTES
            shown, shown_type = self._follow("GET", at, answer.hops, most)
            if shown.status < 400 or is_busy(shown) or not answer.hops:
                return shown if is_page(shown_type) else _with_size_of_head(shown, answer)
        return self._follow("GET", url, ())[0]

    def _follow(self, method: str, url: str, hops: tuple[Hop, ...], most: int = _MAX_BYTES) -> tuple[Answer, str]:
        """Return what an address answers after its redirects, and the media type. Raises HarvestFailed, _Kept.

        `most`: bytes of a body that are read; the connection is closed then
        """
        for _ in range(_MAX_REDIRECTS + 1):
            self._require_allowed(url)
            reply = self._client.send(url, method=method, readable=lambda _: True, beginning=most)
            target = _target(reply, url)
            if target is None:
                return _answer(reply, hops), reply.headers.get("content-type", "")
            hops = (*hops, Hop(reply.status, target))
            url = target
        raise _Kept("redirects", f"redirects more than {_MAX_REDIRECTS} times")

    def _require_allowed(self, url: str) -> None:
        """Raise _Kept when robots.txt keeps us from a page, HarvestFailed when its site cannot be reached at all."""
        if self._robots.allow(url):
            return
        failure = self._robots.failure(url)
        if failure is None:
            raise _Kept("robots", "robots.txt keeps us from it")
        if isinstance(failure, RequestFailed) and failure.status is not None:
            status = "busy" if failure.status == 429 else "robots_unreachable"
            raise _Kept(status, f"its robots.txt answers {failure.status}")
        raise failure

    def _shown_elsewhere(self, url: str) -> PageFacts | None:
        """Return the page that a site shows, with success, where it can have none; None where it says so."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._elsewhere:
            name = hashlib.sha256(site.encode()).hexdigest()[:20]
            try:
                answer, _ = self._follow("GET", join_address(url, f"elib-no-such-page-{name}") or url, ())
                self._elsewhere[site] = answer.page if answer.status < 400 else None
            except (HarvestFailed, _Kept):
                self._elsewhere[site] = None
        return self._elsewhere[site]


class _Kept(Exception):
    """An address is not judged by an answer of its own; the status says why."""

    def __init__(self, status: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.retry_after = status, detail, retry_after


def _target(reply: Reply, url: str) -> str | None:
    """Return where a redirect leads; None of an answer that is not one, or whose target is not an address."""
    location = reply.headers.get("location")
    if reply.status not in _REDIRECT_STATUSES or not location:
        return None
    target = join_address(url, location)
    if target is None:
        raise _Kept("unreachable", "redirects to what is not an address")
    return target


def _with_size_of_head(shown: Answer, head: Answer) -> Answer:
    """Return what GET answers for a file, with the size that the same address states for HEAD alone."""
    if shown.size_bytes is None and shown.status < 400 and shown.hops == head.hops:
        return msgspec.structs.replace(shown, size_bytes=head.size_bytes)
    return shown


def _answer(reply: Reply, hops: tuple[Hop, ...]) -> Answer:
    until = reply.certificate_until
    return Answer(
        status=reply.status,
        hops=hops,
        page=read_page(reply.body, reply.headers.get("content-type", "")) if reply.body else None,
        retry_after=parse_retry_after(reply.headers.get("retry-after")),
        certificate_until=until.strftime("%Y-%m-%dT%H:%M:%SZ") if until else None,
        size_bytes=_size_bytes(reply),
    )


def _size_bytes(reply: Reply) -> int | None:
    """Return how large a file is by its Content-Length; None where none is stated, and of a page or a coded body."""
    stated = reply.headers.get("content-length", "").strip()
    is_file = not is_page(reply.headers.get("content-type", ""))
    is_plain = reply.headers.get("content-encoding", "identity").strip().lower() == "identity"
    is_number = stated.isascii() and stated.isdecimal() and len(stated) <= _MAX_SIZE_DIGITS
    return int(stated) if is_file and is_plain and is_number and int(stated) > 0 else None


def status_of_failure(failure: HarvestFailed) -> str:
    """Return the status of an address whose request failed without an answer."""
    for error in _chain(failure):
        if isinstance(error, socket.gaierror):
            return "no_host" if error.errno in _NO_SUCH_NAME else "name_server"
        if isinstance(error, ssl.SSLCertVerificationError):
            return _CERTIFICATE_STATUSES.get(error.verify_code, "certificate_untrusted")
        if isinstance(error, httpx.TimeoutException):
            return "timeout"
    return _OWN_STATUSES.get(failure.cause, "unreachable")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _in_short(failure: HarvestFailed) -> str:
    return failure.sentence.partition(". ")[0]
