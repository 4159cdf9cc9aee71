"""Redirects: where one leads, and that it may be followed at all.

https://www.rfc-editor.org/rfc/rfc9110#section-15.4
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from harvesters.causes import failed
from harvesters.client.status import printable_url

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})


@dataclass(frozen=True)
class Question:
    """A request as it is declared, before credentials: built anew for each address that redirects lead to."""

    method: str
    url: httpx.URL  # masked, see authorization.Credentials
    form: dict[str, Any] | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def redirected(self, target: httpx.URL, status: int) -> Question:
        """Return the question at the address that a redirect leads to; 303, See Other, makes a plain one of a POST."""
        if status == 303 and self.method == "POST":
            return replace(self, method="GET", url=target, form=None, body=None)
        return replace(self, url=target)


def redirect_target(url: httpx.URL, location: str) -> httpx.URL:
    """The address that a Location header leads to. Raises HarvestFailed when that is none of http or https."""
    try:
        target = url.join(location)
        printable_url(target)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise failed("moved", f"{printable_url(url)} redirects to what is not an address") from error
    if target.scheme not in ("http", "https"):
        raise failed("forbidden_address", f"{printable_url(url)} redirects to {target.scheme}:")
    return target
