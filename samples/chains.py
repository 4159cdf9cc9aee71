"""The order of stored pages when resumption tokens are walked (docs/decisions/030, point 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from samples.oai_xml import NS
from samples.pages import StoredPage


def chains(pages: list[StoredPage]) -> list[list[StoredPage]]:
    """Return, for every page, the list of it and the pages that follow when resumption tokens are walked."""
    return [list(_walk(page, pages)) for page in pages]


def _walk(page: StoredPage, pages: list[StoredPage]) -> Iterator[StoredPage]:
    seen: set[str] = set()
    current: StoredPage | None = page
    while current is not None:
        yield current
        seen.add(current.token)
        current = _next_page(current, pages) if current.token else None
        if current is not None and current.token in seen:
            yield current
            return


def _next_page(page: StoredPage, pages: list[StoredPage]) -> StoredPage | None:
    """Return the page that was requested with this page's token; else the next in file order that could have been."""
    others = [other for other in pages if other.verb == page.verb and other is not page and not is_error(other)]
    by_token = (other for other in others if page.token in (other.arguments.get("resumptionToken"), other.name))
    return next(by_token, None) or _next_in_order(page, others, pages)


def _next_in_order(page: StoredPage, others: list[StoredPage], pages: list[StoredPage]) -> StoredPage | None:
    tokens = {other.token for other in pages}
    later = pages[pages.index(page) + 1 :]
    return next((other for other in later if other in others and _could_follow(other, page, tokens)), None)


def _could_follow(candidate: StoredPage, page: StoredPage, tokens: set[str]) -> bool:
    """Tell whether a page could continue another: the same list, other records, and no stored page leads to it."""
    in_same_list = candidate.base_url == page.base_url and candidate.prefix == page.prefix
    if not in_same_list or candidate.identifiers & page.identifiers:
        return False
    token = candidate.arguments.get("resumptionToken")
    return token not in tokens if token is not None else candidate.arguments == page.arguments


def is_error(page: StoredPage) -> bool:
    """Tell whether a page is an OAI-PMH error, or not XML."""
    return page.root is None or page.root.find("oai:error", NS) is not None


def follows(chains: Iterable[list[StoredPage]]) -> Iterator[tuple[tuple[str, str], StoredPage | None]]:
    """Yield for each verb and token the page that it leads to, longest lists first; None where no more is stored."""
    seen: set[tuple[str, str]] = set()
    for chain in sorted(chains, key=len, reverse=True):
        for page, next_page in zip(chain, [*chain[1:], None], strict=True):
            key = page.verb, page.token
            if page.token and key not in seen:
                seen.add(key)
                yield key, next_page


def identifiers_in(chain: list[StoredPage]) -> set[str]:
    """Return the identifiers of all records of a list."""
    return {identifier for page in chain for identifier in page.identifiers}
