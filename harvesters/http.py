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
from urllib.parse import quote, quote_plus

import httpx

from harvesters.addresses import Transport
from harvesters.bodies import Torn, read_body
from harvesters.causes import failed, server_failed
from harvesters.outcomes import place, refused, unconnected
from harvesters.politeness import Turns, quiet_until
from harvesters.retries import Passing, patiently
from schemas import Ask, Environment, Feed

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
CONTACT = "https://iite.unesco.org"
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses with their query, where secrets lie
SECRET_HEADERS = ("authorization", "cookie", "x-api-key")


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


def _written(value: str) -> set[str]:
    """The ways in which a value stands in an address or a form."""
    return {value, quote(value, safe=""), quote_plus(value)}


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
            self._ask_conditionally(request)
        tries = 1 + (self.feed.request.retries if retries is None else retries)
        reply = patiently(
            lambda: self._once(request, readable), tries, self.feed.request.backoff, self.ends, place(request.url)
        )
        if conditional and reply.status == 200:
            self._remember(request.url, reply)
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
            address = address.copy_merge_params({name: self._filled(value) for name, value in params.items()})
        start = str(address.copy_with(query=None))
        if start in self._moved:
            address = self._guarded(httpx.URL(self._moved[start]).copy_with(query=address.query or None))
        filled = {name: self._filled(value) for name, value in form.items()} if form else None
        request = self._http.build_request(method, address, data=filled, json=body)
        self._authorize(request)
        return request

    def _filled(self, value: Any) -> Any:
        """{token} and the like in a declared parameter stand for a credential."""
        if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
            name = value[1:-1]
            if name not in self.ask.credentials:
                raise failed("blocked", f"the feed needs the credential {name!r}, and its connection has none")
            return self.ask.credentials[name]
        return value

    def _authorize(self, request: httpx.Request) -> None:
        """Credentials go to the feed's own host and nowhere else."""
        said = self.ask.credentials
        if not said or request.url.host != httpx.URL(self.feed.url).host:
            return
        for name, value in said.items():
            if name.startswith("header."):
                request.headers[name.removeprefix("header.")] = value
        if "login" in said:
            basic = httpx.BasicAuth(said["login"], said.get("password", ""))
            next(basic.auth_flow(request))
        elif "token" in said and "{token}" not in self.feed.request.params.values():
            request.headers["Authorization"] = f"Bearer {said['token']}"

    def _secrets(self) -> list[str]:
        """The credentials themselves; a login's name is none."""
        return [value for name, value in self.ask.credentials.items() if name != "login" and value]

    def _secrets_written(self) -> set[str]:
        return {form for value in self._secrets() for form in _written(value)}

    def _guarded(self, address: httpx.URL) -> httpx.URL:
        """The address as it is on the feed's own host; without the credentials in its query on any other."""
        sent = address.params.multi_items()
        kept = [(name, value) for name, value in sent if value not in self._secrets()]
        own = address.host == httpx.URL(self.feed.url).host
        return address if own or len(kept) == len(sent) else address.copy_with(params=kept)

    def without_secrets(self, address: str) -> str:
        """An address that may be written down: with {token} and the like in the place of credentials."""
        for name, value in self.ask.credentials.items():
            for form in _written(value) if value in self._secrets() else ():
                address = address.replace(form, f"{{{name}}}")
        return address

    def with_secrets(self, address: str) -> str:
        """The address that `without_secrets` was given."""
        for name, value in self.ask.credentials.items():
            address = address.replace(f"{{{name}}}", quote(value, safe=""))
        return address

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
        if reply.status == 304 and not (request.headers.keys() & CONDITIONS):
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
        try:
            target = request.url.join(reply.headers["location"])
            place(target)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise failed("moved", f"{place(request.url)} redirects to what is not an address") from error
        if target.scheme not in ("http", "https"):
            raise failed("forbidden_address", f"{place(request.url)} redirects to {target.scheme}:")
        if permanent:
            self._note_move(request.url, target)
            if not target.query and request.url.query:  # many servers drop the query when they move
                target = self._guarded(target.copy_with(query=request.url.query))
        if target.host != request.url.host and any(one.encode() in request.content for one in self._secrets_written()):
            raise failed("moved", f"{place(request.url)} redirects a request with credentials to {target.host}")
        headers = httpx.Headers(request.headers)
        headers.pop("host", None)
        if target.host != request.url.host or (request.url.scheme, target.scheme) == ("https", "http"):
            for name in (*SECRET_HEADERS, *self.ask.credentials):
                headers.pop(name.removeprefix("header."), None)
        if reply.status == 303 and request.method == "POST":
            for name in ("content-length", "content-type"):
                headers.pop(name, None)
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
        self._keep_quiet()
        limits = self.feed.request
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

    def _keep_quiet(self) -> None:
        if not self.feed.request.quiet_hours:
            return
        end = quiet_until(self.feed.request.quiet_hours, datetime.now(UTC))
        if end is not None:
            raise failed("quiet_hours", f"no request before {end:%H:%M %Z}")

    # conditional requests

    def _ask_conditionally(self, request: httpx.Request) -> None:
        known = self.ask.validators.get(place(request.url))
        if known is not None:
            name = "If-Modified-Since" if known.endswith("GMT") else "If-None-Match"
            request.headers[name] = known

    def _remember(self, url: httpx.URL, reply: Reply) -> None:
        validator = reply.headers.get("etag") or reply.headers.get("last-modified")
        if validator:
            self.validators[place(url)] = validator
