"""A held run, from the gate to what the steward and the operator read, in their languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands.cli import main
from loaders.reports import LANGUAGES, reason_messages, reason_sentence
from loaders.store import decode_reasons
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night


def held(env: Environment) -> tuple[str, str]:
    ((run, reasons),) = (row[:2] for row in rows(env, "harvest_run", "id, reasons, status") if row[2] == "held")
    return run, reasons


def test_a_held_run_says_why_in_every_language(home: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    declare(home, "books", "[expect]\nrecords = [100, 200]\n")
    night(home, "books", [listed("books", number) for number in range(120)])
    nothing = {"license": None, "name": "Untitled"}
    bare = [listed("books", number, **(nothing if number > 9 else {})) for number in range(60)]
    assert night(home, "books", bare)[1] == {}
    run, reasons = held(home)
    held_reasons = decode_reasons(reasons)
    codes = [reason.code for reason in held_reasons]  # type: ignore[union-attr]
    assert codes == ["license_narrowed", "records", "live_drop", "deletions", "errors"], "what may cost rights is first"
    tasks_catalog.report()
    for language in LANGUAGES:
        suffix = "" if language == "en" else f".{language}"
        pages = [home.reports / f"{page_name}{suffix}.html" for page_name in ("night", "feeds/books", f"gate/{run}")]
        for reason in held_reasons:
            words = reason_sentence(reason, language).replace("&", "&amp;").replace("'", "&#39;")
            assert [page.name for page in pages if words not in page.read_text(encoding="utf-8")] == []
    assert main(["review", "held"]) == 0
    output = capsys.readouterr().out
    assert "because 50 of 120 live records have a licence that permits less than before" in output
    assert "The feed would have 60 live records; its file expects 100 to 200" in output


def test_a_retired_feed_is_held_because_it_is_retired(home: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    declare(home, "books", "[expect]\nrecords = [60, 200]\n")
    night(home, "books", [listed("books", number) for number in range(100)])
    declare(home, "books", 'status = "retired"\n[expect]\nrecords = [60, 200]\n')
    run = tasks.harvest("books")["run_id"]
    assert tasks.run_feed("books", run) == {}
    (reason,) = decode_reasons(held(home)[1])
    assert reason_sentence(reason).startswith("The feed is retired: 100 of 100 live records would be withdrawn")
    assert main(["review", "held"]) == 0
    output = capsys.readouterr().out
    assert "deleted books:0: the feed is retired" in output and "complete list" not in output
    tasks_catalog.report()
    for language in LANGUAGES:
        page = home.reports / ("night.html" if language == "en" else f"night.{language}.html")
        assert reason_sentence(reason, language).replace('"', "&#34;") in page.read_text(encoding="utf-8")
    assert main(["review", "release", run, "--by", "A Steward", "--reason", "the partner closed"]) == 0
    assert {*rows(home, "source_record", "status, deleted_reason")} == {("deleted", "retired")}
    assert tasks.run_feed("books", tasks.harvest("books")["run_id"])["landed"] == 0, "and it is not held again"


def test_every_gate_reason_has_a_sentence_in_every_language() -> None:
    bounds = (Path(tasks.__file__).parents[1] / "transforms" / "gate" / "bounds.py").read_text(encoding="utf-8")
    codes = {*re.findall(r'(?:_reason|_coverage)\(\s*"(\w+)"', bounds), "pipe"}
    assert {"records", "errors", "with_language", "all_changed"} <= codes
    gaps = {
        language: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in reason_messages(language).items()}
        for language in LANGUAGES
    }
    for language in LANGUAGES:
        assert gaps[language] == gaps["en"] and codes <= set(gaps[language])
