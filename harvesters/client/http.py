"""The HTTP client that every request of every harvester goes through.

It checks addresses, follows redirects itself, keeps the host's limits, retries what may succeed later, sends
credentials to the feed's own origin only, and turns every failure into one of `harvesters.causes`.
https://www.rfc-editor.org/rfc/rfc9110
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from harvesters.causes import failed, request_failed
from harvesters.client.addresses import GuardedTransport
from harvesters.client.authorization import Credentials
from harvesters.client.bodies import BodyDamaged, is_whole_document, read_beginning, read_body
from harvesters.client.failures import connection_failure, damaged_body, invalid_http, status_failure
from harvesters.client.origins import Cookies, ServerOrigin, origin_of, printable_url, rejecting_cookie_jar
from harvesters.client.rate import HostLimit, require_no_quiet_hours
from harvesters.client.retries import TransientFailure, with_retries
from harvesters.client.skipped_pages import SkippedPages
from harvesters.client.traffic import current_traffic
from harvesters.client.urls import InvalidUrl, join_queries, own_query, parse_url
from schemas import Ask, Environment, Feed, HarvestFailed

_DEFAULT_CONTACT = "https://iite.unesco.org"
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_PERMANENT_STATUSES = frozenset({301, 308})
for library in ("httpx", "httpcore"):  # they log URLs with their query, and headers, which may be secret
    logging.getLogger(library).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that was read to its end. Credentials in its url are masked, as {token}.

    seconds: from the request, at its turn, to the end of the body
    certificate_until: when the server's certificate expires; None without TLS
    """

    url: str
    status: int
    headers: httpx.Headers
    body: bytes
    seconds: float = 0.0
    certificate_until: datetime | None = None


def user_agent() -> str:
    """Return our User-Agent with a contact: ELIB_CONTACT, or the project's own."""
    return f"E-library-for-Teachers-harvester/0.1 (+{os.environ.get('ELIB_CONTACT') or _DEFAULT_CONTACT})"


@dataclass(frozen=True)
class _DeclaredRequest:
    """A request before credentials are filled in; each address that redirects lead to gets its own."""

    method: str
    url: httpx.URL  # masked
    form: dict[str, Any] | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    beginning: int | None = None  # bytes of the body that are read; then redirects are not followed

    def redirected(self, target: httpx.URL, status: int) -> _DeclaredRequest:
        """Return the request to a redirect's target; 303, See Other, turns a POST into a GET."""
        if status == 303 and self.method == "POST":
            return replace(self, method="GET", url=target, form=None, body=None)
        return replace(self, url=target)


