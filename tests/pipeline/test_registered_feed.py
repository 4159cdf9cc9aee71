"""The first run of a feed that a partner registered waits for a steward, whatever its records are."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders.applications import accept_application, create_draft, save_draft, submit_application
from loaders.backup import back_up, restore, write_feed_files
from loaders.catalog import release
from loaders.erasure import erase
from loaders.reports import reason_sentence
from loaders.store import engine, read_run
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import Environment, environment, read_feed
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import FEED, declare, listed, night

NAME = "registered"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """An installation that reads its own folder of registered feeds after that of the operator."""
    home = tmp_path / "home"
    monkeypatch.setenv("ELIB_HOME", str(home))
    monkeypatch.setenv("ELIB_FEEDS", os.pathsep.join([str(tmp_path / "feeds"), str(home / "feeds")]))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    new_catalog(env)
    yield env
    engine(env).dispose()


def register(env: Environment, name: str = NAME) -> None:
    """Accept an application for a feed like those of the tests."""
    keys = tomllib.loads(FEED)
    draft = create_draft(env, partner=keys["partner"], contact="ana@example.org", declaration=keys)
    accept_application(env, submit_application(env, save_draft(env, draft, name=name)), by="Amina", reason="good")


def harvested(env: Environment, count: int = 3) -> tuple[str, dict[str, int]]:
    """A night of the feed, as far as its declaration is kept by the harvest."""
    from loaders.declarations import keep_declaration

    keep_declaration(env, tasks.load_feed(env, NAME))
    return night(env, NAME, [listed(NAME, number) for number in range(count)])


def reasons_of(env: Environment, run: str) -> list[str]:
    return [reason.code for reason in read_run(env, run).reasons if not isinstance(reason, str)]


def test_the_first_run_is_held_until_a_steward_releases_it(library: Environment) -> None:
    register(library)
    run, counts = harvested(library)
    assert counts == {}
    assert read_run(library, run).status == "held"
    assert reasons_of(library, run) == ["first_run"]
    assert rows(library, "feed_declaration", "source") == [("registration",)]
    assert rows(library, "source_record", "key") == []
    again, counts = harvested(library, 4)
    assert counts == {}
    assert reasons_of(library, again) == ["first_run"]
    release(library, again, by="Amina", reason="they are good")
    tasks_catalog.publish_now()
    assert len(rows(library, "resource", "id")) == 4
    _, counts = harvested(library, 5)
    assert counts["added"] == 1


def test_a_feed_whose_file_an_operator_wrote_is_not_held(library: Environment) -> None:
    declare(library, NAME)
    _, counts = harvested(library)
    assert counts["added"] == 3
    assert rows(library, "feed_declaration", "source") == [("file",)]


def test_the_reason_is_told_in_plain_words_with_its_figures(library: Environment) -> None:
    register(library)
    run, _ = harvested(library)
    (reason,) = read_run(library, run).reasons
    assert not isinstance(reason, str)
    assert "the first load of a feed that its partner registered, with 3 records, 0 of them" in reason_sentence(reason)
    assert "зарегистрировал партнёр: записей 3" in reason_sentence(reason, "ru")


def test_an_empty_first_list_is_held_too(library: Environment) -> None:
    register(library)
    run, counts = harvested(library, 0)
    assert counts == {}
    assert reasons_of(library, run) == ["nothing_listed"]


def test_a_restored_feed_that_had_been_published_is_not_new(library: Environment, tmp_path: Path) -> None:
    register(library)
    run, _ = harvested(library)
    release(library, run, by="Amina", reason="they are good")
    tasks_catalog.publish_now()
    back_up(library, tmp_path / "backup.tar")
    destroy(library)
    restore(library, tmp_path / "backup.tar")
    assert [path.name for path in write_feed_files(library)] == [f"{NAME}.toml"]
    assert read_feed(library.registered_feeds / f"{NAME}.toml").partner == "Example University"
    _, counts = harvested(library, 4)
    assert counts["added"] == 4


def test_a_restored_feed_that_was_never_released_is_still_new(library: Environment, tmp_path: Path) -> None:
    register(library)
    harvested(library)
    back_up(library, tmp_path / "backup.tar")
    destroy(library)
    restore(library, tmp_path / "backup.tar")
    write_feed_files(library)
    run, counts = harvested(library, 4)
    assert counts == {}
    assert reasons_of(library, run) == ["first_run"]


def test_a_person_is_erased_from_the_feeds_application_too(library: Environment) -> None:
    seen = {"examples": ["by Ana Kovač, 2020"]}
    draft = create_draft(
        library, partner="P", contact="ana@example.org", declaration=tomllib.loads(FEED), detection={"fields": [seen]}
    )
    submitted = submit_application(library, save_draft(library, draft, name=NAME))
    accept_application(library, submitted, by="Amina", reason="Ana Kovač has asked")
    harvested(library)
    erase(library, by="Amina", reason="asked to", feed=NAME, names=["Ana Kovač"])
    kept = rows(library, "application")
    assert "Kova" not in repr(kept)
    assert "Example University" in repr(kept)


def destroy(env: Environment) -> None:
    engine(env).dispose()
    shutil.rmtree(env.home)
