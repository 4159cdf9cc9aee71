"""What every answer of the library is subject to: how often somebody may ask, and how long it may be kept."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from web.guards import client_of

PAGES_RATE, SEARCHES_RATE = "600/minute", "120/minute"  # of one client
_KEPT_SECONDS = 300  # by browsers and proxies
_VARY = "Accept-Language, Cookie"  # of which a page depends, because its language does


def count_request(request: Request, rate: str = PAGES_RATE) -> None:
    """Count one more request of a client. Raises HTTPException 429 when there are too many."""
    request.app.state.rates.check(request, rate, "library", rate, client_of(request))


def kept(request: Request, response: Response) -> Response:
    """Return an answer that may be kept for a while; 304 without the page for one whose browser has it.

    With a cookie, a shared cache keeps nothing: the answer may set that cookie again.
    """
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    scope = "private, no-cache" if request.cookies else f"public, max-age={_KEPT_SECONDS}"
    headers = {"etag": tag, "cache-control": scope, "vary": _VARY}
    if has_tag(request, tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def has_tag(request: Request, tag: str) -> bool:
    """Return whether who asks has the version with this ETag already (RFC 9110, 13.1.2)."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag.removeprefix("W/") in known or "*" in known
