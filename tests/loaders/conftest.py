"""An installation of its own for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from loaders.migrations import migrate
from loaders.store import engine
from schemas import Environment, environment

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def linguistic() -> Iterator[str]:
    """The URL of a PostgreSQL database that sorts as people do, as most do; a server in C sorts by bytes."""
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    name = f"elib_test_{secrets.token_hex(6)}"
    try:
        with server.connect() as connection:
            connection.execute(
                text(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
            )
    except Exception as error:  # whatever keeps it from answering is the reason
        if os.environ.get("ELIB_TEST_POSTGRES") == "required":  # CI: a skipped test would hide that nothing was tried
            raise
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432 that can make a database: {type(error).__name__}")
    yield SERVER.rpartition("/")[0] + f"/{name}"
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """A migrated catalog and an empty landing; PostgreSQL in a schema of its own, skipped where no server answers."""
    if request.param == "sqlite":
        made = environment({"ELIB_HOME": str(tmp_path)})
        migrate(made)
        yield made
        engine(made).dispose()
        return
    database = request.getfixturevalue("linguistic")
    schema = f"elib_test_{secrets.token_hex(6)}"
    server = create_engine(database)
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    made = environment({"ELIB_HOME": str(tmp_path), "ELIB_CATALOG_URL": f"{database}?options=-csearch_path%3D{schema}"})
    try:
        migrate(made)
        yield made
    finally:
        engine(made).dispose()
        with server.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        server.dispose()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Environment]:
    """An installation on SQLite, for what does not touch the catalog's SQL."""
    made = environment({"ELIB_HOME": str(tmp_path)})
    migrate(made)
    yield made
    engine(made).dispose()
