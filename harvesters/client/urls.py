"""Parse the addresses that partners name, in Link headers, redirects, JSON, sitemaps and feeds.

https://www.rfc-editor.org/rfc/rfc3986#section-5
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus, urljoin

import httpx

_MAX_PORT = 65_535
_MAX_URL_CHARS = 65_536  # httpx's own limit
_FORBIDDEN_IN_HOST = re.compile(
    r"[\x00-\x20\x7f%<>\\^`{|}\[\]]"
)  # https://url.spec.whatwg.org/#forbidden-host-code-point
_LINE_BREAKS = re.compile(r"[\t\r\n]+")


class InvalidUrl(ValueError):
    """An address is not a valid URL; the message says why."""


def join_address(base: str, address: str) -> str | None:
    """Return the web address that a partner names, resolved against `base`, as it is spelled; None if it is none."""
    try:
        text, url = _resolve(address, base)
    except InvalidUrl:
        return None
    return text if url.scheme in ("http", "https") and url.host else None


def parse_url(address: str, base: str = "") -> httpx.URL:
    """Return the URL of an address, resolved against `base`; its scheme may be any. Raises only InvalidUrl."""
    return _resolve(address, base)[1]


def _resolve(address: str, base: str) -> tuple[str, httpx.URL]:
    """Return an address as it is spelled, and as a URL. Blanks around it and line breaks in it do not count."""
    address = _LINE_BREAKS.sub("", address.strip())
    if len(address) > _MAX_URL_CHARS:
        raise InvalidUrl(f"it has more than {_MAX_URL_CHARS} characters")
    try:
        text = urljoin(base, address)
        url = httpx.URL(text)
        host, port = url.host, url.port  # httpx decodes an international name only when it is read
    except Exception as error:  # httpx, idna and urllib raise more than they document
        raise InvalidUrl(str(error) or type(error).__name__) from error
    if _FORBIDDEN_IN_HOST.search(host):
        raise InvalidUrl(f"{host!r} is no host")
    if port is not None and not 0 < port <= _MAX_PORT:
        raise InvalidUrl(f"{port} is no port")
    return text, url


def join_queries(own: bytes, ours: bytes) -> bytes:
    """Return the query of a redirect's target, with those of our parameters that it does not name itself."""
    names = {_name(pair) for pair in _pairs(own)}
    return b"&".join([*_pairs(own), *(pair for pair in _pairs(ours) if _name(pair) not in names)])


def own_query(target: bytes, ours: bytes) -> bytes | None:
    """Return what a redirect's target adds to our query; None when it changes one of our parameters."""
    repeated = {unquote_plus(pair.decode("ascii")) for pair in _pairs(ours)}
    names = {_name(pair) for pair in _pairs(ours)}
    own = [pair for pair in _pairs(target) if unquote_plus(pair.decode("ascii")) not in repeated]
    return None if any(_name(pair) in names for pair in own) else b"&".join(own)


def _pairs(query: bytes) -> list[bytes]:
    return [pair for pair in query.split(b"&") if pair]


def _name(pair: bytes) -> str:
    return unquote_plus(pair.partition(b"=")[0].decode("ascii"))
