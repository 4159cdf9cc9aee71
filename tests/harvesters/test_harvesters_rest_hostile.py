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
IDS = {one["id"] for one in ALL}
SECRET = "s3cr3t/+x"


def said(value: object, status: int = 200, **headers: str) -> Answer:
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

    def script(asked: ReceivedRequest) -> Answer:
        start, size = int(asked.params["offset"]), min(int(asked.params["limit"]), most)
        return said({"total": total(start), "results": (records or ALL)[start : start + size]})

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
def test_a_total_that_is_only_the_pages_ends_no_list(tmp_path: Path, total: object, most: int) -> None:
    found = run(by_offset(lambda start: total, most), tmp_path, **BY_OFFSET)
    assert set(identifiers(found)) == IDS
    assert found[-1].complete


def test_a_list_that_grows_at_its_front_is_read_to_its_new_end(tmp_path: Path) -> None:
    """What was pushed over a page's edge is given twice, and the last record still comes."""
    grown = [{"id": f"new {n}"} for n in range(3)] + ALL

    def script(asked: ReceivedRequest) -> Answer:
        start = int(asked.params["offset"])
        now = grown if start else ALL
        return said({"total": len(now), "results": now[start : start + 5]})

    found = run(script, tmp_path, **{**BY_OFFSET, "size": 5})
    assert set(identifiers(found)) >= IDS


def test_a_total_of_one_page_is_asked_for_no_further_when_a_page_behind_it_is_refused(tmp_path: Path) -> None:
    def script(asked: ReceivedRequest) -> Answer:
        return said({"total": 25, "results": ALL}) if asked.params["offset"] == "0" else said({"error": "no"}, 400)

    found = run(script, tmp_path, **{**BY_OFFSET, "size": 25})
    assert found[-1].complete
    assert found[-1].counted == 25


def test_a_page_that_is_not_there_before_the_total_is_truncated(tmp_path: Path) -> None:
    whole = by_offset(lambda start: 25)
    failed = failure(
        lambda asked: Answer(status=404) if asked.params["offset"] == "20" else whole(asked), tmp_path, **BY_OFFSET
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
def test_cursors_that_lead_back_are_no_end_of_a_list(tmp_path: Path, places: dict[str, tuple[int, str]]) -> None:
    def script(asked: ReceivedRequest) -> Answer:
        start, following = places[asked.params.get("cursor", "")]
        return said({"results": ALL[start : start + 5], "next": following})

    failed = failure(script, tmp_path, **BY_CURSOR)
    assert failed.cause == "truncated"
    assert "same page again" in failed.sentence


def test_numbered_pages_that_begin_again_are_at_their_end(tmp_path: Path) -> None:
    def script(asked: ReceivedRequest) -> Answer:
        place = (int(asked.params["page"]) - 1) % 3
        return said(ALL[place * 10 : place * 10 + 10])

    found = run(script, tmp_path, paging="page", first=1, size=10)
    assert set(identifiers(found)) == IDS
    assert found[-1].complete


# answers that leave something out, or come in another form


@pytest.mark.parametrize("answer", [{"total": 0}, {"total": 0, "results": None}])
def test_an_empty_list_may_be_left_out(tmp_path: Path, answer: object) -> None:
    found = run(lambda asked: said(answer), tmp_path, **BY_OFFSET)
    assert [page.complete for page in found][-1:] == [True]


def test_a_list_that_is_left_out_without_a_word_is_a_wrong_path(tmp_path: Path) -> None:
    failed = failure(lambda asked: said({"error": "overloaded"}), tmp_path, **BY_OFFSET)
    assert failed.cause == "bad_format"
    assert "records_path 'results'" in failed.sentence


def test_not_modified_that_nobody_asked_for_is_no_success(tmp_path: Path) -> None:
    assert failure(lambda asked: Answer(status=304), tmp_path).cause == "malformed"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "windows-1250"])
def test_json_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    text = json.dumps([{"id": "1", "title": "žlutý kůň"}, {"id": "2"}], ensure_ascii=False)
    answer = Answer(text.encode(encoding), headers={"Content-Type": f"application/json; charset={encoding}"})
    found = run(lambda asked: answer, tmp_path)
    assert identifiers(found) == ["1", "2"]
    assert "žlutý kůň" in (found[0].records[0].payload or "")
    assert any(encoding in note for page in found for note in page.notes)


