"""Stored OAI-PMH responses, each with the request that it answers: verb, arguments, format, token and records."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from samples.answer import Answer
from samples.oai_xml import NS, OAI, VERBS

_Key = tuple[str, tuple[tuple[str, str], ...]]  # a verb and its arguments in a fixed order


@dataclass(frozen=True)
class StoredPage:
    """One stored response: its bytes, the request that it answers and the identifiers in it."""

    name: str
    body: bytes
    status: int
    content_type: str
    base_url: str
    verb: str
    arguments: dict[str, str]
    token: str
    prefix: str  # of the records it holds, "" when it holds none
    identifiers: frozenset[str]  # of the records or headers in it
    root: etree._Element | None  # None when it is not XML at all

    @property
    def key(self) -> _Key:
        return self.verb, tuple(sorted(self.arguments.items()))

    @property
    def answer(self) -> Answer:
        return Answer(self.body, self.content_type, self.status)


def read_stored(root: Path) -> list[StoredPage]:
    """Read every stored response of a folder, or the one of a file, in natural file order; other files are left out."""
    files = sorted(root.rglob("*.xml"), key=_natural) if root.is_dir() else [root]
    index = dict(_index(root)) if root.is_dir() else {}
    files += sorted(set(index) - set(files), key=_natural)
    return _fill_prefixes([page for file in files if (page := _page(file, index.get(file))) is not None])


def _natural(path: Path) -> list[Any]:
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", path.with_suffix("").as_posix())
        if part
    ]


def _index(root: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the rows of every INDEX.tsv (file, status, content_type, url, method), each with the file that it names."""
    for index in sorted(root.rglob("INDEX.tsv")):
        with index.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                file = index.parent / row["file"]
                if file.is_file():
                    yield file, row


def _parse(body: bytes) -> etree._Element | None:
    """Parse leniently: the root only tells what the page answers; the bytes are served."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None


def _page(file: Path, row: dict[str, str] | None) -> StoredPage | None:
    """Read a stored response; None for a file that no index names and that is not OAI-PMH."""
    body = file.read_bytes()
    root = _parse(body)
    if row is None and not _is_response(root):
        return None
    index_row = row or {}
    base_url, request_arguments = _echoed_request(root) if row is None else _indexed_request(row)
    verb = _verb(root) or request_arguments.get("verb", "")
    arguments = {name: value for name, value in request_arguments.items() if value and name in VERBS.get(verb, ())}
    return StoredPage(
        name=file.name,
        body=body,
        status=int(index_row.get("status", 200)),
        content_type=index_row.get("content_type") or "text/xml; charset=utf-8",
        base_url=base_url,
        verb=verb,
        arguments=arguments,
        token=_token(root, verb),
        prefix=arguments.get("metadataPrefix", ""),
        identifiers=_identifiers(root),
        root=root,
    )


def _is_response(root: etree._Element | None) -> bool:
    return root is not None and root.tag == f"{{{OAI}}}OAI-PMH"


def _echoed_request(root: etree._Element | None) -> tuple[str, dict[str, str]]:
    """Return the base URL and the arguments of the response's own `request` element."""
    element = root.find("oai:request", NS) if root is not None else None
    if element is None:
        return "", {}
    arguments = {str(name): str(value) for name, value in element.attrib.items()}
    return (element.text or "").strip().partition("?")[0], arguments


def _indexed_request(row: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the base URL and the arguments of the URL that an INDEX.tsv names."""
    arguments = dict(parse_qsl(urlsplit(row["url"]).query, keep_blank_values=True))
    return row["url"].partition("?")[0], arguments


def _verb(root: etree._Element | None) -> str:
    """Return the verb whose element the response holds; "" when it holds none."""
    elements = root.iterchildren("{*}*") if root is not None else ()
    names = {etree.QName(element).localname for element in elements}
    return next((verb for verb in VERBS if verb in names), "")


def _token(root: etree._Element | None, verb: str) -> str:
    if root is None or not verb:
        return ""
    return (root.findtext(f"oai:{verb}/oai:resumptionToken", "", NS) or "").strip()


def _identifiers(root: etree._Element | None) -> frozenset[str]:
    elements = root.iterfind(".//oai:header/oai:identifier", NS) if root is not None else ()
    return frozenset((element.text or "").strip() for element in elements)


def record_namespace(page: StoredPage) -> str:
    """Return the namespace of the first record's root, or the root's name when it has none; "" without a record."""
    first = page.root.find(".//oai:metadata/*", NS) if page.root is not None else None
    return (etree.QName(first).namespace or etree.QName(first).localname) if first is not None else ""


def _fill_prefixes(pages: list[StoredPage]) -> list[StoredPage]:
    """Give each page that was requested by a token the prefix of the list that it continues."""
    declared = [page for page in pages if page.prefix]
    by_token = {page.token: page.prefix for page in declared if page.token}
    filled: list[StoredPage] = []
    for page in pages:
        prefix = page.prefix
        if not prefix and page.identifiers:
            prefix = _continued_prefix(page, declared, by_token)
            by_token.setdefault(page.token, prefix)
        filled.append(replace(page, prefix=prefix))
    return filled


def _continued_prefix(page: StoredPage, declared: list[StoredPage], by_token: dict[str, str]) -> str:
    """Find a page's prefix by its token, by a word of the token, or by the namespace of its records, in this order."""
    token, namespace = page.arguments.get("resumptionToken", ""), record_namespace(page)
    prefixes = {other.prefix for other in declared}
    in_token = (word for word in re.split(r"[^\w]+", token) if word in prefixes)
    alike = (other.prefix for other in declared if namespace and record_namespace(other) == namespace)
    return by_token.get(token) or next(in_token, "") or next(alike, "unknown")
