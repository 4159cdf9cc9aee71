"""Conditional requests: what the server said last time to know a document by, so that it sends it only when changed.

https://www.rfc-editor.org/rfc/rfc9110#section-13
"""

from __future__ import annotations

import httpx


def condition(known: str | None) -> dict[str, str]:
    """The header that asks for a document only if it is not the one that its validator, an ETag or a date, tells of."""
    if known is None:
        return {}
    return {"If-Modified-Since" if known.endswith("GMT") else "If-None-Match": known}


def validator(headers: httpx.Headers) -> str | None:
    """What to know this version of a document by next time; None when the server gives nothing for that."""
    known: str | None = headers.get("etag") or headers.get("last-modified")
    return known
