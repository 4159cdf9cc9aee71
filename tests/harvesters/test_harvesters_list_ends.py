"""JSON lists are read to their end and no further, however servers page, count, repeat cursors and fail behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harvesters import harvest
from harvesters.lists.link_header import next_link
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import Answer, ReceivedRequest, Script, feed, identifiers, open_environment, serving
from tests.harvesters.loopback import pages as harvest_pages

ALL = [{"id": str(n), "title": f"Title {n}"} for n in range(25)]
IDS = [record["id"] for record in ALL]
BY_OFFSET = {"paging": "offset", "page_param": "start", "size_param": "n", "size": 10, "records_path": "items"}
BY_PAGE = {"paging": "page", "size_param": "n", "size": 10, "records_path": "items"}
BY_CURSOR = {"paging": "cursor", "page_param": "cursor", "cursor_path": "next", "records_path": "items", "size": 10}


def run(script: Script, home: Path, ask: Ask | None = None, **request: Any) -> tuple[list[Page], int]:
    """Return the pages of a harvest, and how many requests it took."""
    with serving(script) as loopback:
        declared = feed(loopback.url + "/list", "rest", format="amb", identifier="id", request=request)
        return harvest_pages(declared, open_environment(home), ask), len(loopback.requests)


def failure(script: Script, home: Path, **request: Any) -> tuple[HarvestFailed, int]:
    count = 0

    def counted(received: ReceivedRequest) -> Answer:
        nonlocal count
        count += 1
        return script(received)

    with pytest.raises(HarvestFailed) as caught:
        run(counted, home, **request)
    return caught.value, count


def skipped(harvested: list[Page]) -> list[str | None]:
    return [entry.identifier for page in harvested for entry in page.skipped]


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    return Answer(json.dumps(value), status, headers)


# Link headers


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('</a?page=2>; rel="next last"', "/a?page=2"),
        ('</a>; rel="Next"', "/a"),
        ('/a?page=2; rel="next"', "/a?page=2"),
        ('https://h/a,b?page=1; rel=prev, https://h/a,b?page=2 ; rel="next"', "https://h/a,b?page=2"),
        ('</a>; title="more, of <it>; yes"; rel=next', "/a"),
        ('</a> ; type="application/json" ; REL = "last NEXT"', "/a"),
        ('</f>; rel="first", </a,b;c>; rel=next; rel="prev"', "/a,b;c"),
        ('</p>;rel="prev",</a>;rel="next"', "/a"),
        ('</a>; rel="nextish", </b>; rel="prev"', None),
        ("</a>; rel='next'", "/a"),
        ("</f>; rel='first', </a>; rel='next last'; title='x'", "/a"),
        ('</a>; rel="http://www.iana.org/assignments/relation/next"', "/a"),
        ("</a>; rel='prev'; title=next", None),
        ('</b>; rel=next; anchor="/other", </a>; rel=next', "/a"),
        ('</a>; anchor="#top"; rel=next, </b>; anchor="/other"; rel=next', "/a"),
        ('</a>; rel="prev"; rel="next"', None),
        ("</a>; rel=", None),
        ('</a>; title="open; rel="next"', None),
        ("", None),
        ("next", None),
    ],
)
def test_the_next_link_is_found_by_rfc_8288(header: str, target: str | None) -> None:
    assert next_link(header) == target


@pytest.mark.parametrize("header", ['</list?page={}>; rel="next last"', '<?page={}>; title="a, b"; rel=Next'])
def test_a_list_is_followed_by_every_form_of_link_header(tmp_path: Path, header: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        page = int(request.params.get("page", "0"))
        link = {"Link": header.format(page + 1)} if page < 2 else {}
        return Answer(json.dumps(ALL[page * 10 :][:10]), headers=link)

    harvested, _ = run(script, tmp_path, paging="link")
    assert identifiers(harvested) == IDS


@pytest.mark.parametrize("target", ["http://[x]/", "//[", "http://a]b/"])
def test_a_next_link_at_an_invalid_address_is_a_failure_with_a_sentence(tmp_path: Path, target: str) -> None:
    failed, _ = failure(lambda _: json_answer(ALL, Link=f'<{target}>; rel="next"'), tmp_path, paging="link")
    assert "Traceback" not in failed.sentence
    assert failed.cause in ("truncated", "moved", "malformed")


# totals


def listing(request: ReceivedRequest, most: int = 10, total: object = None, records: int = 25) -> Answer:
    start = int(request.params.get("start", request.params.get("page", "0")))
    size = min(int(request.params.get("n", "10")), most)
    start = start if "start" in request.params else start * size
    body: dict[str, object] = {"items": ALL[:records][start : start + size]}
    return json_answer(body if total is None else {**body, "total": total})


@pytest.mark.parametrize("request_keys", [BY_OFFSET, BY_PAGE], ids=["offset", "page"])
@pytest.mark.parametrize("total", [10, 20], ids=["one page", "two pages"])
def test_a_full_page_at_the_total_is_followed_by_one_more(
    tmp_path: Path, request_keys: dict[str, Any], total: int
) -> None:
    harvested, _ = run(lambda request: listing(request, total=total), tmp_path, **request_keys, total_path="total")
    assert identifiers(harvested) == IDS
    assert harvested[-1].complete


@pytest.mark.parametrize("end", [Answer(status=500), Answer(status=404), Answer(status=204), Answer('{"items": []}')])
def test_what_follows_a_full_page_at_a_right_total_ends_the_list(tmp_path: Path, end: Answer) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return end if int(request.params["start"]) >= 20 else listing(request, total=20, records=20)

    harvested, requests = run(script, tmp_path, **BY_OFFSET, total_path="total")
    assert identifiers(harvested) == IDS[:20]
    assert harvested[-1].counted == 20
    assert skipped(harvested) == []
    assert requests <= 5


def test_a_window_that_ends_at_a_total_of_at_least_so_many_is_truncated(tmp_path: Path) -> None:
    """Elasticsearch counts to 10 000 and refuses to give more."""

    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params["start"])
        if start >= 20:
            return Answer('{"error": "Result window is too large"}', 400)
        return json_answer({"hits": {"total": {"value": 20, "relation": "gte"}, "hits": ALL[start : start + 10]}})

    keys = {**BY_OFFSET, "records_path": "hits.hits", "total_path": "hits.total.value"}
    failed, _ = failure(script, tmp_path, **keys)
    assert failed.cause == "truncated"
    assert "says that there are more" in failed.sentence
    assert "max_drop" not in failed.sentence


def numbered(
    records: int, *, behind: object, window: int = 10**9, last_start: int = 10**9, most: int = 10, fixed: bool = False
) -> Script:
    """A list without a total by page or offset, and what it answers behind its end or its window.

    `last_start` limits where a page begins, and `window` where it ends. `most` is the largest page; with `fixed`, every
    page has that size. `behind` is a status, an answer, or "first" or
    "last": that page again.
    """

    def script(request: ReceivedRequest) -> Answer:
        size = most if fixed else min(int(request.params.get("n", most)), most)
        start = int(request.params.get("start", int(request.params.get("page", "0")) * size))
        if start + size > window or start >= min(records, last_start):
            if isinstance(behind, int):
                return Answer(status=behind)
            if not isinstance(behind, str):
                return json_answer(behind)
            start = 0 if behind == "first" else (records - 1) // size * size
        served = [{"id": str(n)} for n in range(start, min(start + size, records))]
        return json_answer({"items": served})

    return script


WHOLE, DOUBTFUL = "whole", "doubtful"


@pytest.mark.parametrize(
    ("keys", "script", "end"),
    [
        (BY_OFFSET, numbered(20, behind=404), WHOLE),
        (BY_PAGE, numbered(20, behind=400), WHOLE),
        (BY_PAGE, numbered(25, behind=422), WHOLE),
        (BY_PAGE, numbered(20, behind="last"), WHOLE),
        (BY_PAGE, numbered(20, behind="first"), WHOLE),
        (BY_PAGE, numbered(7, behind="last"), WHOLE),
        (BY_PAGE, numbered(10, behind="last"), WHOLE),
        (BY_OFFSET, numbered(8, behind=500, most=4), WHOLE),
        (BY_OFFSET, numbered(20, behind={"items": None}), WHOLE),
        (BY_PAGE, numbered(25, behind={"items": [], "error": "no such page"}), WHOLE),
        (BY_PAGE, numbered(25, behind={"error": "no such page"}), WHOLE),
        (BY_OFFSET, numbered(50, behind=400, window=20), DOUBTFUL),
        (BY_OFFSET, numbered(50, behind=500, window=20), DOUBTFUL),
        (BY_PAGE, numbered(50, behind=404, window=20), DOUBTFUL),
        (BY_PAGE, numbered(50, behind=404, last_start=20), "truncated"),
        (BY_OFFSET, numbered(50, behind="first", last_start=20), "truncated"),
        (BY_OFFSET, numbered(50, behind={"items": None}, window=20), DOUBTFUL),
        ({**BY_PAGE, "size_param": None}, numbered(20, behind=404), DOUBTFUL),
        ({**BY_PAGE, "size_param": None}, numbered(15, behind=404), WHOLE),
    ],
)
def test_a_list_without_a_total_that_ends_with_a_full_page_must_prove_that_it_is_whole(
    tmp_path: Path, keys: dict[str, Any], script: Script, end: str
) -> None:
    if end not in (WHOLE, DOUBTFUL):
        assert failure(script, tmp_path, **keys)[0].cause == end
        return
    harvested, _ = run(script, tmp_path, **keys)
    assert harvested[-1].complete
    reasons = [entry.reason for page in harvested for entry in page.skipped]
    assert bool(reasons) is (end == DOUBTFUL), reasons
    assert all("may be a limit of the server" in reason for reason in reasons)


def ignoring(records: int, *, most: int = 10, counter: bool = False, sized: bool = True) -> Script:
    """A list that gives its first page whatever number is asked for; with `counter`, its records change each time."""
    requests = 0

    def script(request: ReceivedRequest) -> Answer:
        nonlocal requests
        requests += 1
        size = min(int(request.params.get("n", most)) if sized else most, most, records)
        return json_answer({"items": [{"id": str(n), "views": requests if counter else 0} for n in range(size)]})

    return script


@pytest.mark.parametrize("keys", [BY_PAGE, BY_OFFSET, {**BY_PAGE, "size_param": None}], ids=["page", "offset", "fixed"])
@pytest.mark.parametrize(
    "script",
    [
        ignoring(50),
        ignoring(50, most=7),
        ignoring(50, most=7, sized=False),
        ignoring(50, counter=True),
        ignoring(50, counter=True, most=7, sized=False),
    ],
)
def test_a_server_that_ignores_the_number_of_the_page_is_a_failure(
    tmp_path: Path, keys: dict[str, Any], script: Script
) -> None:
    failed, requests = failure(script, tmp_path, **keys)
    assert failed.cause == "truncated"
    assert repr(keys.get("page_param", "page")) in failed.sentence
    assert "max_drop" not in failed.sentence
    assert requests < 10


@pytest.mark.parametrize("end", [None, {"error": "window"}], ids=["an empty page", "an error with status 200"])
def test_an_empty_page_at_a_total_of_at_least_so_many_is_no_end(tmp_path: Path, end: dict[str, Any] | None) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params["start"])
        hits = {"total": {"value": 20, "relation": "gte"}, "hits": ALL[:20][start : start + 10]}
        return json_answer(end if end and start >= 20 else {"hits": hits})

    keys = {**BY_OFFSET, "records_path": "hits.hits", "total_path": "hits.total.value"}
    assert failure(script, tmp_path, **keys)[0].cause in ("truncated", "bad_format")


@pytest.mark.parametrize(
    "total",
    [
        "25",
        25.0,
        {"value": 25},
        {"value": 25, "relation": "eq"},
        "1,025",
        "1 025",
        "1.025",
        "1’025",
        "٢٥",
        "25 records",
        "items 0-9/25",
    ],
)
def test_a_total_counts_however_it_is_written(tmp_path: Path, total: object) -> None:
    failed, _ = failure(
        lambda request: listing(request, total=total, records=20), tmp_path, **BY_OFFSET, total_path="total"
    )
    assert failed.cause == "truncated"
    assert "20 of" in failed.sentence


@pytest.mark.parametrize("total", [-1, "many", True, [25]])
def test_a_total_that_is_no_number_is_noted(tmp_path: Path, total: object) -> None:
    harvested, _ = run(lambda request: listing(request, total=total), tmp_path, **BY_OFFSET, total_path="total")
    assert identifiers(harvested) == IDS
    assert any("request.total_path 'total'" in note for page in harvested for note in page.notes)


# cursors


def cursors(places: dict[str, tuple[int, int, str | None]], total: int | None = None, missing: int = 500) -> Script:
    """A list by cursor: each one's first and last record, and the cursor that follows; any other fails."""

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("cursor", "") not in places:
            return Answer(status=missing)
        start, end, following = places[request.params.get("cursor", "")]
        body = {"items": ALL[start:end], "next": following}
        return json_answer(body if total is None else {**body, "total": total})

    return script


