"""A server and two clients that are not ours: oai-repo serves, and we, sickle and oaipmh-scythe read the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import oai_repo
import pytest
from lxml import etree
from oaipmh_scythe import Scythe
from sickle import Sickle

from schemas import Ask
from tests.harvesters.loopback import NAMESPACES, Answer, ReceivedRequest, feed, open_environment, pages, serving

COUNT = 1200
TITLES = ("Open textbooks", "Ресурсы для учителей", "موارد تعليمية", "Наставни материјали", "หนังสือเรียน", "a < b & c")
OAI = "{http://www.openarchives.org/OAI/2.0/}"
Seen = tuple[str, str, tuple[str, ...], bool, str]


class Library(oai_repo.DataInterface):
    """1 200 records in six scripts, every hundredth deleted, 100 a page."""

    limit = 100

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
        space = "http://www.openarchives.org/OAI/2.0/oai_dc/"
        return [oai_repo.MetadataFormat(metadata_prefix="oai_dc", schema=f"{space}.xsd", metadata_namespace=space)]

    def get_record_header(self, identifier: str) -> oai_repo.RecordHeader:
        n = int(identifier.rsplit(":", 1)[1])
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
        deleted = "deleted" if n % 100 == 50 else None
        return oai_repo.RecordHeader(
            identifier=identifier, datestamp=f"{at:%Y-%m-%dT%H:%M:%SZ}", setspecs=["all", f"s{n % 3}"], status=deleted
        )

    def get_record_metadata(self, identifier: str, metadataprefix: str) -> etree._Element:
        n = int(identifier.rsplit(":", 1)[1])
        root = etree.fromstring(f"<oai_dc:dc {NAMESPACES}/>")
        for name, text in (("title", TITLES[n % len(TITLES)]), ("identifier", f"https://example.org/{n}")):
            etree.SubElement(root, f"{{http://purl.org/dc/elements/1.1/}}{name}").text = text
        return root

    def get_record_abouts(self, identifier: str) -> list[etree._Element]:
        return []

    def list_set_specs(self, identifier: str | None = None, cursor: int = 0) -> tuple[list[str], int, None]:
        return ["all", "s0", "s1", "s2"], 4, None

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
        names = [f"oai:example.org:{n}" for n in range(COUNT) if filter_set in (None, "all", f"s{n % 3}")]
        return names[cursor : cursor + self.limit], len(names), None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    repository = oai_repo.OAIRepository(Library())
    with serving(lambda request: _answered(repository, request)) as loopback:
        yield loopback.url


def _answered(repository: oai_repo.OAIRepository, request: ReceivedRequest) -> Answer:
    return Answer(bytes(repository.process(dict(request.params))), headers={"Content-Type": "text/xml"})


def canonical(record: etree._Element) -> str:
    metadata = record.find(f"{OAI}metadata")
    return (
        "" if metadata is None else etree.tostring(metadata[0], method="c14n2", strip_text=True).decode()
    )  # sickle drops the white space between elements


def ours(url: str, home: Path, **more: object) -> list[Seen]:
    harvested = []
    for page in pages(feed(url, **more), open_environment(home), Ask()):
        for record in page.records:
            text = canonical(etree.fromstring(record.payload)) if record.payload else ""
            harvested.append((record.identifier, record.datestamp or "", record.sets, record.deleted, text))
    return harvested


def theirs(records: object) -> list[Seen]:
    harvested = []
    for record in records:
        text = "" if record.header.deleted else canonical(record.xml)
        harvested.append(
            (
                record.header.identifier,
                record.header.datestamp,
                tuple(record.header.setSpecs),
                record.header.deleted,
                text,
            )
        )
    return harvested


def scythes(url: str, set_: str | None = None) -> list[Seen]:
    harvested = []
    with Scythe(url) as scythe:
        for record in scythe.list_records(set_=set_):
            header = record.xml.find(f"{OAI}header")
            sets = tuple(spec.text for spec in header.iterchildren(f"{OAI}setSpec"))
            deleted = header.get("status") == "deleted"
            stamp = header.findtext(f"{OAI}datestamp")
            harvested.append(
                (header.findtext(f"{OAI}identifier"), stamp, sets, deleted, "" if deleted else canonical(record.xml))
            )
    return harvested


def test_our_harvest_sickles_and_scythes_agree_record_for_record(server: str, tmp_path: Path) -> None:
    harvested = ours(server, tmp_path)
    assert len(harvested) == COUNT
    assert harvested == theirs(Sickle(server).ListRecords(metadataPrefix="oai_dc"))
    assert harvested == scythes(server)


def test_they_agree_on_one_set(server: str, tmp_path: Path) -> None:
    harvested = ours(server, tmp_path, sets=["s1"])
    assert len(harvested) == COUNT // 3
    assert harvested == theirs(Sickle(server).ListRecords(metadataPrefix="oai_dc", set="s1"))
    assert harvested == scythes(server, "s1")
