"""What every answer and every request is subject to: headers for browsers, size of bodies, and rates."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

from fastapi import HTTPException
from limits import RateLimitItem, WindowStats, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loaders.store import OneState, in_one_state
from schemas import Sentence, sentence
from web.languages import reader_language, translations
from web.problems import PROBLEM_MEDIA_TYPE, is_of_api, of_status

log = logging.getLogger("elib.web")
MAX_BODY_BYTES = 1 << 20
MAX_HEADER_BYTES = 32 * 1024  # of a request
MAX_UPLOADS, MAX_UPLOADS_OF_CLIENT = 8, 2  # that are taken at a time; more are told to come again
_UPLOAD_WAIT_SECONDS = 30
BODY_SECONDS = 30.0  # until a body must be there, and longer for a large one: by
SLOWEST_BYTES_PER_SECOND = 100_000
_PRIVATE = ("/console", "/partners", "/sign")  # pages that no browser or proxy keeps
_READING = ("GET", "HEAD")
_REDIS_SECONDS, _REDIS_PAUSE_SECONDS = 2.0, 15.0  # until it counts as away, and until it is asked again
_LOCAL_NAMES = ("localhost",)
_FILES = b"multipart/form-data"  # the only kind of body that carries files
_PORT = re.compile(r":[0-9]{1,5}$")
_Header = tuple[bytes, bytes]
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guards:
    """Adds the headers to each answer; ends a request whose body is too large; answers when a page has a defect."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_https: bool,
        hosts: frozenset[str],
        upload_paths: dict[str, int],
        on_defect: Callable[[Request, Exception], Response],
    ) -> None:
        self._app = app
        self._on_defect = on_defect
        self._hosts = hosts
        self._upload_paths = upload_paths  # largest bodies of the paths that take files
        self._uploads: Counter[str] = Counter()  # that are being taken, by client
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        if is_https:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))
        self._unkept = [*self._headers, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._max_body_bytes(scope)
        body, has_begun = _Body(receive, scope, most), False

        async def guarded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message["headers"] = self._guarded_headers(scope, message["headers"])
                if not body.has_all:  # nobody is going to read the rest
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        refusal = self._refusal(scope, most)
        if refusal is not None:
            await _answer(guarded_send, scope, *refusal)
            return
        try:
            with self._upload_place(scope, most), self._state(scope) as reading:
                await self._app(scope, body.receive, _released(reading, guarded_send))
        except _BadBody as error:
            if not has_begun:
                await _answer(guarded_send, scope, *error.answer, wait_seconds=error.wait_seconds)
        except Exception as error:
            if has_begun:
                raise
            await self._on_defect(Request(scope), error)(scope, receive, guarded_send)

    def _max_body_bytes(self, scope: Scope) -> int:
        """Return how large a body may be: only one that carries files, and only where files are taken, may be large."""
        kind = dict(scope["headers"]).get(b"content-type", b"").strip().lower()
        return self._upload_paths.get(scope["path"], MAX_BODY_BYTES) if kind.startswith(_FILES) else MAX_BODY_BYTES

    @contextmanager
    def _upload_place(self, scope: Scope, most: int) -> Iterator[None]:
        """Let a few large bodies be taken at a time, so that they fill neither memory nor disk. Raises _BadBody."""
        if most <= MAX_BODY_BYTES or 0 < _declared_bytes(scope) <= MAX_BODY_BYTES:
            yield
            return
        client = client_of(Request(scope))
        if self._uploads[client] >= MAX_UPLOADS_OF_CLIENT or self._uploads.total() >= MAX_UPLOADS:
            text = sentence("Too many files are being sent just now. Send yours again in a minute.")
            raise _BadBody((503, text), _UPLOAD_WAIT_SECONDS)
        self._uploads[client] += 1
        try:
            yield
        finally:
            self._uploads[client] -= 1
            self._uploads += Counter()  # forget whoever has none

    @staticmethod
    def _state(scope: Scope) -> AbstractContextManager[OneState | None]:
        return in_one_state() if scope["method"] in _READING else nullcontext()

    def _refusal(self, scope: Scope, most: int) -> tuple[int, Sentence] | None:
        """Return status and sentence for a request that no page reads; None for any other."""
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:  # no text of the catalog holds it
            return 400, sentence("The address holds a NUL character.")
        headers = dict(scope["headers"])
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            return 431, sentence("The headers of the request are larger than %(most)s bytes.", most=MAX_HEADER_BYTES)
        if b"content-length" in headers and b"transfer-encoding" in headers:  # a proxy may read the other one
            return 400, sentence("The request has two lengths.")
        if not self._is_served(headers.get(b"host", b"").decode("latin-1")):
            return 421, sentence(
                "This name is not served here. ELIB_WEB_URL says by which name the library is reached."
            )
        return _too_large(most) if _declared_bytes(scope) > most else None

    def _is_served(self, host: str) -> bool:
        """Return whether it may be the web's: else a page of another name that resolves to us would read ours."""
        name = _PORT.sub("", host).strip("[]").rstrip(".").lower()
        if name in _LOCAL_NAMES or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _guarded_headers(self, scope: Scope, headers: Iterable[_Header]) -> list[_Header]:
        """Return an answer's headers with ours, and without the Host that was sent in an address of the web's own."""
        given = [(name, _own_location(scope, value) if name == b"location" else value) for name, value in headers]
        ours = self._unkept if scope["path"].startswith(_PRIVATE) else self._headers
        return [*given, *((name, value) for name, value in ours if name not in dict(given))]


def _released(reading: OneState | None, send: Send) -> Send:
    """End the transaction of a request when it is answered, not only when a slow client has taken the answer."""

    async def released_send(message: Message) -> None:
        if reading is not None and message["type"] == "http.response.start":
            if reading.is_open:
                await run_in_threadpool(reading.end)
            reading.end()
        await send(message)

    return released_send


def _own_location(scope: Scope, location: bytes) -> bytes:
    """Return the path of an address that the framework has made of the request's Host; any other address as it is."""
    host = dict(scope["headers"]).get(b"host", b"")
    before, _, rest = location.partition(b"://")
    is_own = host and before in (b"http", b"https") and rest.startswith(host + b"/")
    return b"/" + rest[len(host) :].lstrip(b"/\\") if is_own else location


class _BadBody(Exception):
    """A body that is not read to its end."""

    def __init__(self, answer: tuple[int, Sentence], wait_seconds: int = 0) -> None:
        super().__init__(str(answer[1]))
        self.answer = answer
        self.wait_seconds = wait_seconds


def _declared_bytes(scope: Scope) -> int:
    """Return how long a body says it is; 0 when it does not say so."""
    declared = dict(scope["headers"]).get(b"content-length", b"")
    return int(declared) if declared.isdigit() else 0


class _Body:
    """Receives a body of at most so many bytes, all of it before it is too late."""

    def __init__(self, receive: Receive, scope: Scope, most: int) -> None:
        self._receive = receive
        self._most = most
        self._came = 0
        self._until = time.monotonic() + BODY_SECONDS + most / SLOWEST_BYTES_PER_SECOND
        headers = dict(scope["headers"])
        self.has_all = b"transfer-encoding" not in headers and headers.get(b"content-length", b"0") == b"0"

    async def receive(self) -> Message:
        """Return the next message. Raises _BadBody when the body is too large, or comes too slowly."""
        if self.has_all:  # the next message comes when the client is gone
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.01, self._until - time.monotonic()))
        except TimeoutError as error:
            raise _BadBody((408, sentence("The request came too slowly."))) from error
        self.has_all = message["type"] != "http.request" or not message.get("more_body", False)
        self._came += len(message.get("body", b""))
        if self._came > self._most:
            raise _BadBody(_too_large(self._most))
        return message


