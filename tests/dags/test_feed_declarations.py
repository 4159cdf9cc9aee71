"""Whatever becomes of a feed's file, what is published stays; and the report, the notification and Airflow say why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import delete, update

from commands.cli import main
from loaders.curation import curation
from loaders.declarations import FOLDERS_STATE, Undeclared, feeds_in_use
from loaders.reports import LANGUAGES
from loaders.store import FeedDeclarationRow, PublishStateRow, engine, write_transaction
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from pipeline.notifications.lines import line, list_needs, worth_sending
from schemas import ROOT, Environment, HarvestFailed, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import TABLES, rows
from tests.pipeline.feeds import declare, land_only, listed, night

BY = {"by": "A Steward", "reason": "looked at it"}
TRUSTED = 'trust = 8\ndefault_license = "CC-BY-4.0"\ndefault_language = "fr"\n'


def library(env: Environment) -> list[tuple[Any, ...]]:
    """What is published of two feeds with one work in common: the trusted feed, second by name, gives its values."""
    for name, more in (("books", ""), ("films", TRUSTED)):
        declare(env, name, more)
        night(env, name, films() if name == "films" else [listed(name, number) for number in range(3)])
    curation.judge(env, "same", "books:1", "films:1", **BY)
    tasks_catalog.publish_now()
    published = rows(env, "resource")
    titles = rows(env, "resource", "members, title")
    assert [title.split()[-1] for members, title in titles if members == 2] == ["films"]
    return published


@pytest.fixture(scope="module")
def kept_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the home and the feed files of `library`, in `now`, and a copy of both to begin from, in `kept`."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patched:
        with installed(folder / "now", patched) as env:
            library(env)
        shutil.copytree(folder / "now", folder / "kept")
    return folder


@pytest.fixture
def stocked(kept_library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """The installation of `library`, always in the same folder, because publications note where feed files are."""
    shutil.rmtree(kept_library / "now")
    shutil.copytree(kept_library / "kept", kept_library / "now")
    with installed(kept_library / "now", monkeypatch) as env:
        yield env


@contextmanager
def installed(folder: Path, patched: pytest.MonkeyPatch) -> Iterator[Environment]:
    """Set the variables of an installation in the folder."""
    patched.setenv("ELIB_HOME", str(folder / "home"))
    patched.setenv("ELIB_FEEDS", str(folder / "feeds"))
    patched.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    new_catalog(env)
    yield env
    engine(env).dispose()


def films() -> list[Any]:
    """Records that take their licence and language from the feed file."""
    return [listed("films", number, license=None, inLanguage=None) for number in range(3)]


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "misspelt key": (lambda path: replaced(path, "trust", "trsut"), "trsut: unknown key"),
    "not TOML": (lambda path: replaced(path, "trust = 8", "trust = "), "not readable as TOML"),
    "empty": (lambda path: path.write_bytes(b""), "title: required and missing"),
    "no text": (lambda path: path.write_bytes(b"\x00\x80\xff"), "not readable as TOML"),
    "value of another type": (lambda path: replaced(path, "trust = 8", 'trust = "high"'), "trust: "),
    "unknown licence": (lambda path: replaced(path, "CC-BY-4.0", "free for all"), "default_license: "),
    "unknown language": (lambda path: replaced(path, '"fr"', '"French?"'), "default_language: "),
    "folder": (to_folder, "not readable: it is not a regular file"),
    "link to nothing": (to_dangling_link, "not readable: "),
}
ABSENCES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "renamed": lambda path: path.rename(path.with_name("cinema.toml")),
    "all feeds deleted": lambda path: shutil.rmtree(path.parent),
}


def wrong(env: Environment) -> list[dict[str, Any]]:
    """What the report says of feed files."""
    people = json.loads((env.reports / "night.json").read_bytes())["people"]
    return [need for need in people if need["what"] in ("mistake", "missing", "moved")]


def notified(env: Environment, language: str = "en") -> list[str]:
    """The lines of tonight's notification about feed files; none when nothing is worth telling."""
    report = json.loads((env.reports / "night.json").read_bytes())
    wanted = list_needs(report, datetime.now(UTC))
    assert worth_sending(wanted, {})
    return [line(need, language) for need in wanted if need["what"] in ("mistake", "missing", "moved")]