@pytest.mark.parametrize(
    ("script", "requests"),
    [
        (cursors({"": (0, 10, "a"), "a": (10, 20, "b"), "b": (20, 25, "c"), "c": (25, 25, "c")}), 4),
        (cursors({"": (0, 10, "a"), "a": (10, 20, "b"), "b": (20, 25, "b")}), 4),
        (cursors({"": (0, 10, "a"), "a": (10, 20, "b"), "b": (20, 25, "b")}, total=25), 3),
        (cursors({"": (0, 10, "a"), "a": (10, 20, "b"), "b": (20, 25, "c")}, total=25), 3),
        (cursors({"": (0, 25, "a")}, total=25), 4),
        (cursors({"": (0, 10, "a"), "a": (10, 25, "b"), "b": (25, 25, "c"), "c": (25, 25, "d")}), 4),
        (cursors({"": (0, 10, "a"), "a": (10, 10, "b"), "b": (10, 25, "c"), "c": (25, 25, "")}, total=25), 4),
    ],
    ids=[
        "solr: the cursor again",
        "the last page's own cursor",
        "its own cursor at the total",
        "a total that is reached",
        "one full page that is all, then errors",
        "crossref: empty pages for ever",
        "an empty page amid the list",
    ],
)
def test_every_end_of_a_list_by_cursor_is_found(tmp_path: Path, script: Script, requests: int) -> None:
    harvested, sent = run(script, tmp_path, **BY_CURSOR, total_path="total")
    assert identifiers(harvested) == IDS
    assert harvested[-1].complete
    assert sent <= requests


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (cursors({"": (0, 10, "a"), "a": (10, 20, "a")}), "truncated"),
        (cursors({"": (0, 10, "a"), "a": (10, 10, "a")}, total=25), "truncated"),
        (cursors({"": (0, 10, "a"), "a": (10, 20, None)}, total=25), "truncated"),
        (cursors({"": (0, 10, "a")}), "server_failing"),
        (cursors({"": (0, 10, "a")}, missing=404), "truncated"),
        (cursors({"": (0, 10, "a"), "a": (10, 20, "b")}, missing=400), "truncated"),
    ],
    ids=["a full page again", "nothing more at the same cursor", "no next cursor", "an error", "404", "400"],
)
def test_a_list_by_cursor_that_stops_short_is_a_failure(tmp_path: Path, script: Script, cause: str) -> None:
    failed, _ = failure(script, tmp_path, **BY_CURSOR, total_path="total")
    assert failed.cause == cause


