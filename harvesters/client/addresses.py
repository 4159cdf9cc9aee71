"""Which addresses may be fetched: public ones only, resolved once and pinned, so that no name can lead inside."""

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

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_FIRST = 60.0  # seconds that a connection may be used before anybody says until when
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def public(address: _Address) -> bool:
    """Whether an address lies in the public internet.

    Private, loopback, link-local (with the clouds' metadata service), carrier-grade NAT, multicast and reserved ranges
    do not; an IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) counts as the IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _pin(host: str, port: int, allowed: Iterable[str]) -> list[str]:
    """The addresses of a host, all of them checked. Raises HarvestFailed for a host that leads inside."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"the name {name} does not resolve ({error})") from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    if name in allowed or f"{name}:{port}" in allowed:
        return addresses
    for text in addresses:
        if not public(ipaddress.ip_address(text.split("%")[0])):
            raise failed("forbidden_address", f"{name} leads to {text}, which is not a public address")
    return addresses


class _Timed(httpcore.NetworkStream):
    """A connection that may be used until its backend's `until`, however slowly what comes over it drips."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Pinned) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _left(self, timeout: float | None, over: type[Exception]) -> float:
        left = self._backend.until - time.monotonic()
        if left <= 0:
            raise over("the response came too slowly")
        return left if timeout is None else min(timeout, left)


class _Pinned(httpcore.NetworkBackend):
    """Connects to the very addresses that were checked; the name is never resolved a second time."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed
        self.until = time.monotonic() + _FIRST
        self.sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        refused: Exception | None = None
        for address in _pin(host, port, self.allowed):
            try:
                stream = self.sockets.connect_tcp(address, port, timeout, local_address, socket_options)
                return _Timed(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
        raise refused or httpcore.ConnectError(f"the name {host} has no address")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise failed("forbidden_address", f"{path} is a socket of this machine")


class Transport(httpx.HTTPTransport):
    """httpx's own transport over connections that go to checked and pinned addresses."""

    def __init__(self, allowed: frozenset[str], connections: int) -> None:
        self._backend = _Pinned(allowed)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            network_backend=self._backend,
        )

    def give_up_at(self, until: float) -> None:
        """No connection is used after this moment (time.monotonic), until another one is given."""
        self._backend.until = until
