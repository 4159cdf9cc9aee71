"""A night of changes reads of the feed what it needs, and comes to what reading all of it comes to."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from loaders import catalog, staging, store
from loaders.curation import curation
from loaders.landing import ask, land
from loaders.store import SourceRecordRow, read_transaction
from pipeline import feed
from schemas import Environment, Skipped, SourceRecord, replace
from tests.loaders.nights import on_sqlite, pages
from tests.pipeline.feeds import declare, listed, night
from transforms.gate import SharesBefore, judge
from transforms.rules import apply_batch_rules, common_digests, encode_facts, facts_of_json

BY = {"by": "A Steward", "reason": "looked at it"}
TITLES = ["Fractions for class 1", "Volcanoes and their lava", "Grammar of the verb", None]
ADDRESSES = [f"https://books.example.org/{name}" for name in "abc"]
LICENSES = [{"id": f"https://creativecommons.org/licenses/{name}/4.0/"} for name in ("by", "by-nc")]
IDENTIFIERS = ["p", "p#1", "p#1#2", "#", "50%", "it's", 'q"', "a_b", "axb", "é", "É", *map(str, range(14))]


def changed_record(chance: random.Random, identifier: str) -> SourceRecord:
    """A record that may share its title or address with others, have errors or a narrower licence, or be deleted."""
    more: dict[str, Any] = {"name": chance.choice(TITLES)}
    if chance.random() < 0.5:
        more["id"] = chance.choice(ADDRESSES)
    if chance.random() < 0.3:
        more |= {"license": chance.choice([*LICENSES, None]), "inLanguage": chance.choice([["en"], None])}
    record = replace(listed("books", chance.randrange(10), **more), identifier=identifier)
    return replace(record, deleted=True, payload=None) if chance.random() < 0.1 else record


def decide(env: Environment, chance: random.Random) -> None:
    """A steward accepts or refuses a version that waits, or mends a record, where that can be done."""
    with read_transaction(env) as connection:
        keys = sorted(connection.scalars(select(SourceRecordRow.key)))
        waits = select(SourceRecordRow.key).where(SourceRecordRow.pending_status == "quarantined")
        waiting = sorted(connection.scalars(waits)) or keys
    with suppress(curation.CannotDecide):  # what was decided already
        curation.accept(env, chance.choice(waiting), **BY)
        curation.refuse_version(env, chance.choice(waiting), **BY)
        curation.record_correction(env, chance.choice(keys), "title", '{"en": "A real title"}', **BY)


def shuffle_batch_files(env: Environment, chance: random.Random) -> None:
    """A file that the batch rules keep is lost, and another one is there twice, as a kill may leave them."""
    paths = sorted((env.home / "batch" / "books").glob("*.parquet"))
    chance.choice(paths).unlink()
    kept = chance.choice([path for path in paths if path.exists()])
    kept.with_name("again.parquet").write_bytes(kept.read_bytes())


def all_batch_issues(env: Environment, run: str, chunks: list[str]) -> set[tuple[str, str, str]]:
    """The issues of the batch rules where the JSON of every record of the feed is read, as it would be loaded."""
    with read_transaction(env) as connection:
        live = select(SourceRecordRow.record).where(SourceRecordRow.feed == "books", SourceRecordRow.status == "live")
        texts: list[Any] = list(connection.scalars(live))
    deletions = pq.read_table(env.staging / run / "deletions.parquet")["identifier"].to_pylist()
    gone = {f"books:{identifier}" for identifier in deletions}
    facts = {each.key: each for each in map(facts_of_json, texts) if each.key not in gone}
    for chunk in chunks:
        outcomes = pq.read_table(staging.outcome_path(env, chunk), columns=["record"])["record"].to_pylist()
        facts |= {each.key: each for each in map(facts_of_json, filter(None, outcomes))}
    return {(issue.code, issue.key, issue.value) for issue in apply_batch_rules(facts.values())}


def verdict(env: Environment, run: str, counts: dict[str, int]) -> dict[str, Any]:
    inputs = catalog.read_gate_inputs(env, run)
    return judge(inputs.facts, feed.load_feed(env, "books"), SharesBefore(**inputs.shares_before or {}), counts).results


def batch_issues(env: Environment, run: str) -> set[tuple[str, str, str]]:
    rows = pq.read_table(env.staging / run / "batch.parquet").to_pylist()
    return {(row["code"], f"books:{row['identifier']}", row["value"]) for row in rows}


def test_random_nights_come_to_what_reading_the_whole_feed_comes_to(library: Environment) -> None:
    declare(library, "books", "[expect]\nmax_drop = 1.0\nmax_drop_records = 1000\nmax_error_share = 1.0\n")
    chance = random.Random(1)
    night(library, "books", [changed_record(chance, identifier) for identifier in chance.sample(IDENTIFIERS, 20)])
    for _ in range(3):
        decide(library, chance)
        shuffle_batch_files(library, chance)
        some = [changed_record(chance, identifier) for identifier in chance.sample(IDENTIFIERS, 4)]
        unread = chance.choice(["p", "", *IDENTIFIERS])
        skipped = (Skipped(identifier=unread, reason="it is cut", retry=True),)
        source = feed.load_feed(library, "books")
        run = store.begin_run(library, "books", version=feed.transforms_version())
        land(library.landing, source, run, pages(some, full=False, skipped=skipped), ask=ask(library.landing, source))
        results = []
        for whole_state in (True, False):
            planned = staging.plan_staging(library, run, absent_after=1, whole_state=whole_state)
            assert planned.whole_state is whole_state
            chunks = list(planned.chunks)
            for chunk in chunks:
                feed.transform("books", chunk)
            feed.check("books", run)
            counts = feed.stage("books", run)
            rows = [
                sorted(pq.read_table(path).to_pylist(), key=repr)
                for path in sorted((library.staging / run).rglob("*.parquet"))
                if path.name not in ("state.parquet", "facts.parquet") and "chunks" not in path.parts
            ]
            results.append((replace(planned, whole_state=True), counts, verdict(library, run, counts), rows))
            if planned.transform or planned.deleted:
                across = {each for each in batch_issues(library, run) if each[0] != "license_narrowed"}
                assert across == all_batch_issues(library, run, chunks)
        assert results[0] == results[1]
        feed.load("books", run, True)


def test_an_incremental_night_reads_the_state_of_what_it_lists(library: Environment) -> None:
    night(library, "books", [listed("books", number) for number in range(9)])
    source = feed.load_feed(library, "books")
    run = store.begin_run(library, "books", version=feed.transforms_version())
    some = [listed("books", number, name="Another title") for number in (1, 2)]
    land(library.landing, source, run, pages(some, full=False), ask=ask(library.landing, source))
    assert feed.run_feed("books", run)["changed"] == 2
    assert pq.read_metadata(library.staging / run / "state.parquet").num_rows == 2
    made = pq.read_metadata(library.home / "batch" / "books" / f"{run}-made.parquet")
    assert made.num_rows == 0, "no record was read again for the batch rules"


def read_facts(records: Iterable[tuple[str, str | bytes]]) -> Iterator[catalog.BatchFacts]:
    for sha256, record in records:
        facts = facts_of_json(record)
        yield catalog.BatchFacts(facts.key, sha256, common_digests(facts), encode_facts(facts))


def test_a_check_reads_what_another_check_of_its_run_deletes_meanwhile(library: Environment) -> None:
    night(library, "books", [listed("books", number, id=ADDRESSES[0]) for number in range(9)])
    folder = library.home / "batch" / "books"
    (kept,) = [path for path in folder.glob("*.parquet") if pq.read_metadata(path).num_rows]
    for number in range(40):  # so many that a check writes one file in place of them all
        (folder / f"more-{number}.parquet").write_bytes(kept.read_bytes())
    source = feed.load_feed(library, "books")
    run = store.begin_run(library, "books", version=feed.transforms_version())
    land(library.landing, source, run, pages([listed("books", 1)], full=False), ask=ask(library.landing, source))
    chunks = feed.plan("books", run)
    for chunk in chunks:
        feed.transform("books", chunk)
    has_begun, other_has_ended = threading.Event(), threading.Event()

    def read_slowly(records: Iterable[tuple[str, str | bytes]]) -> Iterator[catalog.BatchFacts]:
        has_begun.set()
        assert other_has_ended.wait(60)
        yield from read_facts(records)

    arguments = library, run, chunks
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(catalog.shared_facts, *arguments, read_slowly, feed.transforms_version())
        assert has_begun.wait(60)
        facts = catalog.shared_facts(*arguments, read_facts, feed.transforms_version())
        assert not kept.exists()
        other_has_ended.set()
        assert slow.result() == facts
    assert len(facts) == 8, "all but the one that has another address now"
    assert catalog.shared_facts(*arguments, read_facts, feed.transforms_version()) == facts
    assert [path for path in folder.iterdir() if path.suffix != ".parquet"] == []


@pytest.mark.parametrize("damage", [b"PAR1", b""])
def test_files_of_the_batch_rules_that_cannot_be_read_are_made_again(library: Environment, damage: bytes) -> None:
    night(library, "books", [listed("books", number) for number in range(4)])
    for path in (library.home / "batch" / "books").glob("*.parquet"):
        content = path.read_bytes()
        path.write_bytes(damage or content[:4] + bytes(len(content) // 2 - 4) + content[len(content) // 2 :])
    _, counts = night(library, "books", [listed("books", number, name="One name for all") for number in range(4)])
    assert counts["changed"] == 4


@on_sqlite
def test_what_a_killed_check_has_left_is_removed(library: Environment) -> None:
    night(library, "books", [listed("books", 0)])
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = library.home / "batch" / "books" / f".made.parquet.{ended.pid}.tmp"
    scratch = library.home / "batch" / f"elib-scratch.{ended.pid}.tmp"
    left.write_bytes(b"half a file")
    night(library, "books", [listed("books", 0, name="Another title")])
    assert not left.exists()
    scratch.mkdir()
    catalog.forget_batch_facts(library, "books")
    assert list((library.home / "batch").iterdir()) == []