@pytest.mark.parametrize(
    "element",
    [b"oops", b'{"id": "7", "t": bad}', b'{"id": "7", "caf\xe9": 1}', b"NaN", b'{"id": "7", "t": "a\tb"}'],
    ids=["a word", "a bad value", "a key that is not UTF-8", "NaN", "a control character"],
)
@pytest.mark.parametrize("path", ["items", "data.items"])
def test_an_element_that_is_not_json_is_skipped_amid_a_list_by_cursor(
    tmp_path: Path, element: bytes, path: str
) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params.get("cursor", "0"))
        texts = [json.dumps(record).encode() for record in ALL[start : start + 10]]
        texts = [element if start + number == 7 else text for number, text in enumerate(texts)]
        following = b"null" if start == 20 else b'"%d"' % (start + 10)
        items = b'{"items": [' + b",".join(texts) + b"]}"
        body = items[:-1] if path == "items" else b'{"data": ' + items
        return Answer(body + b', "next": ' + following + b"}")

    harvested, _ = run(script, tmp_path, **{**BY_CURSOR, "records_path": path})
    assert identifiers(harvested) == [name for name in IDS if name != "7"]
    assert len(skipped(harvested)) == 1
    assert harvested[-1].complete


@pytest.mark.parametrize("cursors_of", ["/abc==", "?abc", "/"])
def test_an_opaque_cursor_may_begin_like_an_address(tmp_path: Path, cursors_of: str) -> None:
    script = cursors({"": (0, 10, cursors_of), cursors_of: (10, 25, None)})
    assert identifiers(run(script, tmp_path, **BY_CURSOR)[0]) == IDS


