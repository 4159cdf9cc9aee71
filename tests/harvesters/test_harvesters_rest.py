"""JSON over real HTTP: every kind of paging, the records word for word, and the faults of lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harvesters.lists.json_recovery import recover_elements
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import Answer, ReceivedRequest, feed, identifiers, open_environment, pages, serving

ALL = [{"id": str(n), "title": f"Title {n}", "modified": f"2026-01-{1 + n % 28:02d}"} for n in range(25)]
IDS = [record["id"] for record in ALL]


def run(script: object, home: Path, ask: Ask | None = None, **more: object) -> list[Page]:
    with serving(script) as loopback:
        declared = {"protocol": "rest", "format": "golab_apps", "identifier": "id", **more}
        return pages(feed(loopback.url + "/list", **declared), open_environment(home), ask)


def failure(script: object, home: Path, ask: Ask | None = None, **more: object) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        run(script, home, ask, **more)
    return caught.value


def test_records_of_a_json_array_keep_their_exact_text(tmp_path: Path) -> None:
    body = '[ {"id": "1",  "n": 1.50, "t": "caf\\u00e9"} ,\n{"id":2,"t":"é"}]'
    harvested = run(lambda request: Answer(body), tmp_path)
    first, second = harvested[0].records
    assert first.payload == '{"id": "1",  "n": 1.50, "t": "caf\\u00e9"}'
    assert (first.identifier, second.identifier) == ("1", "2")
    assert harvested[-1].complete
    assert harvested[-1].full


def paged(request: ReceivedRequest, start: int, size: int, **more: object) -> Answer:
    return Answer(json.dumps({"hits": {"list": ALL[start : start + size]}, "total": len(ALL), **more}))


LIST = {"records_path": "hits.list", "total_path": "total"}


@pytest.mark.parametrize("first", [0, 1])
def test_lists_paged_by_number_are_read_to_their_end(tmp_path: Path, first: int) -> None:
    def script(request: ReceivedRequest) -> Answer:
        size = int(request.params["per"])
        return paged(request, (int(request.params["page"]) - first) * size, size)

    request = {"paging": "page", "first": first, "size_param": "per", "size": 10, **LIST}
    harvested = run(script, tmp_path, request=request)
    assert identifiers(harvested) == IDS
    assert harvested[0].total == 25
    assert harvested[-1].complete


def test_paging_by_offset_copes_with_pages_smaller_than_requested(tmp_path: Path) -> None:
    request = {"paging": "offset", "page_param": "start", "size_param": "n", "size": 10, **LIST}
    harvested = run(lambda request: paged(request, int(request.params["start"]), 7), tmp_path, request=request)
    assert identifiers(harvested) == IDS


def test_a_list_without_a_total_ends_at_an_empty_or_failing_page(tmp_path: Path) -> None:
    for end in (Answer("[]"), Answer("{}", 400), Answer("gone", 404)):

        def script(request: ReceivedRequest, end: Answer = end) -> Answer:
            part = ALL[int(request.params["page"]) * 10 :][:10]
            return Answer(json.dumps(part)) if part else end

        harvested = run(script, tmp_path, request={"paging": "page", "size": 10})
        assert identifiers(harvested) == IDS
        assert harvested[-1].complete


@pytest.mark.parametrize("whole", [True, False])
def test_lists_paged_by_cursor_or_next_url_are_read_to_their_end(tmp_path: Path, whole: bool) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params.get("cursor", "0"))
        following = str(start + 10) if start + 10 < len(ALL) else None
        if whole and following:
            following = f"/list?cursor={following}"
        return paged(request, start, 10, next={"href": following})

    request = {"paging": "cursor", "page_param": "cursor", "cursor_path": "next.href", **LIST}
    assert identifiers(run(script, tmp_path, request=request)) == IDS


def test_lists_paged_by_link_header_are_read_to_their_end(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params.get("from", "0"))
        link = {"Link": f'</list?from={start + 10}>; rel="next", </list>; rel="first"'} if start < 20 else {}
        return Answer(json.dumps(ALL[start : start + 10]), headers=link)

    assert identifiers(run(script, tmp_path, request={"paging": "link"})) == IDS


def test_post_searches_send_the_page_number_in_the_body(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        assert request.json["query"] == ""
        return paged(request, (int(request.json["page"]) - 1) * 10, 10)

    request = {"method": "POST", "body": {"query": ""}, "paging": "page", "page_in": "body", "first": 1, "size": 10}
    assert identifiers(run(script, tmp_path, request={**request, **LIST})) == IDS


def test_the_total_is_read_from_a_response_header(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(json.dumps(ALL[int(request.params["page"]) * 10 :][:10]), headers={"X-WP-Total": "25"})

    request = {"paging": "page", "size": 10, "total_header": "X-WP-Total"}
    assert run(script, tmp_path, request=request)[0].total == 25


def test_records_are_read_from_nested_elements_and_from_detail_urls(tmp_path: Path) -> None:
    wrapped = {"objects": [{"inner": {"object": record}} for record in ALL[:3]]}
    request = {"records_path": "objects", "record_path": "inner.object"}
    harvested = run(lambda request: Answer(json.dumps(wrapped)), tmp_path, request=request)
    assert json.loads(harvested[0].records[0].payload) == ALL[0]

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return Answer(json.dumps(ALL[:3]))
        n = int(request.params["of"])
        return Answer(status=404) if n == 1 else Answer(json.dumps({"detail": {**ALL[n], "steps": [n]}}))

    request = {"detail_url": "/one?of={id}", "detail_path": "detail"}
    harvested = run(script, tmp_path, request=request)
    assert [json.loads(r.payload)["steps"] for r in harvested[0].records] == [[0], [2]]
    assert [skipped.identifier for skipped in harvested[0].skipped] == ["1"]


def test_an_incremental_harvest_sends_the_date_of_the_last_one(tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []

    def script(request: ReceivedRequest) -> Answer:
        seen.append(request.params)
        return Answer("[]")

    request = {"since_param": "modified_after", "datestamp_path": "modified"}
    harvested = run(script, tmp_path, Ask(since="2026-01-20", full=False, listed_before=500), request=request)
    assert seen == [{"modified_after": "2026-01-20T00:00:00Z"}]
    assert harvested[-1].complete
    assert not harvested[-1].full


def test_an_unchanged_list_is_not_downloaded_again(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.headers.get("if-none-match") == '"1"':
            return Answer(status=304)
        return Answer(json.dumps(ALL), headers={"ETag": '"1"'})

    with serving(script) as loopback:
        of = feed(loopback.url + "/list", protocol="rest", format="golab_apps", identifier="id")
        first = pages(of, open_environment(tmp_path))
        again = pages(of, open_environment(tmp_path), Ask(validators=first[-1].validators))
    assert [page.not_modified for page in again] == [True]
    assert again[0].complete


# truncated


def test_a_list_shorter_than_its_total_fails_as_truncated(tmp_path: Path) -> None:
    request = {"paging": "offset", "page_param": "start", "size": 10, **LIST}

    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params["start"])
        return paged(request, start if start < 20 else 99, 10)

    failed = failure(script, tmp_path, request=request)
    assert failed.cause == "truncated"
    assert "20 of 25" in failed.sentence


def test_a_paged_list_much_shorter_than_last_time_fails_as_truncated(tmp_path: Path) -> None:
    request = {"paging": "offset", "page_param": "start", "size": 10}

    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params["start"])
        return Answer(json.dumps(ALL[start : start + 10][: max(0, 13 - start)]))

    failed = failure(script, tmp_path, Ask(listed_before=100), request=request)
    assert failed.cause == "truncated"
    assert "13" in failed.sentence and "100" in failed.sentence


def test_a_complete_document_may_be_shorter_than_last_time(tmp_path: Path) -> None:
    harvested = run(lambda request: Answer(json.dumps(ALL[:3])), tmp_path, Ask(listed_before=25))
    assert harvested[-1].complete, "nothing can be missing: the gate judges what is gone"


def test_a_cut_off_document_fails_as_truncated_or_malformed(tmp_path: Path) -> None:
    failed = failure(lambda request: Answer(json.dumps(ALL)[:300]), tmp_path, Ask(listed_before=25))
    assert failed.cause in ("truncated", "malformed")


def test_a_server_that_ignores_the_page_is_detected(tmp_path: Path) -> None:
    failed = failure(lambda request: Answer(json.dumps(ALL[:10])), tmp_path, request={"paging": "page", "size": 10})
    assert failed.cause == "truncated"
    assert "same page" in failed.sentence


# poison


def test_a_record_that_makes_the_server_fail_is_skipped(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start, size = int(request.params["start"]), int(request.params["n"])
        return Answer(status=500) if start <= 13 < start + size else paged(request, start, size)

    request = {"paging": "offset", "page_param": "start", "size_param": "n", "size": 10, **LIST}
    harvested = run(script, tmp_path, request=request)
    assert identifiers(harvested) == [name for name in IDS if name != "13"]
    assert sum(len(page.skipped) for page in harvested) == 1
    assert harvested[-1].complete


def test_a_malformed_element_is_skipped_and_the_others_are_kept(tmp_path: Path) -> None:
    body = '[{"id":"1","t":"a [ } b"},{"id":"2","t":bad},{"id":"3"},{"title":"no id"}]'
    harvested = run(lambda request: Answer(body), tmp_path)
    assert identifiers(harvested) == ["1", "3"]
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == [None, None]
    assert harvested[0].raw


@pytest.mark.parametrize(
    ("element", "named"),
    [
        (r'{"license":{"id":"by"},"id":"2","t":"half a pair: \ud83d"}', "2"),
        (r'{"id":"2\ud83d"}', "2?"),
        ('{"id":"https:\\/\\/a.example\\/2","t":"a bare\ttab"}', "https://a.example/2"),
        ('{"license":{"id":"by"},"t":bad}', None),  # which it is, nobody can say
    ],
)
def test_an_unreadable_element_is_named_only_if_its_identifier_is_certain(
    tmp_path: Path, element: str, named: str | None
) -> None:
    harvested = run(lambda request: Answer(f'[{{"id":"1"}},{element},{{"id":"3"}}]'), tmp_path)
    assert identifiers(harvested) == ["1", "3"]
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == [named]


def test_an_unreadable_element_is_named_by_the_identifier_of_its_inner_record(tmp_path: Path) -> None:
    body = r'[{"id":"hit-1","source":{"id":"1"}},{"id":"hit-2","source":{"id":"2","t":"half a pair: \ud83d"}}]'
    harvested = run(lambda request: Answer(body), tmp_path, request={"record_path": "source"})
    assert identifiers(harvested) == ["1"]
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == ["2"]


def test_half_a_response_fails_as_malformed(tmp_path: Path) -> None:
    assert failure(lambda request: Answer(json.dumps(ALL)[:200]), tmp_path).cause == "malformed"


def test_splitting_a_json_list_respects_strings_and_nesting() -> None:
    body = b'{"a":{"list":[ {"x":"]\\"}"}, [1,[2]], oops ] }}'
    good, bad = recover_elements(body, "a.list")
    assert [bytes(text) for text in good] == [b'{"x":"]\\"}"}', b"[1,[2]]"]
    assert bad == [b"oops"]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("<!DOCTYPE html><title>Sign in</title><input type='password'>", "blocked"),
        ("<html><title>Oops</title></html>", "bad_format"),
        ('{"other": []}', "bad_format"),
        ('{"hits": {"list": {}}}', "bad_format"),
    ],
)
def test_a_response_without_the_list_fails_with_its_cause(tmp_path: Path, body: str, cause: str) -> None:
    assert failure(lambda request: Answer(body), tmp_path, request=LIST).cause == cause


def test_resuming_at_any_position_gives_the_remaining_records(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return paged(request, int(request.params["start"]), 10)

    with serving(script) as loopback:
        request = {"paging": "offset", "page_param": "start", "size": 10, **LIST}
        of = feed(loopback.url + "/list", protocol="rest", format="x", identifier="id", request=request)
        whole = pages(of, open_environment(tmp_path))
        for n, page in enumerate(whole[:2]):
            rest = pages(of, open_environment(tmp_path), Ask(position=page.position))
            assert identifiers(whole[: n + 1]) + identifiers(rest) == IDS
            assert rest[-1].complete


def test_elements_of_an_xml_response_become_records(tmp_path: Path) -> None:
    body = '<r total-items="2"><result id="1"><t>caf&eacute;</t></result><result id="2"/></r>'
    request = {"records_path": "result", "total_path": "total-items"}
    harvested = run(lambda request: Answer(body), tmp_path, request=request)
    assert identifiers(harvested) == ["1", "2"]
    assert harvested[0].records[0].payload == '<result id="1"><t>café</t></result>'
    assert harvested[0].total == 2


# Opendatasoft


def dataset(count: int) -> object:
    rows = [
        {"url": f"ark:/{n}", "year": [str(2000 + n % 3)] if n % 10 else None, "language": ["eng"]} for n in range(count)
    ]

    def script(request: ReceivedRequest) -> Answer:
        refine, where = request.params.get("refine"), request.params.get("where", "")
        chosen = rows
        if refine:
            name, value = refine.split(":")
            chosen = [row for row in chosen if value in (row[name] or [])]
        if "year is null" in where:
            chosen = [row for row in chosen if row["year"] is None]
        if "group_by" in request.params:
            years = sorted({value for row in chosen for value in (row["year"] or [])})
            return Answer(json.dumps({"results": [{"year": year} for year in [*years, None]]}))
        start, limit = int(request.params.get("offset", 0)), int(request.params["limit"])
        if start + limit > 100:
            return Answer(json.dumps({"error": "InvalidRESTParameterError"}), 400)
        return Answer(json.dumps({"total_count": len(chosen), "results": chosen[start : start + limit]}))

    return script


def test_an_opendatasoft_dataset_larger_than_its_window_is_read_in_slices(tmp_path: Path) -> None:
    more = {"protocol": "opendatasoft", "format": "unesdoc", "identifier": "url"}
    harvested = run(dataset(240), tmp_path, **more, request={"slice_by": "year", "window": 100, "size": 20})
    assert sorted(identifiers(harvested)) == sorted(f"ark:/{n}" for n in range(240))
    assert harvested[-1].complete
    assert harvested[-1].total == 240


def test_opendatasoft_past_its_window_without_slices_is_truncated(tmp_path: Path) -> None:
    more = {"protocol": "opendatasoft", "format": "unesdoc", "identifier": "url"}
    failed = failure(dataset(240), tmp_path, **more, request={"window": 100, "size": 20})
    assert failed.cause == "truncated"
    assert "slice_by" in failed.sentence


def test_opendatasoft_resumes_from_every_position(tmp_path: Path) -> None:
    with serving(dataset(240)) as loopback:
        request = {"slice_by": "year", "window": 100, "size": 20}
        of = feed(loopback.url, protocol="opendatasoft", identifier="url", request=request)
        whole = pages(of, open_environment(tmp_path))
        for n in range(0, len(whole) - 1, 3):
            rest = pages(of, open_environment(tmp_path), Ask(position=whole[n].position))
            assert identifiers(whole[: n + 1]) + identifiers(rest) == identifiers(whole)
            assert rest[-1].complete


def test_unclosed_nesting_fails_as_malformed_and_a_too_deep_record_is_skipped(tmp_path: Path) -> None:
    deep = "[" * 100_000
    assert failure(lambda request: Answer(deep), tmp_path).cause == "malformed"
    closed = deep + "]" * 100_000
    harvested = run(
        lambda request: Answer(f'[{{"id": "1"}}, {{"id": "2", "x": {closed}}}, {{"id": "3"}}]'), tmp_path / "one"
    )
    assert [record.identifier for page in harvested for record in page.records] == ["1", "3"]
    assert [len(page.skipped) for page in harvested if page.skipped] == [1]
