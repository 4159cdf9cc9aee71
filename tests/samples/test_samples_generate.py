"""The generated repository: the same records every time, known duplicates, and a list that can be walked and cut."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from walking import NS, ROOT, ask, error_of, walk

from samples import generated
from samples.generate import Generated, serve_generated

DC = {"dc": "http://purl.org/dc/elements/1.1/"}


def test_a_process_of_its_own_prints_its_address_and_serves_every_record_once(client: httpx.Client) -> None:
    command = [sys.executable, "-m", "samples.generate", "--records", "1050", "--page-size", "100"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            walked = walk(client, process.stdout.readline().strip(), metadataPrefix="oai_dc")
        finally:
            process.terminate()
    assert len(walked.bodies) == 11
    assert walked.identifiers == [generated.identifier(number) for number in range(1050)]


def test_the_records_are_multilingual_and_about_two_kilobytes() -> None:
    records = [generated.record(number) for number in range(800)]
    assert 1500 < sum(map(len, records)) / len(records) < 2500
    titles = "".join(_title(number) for number in range(80))
    for letter in ("é", "ж", "ћ", "ا", "ก", "ñ", "š"):
        assert letter in titles.lower() or letter in records[0].decode() + records[7].decode()


def _title(number: int) -> str:
    return str(etree.fromstring(generated.record(number)).findtext(".//dc:title", "", DC))


@given(st.integers(0, 10**7))
def test_every_record_is_well_formed_and_the_same_again(number: int) -> None:
    assert generated.record(number) == generated.record(number)
    assert etree.fromstring(generated.record(number)).findtext("header/identifier") == generated.identifier(number)
    assert generated.header(number).startswith(b"<header>") and generated.header(number).strip().endswith(b"</header>")


def test_three_in_a_hundred_are_near_duplicates_of_another_record_and_differ_from_it() -> None:
    pairs = generated.near_duplicates(3300)
    assert len(pairs) == 100
    numbers = [(int(left.rpartition(":")[2]), int(right.rpartition(":")[2])) for left, right in pairs]
    assert all(left < right and generated.near_duplicate_of(left) is None for left, right in numbers)
    same = sum(_title(left) == _title(right) for left, right in numbers)
    assert same < 60
    assert all(
        generated.record(left).split(b"<metadata>")[1] != generated.record(right).split(b"<metadata>")[1]
        for left, right in numbers
    )


def test_date_windows_and_errors_follow_the_protocol(client: httpx.Client) -> None:
    with serve_generated(250, page_size=40) as url:
        since, until = generated.datestamp(100), generated.datestamp(199)
        walked = walk(client, url, metadataPrefix="oai_dc", from_=since, until=until)
        assert walked.identifiers == [generated.identifier(number) for number in range(100, 200)]
        headers = walk(client, url, "ListIdentifiers", metadataPrefix="oai_dc", from_=since, until=until)
        assert headers.identifiers == walked.identifiers
        late = ask(client, url, verb="ListRecords", metadataPrefix="oai_dc", from_="2030-01-01")
        assert error_of(late) == "noRecordsMatch"
        assert error_of(ask(client, url, verb="ListRecords", resumptionToken="1-2")) == "badResumptionToken"
        assert error_of(ask(client, url, verb="ListRecords", metadataPrefix="lom")) == "cannotDisseminateFormat"
        response = ask(client, url, verb="GetRecord", metadataPrefix="oai_dc", identifier=generated.identifier(7))
        assert response.findtext(".//oai:header/oai:identifier", "", NS) == generated.identifier(7)


@pytest.mark.parametrize("size", [7, 100])
def test_pages_rendered_before_and_when_asked_are_the_same(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    kept = Generated(150, size)
    monkeypatch.setattr("samples.generate.MAX_PRERENDERED_RECORDS", 0)
    lazy = Generated(150, size)
    for start in range(0, 150, size):
        stop = min(start + size, 150)
        assert kept._page("ListRecords", start, stop) == lazy._page("ListRecords", start, stop)