@pytest.mark.parametrize("address", ["/list?cursor=a", "?cursor=a", "/other?cursor=a"])
def test_a_cursor_that_is_a_relative_address_is_followed(tmp_path: Path, address: str) -> None:
    script = cursors({"": (0, 10, address), "a": (10, 25, None)})
    assert identifiers(run(script, tmp_path, **BY_CURSOR)[0]) == IDS


def test_a_continued_list_whose_cursor_expired_begins_again(tmp_path: Path) -> None:
    first, _ = run(cursors({"": (0, 10, "a"), "a": (10, 25, None)}), tmp_path, Ask(limit=10), **BY_CURSOR)
    script = cursors({"": (0, 10, "b"), "b": (10, 25, None)}, missing=410)
    harvested, _ = run(script, tmp_path, Ask(position=first[-1].position), **BY_CURSOR)
    assert identifiers(harvested) == IDS
    assert harvested[-1].complete


def test_an_xml_list_is_followed_by_its_cursor(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params.get("cursor", "0"))
        records = "".join(f'<item id="{record["id"]}"/>' for record in ALL[start : start + 10])
        following = f"<next>{start + 10}</next>" if start < 20 else "<next/>"
        return Answer(f"<list>{records}{following}</list>", headers={"Content-Type": "text/xml"})

    harvested, _ = run(script, tmp_path, **{**BY_CURSOR, "records_path": "item"})
    assert identifiers(harvested) == IDS


