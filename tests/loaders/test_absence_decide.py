"""Waiting absences as people see them: the lists of `elib review`, the end of the wait, and the reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders import catalog, store
from loaders.backup import back_up, restore
from loaders.curation import CannotDecide, end_wait, list_waiting_absences, undo_curation
from loaders.store import engine
from pipeline import catalog as publication
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import everything, feed, night, on_sqlite, rows, run_counts, sent, stage, states

FEED = """title = "Books"
partner = "A Library"
protocol = "rest"
url = "https://example.org/api"
format = "amb"
identifier = "id"
"""
BY = {"by": "A Steward", "reason": "they are gone"}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    made = environment_at(tmp_path / "home", monkeypatch)
    yield made
    engine(made).dispose()


def environment_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    (home / "feeds").mkdir(parents=True)
    (home / "feeds" / "books.toml").write_text(FEED, encoding="utf-8")
    monkeypatch.setenv("ELIB_HOME", str(home))
    monkeypatch.setenv("ELIB_FEEDS", str(home / "feeds"))
    monkeypatch.setenv("ELIB_CATALOG_URL", f"sqlite:///{home / 'catalog.db'}")
    made = environment()
    new_catalog(made)
    return made


def lists(env: Environment, *names: str) -> dict[str, int]:
    return night(env, feed(absent_after=2), [sent(name, notes=["x"]) for name in names])


def reprocess(env: Environment) -> dict[str, int]:
    run = store.begin_run(env, "books", "reprocess")
    stage(env, run, absent_after=2)
    return run_counts(catalog.load(env, run))


def test_what_waits_is_listed_until_it_is_deleted_or_listed_again(env: Environment) -> None:
    lists(env, "a", "b", "c")
    assert [*list_waiting_absences(env)] == ["no record waits to be deleted"]
    lists(env, "a")
    assert [*list_waiting_absences(env, "books")] == [
        "books:b: missing from 1 complete list; deleted after 2",
        "books:c: missing from 1 complete list; deleted after 2",
    ]
    lists(env, "a", "b")
    assert [*list_waiting_absences(env)] == ["no record waits to be deleted"]
    assert states(env) == {"a": "live", "b": "live", "c": "deleted"}


def test_a_steward_ends_the_wait_and_can_undo_it(env: Environment) -> None:
    lists(env, "a", "b")
    lists(env, "a")
    before = everything(env)
    (number,) = end_wait(env, "books:b", **BY)
    assert states(env) == {"a": "live", "b": "deleted"}
    assert [bool(resolved) for key, resolved in rows(env, "issue", "key, resolved_run_id") if key == "books:b"] == [
        True
    ]
    assert [*list_waiting_absences(env)] == ["no record waits to be deleted"]
    undo_curation(env, number, **BY)
    after = everything(env)
    assert {name: after[name] for name in after if name != "curation"} == {
        name: before[name] for name in before if name != "curation"
    }
    assert len([*list_waiting_absences(env)]) == 1


def test_only_what_waits_can_be_deleted(env: Environment) -> None:
    lists(env, "a", "b")
    for target in ("books:a", "books", "books:none", "films", "films:a"):
        with pytest.raises(CannotDecide, match="does not wait"):
            end_wait(env, target, **BY)


def test_the_decision_stays_through_reprocess_backup_and_restore(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists(env, "a", "b", "c")
    lists(env, "a", "c")
    assert len(end_wait(env, "books", **BY)) == 1
    reprocess(env)
    assert states(env) == {"a": "live", "b": "deleted", "c": "live"}
    back_up(env, tmp_path / "elib.tar")
    other = environment_at(tmp_path / "other", monkeypatch)
    restore(other, tmp_path / "elib.tar")
    reprocess(other)
    assert states(other) == {"a": "live", "b": "deleted", "c": "live"}
    engine(other).dispose()


def test_a_record_that_is_listed_again_is_back_for_good(env: Environment) -> None:
    lists(env, "a", "b")
    lists(env, "a")
    end_wait(env, "books", **BY)
    assert lists(env, "a", "b")["added"] == 1
    reprocess(env)
    lists(env, "a")
    reprocess(env)
    assert states(env) == {"a": "live", "b": "live"}, "it waits anew"
    assert lists(env, "a")["deleted"] == 1


@on_sqlite
def test_the_reports_say_how_many_wait_and_which(env: Environment) -> None:
    lists(env, "a", "b")
    lists(env, "a")
    publication.report()
    night_report = json.loads((env.reports / "night.json").read_bytes())
    needs = [need for need in night_report["people"] if need["what"] == "absent"]
    assert [(need["feed"], need["count"]) for need in needs] == [("books", 1)]
    assert json.loads((env.reports / "feeds" / "books.json").read_bytes())["absent"] == ["b"]
    for page in ("night.html", "night.ar.html"):
        assert "elib review absent --feed books" in (env.reports / page).read_text(encoding="utf-8")
    lists(env, "a")
    publication.report()
    assert not json.loads((env.reports / "night.json").read_bytes())["people"]


@on_sqlite
def test_a_damaged_landing_does_not_stop_the_reports(env: Environment) -> None:
    lists(env, "a", "b")
    lists(env, "a")
    newest = max(env.landing.glob("books/*/part-*.parquet"))
    newest.write_bytes(b"damaged")
    publication.report()
    assert json.loads((env.reports / "feeds" / "books.json").read_bytes())["absent"] == []
