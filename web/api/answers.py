"""How the API answers: strong tags, 304, HEAD, gzip, and how often somebody may ask."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from web.guards import RateUse, client_of
from web.links import public_url, settings_of
from web.problems import Problem

READING_RATE, SEARCHES_RATE = "600/minute", "120/minute"  # of one client
_WINDOW_SECONDS = 60
_MIN_GZIP_BYTES = 1_000
_GZIP_LEVEL = 1
_JSON = "application/json"
_VARY = ("Accept-Encoding",)


def at_most(rate: str) -> Any:
    """Return a dependency that counts a client's requests, wrong ones too: Problem is raised when there are too many.

    `rate` is as `limits` reads it. Each answer tells how many are left.
    """

    def count(request: Request) -> None:  # a parameter `rate` would be one of the request
        _count_request(request, rate)

    return Depends(count)


def _count_request(request: Request, rate: str) -> None:
    use: RateUse = request.app.state.rates.use(rate, "api", rate, client_of(request))
    headers = {
        "ratelimit-limit": str(use.limit),
        "ratelimit-remaining": str(use.remaining),
        "ratelimit-reset": str(use.reset_seconds),
        "ratelimit-policy": f"{use.limit};w={_WINDOW_SECONDS}",
    }
    request.state.rate_headers = headers
    if not use.is_allowed:
        detail = f"At most {use.limit} requests in {_WINDOW_SECONDS} seconds; try again in {use.reset_seconds} seconds."
        raise Problem("too-many-requests", detail, headers={"retry-after": str(use.reset_seconds)})


def site_of(request: Request) -> str:
    """Return the public address of the library."""
    return public_url(settings_of(request))


def rate_headers(request: Request) -> dict[str, str]:
    """Return the headers that tell how many more requests a client may make."""
    headers: dict[str, str] = getattr(request.state, "rate_headers", {})
    return headers


def answer(
    request: Request,
    body: bytes,
    *,
    media_type: str = _JSON,
    changed_at: str | None = None,
    cache: str = "public, max-age=60",
    vary: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a body with its tag; 304 without it for one who has it; compressed for one who can read that.

    `changed_at` is when what is told last changed, UTC as the catalog has it.
    """
    is_small = len(body) < _MIN_GZIP_BYTES
    is_gzip = not is_small and _accepts_gzip(request.headers.get("accept-encoding", ""))
    digest = hashlib.sha256(body).hexdigest()[:32]
    tag = f'"{digest}-gzip"' if is_gzip else f'"{digest}"'  # two representations never share a strong tag
    all_headers = {"etag": tag, "cache-control": cache, "vary": ", ".join((*vary, *_VARY))}
    all_headers |= {**rate_headers(request), **(headers or {})}
    if changed_at is not None:
        all_headers["last-modified"] = format_datetime(_time(changed_at), usegmt=True)
    if _is_known(request, tag, changed_at):
        return Response(status_code=304, headers=all_headers)
    if is_gzip:
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        all_headers["content-encoding"] = "gzip"
    all_headers["content-length"] = str(len(body))
    content = b"" if request.method == "HEAD" else body
    return Response(content, headers=all_headers, media_type=media_type)


def _accepts_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _is_known(request: Request, tag: str, changed_at: str | None) -> bool:
    """Return whether the client has the answer (RFC 9110, 13.2.2): by its tag, or without one by its time."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return any(each.strip().removeprefix("W/") in (tag, "*") for each in tags.split(","))
    since = request.headers.get("if-modified-since")
    if since is None or changed_at is None:
        return False
    try:
        known = parsedate_to_datetime(since)
    except (ValueError, OverflowError):  # a time that cannot be read counts as none
        return False
    return _time(changed_at) <= (known if known.tzinfo else known.replace(tzinfo=UTC))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(f"{text[:19]}+00:00")  # HTTP tells no parts of seconds
