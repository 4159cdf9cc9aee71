"""The polite client: every request of every harvester goes through here.

It checks and pins addresses, follows redirects itself, keeps the host's turns, retries what may pass, respects
Retry-After, and ends every failure in one of the causes. https://www.rfc-editor.org/rfc/rfc9110
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from harvesters.addresses import Transport
from harvesters.authorization import authorize, filled, guarded
from harvesters.bodies import Torn, read_body
from harvesters.causes import failed, server_failed
from harvesters.conditional import ask_conditionally, is_conditional, validator
from harvesters.outcomes import place, refused, unconnected
from harvesters.politeness import Turns, keep_quiet
from harvesters.redirects import PERMANENT, REDIRECTS, becomes_get, redirect_headers, redirect_target
from harvesters.retries import Passing, patiently
from schemas import Ask, Environment, Feed

CONTACT = "https://iite.unesco.org"
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses with their query, where secrets lie


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that was read to its end."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes


def user_agent() -> str:
    """Who we are and how to reach us; ELIB_CONTACT holds the installation's own address."""
    return f"E-library-for-Teachers-harvester/0.1 (+{os.environ.get('ELIB_CONTACT') or CONTACT})"


@dataclass
class Client:
    """One harvest's client. `notes` gathers what the operator should know; `validators` what to ask next time."""

    feed: Feed
    ask: Ask
    env: Environment
    notes: list[str] = field(default_factory=list)
    validators: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        request = self.feed.request
        self.ends = time.monotonic() + request.budget
        self.pages = 0
        self._turns: dict[str, Turns] = {}
        self._moved: dict[str, str] = {}
        self._transport = Transport(self.env.allow_private, request.connections)
        self._http = httpx.Client(
            transport=self._transport,
            timeout=request.timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": user_agent(), "Accept-Encoding": "gzip, deflate", **request.headers},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()
        for turns in self._turns.values():
            turns.close()

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
    ) -> Reply:
        """The reply to one request, after as many tries as are worth while.

        `readable` says which error replies the caller reads itself. A conditional request may answer 304.
        Raises HarvestFailed; ServerFailed when the server is there and only this request fails.
        """
        request = self._request(url, method, params, form, body)
        if conditional:
            ask_conditionally(request, self.ask.validators)
        tries = 1 + (self.feed.request.retries if retries is None else retries)
        reply = patiently(
            lambda: self._once(request, readable), tries, self.feed.request.backoff, self.ends, place(request.url)
        )
        if conditional and reply.status == 200:
            known = validator(reply.headers)
            if known:
                self.validators[place(request.url)] = known
        return reply

    # one request

    def _request(
        self, url: str, method: str, params: Mapping[str, Any] | None, form: Mapping[str, Any] | None, body: Any
    ) -> httpx.Request:
        try:
            address = httpx.URL(url)
            address.host  # noqa: B018 httpx reads an international name when it is asked for it
        except (httpx.InvalidURL, UnicodeError) as error:
            raise failed("forbidden_address", f"{url!r} is not an address ({error})") from error
        if params:
            address = address.copy_merge_params(self._filled(params))
        start = str(address.copy_with(query=None))
        if start in self._moved:
            moved = httpx.URL(self._moved[start]).copy_with(query=address.query or None)
            address = guarded(moved, self.feed, self.ask.credentials)
        request = self._http.build_request(method, address, data=self._filled(form) if form else None, json=body)
        authorize(request, self.feed, self.ask.credentials)
        return request

    def _filled(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        return {name: filled(value, self.ask.credentials) for name, value in declared.items()}

    def _once(self, request: httpx.Request, readable: Callable[[Reply], bool] | None) -> Reply:
        """One try: the reply, or Passing when another try may succeed, or HarvestFailed when none will."""
        where = place(request.url)
        try:
            reply = self._follow(request)
        except httpx.TimeoutException as error:
            slow = isinstance(error, httpx.ReadTimeout)
            what = f"{where} did not answer within {self.feed.request.timeout:g} s"
            raise Passing(server_failed("too_slow", what) if slow else failed("unreachable", what)) from error
        except httpx.TransportError as error:
            raise unconnected(error, where) from error
        except Torn as error:
            raise Passing(server_failed("malformed", str(error))) from error
        if reply.status == 304 and not is_conditional(request):
            raise Passing(server_failed("malformed", f"{where} answers 304, not modified, to a plain question"))
        if reply.status < 400 or (readable is not None and readable(reply)):
            return reply
        raise refused(reply.status, reply.headers, where)

    def _follow(self, request: httpx.Request) -> Reply:
        """The reply at the end of the redirects, each of which is checked as the first address was."""
        permanent = True
        for _ in range(self.feed.request.max_redirects + 1):
            reply = self._fetch(request)
            if reply.status not in REDIRECTS or "location" not in reply.headers:
                return reply
            permanent = permanent and reply.status in PERMANENT
            request = self._redirected(request, reply, permanent)
        raise failed("moved", f"{place(request.url)} redirects more than {self.feed.request.max_redirects} times")

    def _redirected(self, request: httpx.Request, reply: Reply, permanent: bool) -> httpx.Request:
        target = redirect_target(request.url, reply.headers["location"])
        if permanent:
            self._note_move(request.url, target)
            if not target.query and request.url.query:  # many servers drop the query when they move
                target = guarded(target.copy_with(query=request.url.query), self.feed, self.ask.credentials)
        headers = redirect_headers(request, target, reply.status, self.ask.credentials)
        if becomes_get(request, reply.status):
            return self._http.build_request("GET", target, headers=headers)
        return self._http.build_request(request.method, target, headers=headers, content=request.content or None)

    def _note_move(self, url: httpx.URL, target: httpx.URL) -> None:
        here, there = str(url.copy_with(query=None)), str(target.copy_with(query=None))
        if here not in self._moved and here != there:
            self._moved[here] = there
            self.notes.append(f"moved: {here} is now {there}; change the feed's url")

    def _fetch(self, request: httpx.Request) -> Reply:
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise failed("forbidden_address", f"{place(request.url)} is neither http nor https")
        limits = self.feed.request
        keep_quiet(limits.quiet_hours, datetime.now(UTC))
        with self._turn(request.url.host).turn(self.ends):
            deadline = min(self.ends, time.monotonic() + limits.timeout)
            if time.monotonic() >= self.ends:
                raise failed("too_slow", f"the feed's {limits.budget:g} s are over")
            self._transport.give_up_at(deadline)
            try:
                response = self._http.send(request, stream=True)
            except (httpx.InvalidURL, UnicodeError) as error:  # httpx reads the Location of a redirect by itself
                raise failed("moved", f"{place(request.url)} redirects to what is not an address ({error})") from error
            try:
                body = read_body(response, limits.max_bytes, deadline)
            finally:
                response.close()
        return Reply(str(request.url), response.status_code, response.headers, body)

    def _turn(self, host: str) -> Turns:
        if host not in self._turns:
            limits = self.feed.request
            self._turns[host] = Turns(self.env.locks, host, rate=limits.rate, connections=limits.connections)
        return self._turns[host]
