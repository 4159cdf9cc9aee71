"""An installation of its own for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders.store import engine
from schemas import Environment, environment
from tests.catalogs import PostgresCatalogs, new_catalog


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """A migrated catalog and an empty landing; PostgreSQL in a database of its own, skipped where no server answers."""
    if request.param == "sqlite":
        made = environment({"ELIB_HOME": str(tmp_path)})
        new_catalog(made)
        yield made
        engine(made).dispose()
        return
    catalogs: PostgresCatalogs = request.getfixturevalue("postgres_catalogs")
    address = catalogs.take()
    made = environment({"ELIB_HOME": str(tmp_path), "ELIB_CATALOG_URL": address})
    yield made
    engine(made).dispose()
    catalogs.give_back(address)


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Environment]:
    """An installation on SQLite, for what does not touch the catalog's SQL."""
    made = environment({"ELIB_HOME": str(tmp_path)})
    new_catalog(made)
    yield made
    engine(made).dispose()
