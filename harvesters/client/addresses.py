"""SSRF guard: connect to public addresses only.

A host name is resolved once, so that it cannot resolve to another address after the check (DNS rebinding).
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from harvesters.causes import failed
from harvesters.client.heads import Irregularities, RepairedStream
from harvesters.client.urls import InvalidUrl, parse_url
from schemas import HarvestFailed

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_DEFAULT_PORTS = {"http": 80, "https": 443}
# https://www.rfc-editor.org/rfc/rfc6761, https://www.rfc-editor.org/rfc/rfc6762 and ICANN's .internal
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")
_FIRST_DEADLINE_SECONDS = 60.0  # until set_deadline is called
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# addresses of the public ranges that a cloud's machines reach its own services at: Azure's
_CLOUD_SERVICES = frozenset({ipaddress.IPv4Address("168.63.129.16")})


def is_public(address: _Address) -> bool:
    """Return whether an address is in the public internet.

    Private, loopback, link-local (with the clouds' metadata service), carrier-grade NAT, multicast and reserved ranges
    are not, nor are clouds' services at public addresses; an IPv4 address inside an IPv6 one (mapped, 6to4, Teredo,
    NAT64) counts as the IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = _embedded_ipv4(address)
        if embedded is not None:
            return is_public(embedded)
        if address.is_site_local:
            return False
    if address in _CLOUD_SERVICES:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _resolve(host: str, port: int, allowed: Iterable[str]) -> list[str]:
    """Resolve a host and return its addresses.

    Raises HarvestFailed("forbidden_address") if one of them is not public and the host is not among the allowed.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        resolved = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError, OverflowError) as error:  # also of a NUL in the name, or of a port that is too large
        raise httpcore.ConnectError(f"the name {name} does not resolve ({error})") from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in resolved))
    if name in allowed or f"{name}:{port}" in allowed:
        return addresses
    for address in addresses:
        if not is_public(ipaddress.ip_address(address.split("%")[0])):
            raise failed("forbidden_address", f"{name} resolves to {address}, which is not a public address")
    return addresses


def leads_inside(url: str, allowed: frozenset[str]) -> bool:
    """Return whether a URL is known to lead elsewhere than to the public internet, now.

    So do names of this machine and of local networks, and addresses in whatever spelling (hexadecimal, octal, IPv4 in
    IPv6, with a dot behind). A name that does not resolve is not known to: every connection is checked again.
    """
    try:
        parsed = parse_url(url)
        if parsed.scheme not in _DEFAULT_PORTS:  # a file that was sent to us
            return False
        name = parsed.host.strip("[]").rstrip(".").lower()
        if f".{name}".endswith(_LOCAL_NAMES) and name not in allowed and f"{name}:{parsed.port}" not in allowed:
            return True
        _resolve(name, parsed.port or _DEFAULT_PORTS.get(parsed.scheme, 0), allowed)
    except (HarvestFailed, InvalidUrl):  # no harvest asks what is not a valid URL
        return True
    except httpcore.ConnectError:
        return False
    return False


class _DeadlineStream(httpcore.NetworkStream):
    """A connection that fails after its backend's deadline, however slowly the other side sends."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _ResolvingBackend) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        remaining = self._remaining(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, remaining), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _remaining(self, timeout: float | None, timeout_error: type[Exception]) -> float:
        remaining = self._backend.deadline - time.monotonic()
        if remaining <= 0:
            raise timeout_error("the response came too slowly")
        return remaining if timeout is None else min(timeout, remaining)


class _ResolvingBackend(httpcore.NetworkBackend):
    """Connects to the addresses that `_resolve` checked; the name is not resolved a second time."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.deadline = time.monotonic() + _FIRST_DEADLINE_SECONDS
        self.irregularities = Irregularities()
        self._allowed = allowed
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        last_error: Exception | None = None
        for address in _resolve(host, port, self._allowed):
            try:
                stream = self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
                return RepairedStream(_DeadlineStream(stream, self), self.irregularities)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last_error = error
        raise last_error or httpcore.ConnectError(f"the name {host} has no address")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise failed("forbidden_address", f"{path} is a socket of this machine")


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport, with connections to checked addresses only and with a deadline.

    `allowed` are hosts, or host:port, that need not be public (ELIB_ALLOW_PRIVATE).
    """

    def __init__(self, allowed: frozenset[str], connections: int) -> None:
        self._backend = _ResolvingBackend(allowed)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            network_backend=self._backend,
        )

    @property
    def irregularities(self) -> Irregularities:
        """What was wrong with the last response's HTTP."""
        return self._backend.irregularities

    def send(self, request: httpx.Request, deadline: float) -> httpx.Response:
        """Send a request, every connection failing after the deadline (time.monotonic); the body is not read yet.

        httpx's client is passed by, since it parses the Location of every redirect.
        """
        self._backend.deadline = deadline
        self._backend.irregularities.clear()
        response = self.handle_request(request)
        response.request = request
        return response
