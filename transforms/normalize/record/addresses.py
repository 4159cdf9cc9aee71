"""Identifiers, landing page, links and relations of a resource."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from schemas import Identifier, Link, Relation, replace
from transforms.draft import PRIMARY, Statement, mask_emails
from transforms.normalize.identifiers import explain_invalid, read_identifier, split_identifiers
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.text import plain_line
from transforms.normalize.urls import web_address
from transforms.normalize.vocabulary import lookup

_FILE = re.compile(
    r"\.(pdf|docx?|pptx?|xlsx?|zip|epub|mp3|mp4|jpe?g|png|gif|swf|odt|rtf|txt)([?#](?s:.*))?$|/bitstream/", re.I
)
_TYPE_AND_ADDRESS = re.compile(  # "application/pdf https://a.example/1"
    r"(\S(?:[^\s,;]++|[\s,;]++(?!https?://.))*)[\s,;]+(https?://.+)", re.IGNORECASE | re.DOTALL
)
_LINK_ROLES: dict[str, Literal["content", "preview", "thumbnail"]] = {"preview": "preview", "thumbnail": "thumbnail"}
_RESOLVERS = {"doi": "https://doi.org/", "handle": "https://hdl.handle.net/"}
_Address = tuple[str, Statement]  # an address, and the statement that it was read from


def read_identifiers_and_addresses(assembly: Assembly) -> dict[str, Any]:
    """Return identifiers in one spelling; the landing page; every other address as a link to the content."""
    identifiers: dict[Identifier, None] = {}
    addresses: list[_Address] = []
    for statement in _single_identifiers(assembly):
        address = web_address(statement.value)
        if address is not None and statement.hint != "ark":
            addresses.append((address, statement))
        identifier = read_identifier(statement.value, statement.hint)
        if identifier is not None:
            identifiers[identifier] = None
            assembly.add_origin("identifiers", statement.path, f"identifier as {identifier.scheme}")
            continue
        reason = explain_invalid(statement.value, statement.hint)
        if reason is not None:
            assembly.add_finding("identifier_invalid", "identifiers", reason)
        if address is None:
            assembly.leave_unmapped(statement)
    url, links = _url_and_links(assembly, addresses, list(identifiers))
    return {"identifiers": tuple(identifiers), "url": url, "links": links}


def _single_identifiers(assembly: Assembly) -> list[Statement]:
    """Return the statements of identifiers, one for each of several ISBNs in one statement."""
    return [
        replace(statement, value=value)
        for statement in assembly.draft.get("identifiers")
        for value in split_identifiers(statement.value, statement.hint)
    ]


def _url_and_links(
    assembly: Assembly, identifier_addresses: list[_Address], identifiers: list[Identifier]
) -> tuple[str | None, tuple[Link, ...]]:
    pages = _pages(assembly)
    candidates = pages or identifier_addresses
    first_page = (candidate for candidate in candidates if not _FILE.search(candidate[0]))
    chosen = next(first_page, candidates[0] if candidates else None)
    if chosen is None:
        url = _resolver_address(assembly, identifiers)
    else:
        url = chosen[0]
        assembly.add_origin("url", chosen[1].path, "the first address of a page")
    links = dict.fromkeys(_links(assembly))
    if url is None:
        url = _page_among(assembly, list(links))
    for address, statement in (*pages, *identifier_addresses):
        if address != url:
            links[Link(url=address)] = None
            assembly.add_origin("links", statement.path, "a further address")
    return url, tuple(links)


def _pages(assembly: Assembly) -> list[_Address]:
    """Return the addresses of the field url, the one that the source calls its page first."""
    pages: list[_Address] = []
    for statement in assembly.draft.get("url"):
        address = web_address(statement.value)
        if address is None:
            assembly.add_finding("url_malformed", "url", statement.value)
            assembly.leave_unmapped(statement)
        else:
            pages.append((address, statement))
    return sorted(pages, key=lambda page: page[1].hint != PRIMARY) if len(pages) > 1 else pages


def _page_among(assembly: Assembly, links: list[Link]) -> str | None:
    """Return the first link to the content that does not lead to a file."""
    url = next((link.url for link in links if link.role == "content" and not _FILE.search(link.url)), None)
    for statement in assembly.draft.get("links"):
        if url is not None and web_address(statement.value) == url:
            assembly.add_origin("url", statement.path, "the first link to the content")
            break
    return url


def _resolver_address(assembly: Assembly, identifiers: list[Identifier]) -> str | None:
    """Return the page to which a DOI or handle resolves."""
    for identifier in identifiers:
        if identifier.scheme in _RESOLVERS:
            for path, rule in assembly.provenance.get("identifiers", {}):
                if rule.endswith(f"as {identifier.scheme}"):
                    assembly.add_origin("url", path, f"resolver of the {identifier.scheme}")
            return _RESOLVERS[identifier.scheme] + identifier.value
    return None


def _links(assembly: Assembly) -> list[Link]:
    for statement in assembly.draft.get("formats"):
        if "://" in statement.value and (match := _TYPE_AND_ADDRESS.fullmatch(statement.value.strip())):
            assembly.draft.add("links", replace(statement, value=match[2], hint=f"content|{match[1]}"))
    links = []
    for statement in assembly.draft.get("links"):
        role, _, media_type = (statement.hint or "content").partition("|")
        address = web_address(statement.value)
        if address is None:
            assembly.add_finding("url_malformed", "links", statement.value)
            assembly.leave_unmapped(statement)
            continue
        concept = lookup("media_type", media_type) if media_type else None
        code = concept.code if concept else None
        links.append(Link(url=address, media_type=code, role=_LINK_ROLES.get(role, "content")))
        assembly.add_origin("links", statement.path, f"link to the {role}")
    return links


def read_relations(assembly: Assembly) -> dict[str, Any]:
    """Return relations by LOM's kinds; one of an unknown kind is an uncoded term and kept as `references`."""
    relations: dict[Relation, None] = {}
    for statement in assembly.draft.get("relations"):
        kind, variant = _relation_kind(assembly, statement.hint or "references")
        target = mask_emails(plain_line(statement.value))
        if target:
            relation = {"kind": kind, "target": target, "variant": variant}
            relations[msgspec.convert(relation, Relation)] = None
            assembly.add_origin("relations", statement.path, f"relation: {statement.hint or 'references'}")
        else:
            assembly.leave_unmapped(statement)
    return {"relations": tuple(relations)}


def _relation_kind(assembly: Assembly, term: str) -> tuple[str, str | None]:
    """Return LOM's kind of relation that a term means, and the variant that it tells."""
    mapped = assembly.mappings.find("relation_kind", term)
    if mapped is not None:
        if mapped.code is not None:
            assembly.add_term("relation_kind", term, mapped.code)
        return mapped.code or "references", None
    kind, variant = lookup("relation_kind", term), lookup("relation_variant", term)
    if kind is None:
        assembly.add_term("relation_kind", term, None)
    return kind.code if kind else "references", variant.code if variant else None
