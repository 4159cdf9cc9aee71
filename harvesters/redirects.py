"""Redirects: where one leads and what goes there with the request, and that it may be followed at all.

https://www.rfc-editor.org/rfc/rfc9110#section-15.4
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from harvesters.authorization import holds_secrets, without_secret_headers
from harvesters.causes import failed
from harvesters.outcomes import place

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})


def redirect_target(url: httpx.URL, location: str) -> httpx.URL:
    """The address that a Location header leads to. Raises HarvestFailed when that is none of http or https."""
    try:
        target = url.join(location)
        place(target)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise failed("moved", f"{place(url)} redirects to what is not an address") from error
    if target.scheme not in ("http", "https"):
        raise failed("forbidden_address", f"{place(url)} redirects to {target.scheme}:")
    return target


def redirect_headers(
    request: httpx.Request, target: httpx.URL, status: int, credentials: Mapping[str, str]
) -> httpx.Headers:
    """The headers that go along; credentials stay on their own host and on https.

    Raises HarvestFailed when a credential in the request's body would go to another host.
    """
    elsewhere = target.host != request.url.host
    if elsewhere and holds_secrets(request.content, credentials):
        raise failed("moved", f"{place(request.url)} redirects a request with credentials to {target.host}")
    headers = httpx.Headers(request.headers)
    headers.pop("host", None)
    if elsewhere or (request.url.scheme, target.scheme) == ("https", "http"):
        headers = without_secret_headers(headers, credentials)
    if becomes_get(request, status):
        for name in ("content-length", "content-type"):
            headers.pop(name, None)
    return headers


def becomes_get(request: httpx.Request, status: int) -> bool:
    """Whether a redirect turns the request into a plain question: 303, See Other, after a POST."""
    return status == 303 and request.method == "POST"
