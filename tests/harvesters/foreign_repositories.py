"""Repositories of other projects over a collection of records: oai-repo's server and pyoai's, on loopback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

import oai_repo
import pytest
from lxml import etree

from tests.harvesters.loopback import NAMESPACES, Answer, Loopback, ReceivedRequest, serving

TITLES = ("Open textbooks", "Ресурсы для учителей", "موارد تعليمية", "Наставни материјали", "หนังสือเรียน", "a < b & c")
SETS = ("all", "s0", "s1", "s2")
PAGE = 40
# what pyoai 2.5.0 takes from modules that newer Pythons and setuptools have no longer
_GONE_FROM_PYTHON = {"cgi": SimpleNamespace(parse_qs=parse_qs), "pkg_resources": SimpleNamespace()}
BEGIN = datetime(2026, 1, 1)
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"


@dataclass
class Collection:
    """Records by number, in six scripts and three sets; every fiftieth is deleted. Its clock stands until it is set."""

    now: datetime = datetime(2026, 3, 1)
    stamps: dict[int, datetime] = field(default_factory=lambda: {n: BEGIN + timedelta(hours=n) for n in range(300)})
    deleted: set[int] = field(default_factory=lambda: set(range(25, 300, 50)))
    edition: dict[int, int] = field(default_factory=dict)

    def chosen(self, since: datetime | None, until: datetime | None, set_: str | None) -> list[int]:
        """Return the numbers of the records of a list, in the order of their datestamps."""
        first, last = since or datetime.min, until or datetime.max
        within = (n for n, stamp in self.stamps.items() if first <= stamp <= last)
        return sorted((n for n in within if set_ is None or set_ in sets_of(n)), key=lambda n: (self.stamps[n], n))

    def change(self, numbers: range, *, delete: bool = False) -> None:
        """Change the records now, or delete them."""
        for n in numbers:
            self.stamps[n] = self.now
            self.edition[n] = self.edition.get(n, 1) + 1
        self.deleted |= set(numbers) if delete else set()

    def metadata(self, n: int) -> etree._Element:
        """Return the record's oai_dc."""
        root = etree.fromstring(f"<oai_dc:dc {NAMESPACES}/>")
        title = f"{TITLES[n % len(TITLES)]}, edition {self.edition.get(n, 1)}"
        for name, text in (("title", title), ("identifier", f"https://example.org/{n}")):
            etree.SubElement(root, f"{{http://purl.org/dc/elements/1.1/}}{name}").text = text
        return root


def name(n: int) -> str:
    return f"oai:example.org:{n}"


def number(identifier: str) -> int:
    return int(identifier.rsplit(":", 1)[1])


def sets_of(n: int) -> list[str]:
    return ["all", f"s{n % 3}"]


def _naive(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC).replace(tzinfo=None) if at is not None and at.tzinfo else at


class _OaiRepo(oai_repo.DataInterface):
    limit = PAGE

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def get_identify(self) -> oai_repo.Identify:
        return oai_repo.Identify(
            repository_name="Library",
            base_url="http://127.0.0.1/oai",
            admin_email=["admin@example.org"],
            earliest_datestamp="2020-01-01T00:00:00Z",
            deleted_record="persistent",
            granularity="YYYY-MM-DDThh:mm:ssZ",
        )

    def is_valid_identifier(self, identifier: str) -> bool:
        return identifier.startswith("oai:example.org:")

    def get_metadata_formats(self, identifier: str | None = None) -> list[oai_repo.MetadataFormat]:
        schema = f"{_OAI_DC}.xsd"
        return [oai_repo.MetadataFormat(metadata_prefix="oai_dc", schema=schema, metadata_namespace=_OAI_DC)]

    def get_record_header(self, identifier: str) -> oai_repo.RecordHeader:
        n = number(identifier)
        stamp = f"{self.collection.stamps[n]:%Y-%m-%dT%H:%M:%SZ}"
        status = "deleted" if n in self.collection.deleted else None
        return oai_repo.RecordHeader(identifier=identifier, datestamp=stamp, setspecs=sets_of(n), status=status)

    def get_record_metadata(self, identifier: str, metadataprefix: str) -> etree._Element:
        return self.collection.metadata(number(identifier))

    def get_record_abouts(self, identifier: str) -> list[etree._Element]:
        return []

    def list_set_specs(self, identifier: str | None = None, cursor: int = 0) -> tuple[list[str], int, None]:
        return list(SETS), len(SETS), None

    def get_set(self, setspec: str) -> oai_repo.Set:
        return oai_repo.Set(spec=setspec, name=setspec, description=[])

    def list_identifiers(
        self,
        metadataprefix: str,
        filter_from: datetime | None = None,
        filter_until: datetime | None = None,
        filter_set: str | None = None,
        cursor: int = 0,
    ) -> tuple[list[str], int, None]:
        chosen = self.collection.chosen(_naive(filter_from), _naive(filter_until), filter_set)
        return [name(n) for n in chosen[cursor : cursor + self.limit]], len(chosen), None


