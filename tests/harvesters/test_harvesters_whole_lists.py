"""Lists that repeat records and omit others, night by night: real HTTP, landing and the catalog."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import Environment, HarvestFailed
from tests.harvesters.case_server import CaseServer
from tests.harvesters.conftest import variables
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, listing, oai_error, serving
from tests.harvesters.test_harvesters_nights import ROOT, Library, last_run, live

CASES = sorted((Path(__file__).parents[1] / "cases" / "nights").glob("*.json"))
NOTE = "the list repeats 1 record and may omit others: nothing is deleted for being absent from it"
PAGED = {"paging": "page", "page_param": "page", "size": 4, "size_param": "size", "records_path": "results"}


def declare(env: Environment, url: str, request: dict[str, Any] | None = None, **more: Any) -> None:
    """Write a feed file; a record is deleted as soon as one whole list lacks it, unless `more` says otherwise."""
    declared = {"title": "Books", "partner": "A Library", "url": url, "absent_after": 1, **more}
    settings = {"rate": 100_000, "backoff": 0.001, "retries": 1, **(request or {})}
    lines = [f"{key} = {json.dumps(value)}" for key, value in declared.items()]
    lines += ["[request]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
    (env.feeds / "books.toml").write_text("\n".join(lines), encoding="utf-8")


def night(*, full: bool = False) -> dict[str, int]:
    return tasks.run_feed("books", tasks.harvest("books", full=full)["run_id"])


def notes(env: Environment) -> str:
    return "\n".join(last_run(env)["notes"])


# the cases


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_each_case_of_nights_ends_as_expected(env: Environment, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    server = CaseServer(case["nights"][0])
    with serving(server) as loopback:
        declare(
            env, loopback.url + case.get("path", "/oai"), case.get("request"), **{"absent_after": 2, **case["feed"]}
        )
        for server.night in case["nights"]:
            try:
                night(full=server.night.get("full", False))
            except HarvestFailed as error:
                assert last_run(env)["cause"] == error.cause
    outcome = outcome_of(env)
    assert any(expected.items() <= outcome.items() for expected in case["expected"]), outcome


def outcome_of(env: Environment) -> dict[str, Any]:
    tasks_catalog.report()
    report = json.loads((env.reports / "night.json").read_bytes())
    run = last_run(env)
    return {
        "live": len(live(env)),
        "failed": run["status"] == "failed",
        "held": run["status"] == "held",
        "noted": bool(run["notes"]),
        "told": bool(report["people"]),
    }


# what a list with repeats does to the nights after it


class Shelf:
    """A repository without sets of twelve records, or of those in `pages`, whose pages a test may move."""

    def __init__(self) -> None:
        self.library = Library(12)
        self.pages: list[list[int]] = [[*range(6)], [*range(6, 12)]]
        self.size: int | None = 12

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.params.get("verb") != "ListRecords" or "from" in request.params:
            return self.library(request)
        number = int(request.params.get("resumptionToken", "0"))
        token = str(number + 1) if number + 1 < len(self.pages) else None
        return Answer(listing("".join(map(self.library.record, self.pages[number])), token, self.size))


@pytest.fixture
def shelf(env: Environment) -> Iterator[tuple[Shelf, Loopback]]:
    shelf = Shelf()
    with serving(shelf) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc")
        assert night()["added"] == 12
        yield shelf, loopback


MOVED = [[*range(6)], [*range(5, 11)]]


def test_a_list_with_repeats_is_noted_in_the_run_and_in_the_night_report(
    env: Environment, shelf: tuple[Shelf, Loopback]
) -> None:
    shelf[0].pages = MOVED
    night(full=True)
    assert last_run(env)["status"] == "loaded"
    assert NOTE in notes(env)
    tasks_catalog.report()
    assert NOTE in (env.reports / "night.html").read_text(encoding="utf-8")


def test_a_full_harvest_is_repeated_until_its_list_is_consistent_and_may_delete(
    env: Environment, shelf: tuple[Shelf, Loopback]
) -> None:
    shelf[0].pages = MOVED
    night(full=True)
    shelf[0].pages, shelf[0].size = [[*range(6)], [*range(6, 11)]], 11
    assert night()["deleted"] == 1
    assert "from" not in [name for request in shelf[1].requests for name in request.params]
    night()
    assert "from" in shelf[1].requests[-1].params, "after a whole list the mark moves"


def test_a_server_that_always_repeats_records_is_harvested_incrementally_in_the_end(
    env: Environment, shelf: tuple[Shelf, Loopback]
) -> None:
    server, loopback = shelf
    server.pages, server.size, server.library.count = [*MOVED, [12]], 13, 13
    for number in range(4):
        night(full=number == 0)
    assert len(live(env)) == 13, "what is new is loaded all the same"
    windows = ["from" in request.params for request in loopback.requests if "metadataPrefix" in request.params]
    assert windows == [False, False, False, False, True]


def test_a_deleted_header_still_deletes_in_a_list_with_repeats(env: Environment, shelf: tuple[Shelf, Loopback]) -> None:
    shelf[0].library.dead = frozenset({3})
    shelf[0].pages = MOVED
    assert night(full=True)["deleted"] == 1
    assert len(live(env)) == 11


@pytest.mark.parametrize(
    ("pages", "size", "deleted"),
    [
        (MOVED, 12, 0),
        (MOVED, None, 0),
        ([*MOVED, [11]], 12, 0),
        ([[*range(6)], [*range(5, 11)]], 11, 1),
        ([[0, 0, 1, 2, 3, 4], [*range(5, 11)]], 12, 0),
        ([[0, 0, 1, 2, 3, 4], [*range(5, 11)]], None, 1),
        ([[*range(6)], [*range(6, 11)]], 11, 1),
        ([[*range(6)], [*range(5, 10)], [12]], 12, 0),
        ([*MOVED, [12]], 12, 0),
    ],
    ids=[
        "as many as promised, one of them twice",
        "nothing promised",
        "all are listed",
        "as many distinct as promised",
        "twice on a page, and counted",
        "twice on a page, and nothing promised",
        "no repeats",
        "a new one beside the missing",
        "a new one in place of the missing",
    ],
)
def test_repeats_prevent_deletions_where_they_may_hide_records(
    env: Environment, shelf: tuple[Shelf, Loopback], pages: list[list[int]], size: int | None, deleted: int
) -> None:
    shelf[0].pages, shelf[0].size, shelf[0].library.count = pages, size, 13
    assert night(full=True)["deleted"] == deleted
    assert ("may omit others" in notes(env)) is (deleted == 0 and pages != [*MOVED, [11]])


# what makes a promised size prove nothing


class Transient(Shelf):
    """A repository that lists records 0 to 11, those in `dead` as deleted headers, and answers increments."""

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.params.get("verb") != "ListRecords" or "from" not in request.params:
            return super().__call__(request)
        return Answer(listing("".join(map(self.library.record, sorted(self.library.dead))), None, None))


def test_a_deleted_record_that_returns_during_the_harvest_does_not_hide_a_missing_one(env: Environment) -> None:
    server = Transient()
    with serving(server) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc")
        night()
        server.library.dead = frozenset({11})
        assert night()["deleted"] == 1
        server.library.dead = frozenset()
        server.pages, server.size = [[*range(6)], [5, 6, 7, 8, 9, 11]], 11
        assert night(full=True)["deleted"] == 0, "record 10 is missing, 11 stands for it"
        assert NOTE in notes(env)
        server.pages = [[*range(6)], [*range(6, 10), 11]]
        assert night(full=True)["deleted"] == 1, "a clean list without record 10"


def test_a_deleted_header_does_not_stand_for_a_missing_record(env: Environment, shelf: tuple[Shelf, Loopback]) -> None:
    server = shelf[0]
    server.library.dead = frozenset({11})
    server.pages, server.size = [[*range(6)], [5, 6, 7, 8, 9, 11]], 11  # the size counts live records
    assert night(full=True)["deleted"] == 1, "the deleted header's"
    assert NOTE in notes(env)
    server.pages = [[0, 0, 1, 2, 3, 4], [*range(5, 10), 11]]  # the repeat on one page, and record 10 left out
    assert night(full=True)["deleted"] == 0
    server.pages = [[*range(6)], [5, *range(6, 12)]]
    assert night(full=True)["deleted"] == 0
    assert NOTE not in notes(env), "as many live records as promised, all of them known"
    assert len(live(env)) == 11


def test_a_list_size_that_was_exceeded_before_does_not_prove_completeness(env: Environment) -> None:
    server = Shelf()
    server.size = 11
    with serving(server) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc")
        assert night()["added"] == 12, "one more than promised"
        server.pages = MOVED
        assert night(full=True)["deleted"] == 0
        assert NOTE in notes(env)
        server.pages = [[*range(6)], [*range(6, 11)]]
        assert night(full=True)["deleted"] == 1


def test_a_record_in_two_sets_does_not_count_as_a_repeat(env: Environment) -> None:
    library, sets = Library(13), {"a": [*range(8)], "b": [*range(6, 13)]}

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("verb") != "ListRecords":
            return library(request)
        name, _, start = request.params.get("resumptionToken", request.params.get("set", "") + "|0").partition("|")
        at, numbers = int(start), sets[name]
        token = f"{name}|{at + 4}" if at + 4 < len(numbers) else None
        return Answer(listing("".join(map(library.record, numbers[at : at + 4])), token, len(numbers)))

    with serving(script) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc", sets=["a", "b"])
        assert night()["added"] == 13
        sets["a"] = [*range(1, 8)]
        assert night(full=True)["deleted"] == 1
        assert last_run(env)["notes"] == [
            f"the server names its address http://example.org/oai, the feed asks {loopback.url}/oai"
        ]
        sets["b"] = [*range(6, 10), *range(9, 12)]
        assert night(full=True)["deleted"] == 0, "a repeat within one of them may hide its last record"


def test_an_empty_set_among_others_is_noted(env: Environment) -> None:
    library = Library(5)

    def script(request: ReceivedRequest) -> Answer:
        return library(request) if request.params.get("set") != "oer-typo" else Answer(oai_error("noRecordsMatch"))

    with serving(script) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc", sets=["a", "oer-typo"])
        assert night()["added"] == 5
    assert "the server has no records in set oer-typo" in notes(env)


# lists of other protocols


class Pages:
    """A JSON list by page; `pages` are the numbers of the records of each."""

    def __init__(self, *, total: bool) -> None:
        self.pages: list[list[int]] = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
        self.total, self.says = 12, total

    def __call__(self, request: ReceivedRequest) -> Answer:
        number = int(request.params["page"])
        results = [work(n) for n in (self.pages[number] if number < len(self.pages) else [])]
        return Answer(json.dumps({"results": results, **({"total": self.total} if self.says else {})}))


def work(number: int) -> dict[str, Any]:
    return {"id": f"https://example.org/{number}", "name": f"How plants use light, part {number}"}


@pytest.mark.parametrize("total", [True, False], ids=["with a total", "without a total"])
def test_a_paged_json_list_with_repeats_deletes_nothing_until_it_has_none(env: Environment, total: bool) -> None:
    server = Pages(total=total)
    with serving(server) as loopback:
        request = {**PAGED, **({"total_path": "total"} if total else {})}
        declare(env, loopback.url + "/api", request, protocol="rest", format="amb", identifier="id")
        assert night()["added"] == 12
        server.pages = [[0, 1, 2, 3], [3, 4, 5, 6], [7, 8, 9, 10]]
        assert night()["deleted"] == 0
        assert notes(env) == NOTE
        server.pages, server.total = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]], 11
        assert night()["deleted"] == 1
    assert len(live(env)) == 11


def test_a_list_whose_records_moved_to_the_next_page_is_read_to_its_end(env: Environment) -> None:
    server = Pages(total=True)
    with serving(server) as loopback:
        request = {**PAGED, "total_path": "total"}
        declare(env, loopback.url + "/api", request, protocol="rest", format="amb", identifier="id")
        assert night()["added"] == 12
        server.pages = [[0, 1, 2, 3], [3, 4, 5, 6], [7, 8, 9, 10], [11]]
        night()
    assert len(live(env)) == 12
    assert not last_run(env)["notes"]


@pytest.mark.parametrize("paging", ["page", "offset"])
@pytest.mark.parametrize(
    "pages",
    [
        [[0, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10], [11]],
        [[0, 1, 2, 3], [4, 5, 6, 7], [0, 8, 9, 10], [11]],
        [[0, 1, 2, 3], [3, 4, 5, 6], [0, 7, 8, 9], [9, 10], [11]],
    ],
    ids=["twice on a page", "on a page that is no neighbour", "several"],
)
def test_a_list_with_repeats_is_read_until_its_distinct_records_reach_the_total(
    env: Environment, pages: list[list[int]], paging: str
) -> None:
    entries = [number for page in pages for number in page]

    def by_offset(request: ReceivedRequest) -> Answer:
        start = int(request.params["page"])
        return Answer(json.dumps({"results": [work(n) for n in entries[start : start + 4]], "total": 12}))

    server = Pages(total=True)
    server.pages = pages
    with serving(server if paging == "page" else by_offset) as loopback:
        request = {**PAGED, "paging": paging, "total_path": "total"}
        declare(env, loopback.url + "/api", request, protocol="rest", format="amb", identifier="id")
        assert night()["added"] == 12
        assert night()["unchanged"] == 12
        assert not last_run(env)["notes"]


@pytest.mark.parametrize("behind", ["empty", "last page", "refused", "broken"])
def test_a_list_whose_total_counts_repeats_ends_behind_its_last_page(env: Environment, behind: str) -> None:
    server = Pages(total=True)
    server.pages = [[0, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10]]

    def script(request: ReceivedRequest) -> Answer:
        if int(request.params["page"]) < 3 or behind == "empty":
            return server(request)
        if behind == "last page":
            return Answer(json.dumps({"results": [work(n) for n in server.pages[-1]], "total": 12}))
        return Answer(status=404 if behind == "refused" else 500)

    with serving(script) as loopback:
        request = {**PAGED, "total_path": "total"}
        declare(env, loopback.url + "/api", request, protocol="rest", format="amb", identifier="id")
        assert night()["added"] == 11
        assert len([request for request in loopback.requests if request.params.get("page") == "3"]) <= 2


ONE_BODY: dict[str, Callable[[list[int]], str]] = {
    "csv": lambda numbers: (
        "id,name\n" + "".join(f"https://example.org/{n},How plants use light {n}\n" for n in numbers)
    ),
    "rest": lambda numbers: json.dumps([work(n) for n in numbers]),
}


@pytest.mark.parametrize("protocol", ONE_BODY)
def test_a_repeat_in_a_list_sent_as_a_single_response_prevents_no_deletion(env: Environment, protocol: str) -> None:
    numbers = [*range(12)]
    with serving(lambda request: Answer(ONE_BODY[protocol](numbers))) as loopback:
        declare(env, loopback.url + "/list", protocol=protocol, format="amb", identifier="id")
        assert night()["added"] == 12
        numbers[:] = [0, *range(11)]
        assert night()["deleted"] == 1
    assert not last_run(env)["notes"]


def test_a_single_response_with_fewer_distinct_records_than_its_total_deletes_nothing(env: Environment) -> None:
    numbers = [*range(12)]

    def script(request: ReceivedRequest) -> Answer:
        return Answer(json.dumps({"total": 12, "results": [work(n) for n in numbers]}))

    with serving(script) as loopback:
        request = {"records_path": "results", "total_path": "total"}
        declare(env, loopback.url + "/api", request, protocol="rest", format="amb", identifier="id")
        assert night()["added"] == 12
        numbers[:] = [0, *range(11)]
        assert night()["deleted"] == 0
    assert notes(env) == NOTE


class Dataset:
    """An Opendatasoft dataset that gives five records of a query and no more; a record may be of several kinds."""

    def __init__(self) -> None:
        self.kinds = {n: ["a"] if n < 4 else ["a", "b"] if n == 4 else ["b"] for n in range(9)}
        self.appears: dict[int, list[str]] = {}  # records that are added once the dataset was counted

    def __call__(self, request: ReceivedRequest) -> Answer:
        if "group_by" in request.params:
            self.kinds.update(self.appears)
        kind = request.params.get("refine", "").removeprefix("kind:")
        numbers = [n for n, kinds in self.kinds.items() if not kind or kind in kinds]
        if request.params.get("where") == "(kind is null)":
            numbers = []
        if "group_by" in request.params:
            return Answer(json.dumps({"results": [{"kind": "a", "records": 5}, {"kind": "b", "records": 5}]}))
        start, most = int(request.params.get("offset", 0)), int(request.params["limit"])
        results = [work(n) for n in numbers[start : start + most]]
        return Answer(json.dumps({"total_count": len(numbers), "results": results}))


def test_a_new_record_in_overlapping_slices_does_not_stand_for_a_missing_one(env: Environment) -> None:
    server = Dataset()
    with serving(server) as loopback:
        request = {"slice_by": "kind", "window": 6, "size": 2}
        declare(env, loopback.url + "/ods", request, protocol="opendatasoft", format="amb", identifier="id")
        assert night()["added"] == 9
        assert night()["unchanged"] == 9
        assert not last_run(env)["notes"]
        server.kinds[7] = ["c"]  # which the dataset's own list of kinds leaves out
        server.appears = {9: ["a"]}
        counts = night()
        assert (counts["added"], counts["deleted"]) == (1, 0)
    assert "may omit others" in notes(env)


def test_a_record_shared_by_slices_does_not_hide_a_missing_one(env: Environment) -> None:
    server = Dataset()
    with serving(server) as loopback:
        request = {"slice_by": "kind", "window": 5, "size": 2}
        declare(env, loopback.url + "/ods", request, protocol="opendatasoft", format="amb", identifier="id")
        assert night()["added"] == 9
        del server.kinds[8]
        assert night()["deleted"] == 1, "as many distinct records as the dataset counts"
        server.kinds[7] = ["c"]  # which its own list of kinds leaves out
        server.kinds[3] = ["a", "b"]
        assert night()["deleted"] == 0
    assert "may omit others" in notes(env)


@pytest.mark.parametrize(
    ("names", "one_list"),
    [
        (["map-1.xml", "map-2.xml"], True),
        (["map.xml", "map2.xml"], True),
        (["map.xml", "map-2.xml"], True),
        (["map_1.xml", "map_12.xml"], True),
        (["map-a.xml", "map-b.xml"], True),
        (["map/1/of.xml", "map/2/of.xml"], True),
        (["map-posts.xml", "map-pages.xml"], False),
    ],
    ids=[
        "numbered",
        "second numbered",
        "second numbered with a hyphen",
        "two digits",
        "lettered",
        "folders",
        "sections",
    ],
)
def test_a_page_in_two_sitemaps_is_a_repeat_where_they_are_one_numbered_list(
    env: Environment, names: list[str], one_list: bool
) -> None:
    sitemaps = {names[0]: [0, 1, 2], names[1]: [3, 4]}

    def script(request: ReceivedRequest) -> Answer:
        base = f"http://{request.headers['host']}"
        name = request.path.strip("/")
        if name.startswith("work"):
            title, url = f"How plants use light, {name}", f"https://example.org/{name}"
            node = json.dumps({"@type": "LearningResource", "name": title, "url": url})
            return Answer(f'<html><script type="application/ld+json">{node}</script></html>')
        if name == "sitemap.xml":
            places = "".join(f"<sitemap><loc>{base}/{sitemap}</loc></sitemap>" for sitemap in names)
            return Answer(f"<sitemapindex>{places}</sitemapindex>")
        if name not in sitemaps:
            return Answer(status=404)
        return Answer(f"<urlset>{''.join(f'<url><loc>{base}/work{n}</loc></url>' for n in sitemaps[name])}</urlset>")

    with serving(script) as loopback:
        declare(env, loopback.url + "/sitemap.xml", protocol="sitemap", full_every=1)
        assert night()["added"] == 5
        sitemaps[names[1]] = [2, 3]
        assert night()["deleted"] == (0 if one_list else 1)
    assert (NOTE in notes(env)) is one_list


# what is computed again from landing


def test_a_reprocess_withdraws_nothing_that_a_list_with_repeats_lacked(
    env: Environment, shelf: tuple[Shelf, Loopback]
) -> None:
    shelf[0].pages = MOVED
    night(full=True)
    tasks.run_feed("books", tasks.begin_reprocess("books"))
    assert len(live(env)) == 12


def test_a_page_read_again_after_a_kill_does_not_count_as_a_repeat(env: Environment) -> None:
    library = Library(400, size=120)
    with serving(library) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc", full_every=1)
        assert night()["added"] == 400
        library.count = 399
        command = [sys.executable, "-m", "tests.harvesters.harvest_process", "books"]
        where = {**os.environ, **variables(env.home), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=ROOT, env=where, stdout=subprocess.PIPE, text=True) as harvest:
            assert harvest.stdout is not None
            for line in harvest.stdout:  # the parts of 50 records end in the middle of a page
                if int(line) >= 360:
                    harvest.send_signal(signal.SIGKILL)
                    break
        assert harvest.wait(600) == -signal.SIGKILL
        counts = night()
    assert counts["deleted"] == 1
    assert last_run(env)["duplicates"] > 0, "a page was landed in part, and read again"
    assert "repeats" not in notes(env)


# the command


@pytest.mark.parametrize(("moved", "told"), [(True, True), (False, False)], ids=["a list with repeats", "a clean list"])
def test_the_terminal_says_that_a_list_repeats_records(
    env: Environment, capsysbinary: pytest.CaptureFixture[bytes], moved: bool, told: bool
) -> None:
    shelf = Shelf()
    shelf.pages = MOVED if moved else shelf.pages
    with serving(shelf) as loopback:
        declare(env, loopback.url + "/oai", protocol="oai_pmh", format="oai_dc")
        assert main(["harvest", str(env.feeds / "books.toml")]) == 0
    printed = capsysbinary.readouterr()
    assert len(printed.out.splitlines()) == 12
    assert (b"books: the list repeats 1 record and may omit others" in printed.err) is told
