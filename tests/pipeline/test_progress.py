"""Long steps say in the task's log how far they are."""

from __future__ import annotations

import pytest

import pipeline.progress
from pipeline.catalog import publish_now
from schemas import Environment
from tests.pipeline.feeds import declare, listed, night


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
