"""Judge what an address answers: pure functions from an answer to one of schemas.LINK_STATUSES.

A page is judged by what its title and headings say, in the library's languages, and by where it is. A page that people
may see and programs may not is never a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import SplitResult, urldefrag, urlsplit

from harvesters.links.page import PageFacts, plain_words, word_lists
from schemas import Base, LinkCheck

PERMANENT_STATUSES = frozenset({301, 308})
_STATUSES = {401: "login", 404: "gone", 408: "timeout", 410: "gone", 425: "busy", 429: "busy"}
_SEPARATORS = re.compile(r" [-–—:/] | ?[|·»•] ?")  # between the parts of a title
_MAX_PHRASE_WORDS = 8  # that a heading may have besides the phrase
_MAX_PARKED_CHARS = 3_000  # of the text of a page that offers a domain
_MIN_COMPARED_CHARS = 200  # of a text; a shorter one may be an empty frame that a script fills
_NUMBERS = re.compile(r"\d+")


class Hop(NamedTuple):
    """A redirect: its status, and the address that it leads to."""

    status: int
    url: str


class Answer(Base, frozen=True, kw_only=True):
    """What the last address of a chain of redirects answers.

    page: None where it is not a web page; retry_after: seconds
    certificate_until: ISO 8601; size_bytes: as the server states
    """

    status: int
    hops: tuple[Hop, ...] = ()
    page: PageFacts | None = None
    retry_after: float | None = None
    certificate_until: str | None = None
    size_bytes: int | None = None


def judge(url: str, answer: Answer, elsewhere: PageFacts | None = None) -> LinkCheck:
    """Judge what an address answers; `elsewhere` is the page that the site shows at an address that does not exist."""
    final = answer.hops[-1].url if answer.hops else url
    status, detail = _status_of(url, final, answer, elsewhere)
    moved = _moved_to(url, answer.hops) if status == "alive" else None
    return LinkCheck(
        url=url,
        status="moved" if moved else status,
        detail=f"has moved to {moved}" if moved else detail,
        final_url=moved,
        certificate_until=answer.certificate_until,
        retry_after=answer.retry_after,
        size_bytes=answer.size_bytes if status == "alive" and answer.page is None else None,
    )


def is_busy(answer: Answer) -> bool:
    """Return whether a server asks us to come later."""
    return answer.status in (425, 429) or (answer.status == 503 and answer.retry_after is not None)


def _status_of(url: str, final: str, answer: Answer, elsewhere: PageFacts | None) -> tuple[str, str]:
    """Return the status of an answer, and what was seen."""
    if answer.status >= 400:
        return _status_of_error(answer), f"answers {answer.status}"
    if answer.page is None:
        return ("home_page", _LEADS_HOME) if _leads_home(url, final) else ("alive", f"answers {answer.status}")
    return _status_of_page(url, final, answer.page, elsewhere)


def _status_of_error(answer: Answer) -> str:
    if is_busy(answer):
        return "busy"
    if answer.status >= 500 and answer.status != 999:  # LinkedIn's
        return "server_error"
    return _STATUSES.get(answer.status, "refused")


_LEADS_HOME = "leads to the site's home page"


def _status_of_page(url: str, final: str, page: PageFacts, elsewhere: PageFacts | None) -> tuple[str, str]:
    heads = _heads(page)
    shown = page.title or (page.headings or ("",))[0]
    if _is_parked(final, page, heads):
        return "parked", f"the domain is for sale: {shown!r}"
    if any(head in word_lists()["firewall"] for head in heads):
        return "refused", f"a firewall's page: {shown!r}"
    if _is_login(url, final, page, heads):
        return "login", f"a login page: {shown!r}"
    if any(map(_says_not_found, heads)):
        return "not_found_page", f"a page that says {shown!r}"
    return _status_of_place(url, final, page, elsewhere)


def _heads(page: PageFacts) -> list[str]:
    """Return the words of a page's title and headings, and of their parts between bars and dashes."""
    return [plain_words(part) for text in (page.title, *page.headings) for part in (text, *_SEPARATORS.split(text))]


def _says_not_found(head: str) -> bool:
    """Return whether a title or heading says that there is nothing, or a short one contains a phrase that does."""
    return head in word_lists()["not_found"] or any(
        _contains(head, phrase) and head.count(" ") <= phrase.count(" ") + _MAX_PHRASE_WORDS
        for phrase in word_lists()["not_found_phrases"]
    )


def _status_of_place(url: str, final: str, page: PageFacts, elsewhere: PageFacts | None) -> tuple[str, str]:
    """Return the status of a page that says nothing of the kind: by where it is, and what the site shows elsewhere."""
    if _leads_home(url, final):
        return "home_page", _LEADS_HOME
    if elsewhere is not None and not _is_home(urlsplit(url)) and _is_same(page, elsewhere):
        return "same_page", "shows the page that the site shows at any address"
    return "alive", "answers 200"


def _is_parked(final: str, page: PageFacts, heads: list[str]) -> bool:
    hosts = [urlsplit(final).hostname or "", *page.hosts]
    if any(_is_within(host, word_lists()["parking_hosts"]) for host in hosts):
        return True
    texts = [*heads, plain_words(page.text)] if len(page.text) <= _MAX_PARKED_CHARS else heads
    return any(_contains(text, phrase) for text in texts for phrase in word_lists()["parked"])


def _is_within(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _contains(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {text} "


def _is_login(url: str, final: str, page: PageFacts, heads: list[str]) -> bool:
    """Return whether a page only lets people in: two signs of its path, a field for a password, and what it says."""
    says_so = any(head in word_lists()["login"] for head in heads)
    led_there = final != url and _is_login_path(final) and not _is_login_path(url)
    return (page.has_password and (says_so or led_there)) or (says_so and led_there)


def _is_login_path(url: str) -> bool:
    return any(part in word_lists()["login_paths"] for part in urlsplit(url).path.lower().split("/"))


def _leads_home(url: str, final: str) -> bool:
    """Return whether redirects lead from an address within a site to the home page of the same site."""
    before, after = urlsplit(url), urlsplit(final)
    return _site(before) == _site(after) and not _is_home(before) and _is_home(after)


def _site(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.")


def _is_home(parts: SplitResult) -> bool:
    if parts.query or parts.fragment.startswith(("/", "!")):  # as addresses within one page have them
        return False
    folders = [part for part in parts.path.lower().split("/") if part]
    if folders and re.split("[-_]", folders[0])[0] in word_lists()["languages"]:
        folders = folders[1:]
    return not folders or (len(folders) == 1 and folders[0] in word_lists()["home_paths"])


def _is_same(page: PageFacts, elsewhere: PageFacts) -> bool:
    """Return whether two pages show the same, but for numbers; one that shows hardly anything is not compared."""
    if len(page.text) < _MIN_COMPARED_CHARS:
        return False
    return _NUMBERS.sub("", page.title + page.text) == _NUMBERS.sub("", elsewhere.title + elsewhere.text)


def _moved_to(url: str, hops: tuple[Hop, ...]) -> str | None:
    """Return where an address has moved for ever; None where a redirect is temporary, or a resolver's."""
    if not hops or any(hop.status not in PERMANENT_STATUSES for hop in hops):
        return None
    if _is_within(urlsplit(url).hostname or "", word_lists()["resolvers"]):
        return None
    return None if urldefrag(hops[-1].url).url == urldefrag(url).url else hops[-1].url
