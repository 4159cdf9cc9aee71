"""Empty catalogs for tests, copied from one that this process has migrated once: migrations take most of a short test.

The tests of the migrations themselves run them (tests/loaders/test_models.py, test_old_catalogs.py).
"""

from __future__ import annotations

import secrets
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from loaders.migrations import migrate
from loaders.store import engine
from schemas import Environment, environment

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
AS_PEOPLE_SORT = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"  # a server in C sorts by bytes


def new_catalog(env: Environment) -> None:
    """Give an installation on SQLite a catalog at the newest version, as `migrate` does; one that is there is kept."""
    path = Path(make_url(env.catalog_url).database or "")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated_file())


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        made = environment({"ELIB_HOME": folder})
        migrate(made)
        engine(made).dispose()
        return (Path(folder) / "catalog.db").read_bytes()


class PostgresCatalogs:
    """Databases on the tests' PostgreSQL that sort as people do, each with an empty catalog at the newest version.

    The next one is made, and those that are given back are dropped, while tests run. Raises what keeps the server from
    making databases.
    """

    def __init__(self) -> None:
        self._server = create_engine(
            SERVER, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"connect_timeout": 2}
        )
        self._template = create_database(self._server, AS_PEOPLE_SORT)
        made = environment({"ELIB_HOME": tempfile.gettempdir(), "ELIB_CATALOG_URL": address_of(self._template)})
        migrate(made)
        engine(made).dispose()
        self._worker = ThreadPoolExecutor(1)
        self._next = self._copy()

    def take(self) -> str:
        """Return the URL of a catalog that nothing else uses."""
        name, self._next = self._next.result(), self._copy()
        return address_of(name)

    def take_copy(self, address: str) -> str:
        """Return the URL of a copy of a database that nothing is connected to."""
        return address_of(create_database(self._server, f"TEMPLATE {make_url(address).database}"))

    def take_empty(self) -> str:
        """Return the URL of a database without tables that nothing else uses."""
        return address_of(create_database(self._server, AS_PEOPLE_SORT))

    def give_back(self, address: str) -> None:
        self._worker.submit(drop_database, self._server, make_url(address).database or "")

    def close(self) -> None:
        self.give_back(address_of(self._next.result()))
        self._worker.shutdown()
        drop_database(self._server, self._template)

    def _copy(self) -> Future[str]:
        return self._worker.submit(create_database, self._server, f"TEMPLATE {self._template}")


def create_database(server: Engine, how: str) -> str:
    name = f"elib_test_{secrets.token_hex(6)}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {how}"))
    return name


def drop_database(server: Engine, name: str) -> None:
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def address_of(name: str) -> str:
    return f"{SERVER.rpartition('/')[0]}/{name}"