# servers that fail


@pytest.mark.parametrize("end", [Answer(status=500), Answer(status=416), Answer(status=204), Answer("", 200)])
@pytest.mark.parametrize("records", [20, 25], ids=["after a full page", "after a short page"])
@pytest.mark.parametrize("request_keys", [BY_OFFSET, BY_PAGE], ids=["offset", "page"])
def test_a_list_that_ends_by_an_error_has_no_phantom_records(
    tmp_path: Path, request_keys: dict[str, Any], records: int, end: Answer
) -> None:
    def script(request: ReceivedRequest) -> Answer:
        answer = listing(request, records=records)
        return answer if json.loads(answer.body)["items"] else end

    harvested, requests = run(script, tmp_path, **request_keys)
    assert identifiers(harvested) == IDS[:records]
    assert skipped(harvested) == []
    assert harvested[-1].counted == records
    assert requests < 40


@pytest.mark.parametrize("request_keys", [BY_OFFSET, BY_PAGE], ids=["offset", "page"])
@pytest.mark.parametrize("most", [10, 4], ids=["pages of the size asked for", "pages capped by the server"])
@pytest.mark.parametrize("total", [None, 25])
@pytest.mark.parametrize("poison", [3, 13, 24])
def test_only_the_record_that_makes_a_server_fail_is_skipped(
    tmp_path: Path, request_keys: dict[str, Any], most: int, total: int | None, poison: int
) -> None:
    def script(request: ReceivedRequest) -> Answer:
        answer = listing(request, most=most, total=total)
        return Answer(status=500) if ALL[poison] in json.loads(answer.body)["items"] else answer

    harvested, _ = run(script, tmp_path, **request_keys, total_path="total")
    assert set(identifiers(harvested)) == set(IDS) - {str(poison)}
    assert skipped(harvested) == [None]
    assert harvested[-1].complete


@pytest.mark.parametrize("request_keys", [BY_OFFSET, BY_PAGE], ids=["offset", "page"])
@pytest.mark.parametrize("total", [None, 25])
@pytest.mark.parametrize("far", [Answer('{"items": []}'), Answer(status=404)], ids=["an empty list", "404"])
def test_a_server_that_keeps_failing_amid_its_list_is_asked_a_few_times_only(
    tmp_path: Path, request_keys: dict[str, Any], total: int | None, far: Answer
) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params.get("start", int(request.params.get("page", "0")) * int(request.params["n"])))
        if start > 1000:
            return far
        return Answer(status=500) if start >= 10 else listing(request, total=total)

    failed, requests = failure(script, tmp_path, **request_keys, total_path="total")
    assert failed.cause == "server_failing"
    assert "after 10 of" in failed.sentence
    assert "max_drop" not in failed.sentence
    assert requests < 40


def test_a_list_whose_total_counts_records_that_no_page_has_is_not_filled_up(tmp_path: Path) -> None:
    """The server claims 28, gives 25 and fails behind them: three are missing, and none is invented."""

    def script(request: ReceivedRequest) -> Answer:
        answer = listing(request, total=28)
        return answer if json.loads(answer.body)["items"] else Answer(status=500)

    failed, _ = failure(script, tmp_path, **BY_OFFSET, total_path="total")
    assert failed.cause in ("server_failing", "truncated")