def test_a_mistake_in_a_feed_file_changes_nothing_that_is_published_and_is_reported(stocked: Environment) -> None:
    published, kept = rows(stocked, "resource"), rows(stocked, "feed_declaration")
    for kind, (damage, reason) in MISTAKES.items():
        put_back(stocked)
        damage(stocked.feeds / "films.toml")
        tasks_catalog.publish_now()
        assert rows(stocked, "resource") == published, kind
        assert rows(stocked, "feed_declaration") == kept, kind
        (need,) = wrong(stocked)
        assert (need["what"], need["feed"], need["count"]) == ("mistake", "films", 3), kind
        assert reason in need["detail"][0], kind
        (told,) = notified(stocked)
        assert told.startswith("films: Its file has a mistake: ") and reason in told and "retired" not in told, kind


def test_a_missing_feed_file_changes_nothing_that_is_published_and_is_reported(stocked: Environment) -> None:
    published, kept = rows(stocked, "resource"), rows(stocked, "feed_declaration")
    for kind, remove in ABSENCES.items():
        put_back(stocked)
        remove(stocked.feeds / "films.toml")
        tasks_catalog.publish_now()
        assert rows(stocked, "resource") == published, kind
        assert rows(stocked, "feed_declaration") == kept, kind
        assert ("missing", "films", 3) in [(need["what"], need["feed"], need["count"]) for need in wrong(stocked)], kind
        told = next(message for message in notified(stocked) if message.startswith("films"))
        assert told.startswith("films: Its file is missing") and "Put the file back" in told, kind
        assert "Do not retire the feed" in told, kind


def put_back(env: Environment) -> None:
    """Both feed files as they were, and no other."""
    for folder in env.feeds:
        shutil.rmtree(folder)
    declare(env, "books")
    declare(env, "films", TRUSTED)


