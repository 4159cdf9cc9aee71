"""Which stored page follows which when resumption tokens are walked (docs/decisions/030, point 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from samples.oai_xml import NS
from samples.pages import StoredPage


def chains(pages: list[StoredPage]) -> list[list[StoredPage]]:
    """Every page with the pages that follow it when its resumption tokens are walked."""
    return [list(_walk(page, pages)) for page in pages]


def _walk(page: StoredPage, pages: list[StoredPage]) -> Iterator[StoredPage]:
    seen: set[str] = set()
    at: StoredPage | None = page
    while at is not None:
        yield at
        seen.add(at.token)
        at = _after(at, pages) if at.token else None
        if at is not None and at.token in seen:
            yield at
            return


def _after(page: StoredPage, pages: list[StoredPage]) -> StoredPage | None:
    """The page that was asked for with this page's token; else the next in file order that could have been."""
    same = [one for one in pages if one.verb == page.verb and one is not page and not failed(one)]
    by_token = next((one for one in same if page.token in (one.asked.get("resumptionToken"), one.name)), None)
    if by_token is not None:
        return by_token
    given = {one.token for one in pages}
    later = pages[pages.index(page) + 1 :]
    return next((one for one in later if one in same and _could_follow(one, page, given)), None)


def _could_follow(one: StoredPage, page: StoredPage, given: set[str]) -> bool:
    if one.base_url != page.base_url or one.prefix != page.prefix or one.identifiers & page.identifiers:
        return False
    asked_with = one.asked.get("resumptionToken")
    return asked_with not in given if asked_with is not None else one.asked == page.asked


def failed(page: StoredPage) -> bool:
    return page.root is None or page.root.find("oai:error", NS) is not None


def follows(chains: Iterable[list[StoredPage]]) -> Iterator[tuple[tuple[str, str], StoredPage | None]]:
    """For each verb and token the page that it leads to, longest lists first; None where nothing more is stored."""
    seen: set[tuple[str, str]] = set()
    for chain in sorted(chains, key=len, reverse=True):
        for page, after in zip(chain, [*chain[1:], None], strict=True):
            key = page.verb, page.token
            if page.token and key not in seen:
                seen.add(key)
                yield key, after


def held(chain: list[StoredPage]) -> set[str]:
    return {identifier for page in chain for identifier in page.identifiers}
