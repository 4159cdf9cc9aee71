"""What every answer and every request is subject to: headers for browsers, size of bodies, and rates."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from contextlib import nullcontext
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from fastapi import HTTPException
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loaders.store import OneState, in_one_state
from web.languages import reader_language, translations

MAX_BODY_BYTES = 1 << 20
_PRIVATE = ("/console", "/partners", "/sign")  # pages that no browser or proxy keeps
_READING = ("GET", "HEAD")
_CUSTOMER_BITS = 64  # of an IPv6 address
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
        upload_paths: dict[str, int],
        on_defect: Callable[[Request, Exception], Response],
    ) -> None:
        self._app = app
        self._on_defect = on_defect
        self._upload_paths = upload_paths  # largest bodies of the paths that take files
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        if is_https:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))
        self._unkept = [*self._headers, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._upload_paths.get(scope["path"], MAX_BODY_BYTES)
        has_begun = False

        async def guarded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = self._unkept if scope["path"].startswith(_PRIVATE) else self._headers
                own = [(name, value) for name, value in headers if name not in dict(message["headers"])]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:  # no text of the catalog holds it
            await _answer(guarded_send, 400, "The address holds a NUL character.")
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            await _too_large(guarded_send, most)
            return
        try:
            with in_one_state() if scope["method"] in _READING else nullcontext() as reading:
                await self._app(scope, _bounded(receive, most), _released(reading, guarded_send))
        except _BodyTooLarge:
            if not has_begun:
                await _too_large(guarded_send, most)
        except Exception as error:
            if has_begun:
                raise
            await self._on_defect(Request(scope), error)(scope, receive, guarded_send)


def _released(reading: OneState | None, send: Send) -> Send:
    """End the transaction of a request when it is answered, not only when a slow client has taken the answer."""

    async def released_send(message: Message) -> None:
        if reading is not None and message["type"] == "http.response.start":
            if reading.is_open:
                await run_in_threadpool(reading.end)
            reading.end()
        await send(message)

    return released_send


class _BodyTooLarge(Exception):
    """More came than may come."""


def _bounded(receive: Receive, most: int) -> Receive:
    came = 0

    async def bounded_receive() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise _BodyTooLarge
        return message

    return bounded_receive


async def _too_large(send: Send, most: int) -> None:
    await _answer(send, 413, f"The request is larger than {most:,} bytes.")


async def _answer(send: Send, status: int, sentence: str) -> None:
    text = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


class Rates:
    """Counts how often somebody did something, in this process or in Redis."""

    def __init__(self, redis_url: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage_from_string(redis_url or "memory://"))

    def check(self, request: Request, rate: str, *names: str) -> None:
        """Count one more of what the names say. Raises HTTPException 429 when it is too often.

        `rate` is as `limits` reads it, such as "10/minute".
        """
        limit = parse(rate)
        if not self._limiter.hit(limit, *names):
            wait = max(1, round(self._limiter.get_window_stats(limit, *names).reset_time - time.time()))
            text = translations(reader_language(request)).gettext("Too many tries. Seconds until the next one: %d.")
            raise HTTPException(429, text % wait, {"retry-after": str(wait)})


def client_of(request: Request) -> str:
    """Return the address of who asks; of IPv6, the network of 64 bits, all addresses of which are one customer's.

    Behind a proxy, uvicorn has put the right one there.
    """
    host = request.client.host if request.client else "unknown"
    try:
        known = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(known, IPv4Address):
        return host
    return str(known.ipv4_mapped or ip_network((known, _CUSTOMER_BITS), strict=False))
