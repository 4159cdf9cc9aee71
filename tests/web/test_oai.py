"""The OAI-PMH provider, as harvesters use it: every verb, every error, lists that go on while nights publish."""

from __future__ import annotations

import gzip
import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import oaipmh.client
import oaipmh.metadata
import pytest
import uvicorn
from lxml import etree
from oaipmh.client import Client as PyoaiClient
from oaipmh.metadata import MetadataRegistry, oai_dc_reader
from oaipmh_scythe import Scythe
from sickle import Sickle

from harvesters import harvest
from loaders.curation import withdraw
from loaders.landing import ask
from loaders.store import engine
from pipeline import catalog as tasks_catalog
from schemas import Environment, Feed, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from web import create_app
from web.oai import provider
from web.settings import WebSettings

NS = {"o": "http://www.openarchives.org/OAI/2.0/"}
ALL = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A library of 23 books in English and French, of which two were withdrawn."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        declare(env, "books")
        night(env, "books", [listed("books", number, inLanguage=["en", "fr"][number % 2 :]) for number in range(23)])
        tasks_catalog.publish_now()
        by_number = dict(rows(env, "source_record", "identifier, resource_id"))
        for number in ("0", "1"):
            withdraw(env, by_number[number], by="Amina", reason="wrong")
        tasks_catalog.publish_now()
        yield env
        engine(env).dispose()


@pytest.fixture
def pages_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "PAGE_RECORDS", 4)


@pytest.fixture
def client(library: Environment) -> Iterator[Browser]:
    settings = WebSettings(secret="s" * 40, url="https://library.example.org", contact="mailto:library@example.org")
    with Browser(create_app(library, settings), base_url="http://127.0.0.1:8081") as browser:
        yield browser


def answer(client: Browser, **arguments: str) -> etree._Element:
    response = client.get("/oai", params={name.rstrip("_"): value for name, value in arguments.items()})
    assert response.status_code == 200 and response.headers["content-type"] == "text/xml; charset=utf-8"
    return etree.fromstring(response.content)


def texts(document: etree._Element, path: str) -> list[str]:
    found = document.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [each if isinstance(each, str) else each.text or "" for each in found]  # type: ignore[union-attr]


def walk(client: Browser, **arguments: str) -> Iterator[etree._Element]:
    """Yield every page of a list, and check that its cursor tells how many records came before."""
    document, delivered = answer(client, **arguments), 0
    while True:
        yield document
        tokens = document.xpath("//o:resumptionToken", namespaces=NS)
        if not tokens:
            return
        assert tokens[0].get("cursor") == str(delivered)
        delivered += len(texts(document, "//o:header"))
        if not tokens[0].text:
            return
        document = answer(client, verb=arguments["verb"], resumptionToken=tokens[0].text)


def headers(client: Browser, **arguments: str) -> dict[str, str | None]:
    """Return the identifiers of a list with their status; none comes twice."""
    listed_ids: dict[str, str | None] = {}
    for page in walk(client, **arguments):
        for header in page.xpath("//o:header", namespaces=NS):
            identifier = header.findtext("o:identifier", namespaces=NS)
            assert identifier not in listed_ids
            listed_ids[identifier] = header.get("status")
    return listed_ids


def test_the_repository_says_what_it_is(client: Browser) -> None:
    document = answer(client, verb="Identify")
    children = [etree.QName(each).localname for each in document.find("o:Identify", NS)]  # type: ignore[union-attr]
    names = "repositoryName baseURL protocolVersion adminEmail earliestDatestamp deletedRecord granularity compression"
    assert children == [*names.split(), "description"], "the order of the schema"
    assert texts(document, "//o:baseURL") == ["https://library.example.org/oai"]
    assert texts(document, "//o:adminEmail") == ["library@example.org"]
    assert texts(document, "//o:deletedRecord") == ["persistent"]
    assert texts(document, "//o:request") == ["https://library.example.org/oai"]
    earliest = texts(document, "//o:earliestDatestamp")[0]
    assert min(texts(answer(client, **ALL), "//o:datestamp")) >= earliest


def test_every_format_is_listed_with_a_schema_and_gives_every_record(client: Browser, library: Environment) -> None:
    document = answer(client, verb="ListMetadataFormats")
    assert texts(document, "//o:metadataPrefix") == ["oai_dc", "lom", "lrmi", "marcxml"]
    own = texts(document, "//o:schema")[2]
    assert client.get(own.removeprefix("https://library.example.org")).text.startswith("<?xml")
    assert client.get("/oai/schemas/oai_dc.xsd").status_code == 404
    for prefix in ("oai_dc", "lom", "lrmi", "marcxml"):
        page = answer(client, verb="ListRecords", metadataPrefix=prefix)
        assert len(texts(page, "//o:header")) == 23
        assert len(page.xpath("//o:record/o:metadata/*", namespaces=NS)) == 21
        assert len(page.xpath("//o:record[o:header/@status][not(o:metadata)][not(o:about)]", namespaces=NS)) == 2


def test_a_record_has_its_sets_its_licence_and_where_it_comes_from(client: Browser, library: Environment) -> None:
    resource_id = dict(rows(library, "source_record", "identifier, resource_id"))["5"]
    of_record = {
        "verb": "GetRecord",
        "identifier": f"oai:library.example.org:{resource_id}",
        "metadataPrefix": "oai_dc",
    }
    document = answer(client, **of_record)
    assert texts(document, "//o:setSpec") == ["feed.books", "language.fr", "type.worksheet"]
    assert document.xpath("//*[local-name()='rightsReference']/@ref") == [
        "https://creativecommons.org/publicdomain/zero/1.0/"
    ]
    assert document.xpath("string(//*[local-name()='originDescription']/*[local-name()='identifier'])") == "5"
    assert document.xpath("string(//*[local-name()='baseURL'])") == "https://example.org/api"


def test_sets_are_named_and_hold_what_they_say(client: Browser) -> None:
    document = answer(client, verb="ListSets")
    specs, names = texts(document, "//o:setSpec"), texts(document, "//o:setName")
    assert dict(zip(specs, names, strict=True)) == {
        "feed.books": "Open Textbooks (Example University)",
        "language.en": "English",
        "language.fr": "French",
        "type.worksheet": "Worksheet",
    }
    everything = headers(client, verb="ListIdentifiers", metadataPrefix="lom")
    assert headers(client, **ALL, set="feed.books") == everything
    assert len(headers(client, **ALL, set="language.en")) == 12
    assert texts(answer(client, verb="ListSets", resumptionToken="x"), "//o:error/@code") == ["badResumptionToken"]