# lists that are none


def one_result(start: int) -> object:
    rest = ALL[start : start + 8]
    return rest[0] if len(rest) == 1 else rest


@pytest.mark.parametrize(
    "items",
    [
        one_result,
        lambda start: {record["id"]: record for record in ALL[start : start + 8]} or [],
        lambda start: {f"n{number}": record for number, record in enumerate(ALL[start : start + 8])} or [],
    ],
    ids=["one result as an object", "a list keyed by identifier", "a list keyed by name"],
)
def test_objects_stand_for_lists(tmp_path: Path, items: Callable[[int], object]) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return json_answer({"items": items(int(request.params["start"])), "total": 25})

    harvested, _ = run(script, tmp_path, **{**BY_OFFSET, "size": 8}, total_path="total")
    assert identifiers(harvested) == IDS
    assert json.loads(harvested[0].records[0].payload or "") == ALL[0]


@pytest.mark.parametrize(
    "answer", [{"items": {"error": {"code": 500}}}, {"items": {"error": "overloaded"}}, {"items": "none"}]
)
def test_an_object_that_is_no_record_is_no_list(tmp_path: Path, answer: object) -> None:
    failed, _ = failure(lambda _: json_answer(answer), tmp_path, records_path="items")
    assert failed.cause == "bad_format"


@pytest.mark.parametrize(
    "lines",
    [
        "\n".join(json.dumps(record) for record in ALL),
        "\ufeff" + "\r\n\r\n".join(json.dumps(record) for record in ALL) + "\r\n",
        "".join(f"\x1e{json.dumps(record)}\n" for record in ALL),
    ],
    ids=["lines", "blank lines and a byte order mark", "record separators"],
)
def test_json_lines_are_read_as_a_list(tmp_path: Path, lines: str) -> None:
    harvested, _ = run(lambda _: Answer(lines, headers={"Content-Type": "application/x-ndjson"}), tmp_path)
    assert identifiers(harvested) == IDS
    assert harvested[-1].complete


@pytest.mark.parametrize("broken", [0, 3, 24])
def test_a_broken_line_of_json_lines_is_skipped(tmp_path: Path, broken: int) -> None:
    texts = [json.dumps(record) for record in ALL]
    texts[broken] = texts[broken][:-5]
    harvested, _ = run(lambda _: Answer("\n".join(texts)), tmp_path)
    assert identifiers(harvested) == [name for number, name in enumerate(IDS) if number != broken]
    assert len(skipped(harvested)) == 1


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"dc.identifier": "1"}, "dc.identifier"),
        ({"dc": {"title": "T"}, "dc.identifier": "1"}, "dc.identifier"),
        ({"source": {"dc.identifier": "1"}}, "source.dc.identifier"),
        ({"source.v1": {"identifier": "1"}}, "source.v1.identifier"),
        ({"dc": {"identifier": "1"}, "dc.identifier": "2"}, "dc.identifier"),
        ({"ids": {"0": "1"}}, "ids.0"),
    ],
)
def test_keys_may_hold_dots(tmp_path: Path, record: object, path: str) -> None:
    with serving(lambda _: json_answer([record])) as loopback:
        declared = feed(loopback.url, "rest", format="amb", identifier=path)
        assert identifiers(harvest_pages(declared, open_environment(tmp_path))) == ["1"]


