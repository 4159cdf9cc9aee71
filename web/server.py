"""The HTTP server of the web: uvicorn with bounds on headers, connections and slow clients, and with declared proxies.

Behind a proxy the client's address is the right-most one of X-Forwarded-For that no declared proxy has; without a
declared proxy the header, which anybody can send, counts for nothing.
https://owasp.org/www-community/attacks/Slow_Http_Post
"""

from __future__ import annotations

import asyncio
import ipaddress

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from web.guards import HEADERS, MAX_HEADER_BYTES
from web.settings import UnsafeSettings

MAX_CONNECTIONS = 500  # more are answered with 503
HEADER_SECONDS = 20.0  # from its first byte, or from the connection, until a request's headers must be there


def declared_proxies(addresses: str) -> list[str]:
    """Return the proxies that a setting names: addresses or networks with commas between. Raises UnsafeSettings."""
    proxies = [address.strip() for address in addresses.split(",") if address.strip()]
    for proxy in proxies:
        try:
            network = ipaddress.ip_network(proxy)
        except ValueError as error:
            raise UnsafeSettings(f"ELIB_WEB_BEHIND: {proxy!r} is no address or network of a proxy: {error}") from error
        if network.prefixlen == 0:
            raise UnsafeSettings(f"ELIB_WEB_BEHIND: {proxy} would let every client say who it is; name the proxy")
    return proxies


def server_config(app: ASGIApp, host: str, port: int, proxies: list[str]) -> uvicorn.Config:
    """Return how the web is served; `proxies` are those of `declared_proxies`."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        log_level="warning",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        limit_concurrency=MAX_CONNECTIONS,
    )


class BoundedProtocol(H11Protocol):
    """Ends a connection on which the headers of a request take too long; uvicorn itself waits for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_waiting()
        elif self._deadline is None:
            self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, with the headers that every answer has."""
        body = msg.encode("ascii")
        headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), "connection": "close"}
        response = h11.Response(status_code=400, headers=list({**headers, **HEADERS}.items()), reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _end_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
