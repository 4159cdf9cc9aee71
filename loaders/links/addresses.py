"""The addresses of a record: which can be checked, where each stands, and its host."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from schemas import MAX_LINK_BYTES, Base, Link

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """An address of a resource, its path in the record, and whether it opens the resource; a picture does not."""

    url: str
    path: str
    is_content: bool


class _Addressed(Base, frozen=True):
    """The fields of a record that hold addresses of the resource."""

    url: str | None = None
    links: tuple[Link, ...] = ()


_DECODER = msgspec.json.Decoder(_Addressed)


def addresses_of(record: Any) -> list[Address]:
    """Return the addresses of a record, as JSON, that can be checked; each once."""
    read = _DECODER.decode(record)
    listed = [Address(read.url, "url", True)] if read.url else []
    listed += [
        Address(link.url, f"links[{number}].url", link.role == "content") for number, link in enumerate(read.links)
    ]
    addresses: dict[str, Address] = {}
    for address in listed:
        first = addresses.setdefault(address.url, address)
        if address.is_content and not first.is_content:
            addresses[address.url] = first._replace(is_content=True)
    return [each for each in addresses.values() if len(each.url.encode()) <= MAX_LINK_BYTES and host_of(each.url)]


def host_of(url: str) -> str | None:
    """Return the host of a web address, with the port where it is not the usual one; None of what is not one."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    return host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
