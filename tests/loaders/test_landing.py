"""Landing: whole parts, payloads once, and what to ask next; also when the process or the disk fails."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loaders.landing import ask, harvests, land, landing, landing_index
from loaders.landing.past import fingerprint
from schemas import Ask, Feed, HarvestFailed, Listing, Page, RawResponse, Request, Skipped, replace
from tests.loaders.nights import feed, pages, sent

ROOT = Path(__file__).parents[2]


def landed(folder: Path) -> list[tuple[str, bool]]:
    parts = sorted(folder.glob("books/*/part-*.parquet"))
    return [(row["identifier"], row["kept"]) for part in parts for row in pq.read_table(part).to_pylist()]


def test_a_payload_is_stored_exactly_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    record = sent("r1", "Ž \n <b>é</b>  ", datestamp="2026-01-01")
    done = land(tmp_path, feed(), "books-1", pages([record]))
    (row,) = pq.read_table(tmp_path / "books/books-1/part-00000.parquet").to_pylist()
    assert row["payload"] == record.payload
    assert row["sha256"] == sha256((record.payload or "").encode()).hexdigest()
    assert (done.listed, done.kept, done.parts, done.complete) == (1, 1, 1, True)


def test_a_payload_already_landed_is_stored_as_a_header_only(tmp_path: Path) -> None:
    first = [sent("r1"), sent("r1"), sent("r2"), sent("gone", None)]
    land(tmp_path, feed(), "books-1", pages(first))
    land(tmp_path, feed(), "books-2", pages([sent("r1"), sent("r2", "new")]))
    kept = [("r1", True), ("r1", False), ("r2", True), ("gone", False), ("r1", False), ("r2", True)]
    assert landed(tmp_path) == kept


@pytest.mark.parametrize("loss", ["missing", "garbage", "damaged within", "behind", "of parts that are gone"])
def test_a_damaged_index_is_rebuilt_from_the_landed_parts(tmp_path: Path, loss: str) -> None:
    land(tmp_path, feed(), "books-1", pages([sent("r1")]))
    index = tmp_path / "books" / "index.db"
    if loss == "behind":
        old = index.read_bytes()
        land(tmp_path, feed(), "books-2", pages([sent("r2")]))
        index.write_bytes(old)
    elif loss == "garbage":
        index.write_bytes(b"not a database at all" * 1000)
    elif loss == "damaged within":
        with landing_index(tmp_path / "books") as made:
            more = ((f"x{number}", "0" * 64, number) for number in range(5_000))
            made.add(tmp_path / "books/books-1/part-00001.parquet", more)
        (tmp_path / "books/books-1/part-00001.parquet").symlink_to("part-00000.parquet")
        whole = index.read_bytes()
        index.write_bytes(whole[: 4 * 4096] + b"\xff" * (len(whole) - 4 * 4096))
    elif loss == "missing":
        index.unlink()
    else:
        (tmp_path / "books/books-1/part-00000.parquet").rename(tmp_path / "books/books-1/part-00007.parquet")
    wanted = [
        (record.identifier, sha256((record.payload or "").encode()).hexdigest()) for record in (sent("r1"), sent("r2"))
    ]
    with landing_index(tmp_path / "books") as made:
        locations = {identifier: location for (identifier, _), location in made.locations(wanted).items()}
    part = "part-00007.parquet" if loss.startswith("of parts") else "part-00000.parquet"
    assert locations["r1"] == (f"books-1/{part}", 0)
    assert ("r2" in locations) == (loss == "behind")


def test_a_large_page_is_split_into_parts_and_only_the_last_holds_the_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "LANDING_PART_RECORDS", 10)
    land(tmp_path, feed(), "books-1", pages([sent(f"r{n}") for n in range(35)], size=100))
    (harvest,) = harvests(tmp_path / "books")
    assert [footer.records for footer in harvest.footers] == [10, 10, 10, 5]
    assert [footer.position for footer in harvest.footers] == [None, None, None, {"next": 100}]
    assert [footer.complete for footer in harvest.footers] == [False, False, False, True]


def test_raw_responses_are_kept_with_their_reason(tmp_path: Path) -> None:
    raw = RawResponse(url="https://example.org/oai", body=b"\xff<oops", reason="not well-formed at line 1")
    land(tmp_path, feed(), "books-1", [Page(raw=(raw,), complete=True)])
    kept = tmp_path / "books" / "books-1" / "raw-00000.bin"
    assert kept.read_bytes() == raw.body
    assert json.loads(kept.with_suffix(".json").read_bytes()) == {"url": raw.url, "reason": raw.reason}


def test_the_first_harvest_is_full_and_the_next_starts_at_the_servers_date(tmp_path: Path) -> None:
    books = feed(request=Request(since_param="since"), full_every=3)
    assert ask(tmp_path, books) == Ask()
    land(tmp_path, books, "books-1", pages([sent("r1"), sent("r2")]), ask=ask(tmp_path, books))
    second = ask(tmp_path, books)
    assert second == Ask(since="2025-12-31T11:00:00Z", full=False, listed_before=2)
    land(tmp_path, books, "books-2", pages([], full=False), ask=second)
    assert ask(tmp_path, books).full is False
    land(tmp_path, books, "books-3", pages([], full=False), ask=second)
    assert ask(tmp_path, books) == Ask(listed_before=2), "every third asks for everything"
    assert ask(tmp_path, books, full=True).since is None
    assert ask(tmp_path, books.model_copy(update={"url": "https://example.org/v2"})) == Ask(), "another source"


def test_another_prefix_is_another_source_and_the_one_of_the_same_name_is_not(tmp_path: Path) -> None:
    books = feed(protocol="oai_pmh", url="https://example.org/oai", format="lom")
    land(tmp_path, books, "books-1", pages([sent("r1")]), ask=ask(tmp_path, books))
    assert ask(tmp_path, books).since
    assert ask(tmp_path, books.model_copy(update={"prefix": "lom"})).since, "said explicitly"
    assert ask(tmp_path, books.model_copy(update={"prefix": "oai_lom"})).since is None
    crosswalk = {"format": "obaa", "prefix": "lom"}
    assert ask(tmp_path, books.model_copy(update=crosswalk)).since, "asks the repository for the same"


@pytest.mark.parametrize(
    ("declared", "digest"),
    [
        ({"protocol": "oai_pmh", "format": "oai_dc"}, "c668ed6c9c72f2fe"),
        ({"protocol": "oai_pmh", "format": "lom", "prefix": "oai_lom", "sets": ["b", "a"]}, "37487bc29243474b"),
        ({"protocol": "rest", "request": {"paging": "page", "since_param": "from"}}, "299df1065050ef6e"),
    ],
)
def test_an_upgrade_does_not_harvest_everything_again(declared: dict[str, object], digest: str) -> None:
    """What was landed before keys were added to feed files is of the same source, unless the feed file sets them."""
    required = {"name": "books", "title": "Books", "partner": "P", "url": "https://example.org/oai"}
    rest = {"format": "amb", "identifier": "id"} if declared["protocol"] == "rest" else {}
    of = Feed.model_validate({**required, **rest, **declared})
    assert fingerprint(of) == digest
    request = {**dict(declared.get("request", {})), "verb": "ListRecords", "since_format": None}  # type: ignore[call-overload]
    assert (
        fingerprint(Feed.model_validate({**required, **rest, **declared, "exclude_sets": [], "request": request}))
        == digest
    )


@pytest.mark.parametrize(
    ("told", "declared", "due"),
    [(False, None, 28), (True, None, 90), (True, 3, 3), (False, 3, 3)],
    ids=["not told", "told for good", "told, and declared", "not told, and declared"],
)
def test_full_harvests_recur_seldom_where_the_repository_keeps_its_deletions(
    tmp_path: Path, told: bool, declared: int | None, due: int
) -> None:
    books = feed(full_every=declared).model_copy(update={"protocol": "oai_pmh"})
    land(tmp_path, books, "books-000", pages([sent("r1")], reports_all_deletions=told))
    asked_full = []
    for number in range(1, due + 2):
        next_ask = ask(tmp_path, books)
        asked_full.append(next_ask.full)
        land(
            tmp_path,
            books,
            f"books-{number:03d}",
            pages([], full=next_ask.full, reports_all_deletions=told),
            ask=next_ask,
        )
    assert asked_full == [number % due == 0 for number in range(1, due + 2)]


def test_a_repository_that_stops_keeping_deletions_gets_a_full_harvest(tmp_path: Path) -> None:
    books = feed().model_copy(update={"protocol": "oai_pmh"})
    for number in range(40):
        land(tmp_path, books, f"books-{number:03d}", pages([sent("r1")], full=number == 0, reports_all_deletions=True))
    assert ask(tmp_path, books).full is False
    land(tmp_path, books, "books-040", pages([], full=False, reports_all_deletions=False))
    assert ask(tmp_path, books).full is True


def test_the_next_harvest_includes_records_stamped_in_the_servers_local_time(tmp_path: Path) -> None:
    """A record changed at noon UTC after a harvest at 11:50, at a server that writes 00:00 then (UTC-12)."""
    books = feed(request=Request(since_param="since"), full_every=99)
    land(tmp_path, books, "books-1", [Page(complete=True, full=True, response_date="2026-03-01T11:50:00Z")])
    since = ask(tmp_path, books).since
    assert since is not None
    assert since < "2026-03-01T00:00:00Z"


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "yesterday"])
def test_an_impossible_response_date_leads_to_a_full_harvest(tmp_path: Path, date: str) -> None:
    land(tmp_path, feed(), "books-1", [Page(complete=True, full=True, response_date=date)])
    assert ask(tmp_path, feed()).full


@pytest.mark.parametrize(
    ("request_", "another"),
    [
        ({"encoding": "cp1251"}, True),
        ({"params": {"language": "fr"}}, True),
        ({"records_path": "results"}, True),
        ({"rate": 9.0, "retries": 1, "max_bytes": 10}, False),
    ],
)
def test_a_feed_file_that_reads_its_source_differently_drops_the_validators(
    tmp_path: Path, request_: dict[str, object], another: bool
) -> None:
    """Or the server would say that nothing changed, and what was read wrongly would stay."""
    land(tmp_path, feed(), "books-1", [Page(records=[sent("r1")], complete=True, full=True, validators={"u": "1"})])
    assert (ask(tmp_path, feed(request=Request(**request_))).validators == {}) is another


def test_a_list_without_datestamps_is_harvested_in_full_every_time(tmp_path: Path) -> None:
    land(tmp_path, feed(), "books-1", pages([sent("r1")]))
    assert ask(tmp_path, feed()).full is True


def test_an_interrupted_harvest_resumes_and_a_truncated_one_starts_over(tmp_path: Path) -> None:
    books = feed(request=Request(since_param="since"))
    land(tmp_path, books, "books-1", pages([sent("r1")]), ask=ask(tmp_path, books))

    def broken(cause: str):  # type: ignore[no-untyped-def]
        yield Page(records=[sent("r2")], position={"token": "abc"})
        raise HarvestFailed(cause, "it said so")

    next_ask = ask(tmp_path, books)
    with pytest.raises(HarvestFailed):
        land(tmp_path, books, "books-2", broken("unreachable"), ask=next_ask)
    again = ask(tmp_path, books)
    assert (again.position, again.since, again.listed_so_far) == ({"token": "abc"}, next_ask.since, 1)
    land(tmp_path, books, "books-3", pages([sent("r3")], full=False, complete=False), ask=again)
    with pytest.raises(HarvestFailed):
        land(tmp_path, books, "books-4", broken("truncated"), ask=ask(tmp_path, books))
    assert ask(tmp_path, books) == Ask(since="2025-12-31T11:00:00Z", full=False, listed_before=1), "the mark stays"
    assert [len(harvest.parts) for harvest in harvests(tmp_path / "books")] == [1, 3]


def test_a_list_without_positions_starts_over_as_a_new_harvest(tmp_path: Path) -> None:
    land(tmp_path, feed(), "books-1", [Page(records=[sent("r1")], full=True)])  # and killed
    next_ask = ask(tmp_path, feed())
    assert (next_ask.position, next_ask.listed_so_far) == (None, 0)
    land(tmp_path, feed(), "books-2", [Page(records=[sent("r1", "other")], full=True, complete=True)], ask=next_ask)
    assert [(harvest.listed, harvest.whole_list) for harvest in harvests(tmp_path / "books")] == [(1, False), (1, True)]


def test_a_position_that_keeps_failing_is_given_up_after_three_tries(tmp_path: Path) -> None:
    def down():  # type: ignore[no-untyped-def]
        raise HarvestFailed("unreachable", "HTTP 500")
        yield

    land(tmp_path, feed(), "books-0", pages([sent("r1")], complete=False))
    for number in range(1, 4):
        next_ask = ask(tmp_path, feed())
        assert next_ask.position == {"next": 10}
        with pytest.raises(HarvestFailed):
            land(tmp_path, feed(), f"books-{number}", down(), ask=next_ask)
    assert ask(tmp_path, feed()).position is None


def test_skipped_records_are_requested_again_by_identifier(tmp_path: Path) -> None:
    poison = Skipped(identifier="bad", reason="HTTP 500")
    land(tmp_path, feed(), "books-1", pages([sent("r1")], skipped=(poison,), validators={"u": "etag"}))
    next_ask = ask(tmp_path, feed())
    assert next_ask.retry == (poison,)


def test_a_skip_without_identifier_makes_the_next_harvest_repeat_its_list(tmp_path: Path) -> None:
    books = feed(request=Request(since_param="since"), full_every=100)
    land(tmp_path, books, "books-1", pages([sent("r1")]), ask=ask(tmp_path, books))
    second = ask(tmp_path, books)
    poison = Skipped(identifier=None, reason="record 7: HTTP 500")
    land(tmp_path, books, "books-2", pages([], full=False, skipped=(poison,)), ask=second)
    assert ask(tmp_path, books).since == second.since == "2025-12-31T11:00:00Z"
    later = Page(complete=True, response_date="2026-02-01T00:00:00Z")
    land(tmp_path, books, "books-3", [later], ask=ask(tmp_path, books))
    assert ask(tmp_path, books).since == "2026-01-31T11:00:00Z"
    land(tmp_path, books, "books-4", pages([sent("r1")], skipped=(poison,)), ask=ask(tmp_path, books, full=True))
    assert ask(tmp_path, books).full is True, "a whole list that lacked something is asked for whole again"


def test_a_list_that_lacked_a_record_is_not_requested_conditionally(tmp_path: Path) -> None:
    poison = Skipped(identifier="r2", reason="its own address answers 500")
    land(tmp_path, feed(), "books-1", pages([sent("r1")], skipped=(poison,), validators={"u": "etag"}))
    assert ask(tmp_path, feed()).validators == {}
    oai = feed().model_copy(update={"protocol": "oai_pmh", "name": "oai"})
    land(tmp_path, oai, "oai-1", pages([sent("r1")], skipped=(poison,), validators={"u": "etag"}))
    assert ask(tmp_path, oai).validators == {"u": "etag"}, "it asks for the record by itself"


def test_records_listed_twice_count_once_for_the_next_harvest(tmp_path: Path) -> None:
    again = [sent("r1"), sent("r2"), sent("r1"), sent("r2"), sent("r3")]
    land(tmp_path, feed(), "books-1", pages(again, counted=3))
    assert ask(tmp_path, feed()).listed_before == 3


def moved(*pages_of: list[str], size: int | None = None, full: bool = True, **more: object) -> list[Page]:
    """A list page by page, then the complete page."""
    listed = [
        Page(records=[sent(name) for name in names], full=full, listing=Listing(page=number, size=size))
        for number, names in enumerate(pages_of)
    ]
    date = "2026-01-01T00:00:00Z"
    return [*listed, Page(complete=True, full=full, response_date=date, listing=Listing(size=size), **more)]  # type: ignore[arg-type]


def test_an_incremental_list_with_repeats_is_harvested_again_from_the_same_date(tmp_path: Path) -> None:
    books = feed(request=Request(since_param="since"), full_every=99)
    land(tmp_path, books, "books-0", moved(["r1", "r2"], ["r3"]), ask=ask(tmp_path, books))
    first = ask(tmp_path, books)
    assert first.since == "2025-12-31T11:00:00Z"
    marks = []
    for number in range(1, 4):
        changes = moved(["r1", "r2"], ["r2", "r3"], full=False)
        changes[-1] = replace(changes[-1], response_date=f"2026-02-0{number}T00:00:00Z")
        done = land(tmp_path, books, f"books-{number}", changes, ask=ask(tmp_path, books))
        assert done.notes == (
            "the list repeats 1 record and may omit others: what changed in that time is asked for again",
        )
        marks.append(ask(tmp_path, books).since)
    assert marks == [first.since, first.since, "2026-02-02T11:00:00Z"], "the third time it is the server's habit"


@pytest.mark.parametrize(("size", "whole"), [(3, True), (4, False), (None, False)])
def test_a_record_that_could_not_be_read_counts_as_listed(tmp_path: Path, size: int | None, whole: bool) -> None:
    land(tmp_path, feed(), "books-1", moved(["r1", "r2"], ["r3"], size=3))
    poison = Skipped(identifier="r3", reason="HTTP 500")
    land(tmp_path, feed(), "books-2", moved(["r1", "r2"], ["r2"], size=size, skipped=(poison,)))
    assert harvests(tmp_path / "books")[-1].whole_list is whole


def test_a_list_that_is_started_again_is_counted_separately(tmp_path: Path) -> None:
    first = [replace(page, listing=Listing(name="first", page=2)) for page in moved(["r1", "r2"])[:-1]]
    land(tmp_path, feed(), "books-1", [*first, *moved(["r1"], ["r2"], size=2)])
    (harvest,) = harvests(tmp_path / "books")
    assert harvest.whole_list


def test_a_list_with_repeats_is_not_requested_conditionally(tmp_path: Path) -> None:
    land(tmp_path, feed(), "books-1", moved(["r1", "r1"], size=2, validators={"u": "etag"}))
    assert ask(tmp_path, feed()).validators == {}


def test_a_retried_task_continues_after_the_parts_of_its_run(tmp_path: Path) -> None:
    land(tmp_path, feed(), "books-1", pages([sent("r1")], complete=False))
    next_ask = ask(tmp_path, feed())
    land(tmp_path, feed(), "books-1", pages([sent("r2")]), ask=next_ask)
    (harvest,) = harvests(tmp_path / "books")
    assert [path.name for path in harvest.parts] == ["part-00000.parquet", "part-00001.parquet"]
    assert (harvest.listed, harvest.whole_list) == (2, True)


def process(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.loaders.landing_process", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )


@pytest.mark.slow
def test_a_harvest_killed_repeatedly_neither_loses_nor_repeats_records(tmp_path: Path) -> None:
    chance = random.Random(7)
    last, run = 2_000, 0
    while not any(harvest.last.complete for harvest in harvests(tmp_path / "books")):
        run += 1
        with process(str(tmp_path), f"books-{run:03d}", str(last), "100") as harvest:
            assert harvest.stdout is not None
            for line in harvest.stdout:
                if run <= 5 and int(line) >= run * 330 + chance.randrange(60):
                    harvest.send_signal(signal.SIGKILL)
                    break
            harvest.wait(600)
        assert run < 12
    (completed,) = harvests(tmp_path / "books")
    assert sorted(identifier for identifier, _ in landed(tmp_path)) == sorted(f"r{n}" for n in range(last))
    assert run > 5
    assert completed.listed == last


@pytest.mark.slow
def test_a_full_disk_leaves_complete_parts_and_the_next_run_continues(tmp_path: Path) -> None:
    with process(str(tmp_path), "books-001", "1000", "20000", "400000") as full:
        _, error = full.communicate(timeout=600)
    assert full.returncode != 0
    assert "File too large" in error
    before = landed(tmp_path)
    assert len(before) == 500
    assert not list(tmp_path.rglob(".part*"))
    with process(str(tmp_path), "books-002", "1000", "20000") as rest:
        rest.communicate(timeout=600)
    assert rest.returncode == 0
    assert landed(tmp_path)[: len(before)] == before
    assert sorted(identifier for identifier, _ in landed(tmp_path)) == sorted(f"r{n}" for n in range(1000))