def test_a_name_that_no_store_takes_is_skipped(tmp_path: Path) -> None:
    """PostgreSQL has no NUL: the load of the whole feed would fail."""
    records = [{"id": "1"}, {"id": "2\x00"}, {"id": "3", "at": "2026\x00"}]
    found = run(lambda asked: said(records), tmp_path, datestamp_path="at")
    assert identifiers(found) == ["1"]
    assert len([skipped for page in found for skipped in page.skipped]) == 2


def test_forbidden_characters_in_an_xml_list_are_taken_out(tmp_path: Path) -> None:
    xml = '<results><result id="1"><t>a\x0bb</t></result><result id="2"/></results>'
    found = run(lambda asked: Answer(xml), tmp_path, records_path="result")
    assert identifiers(found) == ["1", "2"]


# records at their own address


def test_listed_elements_that_are_no_objects_are_skipped(tmp_path: Path) -> None:
    found = run(lambda asked: said([1, "two"]), tmp_path, detail_url="/one/{id}")
    assert len([skipped for page in found for skipped in page.skipped]) == 2


def test_one_record_that_is_forbidden_or_behind_a_login_is_skipped_by_name(tmp_path: Path) -> None:
    login = Answer('<html><form action="/login"><input type="password"></form></html>')

    def script(asked: ReceivedRequest) -> Answer:
        name = asked.path.removeprefix("/one/")
        return said(ALL) if name == "/list" else {"7": Answer(status=403), "8": login}.get(name, said({"id": name}))

    found = run(script, tmp_path, detail_url="/one/{id}")
    assert set(identifiers(found)) == IDS - {"7", "8"}
    assert [skipped.identifier for page in found for skipped in page.skipped] == ["7", "8"]


def test_a_server_that_gives_no_record_is_not_a_list_of_skipped_ones(tmp_path: Path) -> None:
    failed = failure(
        lambda asked: said(ALL) if asked.path == "/list" else Answer(status=500), tmp_path, detail_url="/one/{id}"
    )
    assert failed.cause == "unreachable"


@pytest.mark.parametrize("groups", ["<html><title>Error</title></html>", '{"nothing": 1}', '{"results": [1]}'])
def test_a_dataset_that_cannot_be_sliced_is_named(tmp_path: Path, groups: str) -> None:
    def script(asked: ReceivedRequest) -> Answer:
        return Answer(groups) if "group_by" in asked.params else said({"total_count": 300, "results": []})

    with serving(script) as loopback, pytest.raises(HarvestFailed) as caught:
        one = feed(
            loopback.url, "opendatasoft", format="unesdoc", identifier="id", request={"slice_by": "y", "window": 9}
        )
        pages(one, open_environment(tmp_path))
    assert caught.value.cause == "bad_format"


# secrets


def test_a_secret_in_the_servers_next_address_is_sent_and_never_landed(tmp_path: Path) -> None:
    def script(asked: ReceivedRequest) -> Answer:
        place = int(asked.params.get("p", 0))
        following = f"/list?key={quote(asked.params['key'], safe='')}&p={place + 1}" if place < 2 else None
        return said({"results": ALL[place * 10 : place * 10 + 10], "next": following})

    request = {**BY_CURSOR, "params": {"key": "{token}"}}
    with serving(script) as loopback:
        one = feed(loopback.url + "/list", "rest", format="golab_apps", identifier="id", request=request)
        found = list(harvest(one, Ask(credentials={"token": SECRET}), open_environment(tmp_path)))
    assert [asked.params["key"] for asked in loopback.requests] == [SECRET] * 3
    assert set(identifiers(found)) == IDS
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(("status", "protocol", "method"), [(301, "rest", "GET"), (307, "oai_pmh", "POST")])
def test_a_secret_does_not_follow_a_redirect_to_another_host(
    tmp_path: Path, status: int, protocol: str, method: str
) -> None:
    with serving(lambda asked: said([{"id": "1"}])) as other:
        there = other.url.replace("127.0.0.1", "localhost") + "/list"
        with serving(lambda asked: Answer(status=status, headers={"Location": there})) as loopback:
            request = {"method": method, "params": {"key": "{token}"}}
            one = feed(loopback.url + "/list", protocol, format="golab_apps", identifier="id", request=request)
            try:
                list(harvest(one, Ask(credentials={"token": SECRET}), open_environment(tmp_path)))
            except HarvestFailed as failed:
                assert "s3cr3t" not in failed.sentence
    assert SECRET in {value for asked in loopback.requests for value in asked.params.values()}
    assert SECRET not in {value for asked in other.requests for value in asked.params.values()}
