"""What a request that failed means: a cause for good, or a reason to try again."""

from __future__ import annotations

import ssl

import httpx

from harvesters.causes import failed, request_failed
from harvesters.client.retries import Passing, retry_after

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 530})


def printable_url(url: httpx.URL) -> str:
    """An address fit for a sentence: without query, user or password, where secrets lie."""
    return f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}{url.path}"


def connection_failure(error: httpx.TransportError, where: str) -> Exception:
    """What a connection that failed means."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError) and "CERTIFICATE" in str(seen).upper():
            return failed("certificate", f"{where}: {seen}")
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, httpx.UnsupportedProtocol):
        return failed("forbidden_address", f"{where}: {error}")
    return Passing(failed("unreachable", f"{where}: {error or type(error).__name__}"))


def status_failure(status: int, headers: httpx.Headers, where: str) -> Exception:
    """What an error status means: for good, or for now."""
    what = f"{where} answers {status}"
    if status in _PASSING:
        cause = "blocked" if status == 429 else "unreachable"
        return Passing(request_failed(cause, what, status), retry_after(headers.get("retry-after")))
    if status in (401, 403, 407, 451):
        return failed("blocked", what)
    if status in (404, 410):
        return request_failed("gone", what, status)
    return request_failed("bad_format" if status < 500 else "unreachable", what, status)