@dataclass
class Client:
    """The HTTP client of one harvest, a context manager.

    `notes` collects what the operator should know, and `validators` the ETag or Last-Modified of each document that
    was requested conditionally, for the next harvest. `skipped_pages` counts the requests, and those of them whose page
    the harvester skipped because of an exception.
    """

    feed: Feed
    ask: Ask
    env: Environment
    notes: list[str] = field(default_factory=list)
    validators: dict[str, str] = field(default_factory=dict)
    skipped_pages: SkippedPages = field(default_factory=SkippedPages)

    def __post_init__(self) -> None:
        request = self.feed.request
        self.credentials = Credentials(self.feed, self.ask.credentials)
        self._deadline = time.monotonic() + request.budget
        self._limits: dict[str, HostLimit] = {}  # by host
        self._moved: dict[str, httpx.URL] = {}  # permanent redirects: address without query → address, its own query
        self._noted_moves: set[str] = set()
        self._noted: set[str] = set()  # notes that are given once
        self._answered: set[ServerOrigin] = set()  # origins that have sent a response in this harvest
        self._cookies = Cookies()
        self._traffic = current_traffic()
        self._withheld: dict[ServerOrigin, str] = {}  # the note about each origin that credentials were not sent to
        self._transport = GuardedTransport(self.env.allow_private, request.connections)
        self._http = httpx.Client(
            transport=self._transport,
            timeout=request.timeout,
            follow_redirects=False,
            trust_env=False,
            cookies=rejecting_cookie_jar(),
            headers={"User-Agent": user_agent(), "Accept-Encoding": "gzip, deflate", **request.headers},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, HarvestFailed):  # notes that no page carries any more
            lost = [note for note in self._withheld.values() if note in self.notes and note not in error.sentence]
            self.credentials.amend_failure(error, lost[:1])
        self._http.close()
        for limit in self._limits.values():
            limit.close()

    def send(
        self,
        url: str,
        *,
        method: str = "GET",
        params: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        body: Any = None,
        retries: int | None = None,
        readable: Callable[[Reply], bool] | None = None,
        conditional: bool = False,
        beginning: int | None = None,
    ) -> Reply:
        """Send a request, with redirects and retries, and return the reply.

        `body` is sent as JSON; `retries` overrides the feed's number; `readable` says which replies with an error
        status to return; a conditional request may return a reply with status 304. With `beginning`, redirects are
        returned and not followed, and only so many bytes of the body are read. Raises HarvestFailed; RequestFailed when
        the server was reached and only this request fails.
        """
        self.skipped_pages.requested += 1
        request = replace(self._declare(url, method, params, form, body), beginning=beginning)
        document = self.credentials.printable_url(request.url)
        if conditional:
            request = replace(request, headers=_condition(self.ask.validators.get(document)))
        limits = self.feed.request
        attempts = 1 + (limits.retries if retries is None else retries)
        self._traffic.calls += 1
        reply = with_retries(
            lambda: self._attempt(request, readable),
            attempts,
            limits.backoff,
            self._deadline,
            printable_url(request.url),
        )
        validator = reply.headers.get("etag") or reply.headers.get("last-modified")
        if conditional and reply.status == 200 and validator:
            self.validators[document] = validator
        return reply

    def keep_interval(self, host: str, seconds: float) -> None:
        """Let this harvest's requests to a host be at least so far apart."""
        self._limit(host).keep_interval(seconds)

    def _declare(
        self, url: str, method: str, params: Mapping[str, Any] | None, form: Mapping[str, Any] | None, body: Any
    ) -> _DeclaredRequest:
        self.credentials.require_declared()
        address = self.credentials.parse_url(url)
        if params:
            address = address.copy_merge_params(params)
        moved = self._moved.get(str(address.copy_with(query=None)))
        if moved:
            address = moved.copy_with(query=join_queries(moved.query, address.query) or None)
        return _DeclaredRequest(method, address, dict(form) if form else None, body)

    # one attempt

    def _attempt(self, request: _DeclaredRequest, readable: Callable[[Reply], bool] | None) -> Reply:
        """Send a request and follow its redirects. Raises TransientFailure if a retry may help, else HarvestFailed."""
        self._traffic.tries += 1
        where = printable_url(request.url)
        try:
            last_url, reply = self._follow_redirects(request)
        except httpx.TimeoutException as error:
            what = f"{where} did not answer within {self.feed.request.timeout:g} s"
            failure = self._timeout_failure(error, request.url, what)
            raise TransientFailure(failure, reason=f"no answer within {self.feed.request.timeout:g} s") from error
        except httpx.TransportError as error:
            raise self._connection_failure(error, request.url) from error
        except BodyDamaged as error:
            failure = damaged_body(str(error), error.received)
            raise TransientFailure(failure, reason="the body was damaged") from error
        self._check_status(request, reply, last_url, readable)
        return reply

    def _timeout_failure(self, error: httpx.TimeoutException, url: httpx.URL, what: str) -> HarvestFailed:
        if isinstance(error, httpx.ReadTimeout):
            return request_failed("too_slow", what)
        return failed("unreachable", what) if self.credentials.belong_to(url) else request_failed("unreachable", what)

    def _connection_failure(self, error: httpx.TransportError, url: httpx.URL) -> Exception:
        """Return what an error of the connection means: HarvestFailed, or TransientFailure."""
        where = printable_url(url)
        if isinstance(error, httpx.RemoteProtocolError) and self._transport.irregularities.has_begun:
            return TransientFailure(invalid_http(f"{where}: {error}"), reason="its headers are not valid HTTP")
        foreign = not self.credentials.belong_to(url)
        return connection_failure(error, where, answered=origin_of(url) in self._answered, foreign=foreign)

    def _check_status(
        self,
        request: _DeclaredRequest,
        reply: Reply,
        last_url: httpx.URL,
        readable: Callable[[Reply], bool] | None,
    ) -> None:
        """Raise TransientFailure or HarvestFailed when the caller cannot use a reply with this status."""
        where = printable_url(request.url)
        if reply.status == 304 and not request.headers:
            what = f"{where} answers 304 (Not Modified) to a request without conditions"
            raise TransientFailure(request_failed("malformed", what), reason="answered 304")
        if reply.status < 400 or (readable is not None and readable(reply)):
            return
        if reply.status in (401, 403) and self.credentials.values and not self.credentials.belong_to(last_url):
            what = f"{self.credentials.withheld_note(last_url)}, and it answers {reply.status}"
            raise failed("blocked", what, self.credentials.advice(last_url))
        raise status_failure(reply.status, reply.headers, where)

    # redirects

    def _follow_redirects(self, request: _DeclaredRequest) -> tuple[httpx.URL, Reply]:
        """Return the last URL and its reply; every redirect's target is checked as the first URL is."""
        permanent = True
        for _ in range(self.feed.request.max_redirects + 1):
            reply = self._fetch(self._build(request), request.beginning)
            if (
                request.beginning is not None
                or reply.status not in _REDIRECT_STATUSES
                or "location" not in reply.headers
            ):
                return request.url, reply
            permanent = permanent and reply.status in _PERMANENT_STATUSES
            target = self._redirect_target(request.url, reply, permanent)
            request = request.redirected(target, reply.status)
        what = f"{printable_url(request.url)} redirects more than {self.feed.request.max_redirects} times"
        raise failed("moved", what)

    def _redirect_target(self, url: httpx.URL, reply: Reply, permanent: bool) -> httpx.URL:
        """Return the masked URL that a redirect leads to; a permanent one is remembered and noted."""
        target = self.credentials.mask_url(_join_location(url, reply.headers["location"]))
        if permanent:
            self._remember_move(url, target)
            target = target.copy_with(query=join_queries(target.query, url.query) or None)
        return target

    def _remember_move(self, url: httpx.URL, target: httpx.URL) -> None:
        """Note that an address moved, and request the new one from now on, with the query that the server gave it.

        Where it changes our own parameters, the old address is requested again: the server knows what it means.
        """
        before, own = str(url.copy_with(query=None)), own_query(target.query, url.query)
        after = target.copy_with(query=own or None)
        if before in self._noted_moves or before == str(after):
            return
        self._noted_moves.add(before)
        if own is not None:
            self._moved[before] = after
        old, new = (self.credentials.landed_url(address) for address in (httpx.URL(before), after))
        self.notes.append(f"moved: {old} is now {new}; change the feed's url")

    # one response

    def _build(self, request: _DeclaredRequest) -> httpx.Request:
        """Build the request: with credentials for the feed's own origin, without them for any other."""
        credentials, url, form, body = self.credentials, request.url, request.form, request.body
        own = credentials.belong_to(url)
        if own:
            url, form, body = credentials.fill_url(url), credentials.fill(form), credentials.fill(body)
        else:
            credentials.require_none_in(form or body, url)
            url = credentials.strip_url(url)
        built = self._http.build_request(request.method, url, data=form, json=body, headers=request.headers)
        self._cookies.attach(built)
        if own:
            credentials.authorize(built)
        elif credentials.values and origin_of(url) not in self._withheld:
            note = self._withheld[origin_of(url)] = credentials.withheld_note(url)
            self.notes.append(note)
        return built

    def _fetch(self, request: httpx.Request, beginning: int | None) -> Reply:
        """Send one request at the host's turn, and read the response to its end, or its beginning."""
        where = self.credentials.printable_url(request.url)
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise failed("forbidden_address", f"{where} is neither http nor https")
        limits = self.feed.request
        require_no_quiet_hours(limits.quiet_hours, datetime.now(UTC))
        with self._limit(request.url.host).request(self._deadline):
            deadline = min(self._deadline, time.monotonic() + limits.timeout)
            if time.monotonic() >= self._deadline:
                raise failed("too_slow", f"the feed's {limits.budget:g} s are over")
            sent_at = time.monotonic()
            self._traffic.requests += 1
            response = self._transport.send(request, deadline)
            try:
                until = _certificate_until(response)
                self._answered.add(origin_of(request.url))
                self._cookies.keep(response)
                body = self._read(response, deadline, beginning)
            finally:
                response.close()
        url = self.credentials.landed_url(self.credentials.mask_url(request.url))
        return Reply(url, response.status_code, response.headers, body, time.monotonic() - sent_at, until)

    def _read(self, response: httpx.Response, deadline: float, beginning: int | None) -> bytes:
        """Return the whole body. One that is shorter or longer than announced counts if it is a whole document."""
        where = self.credentials.printable_url(response.request.url)
        if beginning is not None:
            return read_beginning(response, beginning, deadline, where)
        irregularities = self._transport.irregularities
        try:
            body = read_body(response, self.feed.request.max_bytes, deadline, where)
            if irregularities.excess.strip() and not is_whole_document(body):
                raise BodyDamaged(f"{where} sends more bytes than its Content-Length says", body)
        except BodyDamaged as damage:
            if not is_whole_document(damage.received):
                raise
            body = damage.received
            self._note_once(f"{where} announces another length than it sends")
        if irregularities.problems:
            self._note_once(f"the headers of {where} are not valid HTTP, and were read without {irregularities}")
        return body

    def _note_once(self, note: str) -> None:
        if note not in self._noted:
            self._noted.add(note)
            self.notes.append(note)

    def _limit(self, host: str) -> HostLimit:
        if host not in self._limits:
            limits = self.feed.request
            self._limits[host] = HostLimit(
                self.env.locks,
                host,
                rate=limits.rate,
                connections=limits.connections,
                redis_url=self.env.redis_url,
            )
        return self._limits[host]


def _certificate_until(response: httpx.Response) -> datetime | None:
    """Return when the certificate of a connection expires; None without TLS, or once the connection is closed."""
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    not_after = (tls.getpeercert() or {}).get("notAfter") if tls is not None else None
    return None if not_after is None else datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC)


def _condition(validator: str | None) -> dict[str, str]:
    """Return the header that asks for a document only if its ETag or Last-Modified has changed.

    https://www.rfc-editor.org/rfc/rfc9110#section-13
    """
    if validator is None or not validator.isascii():
        return {}
    return {"If-Modified-Since" if validator.endswith("GMT") else "If-None-Match": validator}


def _join_location(url: httpx.URL, location: str) -> httpx.URL:
    """Return the URL that a Location header names. Raises HarvestFailed when it is invalid or not http or https."""
    try:
        target = parse_url(location, str(url))
    except InvalidUrl as error:
        raise failed("moved", f"{printable_url(url)} redirects to an invalid URL ({error})") from error
    if target.scheme not in ("http", "https"):
        raise failed("forbidden_address", f"{printable_url(url)} redirects to {target.scheme}:")
    return target