def _too_large(most: int) -> tuple[int, Sentence]:
    return 413, sentence("The request is larger than %(most)s bytes.", most=most)


async def _answer(send: Send, scope: Scope, status: int, detail: Sentence, *, wait_seconds: int = 0) -> None:
    """Answer a request that is not read to its end, and close its connection."""
    words = translations(reader_language(Request(scope))).gettext(detail.text)
    text, media_type = (words % detail.values if detail.values else words).encode(), "text/plain; charset=utf-8"
    if is_of_api(scope["path"]):
        text, media_type = of_status(status, str(detail)).body(scope["path"]), PROBLEM_MEDIA_TYPE
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(text)).encode())]
    if is_of_api(scope["path"]):
        headers.append((b"access-control-allow-origin", b"*"))
    if wait_seconds:
        headers.append((b"retry-after", str(wait_seconds).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


class RateUse(NamedTuple):
    """Whether something may be done once more, how often in the window, how often yet, and when that grows again."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class Rates:
    """Counts how often somebody did something: in Redis, else, and while that does not answer, in this process."""

    def __init__(self, redis_url: str) -> None:
        timeouts = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
        self._shared = _limiter(redis_url, wrap_exceptions=True, **timeouts) if redis_url else None
        self._own = _limiter("memory://")
        self._own_until = 0.0  # time.monotonic: until then Redis is not asked

    def use(self, rate: str, *names: str) -> RateUse:
        """Count one more of what the names say, unless it is too often; return how many more there may be.

        `rate` is as `limits` reads it, such as "10/minute".
        """
        limit = parse(rate)
        is_allowed, stats = self._count(limit, names)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        return RateUse(is_allowed, limit.amount, stats.remaining if is_allowed else 0, wait)

    def check(self, request: Request, rate: str, *names: str) -> None:
        """Count one more of what the names say. Raises HTTPException 429 when it is too often."""
        used = self.use(rate, *names)
        if not used.is_allowed:
            text = translations(reader_language(request)).gettext("Too many tries. Seconds until the next one: %d.")
            raise HTTPException(429, text % used.reset_seconds, {"retry-after": str(used.reset_seconds)})

    def _count(self, limit: RateLimitItem, names: tuple[str, ...]) -> tuple[bool, WindowStats]:
        if self._shared is not None and time.monotonic() >= self._own_until:
            try:
                return self._shared.hit(limit, *names), self._shared.get_window_stats(limit, *names)
            except StorageError as error:
                self._own_until = time.monotonic() + _REDIS_PAUSE_SECONDS
                log.warning(
                    "Redis (ELIB_REDIS_URL) does not answer (%s): for %d s each process of the web counts for itself",
                    str(error.storage_error).rstrip("."),
                    _REDIS_PAUSE_SECONDS,
                )
        return self._own.hit(limit, *names), self._own.get_window_stats(limit, *names)


def _limiter(url: str, **options: float | bool) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(url, **options))


def client_of(request: Request) -> str:
    """Return the address of who asks; behind a declared proxy, uvicorn has put the right one there.

    Of an IPv6 address it is the network of 64 bits, which is one client's: whoever has it has all of its addresses.
    """
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
