"""Long steps say in the task's log how far they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

import pipeline.progress
from loaders.store import HarvestRunRow, decode_measures, read_transaction, write_transaction
from pipeline import feed
from pipeline.catalog import publish_now
from schemas import Environment
from tests.pipeline.feeds import declare, land_only, listed, night


def test_every_step_that_reads_record_by_record_writes_how_far_it_is(
    home: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline.progress, "_SECONDS_BETWEEN_LINES", 0.0)
    declare(home, "books")
    with caplog.at_level("INFO", "elib"):
        night(home, "books", [listed("books", number) for number in range(250)])
        night(home, "books", [listed("books", number, keywords=["new"]) for number in range(30)])
        publish_now()
    lines = [record.getMessage() for record in caplog.records]
    for step in ("plan", "transform", "check", "stage", "gate", "load"):
        assert f"books: {step} begins" in lines
        assert [line for line in lines if line.startswith(f"books: {step} took ")], step
    for step in ("books: transform: 200 records", "books: check: 200 records", "publish: 250 resources"):
        assert [line for line in lines if line.startswith(step)], step


def test_what_goes_on_beside_a_load_of_another_feed_does_not_wait_for_it_to_note_its_seconds(
    library: Environment,
) -> None:
    run = land_only(library, "books", [listed("books", number) for number in range(3)])
    chunks = feed.plan("books", run)
    with ThreadPoolExecutor(1) as thread:
        with write_transaction(library):  # as a load holds it for minutes
            assert thread.submit(feed.transform, "books", chunks[0]).result(timeout=120) == {"records": 3}
            assert thread.submit(feed.check, "books", run).result(timeout=120) == 0
        feed.stage("books", run)
    with read_transaction(library) as connection:
        measures = connection.scalar(select(HarvestRunRow.measures).where(HarvestRunRow.id == run))
    assert {name for name, seconds in decode_measures(measures).seconds.items() if seconds > 0} == {
        "plan",
        "transform",
        "check",
        "stage",
    }
