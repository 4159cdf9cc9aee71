"""Mappings of terms the whole way: mapped, reprocessed, published; undone, reprocessed, gone."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from commands.cli import main
from loaders.curation import CannotDecide, map_terms, undo_batch
from loaders.staging import read_mappings
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from pipeline.terms import Outdated, map_term, outdated_feeds
from schemas import Environment, TermMapping
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, land_only, listed, night

__all__ = ["library"]
SIGNED: Any = {"by": "Amina", "reason": "it means this"}


def of_kind(feed: str, *terms: str) -> list[Any]:
    return [listed(feed, number, learningResourceType=[term]) for number, term in enumerate(terms)]


def reprocess(name: str) -> tuple[str, dict[str, int]]:
    run = tasks.begin_reprocess(name)
    return run, tasks.run_feed(name, run)


def codes(env: Environment, feed: str = "books") -> list[str | None]:
    """The code of the first kind of each record of the feed."""
    records = rows(env, "source_record", "key, record")
    decoded = [msgspec.json.decode(text) for key, text in records if key.startswith(feed)]
    return [each["resource_types"][0]["code"] if each.get("resource_types") else None for each in decoded]


def versions(env: Environment) -> dict[str, str]:
    return dict(rows(env, "harvest_run", "id, transform_version"))


def test_a_mapped_term_is_published_after_a_reprocess_and_gone_after_it_is_undone(library: Environment) -> None:
    terms = ["Лабиринт", "лабиринт", "ЛАБИРИ́НТ", "ورقة اللعب"] * 15
    run, _ = night(library, "books", of_kind("books", *terms))
    assert versions(library)[run] == tasks.transforms_version() and codes(library) == [None] * 60
    before = rows(library, "source_record", "key, record")

    first = map_term(library, "resource_types", "Лабиринт", "worksheet", **SIGNED)
    second = map_term(library, "resource_types", "ورقةُ اللعب", "resource_type:video", **SIGNED)
    assert first.count == 3, "every spelling in use is written"
    assert outdated_feeds(library) == Outdated(("books",), ())
    run, counts = reprocess("books")
    assert counts["changed"] == 60, "though all records changed, the run is not held"
    code, _, mappings = versions(library)[run].partition("+")
    assert code == tasks.transforms_version() and len(mappings) == 12
    assert sorted(filter(None, codes(library))) == ["video"] * 15 + ["worksheet"] * 45
    assert {row[0] for row in rows(library, "unmapped_value", "count")} == {0}
    tasks_catalog.publish_now()
    assert {row[0] for row in rows(library, "resource", "resource_type")} == {"worksheet", "video"}
    assert outdated_feeds(library) == Outdated((), ())

    for batch in (first, second):
        undo_batch(library, batch.id, by="Amina", reason="a mistake")
    assert outdated_feeds(library) == Outdated(("books",), ())
    run, counts = reprocess("books")
    assert counts["changed"] == 60 and versions(library)[run] == tasks.transforms_version()
    assert rows(library, "source_record", "key, record") == before, "byte for byte as without mappings"
    tasks_catalog.publish_now()
    assert {row[0] for row in rows(library, "resource", "resource_type")} == {None}


def test_only_the_feeds_that_a_mapping_is_for_get_another_version(library: Environment) -> None:
    declare(library, "films")
    for feed in ("books", "films"):
        night(library, feed, of_kind(feed, "Zettel"))
    map_term(library, "resource_types", "Zettel", "worksheet", feed="books", **SIGNED)
    assert outdated_feeds(library) == Outdated(("books",), ())
    runs = {feed: reprocess(feed)[0] for feed in ("books", "films")}
    assert "+" in versions(library)[runs["books"]] and "+" not in versions(library)[runs["films"]]
    assert codes(library) == ["worksheet"] and codes(library, "films") == [None]
    map_term(library, "resource_types", "Zettel", "video", **SIGNED)
    for feed in ("books", "films"):
        reprocess(feed)
    assert codes(library) == ["worksheet"] and codes(library, "films") == ["video"], "the feed's own one counts first"


def test_the_newest_mapping_counts_and_an_ignored_term_waits_no_more(library: Environment) -> None:
    night(library, "books", of_kind("books", "Zettel"))
    for entry, expected in (("video", "video"), ("worksheet", "worksheet"), (None, None)):
        map_term(library, "resource_types", "Zettel", entry, **SIGNED)
        reprocess("books")
        assert codes(library) == [expected]
        assert {row[0] for row in rows(library, "unmapped_value", "count")} == {0}


def test_two_mappings_of_one_batch_are_undone_at_once(library: Environment) -> None:
    night(library, "books", of_kind("books", "Zettel", "Kasten"))
    pair = [
        TermMapping(field="resource_types", value=value, scheme="resource_type", code="video")
        for value in ("Zettel", "Kasten")
    ]
    batch = map_terms(library, pair, **SIGNED)
    reprocess("books")
    assert codes(library) == ["video", "video"]
    assert undo_batch(library, batch.id, by="Amina", reason="x").count == 2
    reprocess("books")
    assert codes(library) == [None, None]


def test_every_chunk_of_a_run_has_the_mappings_of_its_plan(library: Environment) -> None:
    run = land_only(library, "books", of_kind("books", "Zettel"))
    map_term(library, "resource_types", "Zettel", "video", **SIGNED)
    chunks = tasks.plan("books", run)
    batch = map_term(library, "resource_types", "Zettel", "worksheet", **SIGNED)
    assert [each.code for each in read_mappings(library, run)] == ["video"]
    for chunk in chunks:
        tasks.transform("books", chunk)
    tasks.check("books", run)
    tasks.load("books", run, tasks.gate("books", run, tasks.stage("books", run)))
    assert codes(library) == ["video"] and outdated_feeds(library) == Outdated((), ("books",))
    undo_batch(library, batch.id, by="Amina", reason="x")
    assert outdated_feeds(library) == Outdated((), ())


def test_a_mapping_of_a_term_that_a_list_knows_is_for_feeds_that_may_have_it(library: Environment) -> None:
    night(library, "books", of_kind("books", "Worksheet"))
    map_term(library, "resource_types", "Worksheet", "video", **SIGNED)
    assert outdated_feeds(library) == Outdated((), ("books",))
    reprocess("books")
    assert codes(library) == ["video"] and outdated_feeds(library) == Outdated((), ())


def test_what_cannot_be_mapped_is_refused_with_a_reason(library: Environment) -> None:
    for field, value, entry, feed in (
        ("titles", "x", "video", None),
        ("resource_types", "x", "nonsense", None),
        ("resource_types", "x", "level:3", None),
        ("resource_types", "", "video", None),
        ("resource_types", "x", "video", "no_such_feed"),
    ):
        with pytest.raises(CannotDecide):
            map_term(library, field, value, entry, feed=feed, **SIGNED)
        assert rows(library, "term_mapping", "id") == [], (field, value, entry, feed)


def piped(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any, records: Sequence[Any], *words: str) -> list[Any]:
    """What `elib transform` writes for the records."""
    stdin = io.TextIOWrapper(io.BytesIO(msgspec.json.Encoder().encode_lines(records)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["transform", *words]) == 0
    return [
        msgspec.json.decode(line)["resource"]["resource_types"] for line in capfdbinary.readouterr().out.splitlines()
    ]


def test_the_pipe_reads_the_catalogs_mappings_or_those_of_a_file(
    library: Environment, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    records = of_kind("books", "Zettel")
    assert piped(monkeypatch, capfdbinary, records) == [[]]
    map_term(library, "resource_types", "Zettel", "video", **SIGNED)
    ((concept,),) = piped(monkeypatch, capfdbinary, records)
    assert concept["code"] == "video"
    run = land_only(library, "books", records)
    tasks.plan("books", run)
    snapshot = library.staging / run / "mappings.jsonl"
    map_term(library, "resource_types", "Zettel", None, **SIGNED)
    ((concept,),) = piped(monkeypatch, capfdbinary, records, "--mappings", str(snapshot))
    assert concept["code"] == "video" and piped(monkeypatch, capfdbinary, records) == [[]]
    snapshot.write_text("{}", encoding="utf-8")
    assert main(["transform", "--mappings", str(snapshot)]) == main(["transform", "--mappings", "/missing"]) == 2
