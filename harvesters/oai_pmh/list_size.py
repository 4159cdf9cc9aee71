"""Ask a repository how many records its whole list has, and tell whether earlier harvests explain that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from lxml import etree

from harvesters.completeness import accepted_drop, record_count
from harvesters.datestamps import is_datestamp, parse_datestamp
from harvesters.oai_pmh.server import Server
from harvesters.oai_pmh.sickle_client import Repository
from schemas import Ask, Feed, HarvestFailed

_DAYS = timedelta(days=7)  # from one question to the next


def is_size_due(ask: Ask, server: Server) -> bool:
    """Return whether to ask for the size: a week after it was last known, by the server's clock."""
    if ask.known_records is None or ask.limit is not None or server.deletes != "persistent":
        return False
    if ask.size_known_at is None or server.response_date is None or not is_datestamp(ask.size_known_at):
        return True
    return parse_datestamp(server.response_date) - parse_datestamp(ask.size_known_at) >= _DAYS


def list_size(repository: Repository, prefix: str, *, since: str | None = None) -> int | None:
    """Return completeListSize of the list, or the records on its only page; None if the server does not say.

    It is one request of ListIdentifiers. No failure of it is one of the harvest.
    """
    params = {"verb": "ListIdentifiers", "metadataPrefix": prefix, **({"from": since} if since else {})}
    retries, repository.retries = repository.retries, 0
    try:
        root = repository.harvest(**params).xml
    except HarvestFailed:
        return None
    finally:
        repository.retries = retries
    ns = repository.oai_namespace
    listing = root.find(f"{ns}ListIdentifiers")
    if listing is None:
        return 0 if root.find(f"{ns}error[@code='noRecordsMatch']") is not None else None
    return _size_of_list(listing, ns)


def _size_of_list(listing: etree._Element, ns: str) -> int | None:
    token = listing.find(f"{ns}resumptionToken")
    size = None if token is None else record_count(token.get("completeListSize"))
    if size is not None:
        return size
    is_only_page = token is None or not (token.text or "").strip()
    return len(listing.findall(f"{ns}header")) if is_only_page else None


def differs(size: int, ask: Ask, feed: Feed, increment_size: Callable[[], int]) -> bool:
    """Return whether the size differs from the known records by more than max_drop, and more than it usually does.

    What is new in the increment explains a larger size; it is only asked for where the size is larger.
    """
    known = ask.known_records or 0
    unexplained = size - known - ask.usual_difference
    accepted = accepted_drop(known, feed)
    if unexplained > accepted:
        return unexplained - increment_size() > accepted
    return unexplained < -accepted
