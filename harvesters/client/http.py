"""The polite client: every request of every harvester goes through here.

It checks and pins addresses, follows redirects itself, keeps the host's turns, retries what may pass, respects
Retry-After, and ends every failure in one of the causes. https://www.rfc-editor.org/rfc/rfc9110
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from harvesters.causes import failed, request_failed
from harvesters.client.addresses import Transport
from harvesters.client.authorization import Credentials
from harvesters.client.bodies import Torn, read_body
from harvesters.client.conditional import condition, validator
from harvesters.client.origins import Cookies, Origin, no_cookies, origin
from harvesters.client.rate import Turns, keep_quiet
from harvesters.client.redirects import PERMANENT, REDIRECTS, Question, redirect_target
from harvesters.client.retries import Passing, patiently
from harvesters.client.status import connection_failure, printable_url, status_failure
from schemas import Ask, Environment, Feed, HarvestFailed

_CONTACT = "https://iite.unesco.org"
for library in ("httpx", "httpcore"):  # they log addresses with their query, and headers, where secrets lie
    logging.getLogger(library).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that was read to its end. Credentials in its address are masked, as {token}."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes


def user_agent() -> str:
    """Who we are and how to reach us; ELIB_CONTACT holds the installation's own address."""
    return f"E-library-for-Teachers-harvester/0.1 (+{os.environ.get('ELIB_CONTACT') or _CONTACT})"


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
        self.credentials = Credentials(self.feed, self.ask.credentials)
        self._cookies = Cookies()
        self._withheld: dict[Origin, str] = {}  # where credentials were not sent, with the note about it
        self._transport = Transport(self.env.allow_private, request.connections)
        self._http = httpx.Client(
            transport=self._transport,
            timeout=request.timeout,
            follow_redirects=False,
            trust_env=False,
            cookies=no_cookies(),
            headers={"User-Agent": user_agent(), "Accept-Encoding": "gzip, deflate", **request.headers},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, HarvestFailed):  # its notes reach nobody any more
            untold = [note for note in self._withheld.values() if note in self.notes and note not in error.sentence]
            self.credentials.amend_failure(error, untold[:1])
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
        Raises HarvestFailed; RequestFailed when the server is there and only this request fails.
        """
        question = self._question(url, method, params, form, body)
        known_as = self.credentials.printable_url(question.url)
        if conditional:
            question = replace(question, headers=condition(self.ask.validators.get(known_as)))
        tries = 1 + (self.feed.request.retries if retries is None else retries)
        reply = patiently(
            lambda: self._once(question, readable),
            tries,
            self.feed.request.backoff,
            self.ends,
            printable_url(question.url),
        )
        if conditional and reply.status == 200:
            known = validator(reply.headers)
            if known:
                self.validators[known_as] = known
        return reply

    # one request

    def _question(
        self, url: str, method: str, params: Mapping[str, Any] | None, form: Mapping[str, Any] | None, body: Any
    ) -> Question:
        self.credentials.require()
        address = self.credentials.read(url)
        if params:
            address = address.copy_merge_params(params)
        moved = self._moved.get(str(address.copy_with(query=None)))
        if moved:
            address = httpx.URL(moved).copy_with(query=address.query or None)
        return Question(method, address, dict(form) if form else None, body)

    def _request(self, question: Question) -> httpx.Request:
        """The request to the question's address: with credentials at the feed's own origin, without at any other."""
        mine, url, form, body = self.credentials, question.url, question.form, question.body
        own = mine.belong_to(url)
        if own:
            url, form, body = mine.filled(url), mine.fill(form), mine.fill(body)
        else:
            mine.require_bare(url, form or body)
            url = mine.dropped(url)
        request = self._http.build_request(question.method, url, data=form, json=body, headers=question.headers)
        self._cookies.attach(request)
        if own:
            mine.authorize(request)
        elif mine.values and origin(url) not in self._withheld:
            note = self._withheld[origin(url)] = mine.withheld(url)
            self.notes.append(note)
        return request

    def _once(self, question: Question, readable: Callable[[Reply], bool] | None) -> Reply:
        """One try: the reply, or Passing when another try may succeed, or HarvestFailed when none will."""
        where = printable_url(question.url)
        try:
            last, reply = self._follow(question)
        except httpx.TimeoutException as error:
            slow = isinstance(error, httpx.ReadTimeout)
            what = f"{where} did not answer within {self.feed.request.timeout:g} s"
            raise Passing(request_failed("too_slow", what) if slow else failed("unreachable", what)) from error
        except httpx.TransportError as error:
            raise connection_failure(error, where) from error
        except Torn as error:
            raise Passing(request_failed("malformed", str(error))) from error
        if reply.status == 304 and not question.headers:
            raise Passing(request_failed("malformed", f"{where} answers 304, not modified, to a plain question"))
        if reply.status < 400 or (readable is not None and readable(reply)):
            return reply
        if reply.status in (401, 403) and self.credentials.values and not self.credentials.belong_to(last):
            what = f"{self.credentials.withheld(last)}, and it answers {reply.status}"
            raise failed("blocked", what, self.credentials.advice(last))
        raise status_failure(reply.status, reply.headers, where)

    def _follow(self, question: Question) -> tuple[httpx.URL, Reply]:
        """The address and reply at the end of the redirects, each of which is checked as the first address was."""
        permanent = True
        for _ in range(self.feed.request.max_redirects + 1):
            reply = self._fetch(self._request(question))
            if reply.status not in REDIRECTS or "location" not in reply.headers:
                return question.url, reply
            permanent = permanent and reply.status in PERMANENT
            target = self._target(question.url, reply, permanent)
            question = question.redirected(target, reply.status)
        raise failed(
            "moved", f"{printable_url(question.url)} redirects more than {self.feed.request.max_redirects} times"
        )

    def _target(self, url: httpx.URL, reply: Reply, permanent: bool) -> httpx.URL:
        """Where a redirect leads; one for good is remembered and noted."""
        target = self.credentials.masked(redirect_target(url, reply.headers["location"]))
        if permanent:
            self._note_move(url, target)
            if not target.query and url.query:  # many servers drop the query when they move
                target = target.copy_with(query=url.query)
        return target

    def _note_move(self, url: httpx.URL, target: httpx.URL) -> None:
        here, there = str(url.copy_with(query=None)), str(target.copy_with(query=None))
        if here not in self._moved and here != there:
            self._moved[here] = there
            told = [self.credentials.written(httpx.URL(address)) for address in (here, there)]
            self.notes.append(f"moved: {told[0]} is now {told[1]}; change the feed's url")

    def _fetch(self, request: httpx.Request) -> Reply:
        where = self.credentials.printable_url(request.url)
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise failed("forbidden_address", f"{where} is neither http nor https")
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
                raise failed("moved", f"{where} redirects to what is not an address ({error})") from error
            try:
                self._cookies.keep(response)
                body = read_body(response, limits.max_bytes, deadline, where)
            finally:
                response.close()
        address = self.credentials.written(self.credentials.masked(request.url))
        return Reply(address, response.status_code, response.headers, body)

    def _turn(self, host: str) -> Turns:
        if host not in self._turns:
            limits = self.feed.request
            self._turns[host] = Turns(self.env.locks, host, rate=limits.rate, connections=limits.connections)
        return self._turns[host]
