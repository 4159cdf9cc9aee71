"""A catalog of every earlier version, made by the code of its time, is brought up to date and goes on as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from commands.cli import main
from loaders.migrations import VERSION_TABLE, NewerCatalog, catalog_version, migrate
from loaders.store import Table, engine, read_transaction
from loaders.store.database import open_engine
from pipeline import catalog as tasks_catalog
from schemas import Environment, environment
from tests.catalogs import PostgresCatalogs

pytestmark = pytest.mark.early

CATALOGS = Path(__file__).parents[1] / "fixtures" / "catalogs"
VERSIONS = sorted(path.name for path in CATALOGS.iterdir() if path.name.isdecimal())
WITH_BACKUP = [path.parent.name for path in sorted(CATALOGS.glob("*/backup.tar.xz"))]
DECIDED = {
    "judgement": "id, left_key, right_key, verdict, by, at, reason",
    "curation": "id, key, resource_id, path, value, action, by, at, reason, undone_at",
}
PUBLISHED = "id, created_at, withdrawn_at"
FEED = """title = "Open {name}"
partner = "Example University"
protocol = "oai_pmh"
url = "http://127.0.0.1/{name}"
format = "oai_dc"
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """An installation with its feed files and without a catalog; on PostgreSQL an empty schema."""
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    for name in ("books", "films"):
        (feeds / f"{name}.toml").write_text(FEED.format(name=name))
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_FEEDS", str(feeds))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    if request.param == "sqlite":
        made = environment()
        yield made
        engine(made).dispose()
        return
    catalogs: PostgresCatalogs = request.getfixturevalue("postgres_catalogs")
    database = catalogs.take_empty()
    server = open_engine(database)
    with server.begin() as connection:
        connection.execute(text("CREATE SCHEMA old"))
    server.dispose()
    monkeypatch.setenv("ELIB_CATALOG_URL", f"{database}?options=-csearch_path%3Dold")
    made = environment()
    yield made
    engine(made).dispose()
    catalogs.give_back(database)


def put(env: Environment, version: str) -> None:
    """Make the installation's catalog the stored one of a version."""
    if env.catalog_url.startswith("postgresql"):
        statements = (CATALOGS / version / "postgresql.sql").read_text(encoding="utf-8").replace("public.", "")
        with engine(env).begin() as connection:
            connection.connection.driver_connection.execute(statements)  # type: ignore[union-attr]
        return
    env.home.mkdir(exist_ok=True)
    with sqlite3.connect(env.home / "catalog.db") as connection:
        connection.executescript((CATALOGS / version / "sqlite.sql").read_text(encoding="utf-8"))


def selected(env: Environment, columns: str, table: str) -> list[tuple[Any, ...]]:
    with read_transaction(env) as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY 1"))]


def sizes(connection: Connection) -> dict[str, int]:
    tables = inspect(connection).get_table_names()
    return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in tables}


def test_a_catalog_is_stored_of_every_version_so_far() -> None:
    """Make the one of the newest migration before a release: CONTRIBUTING says how."""
    assert VERSIONS[:16] == [f"{number:03}" for number in range(1, 17)]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_catalog_is_brought_up_and_published_as_before(version: str, empty: Environment) -> None:
    put(empty, version)
    with read_transaction(empty) as connection:
        before = sizes(connection)
    decided = {table: selected(empty, columns, table) for table, columns in DECIDED.items()}
    published = selected(empty, PUBLISHED, "resource")
    assert before["judgement"] == 2 and before["curation"] == 2 and before["source_record"] == 14
    pending = catalog_version(empty)
    assert pending.revision == version and [step.revision > version for step in pending.pending] == [True] * len(
        pending.pending
    )
    migrate(empty)
    assert catalog_version(empty).pending == ()
    with read_transaction(empty) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Table.metadata) == []
        after = sizes(connection)
    assert {name: after[name] for name in before} == before, "no row is lost or doubled"
    assert {table: selected(empty, columns, table) for table, columns in DECIDED.items()} == decided
    if empty.catalog_url.startswith("postgresql") and version not in (VERSIONS[0], VERSIONS[-1]):
        return  # rows and tables are now those of SQLite, whose publication is tried of every version
    tasks_catalog.publish_now()
    assert selected(empty, PUBLISHED, "resource") == published, "readers find every resource under its id"
    assert "Rhythm and dance" in str(selected(empty, "title", "resource")), "the correction still stands"


@pytest.mark.parametrize("version", WITH_BACKUP)
def test_a_backup_of_an_older_version_is_restored(version: str, empty: Environment) -> None:
    assert main(["restore", str(CATALOGS / version / "backup.tar.xz")]) == 0
    with sqlite3.connect(":memory:") as stored:
        stored.executescript((CATALOGS / version / "sqlite.sql").read_text(encoding="utf-8"))
        published = stored.execute(f"SELECT {PUBLISHED} FROM resource ORDER BY id").fetchall()
        records = stored.execute("SELECT key, status, resource_id FROM source_record ORDER BY key").fetchall()
    assert selected(empty, PUBLISHED, "resource") == published
    assert selected(empty, "key, status, resource_id", "source_record") == records


def test_a_newer_catalog_is_refused_in_one_sentence_and_a_backup_goes_back(
    empty: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(empty, VERSIONS[-1])
    migrate(empty)
    assert main(["backup", str(tmp_path / "before.tar")]) == 0
    published = selected(empty, PUBLISHED, "resource")
    with engine(empty).begin() as connection:  # what a later version leaves
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '999'"))
    capsys.readouterr()
    for words in (["upgrade", "--check"], ["upgrade"], ["review", "held"], ["backup", str(tmp_path / "after.tar")]):
        assert main(words) == 1
        message = capsys.readouterr().err
        assert "is of version 999, and this software knows versions up to" in message and "restore a backup" in message
        assert len(message.splitlines()) == 1, message
    with pytest.raises(NewerCatalog):
        migrate(empty)
    with engine(empty).begin() as connection:
        for name in inspect(connection).get_table_names():
            connection.execute(text(f'DROP TABLE "{name}"'))
    assert main(["restore", str(tmp_path / "before.tar")]) == 0
    assert {row[:2] for row in selected(empty, PUBLISHED, "resource")} >= {row[:2] for row in published}