ERRORS: list[tuple[dict[str, str] | list[tuple[str, str]], str]] = [
    ({}, "badVerb"),
    ({"verb": "List"}, "badVerb"),
    ([("verb", "Identify"), ("verb", "Identify")], "badVerb"),
    ({"verb": "Identify", "set": "x"}, "badArgument"),
    ({"verb": "ListRecords"}, "badArgument"),
    ({"verb": "ListRecords", "metadataPrefix": ""}, "badArgument"),
    ([("verb", "ListRecords"), ("metadataPrefix", "lom"), ("metadataPrefix", "lom")], "badArgument"),
    ({"verb": "ListRecords", "metadataPrefix": "mods"}, "cannotDisseminateFormat"),
    ({**ALL, "from": "2026-02-30"}, "badArgument"),
    ({**ALL, "from": "2026"}, "badArgument"),
    ({**ALL, "from": "2026-01-01T00:00:00"}, "badArgument"),
    ({**ALL, "from": "2026-01-01T00:00:00+01:00"}, "badArgument"),
    ({**ALL, "from": "2026-01-01", "until": "2026-01-01T00:00:00Z"}, "badArgument"),
    ({**ALL, "from": "2026-01-02", "until": "2026-01-01"}, "badArgument"),
    ({**ALL, "from": "٢٠٢٦-٠١-٠١"}, "badArgument"),
    ({**ALL, "until": "0001-01-01"}, "noRecordsMatch"),
    ({**ALL, "from": "9999-12-31"}, "noRecordsMatch"),
    ({**ALL, "set": "language.xx"}, "noRecordsMatch"),
    ({**ALL, "set": "feed.books:"}, "badArgument"),
    ({**ALL, "resumptionToken": "x"}, "badArgument"),
    ({"verb": "ListRecords", "resumptionToken": "x"}, "badResumptionToken"),
    ({"verb": "ListRecords", "resumptionToken": ""}, "badResumptionToken"),
    ({"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "oai:library.example.org:x"}, "idDoesNotExist"),
    ({"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "'<&\"\x07"}, "idDoesNotExist"),
    ({"verb": "GetRecord", "identifier": "x"}, "badArgument"),
    ({"verb": "ListMetadataFormats", "identifier": "x"}, "idDoesNotExist"),
]


@pytest.mark.parametrize(("arguments", "code"), ERRORS)
def test_a_wrong_request_gets_the_protocols_error(client: Browser, arguments: Any, code: str) -> None:
    for response in (
        client.get("/oai", params=arguments),
        client.post(
            "/oai",
            content=str(client.build_request("GET", "http://x/", params=arguments).url.query.decode()),
            headers={"content-type": "application/x-www-form-urlencoded"},
        ),
    ):
        document = etree.fromstring(response.content)
        assert (response.status_code, texts(document, "//o:error/@code")) == (200, [code])
        request = document.find("o:request", NS)
        assert request is not None
        assert bool(request.attrib) == (code not in ("badVerb", "badArgument")), "as the protocol has it"


@pytest.mark.parametrize("arguments", ["verb=ListMetadataFormats", "verb=GetRecord&metadataPrefix=lom"])
def test_an_identifier_that_no_catalog_takes_is_a_bad_argument(visitor: Browser, arguments: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answered = visitor.post("/oai", content=f"{arguments}&identifier=a%00b", headers=form)
    assert answered.status_code == 200
    assert texts(etree.fromstring(answered.content), "//o:error/@code") == ["badArgument"]


def test_a_token_is_of_one_list_and_cannot_be_changed(client: Browser, pages_of_four: None) -> None:
    token = texts(answer(client, **ALL), "//o:resumptionToken")[0]
    assert texts(answer(client, verb="ListIdentifiers", resumptionToken=token), "//o:error/@code") == [
        "badResumptionToken"
    ]
    for changed in (token[:-1], token[1:], token.replace(".", "..", 1), token * 200):
        assert texts(answer(client, verb="ListRecords", resumptionToken=changed), "//o:error/@code") == [
            "badResumptionToken"
        ]
    first = texts(answer(client, verb="ListRecords", resumptionToken=token), "//o:identifier")
    assert first == texts(answer(client, verb="ListRecords", resumptionToken=token), "//o:identifier"), "again"


def test_windows_hold_their_ends_in_both_granularities(client: Browser, pages_of_four: None) -> None:
    every = headers(client, **ALL)
    stamps = sorted({stamp for page in walk(client, **ALL) for stamp in texts(page, "//o:datestamp")})
    first, last = stamps[0], stamps[-1]
    assert headers(client, **ALL, from_=first, until=last) == every
    assert headers(client, **ALL, from_=first[:10], until=last[:10]) == every
    assert headers(client, **ALL, from_=first[:10], set="language.fr") == headers(client, **ALL, set="language.fr")
    if first != last:
        assert 0 < len(headers(client, **ALL, from_=last)) < len(every)
        assert 0 < len(headers(client, **ALL, until=first)) < len(every)


def test_answers_are_compressed_for_those_that_read_it(client: Browser) -> None:
    plain = client.get("/oai", params=ALL, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
    with client.stream("GET", "/oai", params=ALL, headers={"accept-encoding": "gzip"}) as response:
        packed = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip" and len(packed) < len(plain.content)
    assert gzip.decompress(packed).startswith(b"<?xml")
    refused = client.get("/oai", params=ALL, headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    assert client.post("/oai", json={}).status_code == 415


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path))
    monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    new_catalog(env)
    declare(env, "books")
    yield env
    engine(env).dispose()


@pytest.fixture
def served(catalog: Environment) -> Iterator[str]:
    """The address of the provider on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    app = create_app(catalog, WebSettings(secret="s" * 40, listens_at=address))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    started = threading.Event()
    startup: Callable[..., Any] = server.startup

    async def announced_startup(*arguments: Any, **named: Any) -> None:
        await startup(*arguments, **named)
        started.set()

    server.startup = announced_startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    started.wait(30)
    yield f"{address}/oai"
    server.should_exit = True
    thread.join()


def in_catalog(env: Environment) -> dict[str, str | None]:
    return {f"oai:127.0.0.1:{each}": title for each, title in rows(env, "resource", "id, title")}


def test_harvesters_get_every_record_while_nights_publish(
    catalog: Environment, served: str, pages_of_four: None
) -> None:
    night(catalog, "books", [listed("books", number) for number in range(20)])
    tasks_catalog.publish_now()
    records = Sickle(served).ListRecords(metadataPrefix="oai_dc")
    seen = [next(records).header.identifier for _ in range(5)]
    changed = [listed("books", number, name=f"Volcanoes of the sea {number}") for number in range(20)]
    night(catalog, "books", [*changed[:17], *[listed("books", 20 + number) for number in range(3)]])
    tasks_catalog.publish_now()
    seen += [record.header.identifier for record in records]
    assert sorted(seen) == sorted(in_catalog(catalog)), "none left out, none twice, the new ones too"

    feed = Feed(name="mirror", title="x", partner="x", protocol="oai_pmh", url=served, prefix="oai_dc")
    here = environment({"ELIB_HOME": str(catalog.home), "ELIB_ALLOW_PRIVATE": "127.0.0.1"})
    pages = list(harvest(feed, ask(catalog.landing, feed), here))
    assert sorted(record.identifier for page in pages for record in page.records) == sorted(seen)
    assert pages[-1].complete


def test_a_client_that_comes_back_with_our_time_has_exactly_the_catalog(
    catalog: Environment, served: str, pages_of_four: None
) -> None:
    chance, mirror, since = random.Random(7), dict[str, str | None](), None
    books = {number: listed("books", number) for number in range(6)}
    for turn in range(6):
        books.pop(chance.choice(list(books)))
        number = chance.randrange(9)
        books[number] = listed("books", number, name=f"Reefs, part {turn} of the series")
        night(catalog, "books", list(books.values()))
        tasks_catalog.publish_now()
        client = Sickle(served)
        window = {"from": since} if since else {}
        response = client.harvest(verb="Identify")
        since = response.xml.findtext("o:responseDate", namespaces=NS)
        for record in client.ListRecords(metadataPrefix="oai_dc", **window):
            title = None if record.deleted else record.metadata["title"][0]
            mirror[record.header.identifier] = title
        live = {
            f"oai:127.0.0.1:{row[0]}": row[1]
            for row in rows(catalog, "resource", "id, title, withdrawn_at")
            if row[2] is None
        }
        assert {identifier: title for identifier, title in mirror.items() if title is not None} == live


class _Evaluator:
    """The evaluator that pyoai 2.5 expects of lxml, whose own lost the method `evaluate`."""

    def __init__(self, element: Any, namespaces: dict[str, str]) -> None:
        self.evaluate = etree.XPathElementEvaluator(element, namespaces=namespaces)


@pytest.fixture
def pyoai_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    of_lxml = SimpleNamespace(**{**vars(etree), "XPathEvaluator": _Evaluator})
    monkeypatch.setattr(oaipmh.client, "etree", of_lxml)
    monkeypatch.setattr(oaipmh.metadata, "etree", of_lxml)


def _with_pyoai(address: str) -> list[tuple[str, bool]]:
    registry = MetadataRegistry()
    registry.registerReader("oai_dc", oai_dc_reader)
    records = PyoaiClient(address, registry).listRecords(metadataPrefix="oai_dc")
    return [(header.identifier(), header.isDeleted()) for header, _, _ in records]


def _with_scythe(address: str) -> list[tuple[str, bool]]:
    with Scythe(address) as scythe:
        return [(record.header.identifier, record.header.deleted) for record in scythe.list_records()]


def test_pyoai_and_scythe_get_every_record_while_nights_publish(
    catalog: Environment, served: str, pages_of_four: None, pyoai_reads: None
) -> None:
    night(catalog, "books", [listed("books", number) for number in range(10)])
    tasks_catalog.publish_now()
    withdraw(catalog, min(rows(catalog, "resource", "id, title"))[0], by="Amina", reason="wrong")
    tasks_catalog.publish_now()
    before = set(in_catalog(catalog))
    with ThreadPoolExecutor(3) as clients:
        walks = [clients.submit(walk_all, served) for walk_all in (_with_pyoai, _with_scythe, _with_pyoai)]
        for turn in range(2):
            changed = [listed("books", number, name=f"Tides, book {turn} of {number}") for number in range(10)]
            night(catalog, "books", [*changed, *[listed("books", 30 + turn * 3 + extra) for extra in range(3)]])
            tasks_catalog.publish_now()
        seen = [walk_.result() for walk_ in walks]
    for walked in seen:
        identifiers = [identifier for identifier, _ in walked]
        assert len(identifiers) == len(set(identifiers)), "none twice"
        assert before <= set(identifiers), "none left out"
    withdrawn = {f"oai:127.0.0.1:{row[0]}" for row in rows(catalog, "resource", "id, withdrawn_at") if row[1]}
    for walk_all in (_with_pyoai, _with_scythe):
        walked = dict(walk_all(served))
        assert set(walked) == set(in_catalog(catalog))
        assert {identifier for identifier, deleted in walked.items() if deleted} == withdrawn
