"""Where a resource is and what it is called by: identifiers, the landing page, links, relations."""

from __future__ import annotations

import re
from typing import Any, Literal

from schemas import Identifier, Link, Relation, replace
from transforms.draft import PRIMARY, Statement, mask_emails
from transforms.normalize import urls
from transforms.normalize.identifiers import identifier, invalid, parted
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.text import line
from transforms.normalize.vocabulary import lookup

_FILE = re.compile(
    r"\.(pdf|docx?|pptx?|xlsx?|zip|epub|mp3|mp4|jpe?g|png|gif|swf|odt|rtf|txt)([?#](?s:.*))?$|/bitstream/", re.I
)
_BESIDE = re.compile(
    r"(\S(?:[^\s,;]++|[\s,;]++(?!https?://.))*+)[\s,;]+(https?://.+)", re.IGNORECASE | re.DOTALL
)  # "application/pdf https://a.example/1"
_ROLES: dict[str, Literal["content", "preview", "thumbnail"]] = {"preview": "preview", "thumbnail": "thumbnail"}
_RESOLVERS = {"doi": "https://doi.org/", "handle": "https://hdl.handle.net/"}


def identify(work: Assembly) -> dict[str, Any]:
    """Identifiers in one spelling; the landing page; every other address as a link to the content."""
    found: dict[Identifier, None] = {}
    addresses: list[tuple[str, Statement]] = []
    for said in _single(work.draft.get("identifiers")):
        address = urls.web_address(said.value)
        if address is not None and said.hint != "ark":
            addresses.append((address, said))
        one = identifier(said.value, said.hint)
        if one is not None:
            found[one] = None
            work.made("identifiers", said.path, f"identifier as {one.scheme}")
            continue
        why = invalid(said.value, said.hint)
        if why is not None:
            work.find("identifier_invalid", "identifiers", why)
        if address is None:
            work.leave(said)
    url, links = _addresses(work, addresses, list(found))
    return {"identifiers": tuple(found), "url": url, "links": links}


def _single(told: list[Statement]) -> list[Statement]:
    """Every identifier by itself, where one statement lists several ISBNs."""
    return [replace(said, value=one) for said in told for one in parted(said.value, said.hint)]


def _addresses(
    work: Assembly, named: list[tuple[str, Statement]], identifiers: list[Identifier]
) -> tuple[str | None, tuple[Link, ...]]:
    pages: list[tuple[str, Statement]] = []
    for said in work.draft.get("url"):
        address = urls.web_address(said.value)
        if address is None:
            work.find("url_malformed", "url", said.value)
            work.leave(said)
        else:
            pages.append((address, said))
    if len(pages) > 1:
        pages.sort(key=lambda page: page[1].hint != PRIMARY)
    candidates = pages or named
    chosen = next((one for one in candidates if not _FILE.search(one[0])), candidates[0] if candidates else None)
    url = None if chosen is None else chosen[0]
    if chosen is not None:
        work.made("url", chosen[1].path, "the first address of a page")
    else:
        url = _resolved(work, identifiers)
    links = dict.fromkeys(_links(work))
    if url is None:
        url = _page_among(work, list(links))
    for address, said in (*pages, *named):
        if address != url:
            links[Link(url=address)] = None
            work.made("links", said.path, "a further address")
    return url, tuple(links)


def _page_among(work: Assembly, links: list[Link]) -> str | None:
    """The first link to the content that is no file, when nothing else is a page."""
    url = next((link.url for link in links if link.role == "content" and not _FILE.search(link.url)), None)
    for said in work.draft.get("links"):
        if url is not None and urls.web_address(said.value) == url:
            work.made("url", said.path, "the first link to the content")
            break
    return url


def _resolved(work: Assembly, identifiers: list[Identifier]) -> str | None:
    """The page of a DOI or handle, when the record gives no address."""
    for one in identifiers:
        if one.scheme in _RESOLVERS:
            for origin in work.provenance.get("identifiers", {}):
                if origin[1].endswith(f"as {one.scheme}"):
                    work.made("url", origin[0], f"resolver of the {one.scheme}")
            return _RESOLVERS[one.scheme] + one.value
    return None


def _links(work: Assembly) -> list[Link]:
    for said in work.draft.get("formats"):
        if "://" in said.value and (both := _BESIDE.fullmatch(said.value.strip())):
            work.draft.add("links", replace(said, value=both[2], hint=f"content|{both[1]}"))
    found = []
    for said in work.draft.get("links"):
        role, _, media = (said.hint or "content").partition("|")
        address = urls.web_address(said.value)
        if address is None:
            work.find("url_malformed", "links", said.value)
            work.leave(said)
            continue
        kind = lookup("media_type", media) if media else None
        code = kind.code if kind else None
        found.append(Link(url=address, media_type=code, role=_ROLES.get(role, "content")))
        work.made("links", said.path, f"link to the {role}")
    return found


def related(work: Assembly) -> dict[str, Any]:
    """Relations by LOM's kinds; a kind that is none of them is counted as unmapped and kept as `references`."""
    found: dict[Relation, None] = {}
    for said in work.draft.get("relations"):
        kind = lookup("relation_kind", said.hint or "references")
        target = mask_emails(line(said.value))
        if kind is None:
            work.term("relation_kind", said.hint or "", None)
        if target:
            found[Relation(kind=kind.code if kind else "references", target=target)] = None
            work.made("relations", said.path, f"relation: {said.hint or 'references'}")
        else:
            work.leave(said)
    return {"relations": tuple(found)}
