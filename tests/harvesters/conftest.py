"""An installation of its own that may ask servers on the loopback interface, for nights over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders.store import engine
from schemas import Environment, environment
from tests.catalogs import new_catalog


def variables(home: Path) -> dict[str, str]:
    """Return the environment's variables for a catalog on SQLite and one folder of feeds below `home`."""
    catalog = f"sqlite:///{home / 'catalog.db'}"
    where = {"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds"), "ELIB_CATALOG_URL": catalog}
    return {**where, "ELIB_ALLOW_PRIVATE": "127.0.0.1"}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """A migrated catalog on SQLite and an empty folder of feeds."""
    for name, value in variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    made = environment()
    made.feeds.mkdir()
    new_catalog(made)
    yield made
    engine(made).dispose()
