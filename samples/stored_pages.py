"""A folder of stored OAI-PMH responses as the server, or servers, that sent them (docs/decisions/030)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from samples import oai_xml
from samples.answer import Answer, NothingStored, Request
from samples.chains import chains, follows, identifiers_in, is_error
from samples.oai_xml import NS, OAI
from samples.pages import StoredPage, read_stored, record_namespace
from samples.repository import DAY, SECOND, Format, Repository, Stored, read_record

_LISTS = ("ListRecords", "ListIdentifiers", "ListSets")


class _StoredPages:
    """Stored responses: byte for byte what a stored page answers, the rest built from the records in them.

    Under "/" all pages answer; under "/<host>/<path>" of a page's base URL only the pages from there.
    """

    def __init__(self, name: str, pages: list[StoredPage]) -> None:
        self.pages = pages
        self._chains = chains(pages)
        self._follows = dict(follows(self._chains))
        self._built = _repository(name, pages)
        self._pages_per_base = Counter(page.base_url for page in pages)
        bases = sorted(base for base in self._pages_per_base if base)
        self._servers: dict[str, _StoredPages] = {}
        if len(bases) > 1:
            for base in bases:
                self._servers[_mount(base)] = _StoredPages(name, [page for page in pages if page.base_url == base])

    @property
    def servers(self) -> list[str]:
        """The paths under which the pages of one base URL are served apart."""
        return sorted(self._servers)

    def answer(self, request: Request) -> Answer:
        server = self._servers.get(request.path.strip("/"))
        if server is not None:
            return server.answer(request)
        arguments = dict(request.form)
        verb = arguments.pop("verb", "")
        exact = self._exact(verb, arguments)
        if exact is not None:
            return exact.answer
        if verb in _LISTS and "resumptionToken" in arguments:
            return self._next(verb, arguments["resumptionToken"], request)
        if verb == "Identify" and (page := next(filter(_answers_identify, self.pages), None)):
            return page.answer
        return self._built.answer(request)

    def _exact(self, verb: str, arguments: dict[str, str]) -> StoredPage | None:
        """Return the page that answers exactly this; of several, the first of the longest list at the main server."""
        key = verb, tuple(sorted(arguments.items()))
        fitting = [chain for chain in self._chains if chain[0].key == key] or self._whole_lists(verb, arguments)
        return max(fitting, key=self._weight)[0] if fitting else None

    def _whole_lists(self, verb: str, arguments: dict[str, str]) -> list[list[StoredPage]]:
        """Return the lists cut by dates that answer for a whole list, as no other page holds a record they lack."""
        if verb not in _LISTS or set(arguments) != {"metadataPrefix"}:
            return []
        stored = {record.identifier for record in self._built.records(arguments["metadataPrefix"])}
        cut = (chain for chain in self._chains if _is_cut_by_dates(chain[0], verb, arguments))
        return [chain for chain in cut if identifiers_in(chain) >= stored]

    def _weight(self, chain: list[StoredPage]) -> tuple[int, int, int]:
        return len(identifiers_in(chain)), len(chain), self._pages_per_base[chain[0].base_url]

    def _next(self, verb: str, token: str, request: Request) -> Answer:
        """Return the page after the one that gave the token; an empty last page where no more was stored."""
        if (verb, token) not in self._follows:
            return self._built.answer(request)
        page = self._follows[verb, token]
        if page is not None:
            return page.answer
        arguments = {"verb": verb, "resumptionToken": token}
        return Answer(oai_xml.response(request.base_url, arguments, f"<{verb}><resumptionToken/></{verb}>"))


def _is_cut_by_dates(page: StoredPage, verb: str, arguments: dict[str, str]) -> bool:
    return page.verb == verb and {**page.arguments, "from": "", "until": ""} == {**arguments, "from": "", "until": ""}


def _answers_identify(page: StoredPage) -> bool:
    return page.verb == "Identify" and page.root is not None and page.root.find("oai:Identify", NS) is not None


def _mount(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.netloc}{parts.path}".strip("/")


def read_pages(root: Path) -> _StoredPages:
    """Read the stored responses of a folder, or the one of a file. Raises NothingStored when there is none."""
    pages = read_stored(root)
    if not pages:
        raise NothingStored(f"{root} holds no OAI-PMH response, oai.toml or replay.toml")
    return _StoredPages(root.name, pages)


def _repository(name: str, pages: list[StoredPage]) -> Repository:
    """Build a repository of the records in the pages, for requests that no stored page answers."""
    formats = dict(_formats(pages))
    datestamps = sorted(record.datestamp for format_ in formats.values() for record in format_.records)
    datestamps = [datestamp for datestamp in datestamps if datestamp]
    return Repository(
        identify={
            "repositoryName": name,
            "adminEmail": "replay@example.org",
            "earliestDatestamp": datestamps[0] if datestamps else "1970-01-01",
            "deletedRecord": "transient",
            "granularity": DAY if datestamps and all(len(datestamp) == 10 for datestamp in datestamps) else SECOND,
        },
        formats=formats,
    )


def _formats(pages: list[StoredPage]) -> Iterator[tuple[str, Format]]:
    """Yield each prefix that holds records; of records with the same identifier the last page's counts."""
    for prefix in sorted({page.prefix for page in pages if page.prefix and not is_error(page)}):
        of_format = [page for page in pages if page.prefix == prefix]
        records = {record.identifier: record for record in _records(of_format)}
        if records:
            namespace = next(filter(None, map(record_namespace, of_format)), prefix)
            yield prefix, Format(prefix, namespace, namespace, tuple(records.values()))


def _records(pages: list[StoredPage]) -> Iterator[Stored]:
    """Yield the records of the pages; a header without a record (of ListIdentifiers) is not one."""
    for page in pages:
        for element in page.root.iter(f"{{{OAI}}}record") if page.root is not None else ():
            if element.find("oai:header", NS) is not None:
                yield read_record(element)
