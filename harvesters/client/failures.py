"""Classify failed requests: final, or worth a retry."""

from __future__ import annotations

import re
import ssl

import httpx

from harvesters.causes import RequestFailed, failed, request_failed
from harvesters.client.retries import TransientFailure, parse_retry_after

# 52x and 530 are Cloudflare's: the site behind it does not answer
_TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 530})
_ERROR_NUMBER = re.compile(r"^\[Errno -?\d{1,5}\] ")


def connection_failure(error: httpx.TransportError, url: str, *, answered: bool, foreign: bool) -> Exception:
    """Return what a failed connection means: HarvestFailed, or TransientFailure.

    A server that has `answered` before and closes a connection instead of a response fails with this request, and a
    `foreign` one, which is not the feed's, with the record whose address it is.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLError) and "CERTIFICATE" in str(link).upper():
            return failed("certificate", f"{url}: {link}")
        link = link.__cause__ or link.__context__
    if isinstance(error, httpx.UnsupportedProtocol):
        return failed("forbidden_address", f"{url}: {error}")
    what = str(error) or type(error).__name__
    broken_off = answered and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
    failure = request_failed if broken_off or foreign else failed
    return TransientFailure(failure("unreachable", f"{url}: {what}"), reason=_few_words(what))


def damaged_body(what: str, received: bytes) -> RequestFailed:
    """Return the failure of a request whose response broke off, or was damaged on its way, with what was received."""
    failure = request_failed("malformed", what, advice="Nothing of it is kept: ask the partner why it breaks off.")
    failure.received = received
    return failure


def invalid_http(what: str) -> RequestFailed:
    """Return the failure of a request whose response is not HTTP."""
    advice = "Ask the partner to look at the headers that the server sends, for instance with curl -i."
    return request_failed("malformed", f"{what}. Its headers are not valid HTTP", advice=advice)


def _few_words(what: str) -> str:
    """Return an error's text without its number, as a part of a sentence: "connection refused"."""
    words = _ERROR_NUMBER.sub("", what)
    return words[:1].lower() + words[1:]


def status_failure(status: int, headers: httpx.Headers, url: str) -> Exception:
    """Return what an error status means: HarvestFailed, RequestFailed, or TransientFailure."""
    what = f"{url} answers {status}"
    if status in _TRANSIENT_STATUSES:
        cause = "blocked" if status == 429 else "unreachable"
        wait = parse_retry_after(headers.get("retry-after"))
        return TransientFailure(request_failed(cause, what, status), wait, reason=f"answered {status}")
    if status in (401, 403, 407, 451):
        return failed("blocked", what)
    if status in (404, 410):
        return request_failed("gone", what, status)
    return request_failed("bad_format" if status < 500 else "unreachable", what, status)
