"""One record is requested again from its source: alone where the protocol can, else by reading the list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harvesters import find_record
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import Answer, OaiServer, ReceivedRequest, feed, oai_error, open_environment, serving

REST = {"protocol": "rest", "format": "golab_apps", "identifier": "id"}
ALL = [{"id": str(n), "title": f"Title {n}"} for n in range(25)]


def found(script: object, home: Path, wanted: str, /, **declared: object) -> tuple[Page, list[ReceivedRequest]]:
    with serving(script) as loopback:
        request = {"rate": 1000, **declared.pop("request", {})}  # type: ignore[dict-item]
        declaration = feed(loopback.url + "/list", **{**declared, "request": request})
        return find_record(declaration, wanted, Ask(), open_environment(home)), list(loopback.requests)


def test_a_repository_is_asked_with_getrecord(tmp_path: Path) -> None:
    def server(request: ReceivedRequest) -> Answer:
        is_unknown = request.params.get("identifier", "").endswith(":99")
        return Answer(oai_error("idDoesNotExist")) if is_unknown else OaiServer(10)(request)

    page, requests = found(server, tmp_path, "oai:example.org:3", protocol="oai_pmh")
    (record,) = page.records
    assert record.identifier == "oai:example.org:3" and "Title 3" in (record.payload or "")
    assert [request.params["verb"] for request in requests] == ["Identify", "GetRecord"]
    page, _ = found(server, tmp_path, "oai:example.org:99", protocol="oai_pmh")
    assert (page.records, page.skipped) == ([], ())


def test_a_record_with_an_address_of_its_own_is_requested_there(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/items/a%2F7":
            return Answer(json.dumps({"data": {"id": "a/7", "title": "Seven"}}))
        return Answer("{}", status=404)

    request = {"detail_url": "/items/{id}", "detail_path": "data"}
    page, requests = found(script, tmp_path, "a/7", **REST, request=request)
    assert [record.payload for record in page.records] == ['{"id": "a/7", "title": "Seven"}']
    assert len(requests) == 1
    page, _ = found(script, tmp_path, "b", **REST, request=request)
    assert (page.records, page.skipped) == ([], ())


def test_where_the_identifier_is_no_address_the_list_is_read_until_the_record_comes(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        first = int(request.params["page"]) * 5
        return Answer(json.dumps({"hits": ALL[first : first + 5]}))

    request = {"paging": "page", "first": 0, "size_param": "per", "size": 5, "records_path": "hits"}
    page, requests = found(script, tmp_path, "7", **REST, request=request)
    assert [record.identifier for record in page.records] == ["7"] and len(requests) == 2
    page, _ = found(script, tmp_path, "nobody", **REST, request=request)
    assert page.records == [] and page.skipped == ()


def test_a_dataset_is_asked_for_the_identifier_with_its_quotation_marks_escaped_or_not_at_all(tmp_path: Path) -> None:
    asked: list[str] = []

    def script(request: ReceivedRequest) -> Answer:
        where = request.params.get("where", "")
        asked.append(where)
        rows = [each for each in ALL if not where or f'"{each["id"]}"' in where]
        shown = rows[: int(request.params["limit"])] if request.params.get("limit") != "0" else []
        return Answer(json.dumps({"total_count": len(rows), "results": shown}))

    declared = {"protocol": "opendatasoft", "format": "unesdoc", "identifier": "id"}
    page, _ = found(script, tmp_path, "7", **declared)
    assert [record.identifier for record in page.records] == ["7"] and set(asked) == {'(id = "7")'}
    for hostile in ('7" or "1"="1', "7\\"):
        asked.clear()
        page, _ = found(script, tmp_path, hostile, **declared)
        assert page.records == []
        assert all(where in ("", f"(id = '{hostile}')") for where in asked), asked


def test_a_page_of_a_sitemap_is_requested_if_robots_allows_it(tmp_path: Path) -> None:
    node = {"@context": "https://schema.org", "@type": "LearningResource", "name": "A lesson"}

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/robots.txt":
            return Answer("User-agent: *\nDisallow: /private/")
        if request.path == "/lesson":
            blocks = "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for _ in range(2))
            return Answer(f"<html><head>{blocks}</head></html>")
        return Answer("", status=404)

    with serving(script) as loopback:
        declaration = feed(loopback.url + "/sitemap.xml", protocol="sitemap", format="schema_org", request={"rate": 99})
        env = open_environment(tmp_path)
        for identifier in (f"{loopback.url}/lesson", f"{loopback.url}/lesson#1"):
            page = find_record(declaration, identifier, Ask(), env)
            assert [record.identifier for record in page.records] == [identifier]
        assert find_record(declaration, f"{loopback.url}/gone", Ask(), env).records == []
        (skipped,) = find_record(declaration, f"{loopback.url}/private/x", Ask(), env).skipped
        assert "robots.txt" in skipped.reason


def test_a_list_that_takes_too_long_ends_in_time(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        first = int(request.params["page"]) * 5
        return Answer(json.dumps([{"id": f"x{n}"} for n in range(first, first + 5)]))

    request = {"paging": "page", "first": 0, "size_param": "per", "size": 5, "budget": 0.5}
    with pytest.raises(HarvestFailed) as caught:
        found(script, tmp_path, "never", **REST, request=request)
    assert caught.value.cause == "too_slow"
