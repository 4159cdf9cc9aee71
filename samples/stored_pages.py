"""A folder of stored OAI-PMH responses as the server, or servers, that sent them (docs/decisions/030)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from samples import oai_xml
from samples.answer import Answer, Asked, NothingStored
from samples.chains import chains, failed, follows, held
from samples.oai_xml import NS, OAI
from samples.pages import StoredPage, read_stored, record_namespace
from samples.repository import DAY, SECOND, Format, Repository, Stored, stored

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
        self._servers: dict[str, _StoredPages] = {}
        self._bases = Counter(one.base_url for one in pages)
        bases = sorted(base for base in self._bases if base)
        if len(bases) > 1:
            for base in bases:
                self._servers[_mount(base)] = _StoredPages(name, [one for one in pages if one.base_url == base])

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
        if verb in _LISTS and "resumptionToken" in said:
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
        if not found and verb in _LISTS and set(said) == {"metadataPrefix"}:
            known = {one.identifier for one in self._built.records(said["metadataPrefix"])}
            found = [chain for chain in self._chains if _cut_by_dates(chain[0], verb, said) and held(chain) >= known]
        return max(found, key=self._weight)[0] if found else None

    def _weight(self, chain: list[StoredPage]) -> tuple[int, int, int]:
        return len(held(chain)), len(chain), self._bases[chain[0].base_url]

    def _next(self, verb: str, token: str, asked: Asked) -> Answer:
        """The page after the one that gave the token; an empty last page where no more was stored."""
        if (verb, token) in self._follows:
            page = self._follows[verb, token]
            if page is not None:
                return page.answer
            said = {"verb": verb, "resumptionToken": token}
            return Answer(oai_xml.response(asked.base_url, said, f"<{verb}><resumptionToken/></{verb}>"))
        return self._built.answer(asked)


def _cut_by_dates(page: StoredPage, verb: str, said: dict[str, str]) -> bool:
    return page.verb == verb and {**page.asked, "from": "", "until": ""} == {**said, "from": "", "until": ""}


def _answers_identify(page: StoredPage) -> bool:
    return page.verb == "Identify" and page.root is not None and page.root.find("oai:Identify", NS) is not None


def _mount(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.netloc}{parts.path}".strip("/")


def read_pages(root: Path) -> _StoredPages:
    """The stored responses of a folder, or the one of a file. Raises NothingStored when there is none."""
    pages = read_stored(root)
    if not pages:
        raise NothingStored(f"{root} holds no OAI-PMH response, oai.toml or replay.toml")
    return _StoredPages(root.name, pages)


def _repository(name: str, pages: list[StoredPage]) -> Repository:
    """What can be said from the records in the pages where no stored page answers."""
    formats: dict[str, Format] = {}
    for prefix in sorted({page.prefix for page in pages if page.prefix and not failed(page)}):
        of_format = [page for page in pages if page.prefix == prefix]
        records = tuple({one.identifier: one for one in _records(of_format)}.values())
        if not records:
            continue
        namespace = next((found for page in of_format if (found := record_namespace(page))), prefix)
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