class _Pyoai:
    """pyoai's interface of a repository, whose lists pyoai cuts into pages itself (without completeListSize)."""

    def __init__(self, collection: Collection, header: Any, identify: Any) -> None:
        self.collection, self.header_class, self.identify_class = collection, header, identify

    def identify(self) -> Any:
        granularity, address = "YYYY-MM-DDThh:mm:ssZ", "http://127.0.0.1/oai"
        mail, formats = ["admin@example.org"], ["identity"]
        return self.identify_class("Library", address, "2.0", mail, BEGIN, "persistent", granularity, formats, False)

    def listMetadataFormats(self, identifier: str | None = None) -> list[tuple[str, str, str]]:
        return [("oai_dc", f"{_OAI_DC}.xsd", _OAI_DC)]

    def listSets(self) -> list[tuple[str, str, str]]:
        return [(spec, spec, "") for spec in SETS]

    def getRecord(self, metadataPrefix: str, identifier: str) -> tuple[Any, etree._Element, None]:
        n = number(identifier)
        deleted = n in self.collection.deleted
        header = self.header_class(None, identifier, self.collection.stamps[n], sets_of(n), deleted)
        return header, self.collection.metadata(n), None

    def listRecords(
        self,
        metadataPrefix: str,
        set: str | None = None,  # noqa: A002 - pyoai calls it so
        from_: datetime | None = None,
        until: datetime | None = None,
    ) -> list[tuple[Any, etree._Element, None]]:
        return [self.getRecord(metadataPrefix, name(n)) for n in self.collection.chosen(from_, until, set)]

    def listIdentifiers(self, **arguments: Any) -> list[Any]:
        return [header for header, _, _ in self.listRecords(**arguments)]


def _oai_repo(collection: Collection) -> Callable[[dict[str, str]], bytes]:
    repository = oai_repo.OAIRepository(_OaiRepo(collection))
    return lambda arguments: _with_status(bytes(repository.process(arguments)), collection)


def _with_status(answer: bytes, collection: Collection) -> bytes:
    """Return oai-repo's answer with the status of deleted headers, which version 0.5.2 takes and does not write."""
    root = etree.fromstring(answer)
    for header in root.iter(f"{_OAI}header"):
        if number(header.findtext(f"{_OAI}identifier")) in collection.deleted:
            header.set("status", "deleted")
            for metadata in header.itersiblings(f"{_OAI}metadata"):
                metadata.getparent().remove(metadata)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _pyoai(collection: Collection) -> Callable[[dict[str, str]], bytes]:
    with patch.dict(sys.modules, _GONE_FROM_PYTHON):
        pytest.importorskip("oaipmh", reason="pyoai is not installed")
        from oaipmh.common import Header, Identify
        from oaipmh.metadata import MetadataRegistry
        from oaipmh.server import Server

    registry = MetadataRegistry()
    registry.registerWriter("oai_dc", lambda element, metadata: element.append(metadata))
    return Server(_Pyoai(collection, Header, Identify), registry, resumption_batch_size=PAGE).handleRequest


FOREIGN = {"oai-repo": _oai_repo, "pyoai": _pyoai}


@contextmanager
def foreign_repository(project: str, collection: Collection) -> Iterator[Loopback]:
    """Serve the collection with the server of a project of FOREIGN."""
    answered = FOREIGN[project](collection)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(answered(dict(request.params)), headers={"Content-Type": "text/xml"})

    with serving(script) as loopback:
        yield loopback
