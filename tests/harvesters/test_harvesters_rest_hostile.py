"""JSON lists that lie: totals of one page, pages that go round, answers that leave things out, and kept secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harvesters import harvest
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import (
    Answer,
    ReceivedRequest,
    Script,
    feed,
    identifiers,
    open_environment,
    pages,
    serving,
)

ALL = [{"id": str(n), "title": f"Title {n}"} for n in range(25)]
IDS = {record["id"] for record in ALL}
SECRET = "s3cr3t/+x"


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    return Answer(json.dumps(value), status, headers)


def run(script: Script, home: Path, ask: Ask | None = None, **request: Any) -> list[Page]:
    with serving(script) as loopback:
        declared = {"format": "golab_apps", "identifier": "id", "request": request}
        return pages(feed(loopback.url + "/list", "rest", **declared), open_environment(home), ask)


def failure(script: Script, home: Path, **request: Any) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        run(script, home, **request)
    return caught.value


def by_offset(total: Callable[[int], object], most: int = 1000, records: list[dict[str, str]] | None = None) -> Script:
    """A list by offset; `total` says how long it claims to be, `most` how much it gives at once."""

    def script(request: ReceivedRequest) -> Answer:
        start, size = int(request.params["offset"]), min(int(request.params["limit"]), most)
        return json_answer({"total": total(start), "results": (records or ALL)[start : start + size]})

    return script


BY_OFFSET = {
    "paging": "offset",
    "page_param": "offset",
    "size_param": "limit",
    "size": 10,
    "records_path": "results",
    "total_path": "total",
}
BY_CURSOR = {"paging": "cursor", "page_param": "cursor", "cursor_path": "next", "records_path": "results"}


@pytest.mark.parametrize(("total", "most"), [(10, 10), (5, 5), (0, 10), ("²", 10)])
def test_a_total_that_counts_only_one_page_does_not_end_the_list(tmp_path: Path, total: object, most: int) -> None:
    harvested = run(by_offset(lambda start: total, most), tmp_path, **BY_OFFSET)
    assert set(identifiers(harvested)) == IDS
    assert harvested[-1].complete


def test_a_list_that_grows_at_its_front_during_the_harvest_is_read_to_its_end(tmp_path: Path) -> None:
    """What was pushed over a page's edge is given twice, and the last record still comes."""
    grown = [{"id": f"new {n}"} for n in range(3)] + ALL

    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params["offset"])
        now = grown if start else ALL
        return json_answer({"total": len(now), "results": now[start : start + 5]})

    harvested = run(script, tmp_path, **{**BY_OFFSET, "size": 5})
    assert set(identifiers(harvested)) >= IDS


def test_an_error_behind_the_last_page_of_the_total_ends_the_list(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return (
            json_answer({"total": 25, "results": ALL})
            if request.params["offset"] == "0"
            else json_answer({"error": "no"}, 400)
        )

    harvested = run(script, tmp_path, **{**BY_OFFSET, "size": 25})
    assert harvested[-1].complete
    assert harvested[-1].counted == 25


def test_a_missing_page_before_the_total_fails_as_truncated(tmp_path: Path) -> None:
    whole = by_offset(lambda start: 25)
    failed = failure(
        lambda request: Answer(status=404) if request.params["offset"] == "20" else whole(request),
        tmp_path,
        **BY_OFFSET,
    )
    assert failed.cause == "truncated"
    assert "20 of 25" in failed.sentence


@pytest.mark.parametrize(
    "places",
    [
        {"": (0, "b"), "b": (5, "c"), "c": (10, "b")},
        {"": (0, "b"), "b": (5, "c"), "c": (5, "d"), "d": (10, "")},
    ],
    ids=["cursors in a circle", "a page again under another cursor"],
)
def test_cursors_that_lead_back_fail_as_truncated(tmp_path: Path, places: dict[str, tuple[int, str]]) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start, following = places[request.params.get("cursor", "")]
        return json_answer({"results": ALL[start : start + 5], "next": following})

    failed = failure(script, tmp_path, **BY_CURSOR)
    assert failed.cause == "truncated"
    assert "same page again" in failed.sentence


def test_numbered_pages_that_start_over_end_the_list(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        place = (int(request.params["page"]) - 1) % 3
        return json_answer(ALL[place * 10 : place * 10 + 10])

    harvested = run(script, tmp_path, paging="page", first=1, size=10)
    assert set(identifiers(harvested)) == IDS
    assert harvested[-1].complete


# answers that leave something out, or come in another form


@pytest.mark.parametrize("answer", [{"total": 0}, {"total": 0, "results": None}])
def test_an_empty_result_may_omit_its_list(tmp_path: Path, answer: object) -> None:
    harvested = run(lambda request: json_answer(answer), tmp_path, **BY_OFFSET)
    assert [page.complete for page in harvested][-1:] == [True]


def test_a_response_without_list_or_total_is_reported_as_a_wrong_records_path(tmp_path: Path) -> None:
    failed = failure(lambda request: json_answer({"error": "overloaded"}), tmp_path, **BY_OFFSET)
    assert failed.cause == "bad_format"
    assert "records_path 'results'" in failed.sentence


def test_not_modified_without_a_condition_fails_as_malformed(tmp_path: Path) -> None:
    assert failure(lambda request: Answer(status=304), tmp_path).cause == "malformed"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "windows-1250"])
def test_json_in_another_encoding_than_utf8_is_read_and_noted(tmp_path: Path, encoding: str) -> None:
    text = json.dumps([{"id": "1", "title": "žlutý kůň"}, {"id": "2"}], ensure_ascii=False)
    answer = Answer(text.encode(encoding), headers={"Content-Type": f"application/json; charset={encoding}"})
    harvested = run(lambda request: answer, tmp_path)
    assert identifiers(harvested) == ["1", "2"]
    assert "žlutý kůň" in (harvested[0].records[0].payload or "")
    assert any(encoding in note for page in harvested for note in page.notes)


