"""Conditional requests: what the server said last time to know a document by, so that it sends it only when changed.

https://www.rfc-editor.org/rfc/rfc9110#section-13
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from harvesters.outcomes import place

CONDITIONS = frozenset({"if-none-match", "if-modified-since"})


def ask_conditionally(request: httpx.Request, validators: Mapping[str, str]) -> None:
    """Ask for the document only if it is not the one that its validator, an ETag or a date, tells of."""
    known = validators.get(place(request.url))
    if known is not None:
        name = "If-Modified-Since" if known.endswith("GMT") else "If-None-Match"
        request.headers[name] = known


def is_conditional(request: httpx.Request) -> bool:
    """Whether the request may be answered by 304, not modified."""
    return bool(request.headers.keys() & CONDITIONS)


def validator(headers: httpx.Headers) -> str | None:
    """What to know this version of a document by next time; None when the server gives nothing for that."""
    known: str | None = headers.get("etag") or headers.get("last-modified")
    return known
