"""An installation of its own for the steps of the DAGs, which find it through the environment's variables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loaders.store import engine
from schemas import Environment, environment
from tests.catalogs import PostgresCatalogs, new_catalog
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


class KeptInstallation:
    """An installation that is filled once, and that each test finds as it was filled.

    Its home is always the same folder, because publications note where feed files are; with `catalogs` its catalog is
    on PostgreSQL.
    """

    def __init__(self, folder: Path, fill: Callable[[Environment], object], catalogs: PostgresCatalogs | None) -> None:
        self._home, self._kept, self._catalogs = folder / "home", folder / "kept", catalogs
        self._address = catalogs.take() if catalogs else f"sqlite:///{self._home / 'catalog.db'}"
        with self._entered(self._address) as env:
            if catalogs is None:
                new_catalog(env)
            fill(env)
        shutil.copytree(self._home, self._kept)

    @contextmanager
    def begun(self) -> Iterator[Environment]:
        """Enter the installation, as it was filled."""
        shutil.rmtree(self._home)
        shutil.copytree(self._kept, self._home)
        address = self._catalogs.take_copy(self._address) if self._catalogs else self._address
        with self._entered(address) as env:
            yield env
        if self._catalogs:
            self._catalogs.give_back(address)

    def close(self) -> None:
        if self._catalogs:
            self._catalogs.give_back(self._address)

    @contextmanager
    def _entered(self, address: str) -> Iterator[Environment]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("ELIB_HOME", str(self._home))
            patched.setenv("ELIB_FEEDS", str(self._home / "feeds"))
            patched.setenv("ELIB_CATALOG_URL", address)
            env = environment()
            try:
                yield env
            finally:
                engine(env).dispose()


def kept_installation(fill: Callable[[Environment], object]) -> Any:
    """Return a module's fixture: an installation that is filled once on each database."""

    @pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
    def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptInstallation]:
        catalogs = request.getfixturevalue("postgres_catalogs") if request.param == "postgresql" else None
        installation = KeptInstallation(tmp_path_factory.mktemp("kept"), fill, catalogs)
        yield installation
        installation.close()

    return kept
