"""What a check of a published address finds: how it answers, and whether that is a failure."""

from __future__ import annotations

from typing import Literal

from schemas.base import Base

LinkOutcome = Literal["alive", "failed", "unknown"]

# Each answer, and what it means: `failed` is a strike, `alive` clears all strikes, `unknown` changes nothing
LINK_STATUSES: dict[str, LinkOutcome] = {
    "alive": "alive",
    "moved": "alive",  # only permanent redirects lead to where it is now
    "gone": "failed",  # 404 or 410
    "server_error": "failed",
    "not_found_page": "failed",  # a page with status 200 that says that there is nothing
    "home_page": "failed",  # the address leads to the site's home page
    "same_page": "failed",  # any address of the site shows this page
    "login": "failed",
    "parked": "failed",  # the domain is for sale
    "redirects": "failed",  # they never end
    "no_host": "failed",  # the name of the host is not known any more
    "unreachable": "failed",
    "timeout": "failed",
    "certificate_expired": "failed",
    "certificate_wrong_host": "failed",
    "certificate_untrusted": "unknown",  # browsers may fetch what the server does not send
    "refused": "unknown",  # to programs; readers may see the page
    "busy": "unknown",  # 429, or 503 with Retry-After
    "robots": "unknown",  # robots.txt keeps us from it
    "robots_unreachable": "unknown",
    "not_public": "unknown",
    "unreadable": "unknown",
    "name_server": "unknown",  # does not answer
}
NETWORK_FAILURES = frozenset({"no_host", "unreachable", "timeout", "name_server"})  # also when our own network is down
MAX_LINK_BYTES = 2_000  # of an address that is checked; an index of PostgreSQL has no room for longer ones


class LinkCheck(Base, frozen=True, kw_only=True):
    """What one check of an address found.

    status: one of LINK_STATUSES
    detail: in a few words what was seen, such as "answers 404"
    final_url: where permanent redirects lead; None where nothing moved
    certificate_until: until when the certificate is valid, ISO 8601; None without TLS
    size_bytes: of the file, as its server states; None of a web page, and where nothing is stated
    retry_after: seconds after which the server asks us to come again
    requests: how many were sent
    """

    url: str
    status: str
    detail: str = ""
    final_url: str | None = None
    certificate_until: str | None = None
    retry_after: float | None = None
    size_bytes: int | None = None
    requests: int = 0

    @property
    def outcome(self) -> LinkOutcome:
        return LINK_STATUSES[self.status]