def test_a_record_with_nul_characters_in_its_identifier_or_datestamp_is_skipped(tmp_path: Path) -> None:
    """PostgreSQL has no NUL: the load of the whole feed would fail."""
    records = [{"id": "1"}, {"id": "2\x00"}, {"id": "3", "at": "2026\x00"}]
    harvested = run(lambda request: json_answer(records), tmp_path, datestamp_path="at")
    assert identifiers(harvested) == ["1"]
    assert len([skipped for page in harvested for skipped in page.skipped]) == 2


def test_forbidden_characters_in_an_xml_list_are_removed(tmp_path: Path) -> None:
    xml = '<results><result id="1"><t>a\x0bb</t></result><result id="2"/></results>'
    harvested = run(lambda request: Answer(xml), tmp_path, records_path="result")
    assert identifiers(harvested) == ["1", "2"]


# records at their own address


def test_list_elements_that_are_not_objects_are_skipped(tmp_path: Path) -> None:
    harvested = run(lambda request: json_answer([1, "two"]), tmp_path, detail_url="/one/{id}")
    assert len([skipped for page in harvested for skipped in page.skipped]) == 2


def test_a_record_that_is_forbidden_or_needs_a_login_is_skipped_with_its_identifier(tmp_path: Path) -> None:
    login = Answer('<html><form action="/login"><input type="password"></form></html>')

    def script(request: ReceivedRequest) -> Answer:
        name = request.path.removeprefix("/one/")
        return (
            json_answer(ALL)
            if name == "/list"
            else {"7": Answer(status=403), "8": login}.get(name, json_answer({"id": name}))
        )

    harvested = run(script, tmp_path, detail_url="/one/{id}")
    assert set(identifiers(harvested)) == IDS - {"7", "8"}
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == ["7", "8"]


@pytest.mark.parametrize(
    ("status", "cause", "advice"), [(500, "server_failing", "show the partner"), (404, "gone", "request.detail_url")]
)
def test_a_server_that_fails_for_every_record_is_named_by_what_fails(
    tmp_path: Path, status: int, cause: str, advice: str
) -> None:
    failed = failure(
        lambda request: json_answer(ALL) if request.path == "/list" else Answer(status=status),
        tmp_path,
        detail_url="/one/{id}",
    )
    assert failed.cause == cause
    assert "/one/" in failed.sentence and advice in failed.sentence and "feed's url" not in failed.sentence


def test_the_reason_of_a_skipped_record_has_no_advice_for_the_whole_feed(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        name = request.path.rpartition("/")[2]
        return json_answer(ALL) if name == "list" else Answer(status=404) if name == "7" else json_answer({"id": name})

    harvested = run(script, tmp_path, detail_url="/one/{id}")
    reasons = [skipped.reason for page in harvested for skipped in page.skipped]
    assert [reason.endswith("/one/7 answers 404.") for reason in reasons] == [True]


@pytest.mark.parametrize("groups", ["<html><title>Error</title></html>", '{"nothing": 1}', '{"results": [1]}'])
def test_a_dataset_whose_groups_cannot_be_read_fails_as_bad_format(tmp_path: Path, groups: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(groups) if "group_by" in request.params else json_answer({"total_count": 300, "results": []})

    with serving(script) as loopback, pytest.raises(HarvestFailed) as caught:
        partner_feed = feed(
            loopback.url, "opendatasoft", format="unesdoc", identifier="id", request={"slice_by": "y", "window": 9}
        )
        pages(partner_feed, open_environment(tmp_path))
    assert caught.value.cause == "bad_format"


# secrets


def test_a_secret_in_the_next_page_url_is_sent_but_never_stored(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        place = int(request.params.get("p", 0))
        following = f"/list?key={quote(request.params['key'], safe='')}&p={place + 1}" if place < 2 else None
        return json_answer({"results": ALL[place * 10 : place * 10 + 10], "next": following})

    request = {**BY_CURSOR, "params": {"key": "{token}"}}
    with serving(script) as loopback:
        partner_feed = feed(loopback.url + "/list", "rest", format="golab_apps", identifier="id", request=request)
        harvested = list(harvest(partner_feed, Ask(credentials={"token": SECRET}), open_environment(tmp_path)))
    assert [request.params["key"] for request in loopback.requests] == [SECRET] * 3
    assert set(identifiers(harvested)) == IDS
    assert "s3cr3t" not in repr(harvested)


@pytest.mark.parametrize(("status", "protocol", "method"), [(301, "rest", "GET"), (307, "oai_pmh", "POST")])
def test_a_secret_does_not_follow_a_redirect_to_another_host(
    tmp_path: Path, status: int, protocol: str, method: str
) -> None:
    with serving(lambda request: json_answer([{"id": "1"}])) as other:
        there = other.url.replace("127.0.0.1", "localhost") + "/list"
        with serving(lambda request: Answer(status=status, headers={"Location": there})) as loopback:
            request = {"method": method, "params": {"key": "{token}"}}
            partner_feed = feed(loopback.url + "/list", protocol, format="golab_apps", identifier="id", request=request)
            try:
                list(harvest(partner_feed, Ask(credentials={"token": SECRET}), open_environment(tmp_path)))
            except HarvestFailed as failed:
                assert "s3cr3t" not in failed.sentence
    assert SECRET in {value for request in loopback.requests for value in request.params.values()}
    assert SECRET not in {value for request in other.requests for value in request.params.values()}