def test_the_last_good_declaration_is_used_on_every_database(
    env: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (("HOME", env.home), ("CATALOG_URL", env.catalog_url), ("FEEDS", tmp_path / "declared")):
        monkeypatch.setenv(f"ELIB_{name}", str(value))
    here = environment()
    published, kept = library(here), rows(here, "feed_declaration")
    assert [(row[0], row[1], row[5]) for row in kept] == [("books", 1, "file"), ("films", 1, "file")]
    replaced(here.feeds / "films.toml", "trust", "trsut")
    (here.feeds / "books.toml").unlink()
    before = {table: rows(here, table) for table in (*TABLES, "feed_declaration", "publish_state")}
    for full in (False, True):
        tasks_catalog.publish(tasks_catalog.match(full=full))
        assert rows(here, "resource") == published
        assert {table: rows(here, table) for table in before} == before


SAYS = {
    "en": ("Its file has a mistake: trsut: unknown key", "Its file is missing"),
    "fr": ("Son fichier contient une erreur : trsut: unknown key", "Son fichier est absent"),
    "ru": ("В его файле ошибка: trsut: unknown key", "Его файл отсутствует"),
    "ar": ("في ملفه خطأ: trsut: unknown key", "ملفه مفقود"),
}


def test_pages_and_notifications_report_it_in_every_language(stocked: Environment) -> None:
    replaced(stocked.feeds / "films.toml", "trust", "trsut")
    (stocked.feeds / "books.toml").unlink()
    tasks_catalog.report()
    for language in LANGUAGES:
        suffix = "" if language == "en" else f".{language}"
        page = page_text(stocked.reports / f"night{suffix}.html")
        mistake, missing = SAYS[language]
        assert mistake in page and missing in page
        assert mistake in page_text(stocked.reports / "feeds" / f"films{suffix}.html")
        assert missing in page_text(stocked.reports / "feeds" / f"books{suffix}.html")
        told = notified(stocked, language)
        assert [mistake in told[0], missing in told[1]] == [True, True]


def page_text(path: Path) -> str:
    return " ".join(html.document_fromstring(path.read_text(encoding="utf-8")).text_content().split())


@pytest.mark.parametrize("folder", ["unset", "other"])
def test_a_decision_published_in_a_shell_with_another_ELIB_FEEDS_changes_nothing_else(
    stocked: Environment, tmp_path: Path, folder: str
) -> None:
    published, kept = rows(stocked, "resource"), rows(stocked, "feed_declaration")
    elsewhere = tmp_path / folder
    if folder == "other":  # good files of the same names that say something else
        elsewhere.mkdir()
        declare(stocked, "books", "trust = 99\n")
        (stocked.feeds / "books.toml").rename(elsewhere / "books.toml")
        (elsewhere / "films.toml").write_bytes((elsewhere / "books.toml").read_bytes())
        declare(stocked, "books")
    number = curation.record_correction(stocked, "books:0", "title.en", "A better title", **BY)
    variables = {name: value for name, value in os.environ.items() if name != "ELIB_FEEDS"}
    if folder != "unset":
        variables["ELIB_FEEDS"] = str(elsewhere)
    ran = subprocess.run(
        [sys.executable, "-m", "loaders.review", "undo", str(number), "--by", "S", "--reason", "r", "--publish"],
        env=variables, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (
        0,
        "Published: 0 added, 0 changed, 5 unchanged, 0 deleted",
    ), ran.stderr
    assert rows(stocked, "resource") == published and rows(stocked, "feed_declaration") == kept
    state = "moved" if folder == "other" else "missing"
    assert [(need["what"], need["feed"]) for need in wrong(stocked)] == [(state, "books"), (state, "films")]


def test_a_publication_from_an_empty_folder_changes_nothing(
    stocked: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, kept = rows(stocked, "resource"), rows(stocked, "feed_declaration")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("empty", "nowhere", "file"):
        monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / name))
        tasks_catalog.publish_now()
        assert rows(stocked, "resource") == published and rows(stocked, "feed_declaration") == kept, name
        assert [(need["what"], need["feed"]) for need in wrong(stocked)] == [("missing", "books"), ("missing", "films")]


def test_a_changed_feed_file_takes_effect_at_the_next_publication(stocked: Environment) -> None:
    replaced(stocked.feeds / "films.toml", "trust = 8", "trust = -1")
    tasks_catalog.publish_now()
    titles = rows(stocked, "resource", "members, title")
    assert [title.split()[-1] for members, title in titles if members == 2] == ["books"]
    assert rows(stocked, "feed_declaration", "feed, version") == [("books", 1), ("films", 2)]
    assert wrong(stocked) == []


def test_a_feed_without_runs_is_not_kept_and_its_mistake_is_reported(stocked: Environment) -> None:
    declare(stocked, "songs")
    declare(stocked, "plays", "colour = 1\n")
    tasks_catalog.publish_now()
    assert {row[0] for row in rows(stocked, "feed_declaration", "feed")} == {"books", "films"}
    assert [(need["what"], need["feed"], need["count"]) for need in wrong(stocked)] == [("mistake", "plays", 0)]


def test_a_feed_that_has_ended_needs_no_file(stocked: Environment) -> None:
    declare(stocked, "films", TRUSTED + 'status = "retired"\n')
    run = land_only(stocked, "films", [])
    assert tasks.run_feed("films", run) == {}, "the gate holds it"
    from loaders.catalog import decisions as catalog_decide

    catalog_decide.release(stocked, run, **BY)
    tasks_catalog.publish_now()
    (stocked.feeds / "films.toml").unlink()
    tasks_catalog.publish_now()
    assert wrong(stocked) == []


# several folders


@pytest.fixture
def folders(stocked: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The installation with two folders of feed files, of which the first is `stocked.feeds`."""
    (tmp_path / "registered").mkdir()
    monkeypatch.setenv("ELIB_FEEDS", f"{stocked.feeds}{os.pathsep}{tmp_path / 'registered'}")
    return environment()


def test_a_feed_of_the_second_folder_is_harvested_and_published_like_the_others(
    folders: Environment, tmp_path: Path
) -> None:
    published = rows(folders, "resource")
    (folders.feeds / "films.toml").rename(tmp_path / "registered" / "films.toml")
    tasks_catalog.publish_now()
    assert rows(folders, "resource") == published and wrong(folders) == []
    replaced(folders.feeds / "films.toml", "trust = 8", "trust = -1")
    tasks_catalog.publish_now()
    assert wrong(folders) == [], "the publication before has noted the new folder of an unchanged file"
    titles = rows(folders, "resource", "members, title")
    assert [title.split()[-1] for members, title in titles if members == 2] == ["books"]


def test_a_second_file_of_a_feeds_name_is_reported_in_every_language_and_changes_nothing(
    folders: Environment, tmp_path: Path
) -> None:
    published = rows(folders, "resource")
    second = tmp_path / "registered" / "films.toml"
    second.write_text((folders.feeds / "films.toml").read_text(encoding="utf-8").replace("8", "1"), encoding="utf-8")
    tasks_catalog.publish_now()
    assert rows(folders, "resource") == published
    people = json.loads((folders.reports / "night.json").read_bytes())["people"]
    (need,) = (need for need in people if need["what"] == "shadowed")
    assert need["feed"] == "films" and f"{second} is not read" in need["detail"][0]
    for language in LANGUAGES:
        suffix = "" if language == "en" else f".{language}"
        assert str(second) in page_text(folders.reports / f"night{suffix}.html")
        assert str(second) in page_text(folders.reports / "feeds" / f"films{suffix}.html")


# harvest and runs


def test_a_harvest_keeps_the_declaration_once_and_none_begins_on_a_file_with_a_mistake(home: Environment) -> None:
    declare(home, "books", "[request]\nretries = 0\n")
    path = home.feeds / "books.toml"
    replaced(path, "https://example.org/api", "http://127.0.0.1:9/api")  # nothing listens; the harvest fails
    for _ in range(2):
        with pytest.raises(HarvestFailed):
            tasks.harvest("books")
    (kept,) = rows(home, "feed_declaration")
    assert kept[:2] == ("books", 1)
    assert json.loads(kept[2])["url"] == "http://127.0.0.1:9/api"
    path.write_text("# a remark changes no declaration\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(HarvestFailed):
        tasks.harvest("books")
    assert rows(home, "feed_declaration") == [kept]
    replaced(path, "Open Textbooks", "Open Books")
    with pytest.raises(HarvestFailed):
        tasks.harvest("books")
    (changed,) = rows(home, "feed_declaration")
    assert changed[:2] == ("books", 2) and changed[3] != kept[3]
    runs = rows(home, "harvest_run", "id")
    replaced(path, "title", "titel")
    with pytest.raises(HarvestFailed, match=r"books is not harvested: its file has a mistake: .*titel: unknown key"):
        tasks.harvest("books")
    path.unlink()
    with pytest.raises(HarvestFailed, match="books is not harvested: its file is missing"):
        tasks.harvest("books")
    assert rows(home, "harvest_run", "id") == runs
    assert rows(home, "feed_declaration") == [changed]


def test_a_run_whose_feed_file_breaks_in_the_middle_goes_on_with_the_last_good_declaration(
    stocked: Environment,
) -> None:
    before = rows(stocked, "source_record", "key, record")
    more = [*films(), listed("films", 7, license=None, inLanguage=None)]
    run = land_only(stocked, "films", more)
    (stocked.feeds / "films.toml").write_text("trsut = 8\n", encoding="utf-8")
    assert tasks.run_feed("films", run)["added"] == 1
    now = dict(rows(stocked, "source_record", "key, record"))
    assert {key: now[key] for key, _ in before} == dict(before)
    added = json.loads(now["films:7"])
    assert added["license"]["uri"].endswith("/by/4.0/") and added["languages"][0]["tag"] == "fr"


def test_reprocess_of_a_feed_with_a_broken_file_reads_by_its_last_good_declaration_and_says_so(
    stocked: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows(stocked, "source_record", "key, record")
    replaced(stocked.feeds / "films.toml", "default_license", "default_licence")
    capsys.readouterr()
    assert main(["reprocess", "films"]) == 0
    told = capsys.readouterr()
    assert "0 of 3 records changed" in told.out
    assert "films: its file has a mistake: default_licence: unknown key" in told.err
    assert "last good declaration" in told.err
    assert rows(stocked, "source_record", "key, record") == before


# catalogs and declarations of other versions


def undeclared(env: Environment) -> None:
    """The catalog as a version left it that kept no declarations."""
    with write_transaction(env) as connection:
        connection.execute(delete(FeedDeclarationRow))
        connection.execute(delete(PublishStateRow).where(PublishStateRow.name == FOLDERS_STATE))


def test_a_broken_feed_file_without_a_kept_declaration_prevents_publication(
    stocked: Environment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published = rows(stocked, "resource")
    undeclared(stocked)
    for damage in (MISTAKES["misspelt key"][0], ABSENCES["deleted"]):
        put_back(stocked)
        damage(stocked.feeds / "films.toml")
        assert main(["publish"]) == 1
        (told,) = capsys.readouterr().err.strip().splitlines()[-1:]
        assert told.startswith("Nothing is published: films: its file ") and "elib publish" in told
        assert rows(stocked, "resource") == published
        causes = {row for row in rows(stocked, "harvest_run", "status, cause") if row[0] == "failed"}
        assert causes == {("failed", "undeclared")}
    put_back(stocked)
    assert main(["publish"]) == 0
    assert rows(stocked, "resource") == published
    assert rows(stocked, "feed_declaration", "feed, version") == [("books", 1), ("films", 1)]


def test_a_broken_feed_that_shares_no_works_does_not_prevent_publication(stocked: Environment) -> None:
    declare(stocked, "songs")
    night(stocked, "songs", [listed("songs", number) for number in (5, 6)])
    tasks_catalog.publish_now()
    undeclared(stocked)
    (stocked.feeds / "songs.toml").write_text("", encoding="utf-8")
    published = rows(stocked, "resource")
    tasks_catalog.publish_now()
    assert rows(stocked, "resource") == published


def keep(env: Environment, text: str) -> None:
    """Another version of the program kept this of films."""
    with write_transaction(env) as connection:
        connection.execute(
            update(FeedDeclarationRow).where(FeedDeclarationRow.feed == "films").values(declaration=text)
        )


def test_a_declaration_of_a_later_version_is_read_as_far_as_possible(stocked: Environment) -> None:
    published = rows(stocked, "resource")
    (row,) = (row for row in rows(stocked, "feed_declaration") if row[0] == "films")
    declaration = json.loads(row[2])
    later = {"map": {"title": "name"}, "metadata_license": "CC0", "prefix": "x", "schedule": "at dawn", "sets": 7}
    later["request"] = {"rate": -1, "size": 20, "mood": "calm", "params": {"a": {"b": 1}}}
    later["expect"] = "much"
    keep(stocked, json.dumps({**declaration, **later}))
    (stocked.feeds / "films.toml").unlink()
    (feed,) = (declared for declared in feeds_in_use(stocked).feeds if declared.name == "films")
    assert (feed.trust, feed.default_language, feed.title) == (8, "fr", "Open Textbooks")
    assert (feed.schedule, feed.sets, feed.request.rate, feed.request.size) == ("0 1 * * *", [], 1.0, 20)
    assert (feed.request.params, feed.expect.max_drop) == ({}, 0.05)
    tasks_catalog.publish_now()
    assert rows(stocked, "resource") == published


def test_an_unreadable_kept_declaration_counts_as_missing(stocked: Environment) -> None:
    published = rows(stocked, "resource")
    (stocked.feeds / "films.toml").unlink()
    for text in ("{", "[]", '"films"', "null", "[" * 100_000):
        keep(stocked, text)
        assert feeds_in_use(stocked).undeclared == {"films"}
    with pytest.raises(Undeclared, match="films: its file is missing"):
        tasks_catalog.publish_now()
    assert rows(stocked, "resource") == published


# Airflow

PROGRAM = """
import json, sys
from commands.airflow_home import prepare
from schemas import environment
prepare(environment())
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
try:
    import dags.feed_errors
    errors = ""
except ValueError as error:
    errors = str(error)
import dags.feeds as parsed
every = sorted(name for name in vars(parsed) if name.startswith("feed_"))
del sys.modules["dags.feeds"]
with _airflow_parsing_context_manager(dag_id="feed_films"):
    import dags.feeds as parsed
begun = sorted(name for name in vars(parsed) if name.startswith("feed_"))
print(json.dumps({"errors": errors, "every": every, "begun": begun}))
"""


@pytest.mark.slow
def test_airflow_names_the_mistake_has_no_dag_of_the_feed_and_finds_it_for_a_run_that_goes_on(
    stocked: Environment, tmp_path: Path
) -> None:
    replaced(stocked.feeds / "films.toml", "trust", "trsut")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**clean, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert "films.toml: its file has a mistake: trsut: unknown key" in told["errors"]
    assert told["every"] == ["feed_books"]
    assert "feed_films" in told["begun"]
