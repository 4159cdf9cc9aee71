"""Folders of stored OAI-PMH responses are served as the servers that sent them would."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from walking import A_OAI, NS, ask, error_of, walk

from samples import ReplayServer

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
HEAD += "<responseDate>2024-05-01T00:00:00Z</responseDate>"


def page(folder: Path, name: str, request: str, inner: str) -> bytes:
    """One stored response, written to the folder."""
    text = f"{HEAD}<request {request}>https://repository.example.org/oai</request>{inner}</OAI-PMH>\n"
    (folder / name).write_text(text, encoding="utf-8")
    return text.encode()


def record(number: int, day: str = "2024-01-01") -> str:
    header = f"<header><identifier>oai:r:{number}</identifier><datestamp>{day}</datestamp></header>"
    return f'<record>{header}<metadata><dc xmlns="urn:dc"><title>{number}</title></dc></metadata></record>'


def listed(*numbers: int, token: str | None = None, day: str = "2024-01-01") -> str:
    end = "" if token is None else f"<resumptionToken>{token}</resumptionToken>"
    return "<ListRecords>" + "".join(record(number, day) for number in numbers) + end + "</ListRecords>"


LIST = 'verb="ListRecords" metadataPrefix="oai_dc"'


def test_pages_are_chained_by_the_token_that_their_request_names(tmp_path: Path, client: httpx.Client) -> None:
    third = page(tmp_path, "a.xml", 'verb="ListRecords" resumptionToken="t2"', listed(5, 6, token=""))
    first = page(tmp_path, "b.xml", LIST, listed(1, 2, token="t1"))
    second = page(tmp_path, "c.xml", 'verb="ListRecords" resumptionToken="t1"', listed(3, 4, token="t2"))
    with ReplayServer(tmp_path) as server:
        walked = walk(client, server.url, metadataPrefix="oai_dc")
    assert walked.bodies == [first, second, third]
    assert walked.identifiers == [f"oai:r:{number}" for number in range(1, 7)]


def test_pages_without_a_naming_request_follow_in_natural_file_order(tmp_path: Path, client: httpx.Client) -> None:
    bodies = {
        number: page(tmp_path, f"page{number}.xml", LIST, listed(number, token=f"x{number}" if number < 11 else None))
        for number in (11, 10, 9)
    }
    with ReplayServer(tmp_path) as server:
        walked = walk(client, server.url, metadataPrefix="oai_dc")
    assert walked.bodies == [bodies[9], bodies[10], bodies[11]]


def test_a_token_after_which_nothing_was_stored_leads_to_an_empty_last_page(
    tmp_path: Path, client: httpx.Client
) -> None:
    page(tmp_path, "page1.xml", LIST, listed(1, token="more"))
    with ReplayServer(tmp_path) as server:
        walked = walk(client, server.url, metadataPrefix="oai_dc")
        unknown = ask(client, server.url, verb="ListRecords", resumptionToken="never given")
    assert (len(walked.bodies), walked.identifiers, walked.error) == (2, ["oai:r:1"], None)
    assert error_of(unknown) == "badResumptionToken"


def test_requests_without_a_stored_page_are_answered_from_the_records(tmp_path: Path, client: httpx.Client) -> None:
    page(tmp_path, "page1.xml", LIST, listed(1, 2, day="2024-01-01"))
    page(
        tmp_path,
        "page2.xml",
        'verb="GetRecord" identifier="oai:r:9" metadataPrefix="oai_dc"',
        "<GetRecord>" + record(9, "2024-03-03") + "</GetRecord>",
    )
    with ReplayServer(tmp_path) as server:
        url = server.url
        assert ask(client, url, verb="Identify").findtext(".//oai:granularity", "", NS) == "YYYY-MM-DD"
        assert ask(client, url, verb="Identify").findtext(".//oai:baseURL", "", NS) == url + "/"
        formats = ask(client, url, verb="ListMetadataFormats")
        assert [prefix.text for prefix in formats.iterfind(".//oai:metadataPrefix", NS)] == ["oai_dc"]
        assert walk(client, url, "ListIdentifiers", metadataPrefix="oai_dc").identifiers == [
            "oai:r:1",
            "oai:r:2",
            "oai:r:9",
        ]
        assert walk(client, url, metadataPrefix="oai_dc", from_="2024-02-01").identifiers == ["oai:r:9"]
        response = ask(client, url, verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:r:2")
        assert response.findtext(".//oai:GetRecord//oai:identifier", "", NS) == "oai:r:2"
        for arguments, code in (
            ({"verb": "GetRecord", "identifier": "no", "metadataPrefix": "oai_dc"}, "idDoesNotExist"),
            ({"verb": "ListRecords", "metadataPrefix": "lom"}, "cannotDisseminateFormat"),
            ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2030-01-01"}, "noRecordsMatch"),
            ({"verb": "Sing"}, "badVerb"),
        ):
            assert error_of(ask(client, url, **arguments)) == code


def test_an_index_names_requests_status_and_type_also_of_what_is_no_xml(tmp_path: Path, client: httpx.Client) -> None:
    page(tmp_path, "ok.xml", LIST, listed(1))
    (tmp_path / "denied.xml").write_text("busy")
    (tmp_path / "front.html").write_text("<html><body>Sign in")
    (tmp_path / "INDEX.tsv").write_text(
        "file\tstatus\tcontent_type\turl\tmethod\n"
        "ok.xml\t200\ttext/xml\thttps://r.example.org/oai?verb=ListRecords&metadataPrefix=oai_dc\tGET\n"
        "denied.xml\t422\ttext/plain\thttps://r.example.org/oai?verb=ListRecords&metadataPrefix=XXX\tGET\n"
        "front.html\t200\ttext/html\thttps://other.example.org/html?verb=Identify\tGET\n"
    )
    with ReplayServer(tmp_path) as server:
        denied = client.get(server.url, params={"metadataPrefix": "XXX", "verb": "ListRecords"})
        assert (denied.status_code, denied.headers["content-type"], denied.text) == (422, "text/plain", "busy")
        front = client.get(f"{server.url}/other.example.org/html", params={"verb": "Identify"})
        assert (front.status_code, front.text) == (200, "<html><body>Sign in")
        apart = walk(client, f"{server.url}/r.example.org/oai", metadataPrefix="oai_dc")
        assert apart.identifiers == ["oai:r:1"]


def test_a_single_file_is_a_repository(tmp_path: Path, client: httpx.Client) -> None:
    body = page(tmp_path, "only.xml", LIST, listed(1, 2, 3))
    page(tmp_path, "other.xml", LIST, listed(7))
    with ReplayServer(tmp_path / "only.xml") as server:
        assert walk(client, server.url, metadataPrefix="oai_dc").bodies == [body]


needs_shared = pytest.mark.skipif(not A_OAI.is_dir(), reason="the stored responses of ../shared are not here")


@needs_shared
@pytest.mark.parametrize(
    ("folder", "path", "verb", "prefix", "pages", "records"),
    [
        ("phpoaipmh", "", "ListRecords", "nsdl_dc", 1, 162),
        ("phpoaipmh", "", "ListIdentifiers", "nsdl_dc", 4, 733),
        ("feb-inroa", "/www.lume.ufrgs.br/oai/request", "ListRecords", "oai_dc", 2, 100),
        ("feb-inroa", "/cesta2.cinted.ufrgs.br/oai/request", "ListRecords", "lom", 2, 101),
        ("feb-inroa", "/froac.manizales.unal.edu.co:8080/oaicat/oai", "ListRecords", "lom", 1, 8),
        ("feb-inroa", "/157.86.8.70:8080/feb/OAIHandler", "ListRecords", "obaa", 5, 500),
        ("dlme-airflow", "", "ListRecords", "oai_dc", 1, 100),
        ("dlme-airflow", "", "ListRecords", "oai_dpla", 1, 25),
        ("mit-oai-harvester", "", "ListRecords", "oai_dc", 2, 133),
        ("oaipmh-scythe/bodies", "", "ListRecords", "oai_dc", 3, 9),
        ("oaipmh-scythe/bodies", "", "ListRecords", "datacite", 2, 50),
        ("sickle", "", "ListRecords", "oai_dc", 4, 2),
    ],
)
def test_a_real_repository_can_be_walked_to_its_end(
    client: httpx.Client, folder: str, path: str, verb: str, prefix: str, pages: int, records: int
) -> None:
    with ReplayServer(A_OAI / folder) as server:
        walked = walk(client, server.url + path, verb, metadataPrefix=prefix)
    assert walked.error is None
    assert len(walked.bodies) == pages
    assert len(set(walked.identifiers)) == records


@needs_shared
def test_the_real_pages_are_sent_byte_for_byte(client: httpx.Client) -> None:
    folder = A_OAI / "phpoaipmh"
    with ReplayServer(folder) as server:
        bodies = walk(client, server.url, "ListIdentifiers", metadataPrefix="nsdl_dc").bodies
        identify = client.get(server.url, params={"verb": "Identify"}).content
    assert bodies == [(folder / f"GoodResponseFourPage_{number}.xml").read_bytes() for number in (1, 2, 3, 4)]
    assert identify == (folder / "GoodResponseIdentify.xml").read_bytes()
