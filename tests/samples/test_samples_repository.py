"""The small OAI-PMH repository behind the OAI samples: pages, windows, sets and every error of the protocol."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from walking import NS, ask, error_of, walk

from samples import ReplayServer
from samples.answer import Request
from samples.oai_xml import second
from samples.repository import DAY, SECOND, Format, Repository, Stored

COL = "/col/server/oai/request"
UVT = "/tunisia/uvt/cgi/oai"


def test_the_pages_of_a_list_hold_every_record_once(server: ReplayServer, client: httpx.Client) -> None:
    walked = walk(client, server.url + COL, metadataPrefix="oai_dc")
    assert len(walked.bodies) >= 3
    assert len(walked.identifiers) == len(set(walked.identifiers)) == len(walked.elements)
    assert walked.deleted == 3
    headers = walk(client, server.url + COL, "ListIdentifiers", metadataPrefix="oai_dc")
    assert headers.identifiers == walked.identifiers


def test_a_window_holds_the_records_whose_datestamps_lie_in_it(server: ReplayServer, client: httpx.Client) -> None:
    url = server.url + COL
    everything = walk(client, url, metadataPrefix="oai_dc").elements
    since, until = "2024-03-01T00:00:00Z", "2024-12-31T23:59:59Z"
    expected = [
        element for element in everything if since <= str(element.findtext(".//oai:datestamp", "", NS)) <= until
    ]
    walked = walk(client, url, metadataPrefix="oai_dc", from_=since, until=until)
    assert 0 < len(walked.elements) < len(everything)
    assert len(walked.elements) == len(expected)
    days = walk(client, url, metadataPrefix="oai_dc", from_="2024-03-01", until="2024-12-31")
    assert days.identifiers == walked.identifiers


def test_nothing_new_since_the_servers_own_clock_is_no_records_match(
    server: ReplayServer, client: httpx.Client
) -> None:
    clock = ask(client, server.url + COL, verb="Identify").findtext("oai:responseDate", "", NS)
    root = ask(client, server.url + COL, verb="ListRecords", metadataPrefix="oai_dc", from_=clock)
    assert error_of(root) == "noRecordsMatch"


def test_identify_gives_the_requested_url_and_the_granularity_of_each_site(
    server: ReplayServer, client: httpx.Client
) -> None:
    for path, granularity in ((COL, SECOND), (UVT, DAY)):
        root = ask(client, server.url + path, verb="Identify")
        assert root.findtext("oai:Identify/oai:baseURL", "", NS) == server.url + path
        assert root.findtext("oai:Identify/oai:granularity", "", NS) == granularity


def test_a_set_holds_its_own_records_only(server: ReplayServer, client: httpx.Client) -> None:
    url = server.url + COL
    specs = [spec.text for spec in ask(client, url, verb="ListSets").iterfind(".//oai:setSpec", NS)]
    assert "col_11599_5" in specs
    in_set = walk(client, url, metadataPrefix="oai_dc", set="col_11599_5").elements
    assert in_set
    assert all("col_11599_5" in [spec.text for spec in element.iterfind(".//oai:setSpec", NS)] for element in in_set)


def test_get_record_and_post_are_answered_as_the_list_is(server: ReplayServer, client: httpx.Client) -> None:
    url = server.url + COL
    identifier = "oai:oasis.col.example:11599/101"
    root = ask(client, url, verb="GetRecord", metadataPrefix="oai_dc", identifier=identifier)
    assert root.findtext(".//oai:GetRecord/oai:record/oai:header/oai:identifier", "", NS) == identifier
    posted = client.post(url, data={"verb": "ListRecords", "metadataPrefix": "oai_dc"}).text
    got = client.get(url, params={"verb": "ListRecords", "metadataPrefix": "oai_dc"}).text
    assert posted.partition("<ListRecords>")[2] == got.partition("<ListRecords>")[2] != ""


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "badVerb"),
        ("verb=ListEverything", "badVerb"),
        ("verb=Identify&verb=ListSets", "badVerb"),
        ("verb=ListRecords", "badArgument"),
        ("verb=Identify&colour=red", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2024", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2024-02-01&until=2024-01-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=x", "badArgument"),
        ("verb=ListRecords&metadataPrefix=marcxml", "cannotDisseminateFormat"),
        ("verb=ListRecords&resumptionToken=abc", "badResumptionToken"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:nobody", "idDoesNotExist"),
        ("verb=ListMetadataFormats&identifier=oai:nobody", "idDoesNotExist"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=none", "noRecordsMatch"),
    ],
)
def test_every_protocol_error_is_answered_with_its_code(
    server: ReplayServer, client: httpx.Client, query: str, code: str
) -> None:
    reply = client.get(f"{server.url}{COL}?{query}")
    assert reply.status_code == 200
    assert f'<error code="{code}">' in reply.text


def test_a_repository_of_days_refuses_seconds_and_one_without_sets_has_none(
    server: ReplayServer, client: httpx.Client
) -> None:
    url = server.url + UVT
    root = ask(client, url, verb="ListRecords", metadataPrefix="oai_dc", from_="2021-01-01T00:00:00Z")
    assert error_of(root) == "badArgument"
    assert walk(client, url, metadataPrefix="oai_dc", from_="2021-01-01").elements
    nardus = server.url + "/thailand/psu/oai/request"
    assert error_of(ask(client, nardus, verb="ListSets", resumptionToken="x")) == "badResumptionToken"


def _record(number: int) -> Stored:
    body = b"<record>%d</record>" % number
    return Stored(str(number), f"2024-01-{1 + number % 28:02d}", (), b"<header/>", body)


@given(count=st.integers(1, 60), size=st.integers(1, 70), since=st.integers(1, 28))
def test_walking_gives_each_record_of_the_window_once(count: int, size: int, since: int) -> None:
    records = tuple(_record(number) for number in range(count))
    repository = Repository(
        {"repositoryName": "r", "adminEmail": "a@example.org", "deletedRecord": "no", "granularity": DAY},
        {"x": Format("x", "s", "n", records)},
        page_size=size,
    )
    query = f"verb=ListRecords&metadataPrefix=x&from=2024-01-{since:02d}"
    seen: list[bytes] = []
    while query:
        body = repository.answer(Request("GET", "/", query, "http://127.0.0.1/")).body
        seen += [part.partition(b"</record>")[0] for part in body.split(b"<record>")[1:]]
        token = body.partition(b"<resumptionToken")[2].partition(b">")[2].partition(b"<")[0].decode()
        query = f"verb=ListRecords&resumptionToken={token}" if token else ""
    expected = [
        record.identifier.encode() for record in records if second(record.datestamp) >= f"2024-01-{since:02d}T00:00:00Z"
    ]
    assert seen == expected
