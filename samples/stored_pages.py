"""A folder of stored OAI-PMH responses as the server, or servers, that sent them (docs/decisions/030)."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from samples import oai_xml
from samples.answer import Answer, Asked, NothingStored
from samples.oai_xml import NS, OAI, VERBS
from samples.repository import DAY, SECOND, Format, Repository, Stored, stored

Key = tuple[str, tuple[tuple[str, str], ...]]  # a verb and its arguments in a fixed order
LISTS = ("ListRecords", "ListIdentifiers", "ListSets")


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
    def key(self) -> Key:
        return self.verb, tuple(sorted(self.asked.items()))

    @property
    def answer(self) -> Answer:
        return Answer(self.body, self.content_type, self.status)


class StoredPages:
    """Stored responses: byte for byte what a stored page answers, the rest built from the records in them.

    Under "/" all pages answer; under "/<host>/<path>" of a page's base URL only the pages from there.
    """

    def __init__(self, name: str, pages: list[StoredPage]) -> None:
        self.pages = pages
        self._chains = _chains(pages)
        self._follows = dict(_follows(self._chains))
        self._built = _repository(name, pages)
        self._servers: dict[str, StoredPages] = {}
        self._bases = Counter(one.base_url for one in pages)
        bases = sorted(base for base in self._bases if base)
        if len(bases) > 1:
            for base in bases:
                self._servers[_mount(base)] = StoredPages(name, [one for one in pages if one.base_url == base])

    @property
    def servers(self) -> list[str]:
        """The paths under which the pages of one base URL are served apart."""
        return sorted(self._servers)

    def answer(self, asked: Asked) -> Answer:
        apart = self._servers.get(asked.path.strip("/"))
        if apart is not None:
            return apart.answer(asked)
        said = dict(asked.form)
        verb = said.pop("verb", "")
        exact = self._exact(verb, said)
        if exact is not None:
            return exact.answer
        if verb in LISTS and "resumptionToken" in said:
            return self._next(verb, said["resumptionToken"], asked)
        if verb == "Identify" and (page := next((one for one in self.pages if _answers_identify(one)), None)):
            return page.answer
        return self._built.answer(asked)

    def _exact(self, verb: str, said: dict[str, str]) -> StoredPage | None:
        """The page that answers exactly this; of several, the one that begins the longest list at the main server.

        A list cut by dates answers for the whole list when no other page holds a record that it lacks.
        """
        key = verb, tuple(sorted(said.items()))
        found = [chain for chain in self._chains if chain[0].key == key]
        if not found and verb in LISTS and set(said) == {"metadataPrefix"}:
            known = {one.identifier for one in self._built.records(said["metadataPrefix"])}
            found = [chain for chain in self._chains if _cut_by_dates(chain[0], verb, said) and _held(chain) >= known]
        return max(found, key=self._weight)[0] if found else None

    def _weight(self, chain: list[StoredPage]) -> tuple[int, int, int]:
        return len(_held(chain)), len(chain), self._bases[chain[0].base_url]

    def _next(self, verb: str, token: str, asked: Asked) -> Answer:
        """The page after the one that gave the token; an empty last page where no more was stored."""
        if (verb, token) in self._follows:
            page = self._follows[verb, token]
            if page is not None:
                return page.answer
            said = {"verb": verb, "resumptionToken": token}
            return Answer(oai_xml.response(asked.base_url, said, f"<{verb}><resumptionToken/></{verb}>"))
        return self._built.answer(asked)


def _held(chain: list[StoredPage]) -> set[str]:
    return {identifier for page in chain for identifier in page.identifiers}


def _cut_by_dates(page: StoredPage, verb: str, said: dict[str, str]) -> bool:
    return page.verb == verb and {**page.asked, "from": "", "until": ""} == {**said, "from": "", "until": ""}


def _answers_identify(page: StoredPage) -> bool:
    return page.verb == "Identify" and page.root is not None and page.root.find("oai:Identify", NS) is not None


def _mount(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.netloc}{parts.path}".strip("/")


def read_pages(root: Path) -> StoredPages:
    """Every stored response of a folder (or the one of a file), in natural file order.

    Raises NothingStored when there is none.
    """
    files = sorted(root.rglob("*.xml"), key=_natural) if root.is_dir() else [root]
    index = dict(_index(root)) if root.is_dir() else {}
    files += sorted(set(index) - set(files), key=_natural)
    pages = [page for file in files if (page := _page(file, index.get(file))) is not None]
    if not pages:
        raise NothingStored(f"{root} holds no OAI-PMH response, oai.toml or replay.toml")
    return StoredPages(root.name, _with_prefixes(pages))


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


def _namespace(page: StoredPage) -> str:
    """The namespace of the first record's format, or its root's name when it has none."""
    first = page.root.find(".//oai:metadata/*", NS) if page.root is not None else None
    return (etree.QName(first).namespace or etree.QName(first).localname) if first is not None else ""


def _with_prefixes(pages: list[StoredPage]) -> list[StoredPage]:
    """The pages, those that were asked for by a token with the prefix of the list that they continue."""
    prefixes = {page.token: page.prefix for page in pages if page.token and page.prefix}
    known = {_namespace(page): page.prefix for page in reversed(pages) if page.prefix and _namespace(page)}
    named = {page.prefix for page in pages if page.prefix}
    filled: list[StoredPage] = []
    for page in pages:
        prefix = page.prefix
        if not prefix and page.identifiers:
            token = page.asked.get("resumptionToken", "")
            words = [word for word in re.split(r"[^\w]+", token) if word in named]
            prefix = prefixes.get(token) or (words[0] if words else "") or known.get(_namespace(page), "unknown")
            prefixes.setdefault(page.token, prefix)
        filled.append(replace(page, prefix=prefix))
    return filled


def _chains(pages: list[StoredPage]) -> list[list[StoredPage]]:
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
    same = [one for one in pages if one.verb == page.verb and one is not page and not _failed(one)]
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


def _failed(page: StoredPage) -> bool:
    return page.root is None or page.root.find("oai:error", NS) is not None


def _follows(chains: Iterable[list[StoredPage]]) -> Iterator[tuple[tuple[str, str], StoredPage | None]]:
    """For each verb and token the page that it leads to, longest lists first; None where nothing more is stored."""
    seen: set[tuple[str, str]] = set()
    for chain in sorted(chains, key=len, reverse=True):
        for page, after in zip(chain, [*chain[1:], None], strict=True):
            key = page.verb, page.token
            if page.token and key not in seen:
                seen.add(key)
                yield key, after


def _repository(name: str, pages: list[StoredPage]) -> Repository:
    """What can be said from the records in the pages where no stored page answers."""
    formats: dict[str, Format] = {}
    for prefix in sorted({page.prefix for page in pages if page.prefix and not _failed(page)}):
        of_format = [page for page in pages if page.prefix == prefix]
        records = tuple({one.identifier: one for one in _records(of_format)}.values())
        if not records:
            continue
        namespace = next((found for page in of_format if (found := _namespace(page))), prefix)
        formats[prefix] = Format(prefix, namespace, namespace, records)
    stamps = sorted(one.datestamp for row in formats.values() for one in row.records if one.datestamp)
    return Repository(
        identify={
            "repositoryName": name,
            "adminEmail": "replay@example.org",
            "earliestDatestamp": stamps[0] if stamps else "1970-01-01",
            "deletedRecord": "transient",
            "granularity": DAY if stamps and all(len(stamp) == 10 for stamp in stamps) else SECOND,
        },
        formats=formats,
    )


def _records(pages: list[StoredPage]) -> Iterator[Stored]:
    """The records of the pages; a header without a record (of ListIdentifiers) is not one."""
    for page in pages:
        for element in page.root.iter(f"{{{OAI}}}record") if page.root is not None else ():
            if element.find("oai:header", NS) is not None:
                yield stored(element)
