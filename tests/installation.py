"""An installation of its own for the steps of the DAGs, which find it through the environment's variables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders.store import engine
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.conftest import env, lite

__all__ = ["env", "home", "lite"]  # fixtures; `env` is on SQLite and on PostgreSQL


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """A migrated catalog on SQLite, an empty folder of feeds, and no partner that may be asked."""
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    new_catalog(env)
    yield env
    engine(env).dispose()