def test_a_list_and_its_next_page_may_have_keys_with_dots(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        start = int(request.params.get("skip", "0"))
        following = {"@odata.nextLink": f"/list?skip={start + 10}"} if start < 20 else {}
        return json_answer({"d.value": ALL[start : start + 10], **following})

    keys = {"paging": "cursor", "cursor_path": "@odata.nextLink", "records_path": "d.value"}
    harvested, _ = run(script, tmp_path, **keys)
    assert identifiers(harvested) == IDS


# records at their own address


def details(element: Callable[[str], object]) -> Script:
    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return json_answer([element(name) for name in IDS[:3]])
        return json_answer({"id": request.path.rsplit("/", 1)[-1], "detailed": True})

    return script


@pytest.mark.parametrize(
    ("element", "detail_url"),
    [
        (lambda name: {"id": name, "links": {"self": f"/d/{name}"}}, "{links.self}"),
        (lambda name: {"id": name, "links.self": f"/d/{name}"}, "{links.self}"),
        (lambda name: {"id": name, "dc:id": name}, "/d/{dc:id}"),
        (lambda name: {"id": name, "ids": [name]}, "/d/{ids.0}"),
        (lambda name: {"id": name}, "d/{id}"),
    ],
)
def test_detail_url_takes_fields_by_path(tmp_path: Path, element: Callable[[str], object], detail_url: str) -> None:
    harvested, _ = run(details(element), tmp_path, detail_url=detail_url)
    assert identifiers(harvested) == IDS[:3]
    assert "detailed" in (harvested[0].records[0].payload or "")


@pytest.mark.parametrize("detail_url", ["/d/{slug}", "/d/{links.self.x}", "/d/{id}/{nothing}"])
def test_a_field_that_no_listed_record_has_is_a_mistake_of_the_feed_file(tmp_path: Path, detail_url: str) -> None:
    failed, requests = failure(
        details(lambda name: {"id": name, "links": {"self": "x"}}), tmp_path, detail_url=detail_url
    )
    assert failed.cause == "bad_format"
    assert "detail_url" in failed.sentence
    assert "id, links" in failed.sentence
    assert requests == 1


@pytest.mark.parametrize("value", [None, "", {"a": 1}, ["a"], True, "http://[x]/"])
def test_one_record_whose_field_makes_no_address_is_skipped(tmp_path: Path, value: object) -> None:
    script = details(lambda name: {"id": name, "at": value if name == "1" else f"/d/{name}"})
    harvested, _ = run(script, tmp_path, detail_url="{at}")
    assert identifiers(harvested) == ["0", "2"]
    assert skipped(harvested) == ["1"]


# Opendatasoft


@pytest.mark.parametrize("values", [[True, False], [1, 2], [1.5, 2.5], ["True", "a b"]])
def test_slices_are_refined_by_a_value_as_json_writes_it(tmp_path: Path, values: list[object]) -> None:
    rows = [{"id": str(n), "flag": values[n % 2] if n % 5 else None} for n in range(20)]

    def script(request: ReceivedRequest) -> Answer:
        chosen = rows
        if refine := request.params.get("refine"):
            value = refine.partition(":")[2]
            chosen = [row for row in rows if row["flag"] in [v for v in values if _text(v) == value]]
        if "flag is null" in request.params.get("where", ""):
            chosen = [row for row in rows if row["flag"] is None]
        if "group_by" in request.params:
            return json_answer({"results": [{"flag": value} for value in (*values, None)]})
        start, limit = int(request.params.get("offset", 0)), int(request.params["limit"])
        return json_answer({"total_count": len(chosen), "results": chosen[start : start + limit]})

    with serving(script) as loopback:
        keys = {"slice_by": "flag", "window": 10, "size": 5}
        declared = feed(loopback.url, "opendatasoft", format="unesdoc", identifier="id", request=keys)
        harvested = harvest_pages(declared, open_environment(tmp_path))
    assert sorted(identifiers(harvested)) == sorted(row["id"] for row in rows)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("body", ["", "[]", '[{"id": "1"}]', "<a/>", '{"id": "1"', '{"id": "1"} {"id": "2"}', '"x"'])
def test_a_detail_that_is_no_json_object_is_skipped_by_its_identifier(tmp_path: Path, body: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return json_answer(ALL)
        return Answer(body if request.path == "/7" else json.dumps({"id": request.path[1:]}))

    harvested, _ = run(script, tmp_path, detail_url="/{id}")
    assert identifiers(harvested) == [name for name in IDS if name != "7"]
    assert skipped(harvested) == ["7"]


@pytest.mark.parametrize("between", ["", "\n", ",\n", "\n\n"])
def test_lists_one_behind_the_other_are_all_read(tmp_path: Path, between: str) -> None:
    body = between.join(json.dumps(ALL[start : start + 10]) for start in (0, 10, 20))
    harvested, _ = run(lambda _: Answer(body), tmp_path)
    assert identifiers(harvested) == IDS


# what is no list


@pytest.mark.parametrize("paging", ["none", "page", "cursor"])
@pytest.mark.parametrize(
    ("body", "path", "before"),
    [
        ("<error>backend down</error>", "item", None),
        ("<response><status>1</status><error code='9'>down</error></response>", "item", None),
        ("<maintenance>back at noon</maintenance>", "item", None),
        ("<other><thing/></other>", "items.item", None),
        ("<list><entry id='1'/></list>", "item", 30),
        ("<items/>", "item", 30),
        ('<?xml version="1.0"?><!DOCTYPE html><html><body>Log in <input type="password"/></body></html>', "item", None),
        ('{"error": "backend down"}', "items", None),
        ('{"items": [], "errors": [{"message": "timeout"}]}', "items", None),
        ('{"items": null, "error": {"code": 5}}', "items", None),
        ('{"items": null}', "items", 30),
    ],
)
def test_another_document_than_the_list_is_a_failure(
    tmp_path: Path, paging: str, body: str, path: str, before: int | None
) -> None:
    with pytest.raises(HarvestFailed) as caught:
        run(lambda request: Answer(body), tmp_path, Ask(listed_before=before), paging=paging, records_path=path)
    assert caught.value.cause in ("bad_format", "blocked", "truncated")


@pytest.mark.parametrize(
    ("body", "path"),
    [("<items/>", "item"), ("<a><items/></a>", "items.item"), ('{"items": []}', "items"), ('{"items": null}', "items")],
)
def test_an_empty_list_is_no_failure(tmp_path: Path, body: str, path: str) -> None:
    harvested, _ = run(lambda request: Answer(body), tmp_path, records_path=path)
    assert harvested[-1].complete and harvested[-1].counted == 0


def test_the_document_that_came_instead_of_a_list_is_kept(tmp_path: Path) -> None:
    taken = []
    with serving(lambda request: Answer("<error>down</error>")) as loopback, pytest.raises(HarvestFailed):
        of = feed(loopback.url, "rest", format="amb", identifier="id", request={"records_path": "item"})
        for page in harvest(of, Ask(), open_environment(tmp_path)):
            taken.append(page)
    assert [raw.body for page in taken for raw in page.raw] == [b"<error>down</error>"]


@pytest.mark.parametrize("beside", [{"total": 2}, {"total": 2, "took": 0.3, "ok": True, "next": None}, {}])
@pytest.mark.parametrize("path", ["", "records"])
def test_records_by_name_may_have_plain_values_beside_them(tmp_path: Path, beside: dict[str, Any], path: str) -> None:
    keyed = {**beside, "a": {"id": "1"}, "b": {"id": "2"}}
    harvested, _ = run(lambda request: json_answer({path: keyed} if path else keyed), tmp_path, records_path=path)
    assert identifiers(harvested) == ["1", "2"]
    assert skipped(harvested) == []


def test_an_error_with_an_id_is_no_record(tmp_path: Path) -> None:
    assert failure(lambda request: json_answer({"status": 5, "error": {"id": "x"}}), tmp_path)[0].cause == "bad_format"


# Pages smaller than requested


def _capped(cap: int, *, by: str, sizes: tuple[int, ...] = (), dropped: int = -1) -> Script:
    """A server that gives at most `cap` records, and counts pages by the size `requested` or that of the page `given`.

    It refuses sizes that are not among `sizes`, if any are, and leaves the record `dropped` out of its page.
    """

    def script(request: ReceivedRequest) -> Answer:
        requested = int(request.params["n"])
        if sizes and requested not in sizes:
            return Answer(status=400)
        given = min(requested, cap)
        start = int(request.params["page"]) * (requested if by == "requested" else given)
        return json_answer({"items": [ALL[n] for n in range(start, min(start + given, 25)) if n != dropped]})

    return script


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (_capped(4, by="requested"), IDS),
        (_capped(4, by="given"), IDS),
        (_capped(9, by="requested"), IDS),
        (_capped(1, by="requested"), IDS),
        (_capped(4, by="requested", sizes=(10, 4)), IDS),
        (_capped(10, by="requested", sizes=(10,), dropped=3), [name for name in IDS if name != "3"]),
        (_capped(10, by="requested", dropped=3), [name for name in IDS if name != "3"]),
        (_capped(10, by="requested", dropped=12), [name for name in IDS if name != "12"]),
    ],
)
def test_no_record_is_lost_between_pages_that_a_server_caps(
    tmp_path: Path, script: Script, expected: list[str]
) -> None:
    harvested, requests = run(script, tmp_path, **BY_PAGE)
    assert sorted(set(identifiers(harvested)), key=int) == expected
    assert harvested[-1].complete
    assert requests <= 30
