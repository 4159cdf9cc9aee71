"""Stored OAI-PMH responses read for what they answer: verb, arguments, format, token and records."""

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
    """One stored response: its bytes, the request that it answers and what it holds."""

    name: str
    body: bytes
    status: int
    content_type: str
    base_url: str
    verb: str
    asked: dict[str, str]
    token: str
    prefix: str  # of the records it holds, "" when it holds none
    identifiers: frozenset[str]  # of the records or headers in it
    root: etree._Element | None  # None when it is no XML at all

    @property
    def key(self) -> _Key:
        return self.verb, tuple(sorted(self.asked.items()))

    @property
    def answer(self) -> Answer:
        return Answer(self.body, self.content_type, self.status)


def read_stored(root: Path) -> list[StoredPage]:
    """Every stored response of a folder (or the one of a file), in natural file order; what is none is left out."""
    files = sorted(root.rglob("*.xml"), key=_natural) if root.is_dir() else [root]
    index = dict(_index(root)) if root.is_dir() else {}
    files += sorted(set(index) - set(files), key=_natural)
    return _with_prefixes([page for file in files if (page := _page(file, index.get(file))) is not None])


def _natural(path: Path) -> list[Any]:
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", path.with_suffix("").as_posix())
        if part
    ]


def _index(root: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The rows of every INDEX.tsv (file, status, content_type, url, method) by the file that they name."""
    for index in sorted(root.rglob("INDEX.tsv")):
        with index.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                file = index.parent / row["file"]
                if file.is_file():
                    yield file, row


def _parse(body: bytes) -> etree._Element | None:
    """The root, read leniently: it only sorts the page; what is served are the bytes."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None


def _page(file: Path, row: dict[str, str] | None) -> StoredPage | None:
    body = file.read_bytes()
    root = _parse(body)
    is_oai = root is not None and root.tag == f"{{{OAI}}}OAI-PMH"
    if not is_oai and row is None:
        return None
    request = root.find("oai:request", NS) if root is not None else None
    asked = {str(name): str(value) for name, value in request.attrib.items()} if request is not None else {}
    base_url = (request.text or "").strip().partition("?")[0] if request is not None else ""
    if row is not None:
        parts = urlsplit(row["url"])
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        base_url = row["url"].partition("?")[0]
    return _sorted_page(file, row, body, root, asked, base_url)


def _sorted_page(
    file: Path, row: dict[str, str] | None, body: bytes, root: etree._Element | None, asked: dict[str, str], base: str
) -> StoredPage:
    said_verb = asked.pop("verb", "")
    children = {etree.QName(one).localname for one in root if isinstance(one.tag, str)} if root is not None else set()
    verb = next((one for one in VERBS if one in children), said_verb)
    kept = {name: value for name, value in asked.items() if value and name in VERBS.get(verb, ())}
    return StoredPage(
        name=file.name,
        body=body,
        status=int(row["status"]) if row else 200,
        content_type=(row or {}).get("content_type") or "text/xml; charset=utf-8",
        base_url=base,
        verb=verb,
        asked=kept,
        token=_token(root, verb),
        prefix=kept.get("metadataPrefix", ""),
        identifiers=_identifiers(root),
        root=root,
    )


def _token(root: etree._Element | None, verb: str) -> str:
    if root is None or not verb:
        return ""
    return (root.findtext(f"oai:{verb}/oai:resumptionToken", "", NS) or "").strip()


def _identifiers(root: etree._Element | None) -> frozenset[str]:
    headers = root.iterfind(".//oai:header/oai:identifier", NS) if root is not None else ()
    return frozenset((one.text or "").strip() for one in headers)


def record_namespace(page: StoredPage) -> str:
    """The namespace of the first record's format, or its root's name when it has none."""
    first = page.root.find(".//oai:metadata/*", NS) if page.root is not None else None
    return (etree.QName(first).namespace or etree.QName(first).localname) if first is not None else ""


def _with_prefixes(pages: list[StoredPage]) -> list[StoredPage]:
    """The pages, those that were asked for by a token with the prefix of the list that they continue."""
    prefixes = {page.token: page.prefix for page in pages if page.token and page.prefix}
    known = {record_namespace(page): page.prefix for page in reversed(pages) if page.prefix and record_namespace(page)}
    named = {page.prefix for page in pages if page.prefix}
    filled: list[StoredPage] = []
    for page in pages:
        prefix = page.prefix
        if not prefix and page.identifiers:
            token = page.asked.get("resumptionToken", "")
            words = [word for word in re.split(r"[^\w]+", token) if word in named]
            prefix = prefixes.get(token) or (words[0] if words else "") or known.get(record_namespace(page), "unknown")
            prefixes.setdefault(page.token, prefix)
        filled.append(replace(page, prefix=prefix))
    return filled
