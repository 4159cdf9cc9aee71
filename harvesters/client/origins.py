"""Origins: the scheme, host and port that a request goes to, and the cookies of each.

https://www.rfc-editor.org/rfc/rfc6454#section-4
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NamedTuple

import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}


class ServerOrigin(NamedTuple):
    """A normalized scheme, host and port: equal origins compare equal, however the URL spells them."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS.get(self.scheme) else f":{self.port}")


def origin_of(url: httpx.URL) -> ServerOrigin:
    """Return the origin of a URL: lower case, IDNA, no dot behind the host, the default port filled in."""
    host = url.raw_host.decode("ascii").lower().rstrip(".")
    if ":" in host:
        with suppress(ipaddress.AddressValueError):  # httpx accepted it; as it is spelled, it equals nothing else
            host = str(ipaddress.IPv6Address(host))
    return ServerOrigin(url.scheme, host, url.port or _DEFAULT_PORTS.get(url.scheme, 0))


def is_same_origin(url: str, other_url: str) -> bool:
    """Return whether two URLs are of one origin, however they spell it; what is not a valid URL is of none."""
    try:
        return origin_of(httpx.URL(url)) == origin_of(httpx.URL(other_url))
    except (httpx.InvalidURL, ValueError):
        return False


def without_userinfo(url: httpx.URL) -> httpx.URL:
    """Return the URL without user and password, which httpx would send as Basic authentication."""
    return url.copy_with(userinfo=b"") if url.userinfo else url


def printable_url(url: httpx.URL) -> str:
    """Return a URL for a sentence: without query, user and password, which may be secret."""
    return f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}{url.path}"


def rejecting_cookie_jar() -> CookieJar:
    """Return a jar that keeps no cookie, for httpx, whose own jar ignores ports and schemes."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class Cookies:
    """The cookies of one harvest: each goes back only to the origin that set it."""

    def __init__(self) -> None:
        self._jars: dict[ServerOrigin, httpx.Cookies] = {}

    def attach(self, request: httpx.Request) -> None:
        """Add the cookies that the request's origin has set to its headers."""
        jar = self._jars.get(origin_of(request.url))
        if jar is not None:
            jar.set_cookie_header(request)

    def keep(self, response: httpx.Response) -> None:
        """Keep the cookies that a response sets; those that are not ASCII cannot be sent back."""
        jar = self._jars.setdefault(origin_of(response.request.url), httpx.Cookies())
        jar.extract_cookies(response)
        for cookie in list(jar.jar):
            if not f"{cookie.name}{cookie.value}".isascii():
                jar.jar.clear(cookie.domain, cookie.path, cookie.name)
