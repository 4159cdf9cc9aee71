"""make backup and make restore: everything else destroyed, what was published and decided is there again."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text

from commands.cli import main
from loaders.backup import write_feed_files
from loaders.curation import curation
from loaders.declarations import keep_declaration
from loaders.restored import NotReprocessed
from loaders.store import FeedDeclarationRow, engine, write_transaction
from pipeline import catalog as tasks_catalog
from schemas import ROOT, Environment, environment, read_feed, replace
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night

BY = {"by": "A Steward", "reason": "looked at it"}
DECISION = ("--by", "A Steward", "--reason", "looked at it")
STORED = (
    "key, status, datestamp, record, payload_sha256, score, deleted_reason, format, record_sha256, has_title, "
    "has_language, has_license, license_open, unmapped, pending_sha256, pending_record, pending_reason, pending_status"
)
PUBLISHED = "id, title, url, quality, record, members, created_at, withdrawn_at"


def books(env: Environment, count: int) -> list[tuple[Any, ...]]:
    """What is published of a feed of so many records."""
    declare(env, "books")
    night(env, "books", [listed("books", number) for number in range(count)])
    tasks_catalog.publish_now()
    published = rows(env, "resource", PUBLISHED)
    assert published and all(withdrawn is None for *_, withdrawn in published)
    return published


@pytest.fixture
def both(env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """An installation on SQLite, and one on PostgreSQL, whose home can be destroyed."""
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    if env.catalog_url.startswith("postgresql"):
        monkeypatch.setenv("ELIB_CATALOG_URL", env.catalog_url)
    made = environment()
    if not env.catalog_url.startswith("postgresql"):
        new_catalog(made)
    yield made
    engine(made).dispose()


def destroyed(env: Environment) -> None:
    if env.catalog_url.startswith("postgresql"):
        with engine(env).begin() as connection:
            tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            for name in connection.scalars(text(tables)).all():
                connection.execute(text(f'DROP TABLE "{name}" CASCADE'))
    engine(env).dispose()
    shutil.rmtree(env.home)


def test_the_library_is_published_as_it_was(both: Environment, tmp_path: Path) -> None:
    file = tmp_path / "elib.tar"
    for name in ("books", "films"):
        declare(both, name, "trust = 1\n" if name == "books" else "")
        night(both, name, [listed(name, number) for number in range(12)])
    tasks_catalog.publish_now()
    curation.judge(both, "same", "books:1", "films:1", **BY)
    curation.judge(both, "different", "books:2", "films:2", **BY)
    number = curation.record_correction(both, "books:3", "title.en", "A better title", **BY)
    curation.withdraw(both, "films:4", **BY)
    tasks_catalog.publish_now()
    published = rows(both, "resource", PUBLISHED)
    members = rows(both, "source_record", "key, status, record, resource_id")
    assert any("A better title" in str(row) for row in published)
    assert main(["backup", str(file)]) == 0
    destroyed(both)
    assert main(["restore", str(file)]) == 0
    assert rows(both, "resource", PUBLISHED) == published
    assert rows(both, "source_record", "key, status, record, resource_id") == members
    assert [row[1] for row in rows(both, "curation", "id, path")] == ["title.en", None] and number == 1


def test_undoing_a_judgement_after_a_restore_gives_back_the_redirected_id(both: Environment, tmp_path: Path) -> None:
    file = tmp_path / "elib.tar"
    for name in ("books", "films"):
        declare(both, name)
        night(both, name, [listed(name, 1)])
    curation.judge(both, "different", "books:1", "films:1", **BY)
    tasks_catalog.publish_now()
    apart = rows(both, "source_record", "key, resource_id")
    curation.judge(both, "same", "books:1", "films:1", **BY)
    tasks_catalog.publish_now()
    assert len(rows(both, "redirect", "old_id")) == 1
    main(["backup", str(file)])
    destroyed(both)
    assert main(["restore", str(file)]) == 0
    curation.judge(both, "different", "books:1", "films:1", **BY)
    tasks_catalog.publish_now()
    assert rows(both, "source_record", "key, resource_id") == apart
    assert rows(both, "redirect", "old_id") == []


def test_a_run_held_at_the_backup_is_held_again_and_nothing_is_published_until_it_is_decided(
    home: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "elib.tar"
    published = books(home, 60)
    assert night(home, "books", [listed("books", number) for number in range(6)])[1] == {}, "held: 54 of 60 would go"
    main(["backup", str(file)])
    destroyed(home)
    assert main(["restore", str(file)]) == 0
    output = capsys.readouterr().out
    assert "books: HELD" in output and "Nothing is published: 1 feed(s) were restored" in output
    assert rows(home, "resource", PUBLISHED) == published
    with pytest.raises(NotReprocessed, match=r"Run: .*elib reprocess books\. "):
        tasks_catalog.publish_now()
    assert rows(home, "resource", PUBLISHED) == published
    (run,) = (row[0] for row in rows(home, "harvest_run", "id, status") if row[1] == "held")
    assert main(["review", "release", run, *DECISION]) == 0, "the steward has looked at the deletions"
    tasks_catalog.publish_now()
    assert sum(members for members, gone in rows(home, "resource", "members, withdrawn_at") if gone is None) == 6


def test_a_feed_whose_landing_is_lost_is_held_rather_than_withdrawn(home: Environment, tmp_path: Path) -> None:
    file = tmp_path / "elib.tar"
    published = books(home, 60)
    shutil.rmtree(home.landing)
    main(["backup", str(file)])
    destroyed(home)
    assert main(["restore", str(file)]) == 0
    assert [row[0] for row in rows(home, "harvest_run", "status, reasons") if row[0] == "held"] == ["held"]
    assert rows(home, "resource", PUBLISHED) == published


def test_a_feed_without_its_file_is_reported_and_nothing_is_published(
    home: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "elib.tar"
    published = books(home, 3)
    with write_transaction(home) as connection:  # a backup of before declarations were kept
        connection.execute(delete(FeedDeclarationRow))
    main(["backup", str(file)])
    destroyed(home)
    (home.feeds / "books.toml").unlink()
    assert main(["restore", str(file)]) == 1
    assert "books: NOT REPROCESSED: its file is missing" in capsys.readouterr().err
    assert rows(home, "resource", PUBLISHED) == published


def test_a_feed_without_its_file_comes_back_by_its_last_good_declaration(
    home: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "elib.tar"
    declare(home, "books", 'default_license = "CC-BY-4.0"\n')
    night(home, "books", [listed("books", number, license=None) for number in range(3)])
    tasks_catalog.publish_now()
    published, declared = rows(home, "resource", PUBLISHED), rows(home, "feed_declaration")
    main(["backup", str(file)])
    with tarfile.open(file) as tar:
        assert "tables/feed_declaration" in " ".join(tar.getnames())
    destroyed(home)
    (home.feeds / "books.toml").unlink()
    assert main(["restore", str(file)]) == 0
    told, written = capsys.readouterr(), home.home / "feeds" / "books.toml"
    assert "books: its file is missing; its last good declaration is used" in told.err
    assert f"books: its feed file was missing and is written to {written}; ELIB_FEEDS={home.feeds}" in told.out
    declare(home, "books", 'default_license = "CC-BY-4.0"\n')
    assert read_feed(written) == read_feed(home.feeds / "books.toml")
    assert rows(home, "resource", PUBLISHED) == published
    assert rows(home, "feed_declaration") == declared


def test_deleted_records_keep_their_last_text_and_waiting_versions_their_datestamps(
    both: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "elib.tar"
    declare(both, "books", "[expect]\nmax_drop = 1.0\nmax_error_share = 1.0\n")
    first = [replace(listed("books", number), datestamp="2026-01-01T00:00:00Z") for number in range(6)]
    night(both, "books", first)
    at = {"datestamp": "2026-02-02T00:00:00Z"}
    gone = [replace(record, deleted=True, payload=None, **at) for record in first[:2]]
    waiting = [replace(listed("books", number, name=None), **at) for number in (2, 3)]
    unreadable = [replace(first[4], payload="{", **at)]
    run, counts = night(both, "books", [*gone, *waiting, *unreadable, first[5]])
    if not counts:
        assert main(["review", "release", run, *DECISION]) == 0
    tasks_catalog.publish_now()
    before = rows(both, "source_record", STORED)
    assert [row[1] for row in before] == ["deleted"] * 2 + ["live"] * 4
    assert [row[2] for row in before[:5]] == [at["datestamp"]] * 5
    assert all(row[3] and row[4] and row[5] for row in before)
    main(["backup", str(file)])
    destroyed(both)
    assert main(["restore", str(file)]) == 0
    assert rows(both, "source_record", STORED) == before


def test_a_restored_feed_file_says_what_the_lost_one_said(home: Environment) -> None:
    declare(home, "books", FULL_DECLARATION)
    feed = read_feed(home.feeds / "books.toml")
    keep_declaration(home, feed)
    assert write_feed_files(home) == [], "the file is there"
    (home.feeds / "books.toml").unlink()
    (written,) = write_feed_files(home)
    assert read_feed(written) == feed
    assert write_feed_files(home) == []


def test_a_restore_beside_other_feed_files_changes_nothing_published_and_says_so(
    home: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "elib.tar"
    declare(home, "books")
    declare(home, "films", 'trust = 8\ndefault_license = "CC-BY-4.0"\n')
    for name in ("books", "films"):
        night(home, name, [listed(name, number, license=None) for number in range(3)])
    curation.judge(home, "same", "books:1", "films:1", **BY)
    tasks_catalog.publish_now()
    published, declared = rows(home, "resource", PUBLISHED), rows(home, "feed_declaration")
    main(["backup", str(file)])
    destroyed(home)
    declare(home, "films", "trust = 1\n")
    assert main(["restore", str(file)]) == 0
    assert "films: its file" in capsys.readouterr().err
    assert rows(home, "resource", PUBLISHED) == published
    assert rows(home, "feed_declaration") == declared


def test_make_backup_writes_a_file_and_make_restore_reports_a_missing_one(home: Environment, tmp_path: Path) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(3)])
    assert made("backup") == (0, f"2 files of landing and the primary tables in {backups(home)[0]}\n")
    assert made("restore")[0] != 0
    code, output = made("restore", f"FILE={tmp_path / 'missing.tar'}")
    assert code != 0 and "missing.tar: not a readable backup" in output


def backups(env: Environment) -> list[Path]:
    return sorted((env.home / "backups").glob("elib-*.tar"))


FULL_DECLARATION = r"""note = "A \"quoted\" line,\nand another \u007f \\ é"
trust = 3
[request]
method = "POST"
rate = 0.5
body = { query = { "a.b" = [1, 2.5, true, { deep = "é" }] } }
params = { "x y" = "1" }
[expect]
max_drop = 0.5
"""


def made(*words: str) -> tuple[int, str]:
    ran = subprocess.run(["make", "-s", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr
