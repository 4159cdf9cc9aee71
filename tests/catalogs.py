"""Empty catalogs for tests, copied from one that this process has migrated once: migrations take most of a short test.

The tests of the migrations themselves run them (tests/loaders/test_models.py, test_old_catalogs.py).
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from sqlalchemy import Connection, Engine, Insert, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from loaders.migrations import migrate
from loaders.store import engine
from schemas import Environment, environment

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
AS_PEOPLE_SORT = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"  # a server in C sorts by bytes
_IN_USE = "relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_|^information_schema$')"
TABLES = f"SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND {_IN_USE} ORDER BY 1"
SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), start_value FROM pg_sequences ORDER BY 1"
SCHEMA = f"""SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT concat_ws(' ', oid::regclass, relkind, attname, format_type(atttypid, atttypmod), attnotnull) AS line
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid WHERE attnum > 0 AND {_IN_USE}
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indrelid WHERE {_IN_USE}
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid > 0
    UNION ALL SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS lines"""
END_SESSIONS = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def new_catalog(env: Environment) -> None:
    """Give an installation on SQLite a catalog at the newest version, as `migrate` does; one that is there is kept."""
    path = Path(make_url(env.catalog_url).database or "")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated_file())


def execute_all(connection: Connection, statements: Iterable[Insert]) -> None:
    """Write rows, each by a statement of its own."""
    for statement in statements:
        connection.execute(statement)


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        made = environment({"ELIB_HOME": folder})
        migrate(made)
        engine(made).dispose()
        return (Path(folder) / "catalog.db").read_bytes()


class PostgresCatalogs:
    """Databases on the tests' PostgreSQL that sort as people do, each with an empty catalog at the newest version.

    A catalog that is given back is emptied for the next test, which costs a tenth of a new database. The next one is
    made ready, and others are dropped, while tests run. Raises what keeps the server from making databases.
    """

    def __init__(self) -> None:
        self._server = create_engine(
            SERVER, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args={"connect_timeout": 2}
        )
        self._template = create_database(self._server, AS_PEOPLE_SORT)
        made = environment({"ELIB_HOME": tempfile.gettempdir(), "ELIB_CATALOG_URL": address_of(self._template)})
        migrate(made)
        engine(made).dispose()
        self._empty = _EmptyCatalog(self._template)
        self._taken: set[str] = set()
        self._free: SimpleQueue[str] = SimpleQueue()
        self._worker = ThreadPoolExecutor(1)
        self._next = self._copy()

    def take(self) -> str:
        """Return the URL of a catalog that nothing else uses."""
        name, self._next = self._next.result(), self._copy()
        self._taken.add(name)
        return address_of(name)

    def take_copy(self, address: str) -> str:
        """Return the URL of a copy of a database that nothing is connected to."""
        return address_of(create_database(self._server, f"TEMPLATE {make_url(address).database}"))

    def take_empty(self) -> str:
        """Return the URL of a database without tables that nothing else uses."""
        return address_of(create_database(self._server, AS_PEOPLE_SORT))

    def give_back(self, address: str) -> None:
        name = make_url(address).database or ""
        if name in self._taken:
            self._taken.remove(name)
            self._worker.submit(self._renew, name)
        else:
            self._worker.submit(drop_database, self._server, name)

    def close(self) -> None:
        self._worker.submit(lambda: None).result()
        names = [self._next.result()]
        while not self._free.empty():
            names.append(self._free.get())
        self._worker.shutdown()
        for name in (*names, self._template):
            drop_database(self._server, name)

    def _copy(self) -> Future[str]:
        return self._worker.submit(self._make_ready)

    def _make_ready(self) -> str:
        if not self._free.empty():
            return self._free.get()
        name = create_database(self._server, f"TEMPLATE {self._template}")
        with self._server.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))  # the server never crashes
        return name

    def _renew(self, name: str) -> None:
        """Empty a catalog, and give it another name: what a process keeps of a catalog, it keeps by its address."""
        renamed = new_name()
        try:
            is_empty = self._empty.restore(name)
            with self._server.connect() as connection:
                connection.execute(text(f"ALTER DATABASE {name} RENAME TO {renamed}"))
        except OperationalError:  # a process that a test has left came back to it
            is_empty, renamed = False, name
        if is_empty:
            self._free.put(renamed)
        else:
            drop_database(self._server, renamed)


class _EmptyCatalog:
    """What a catalog without records holds, put back into a catalog that a test has used."""

    def __init__(self, template: str) -> None:
        with _connected(template) as connection:
            self._schema = connection.scalar(text(SCHEMA))
            tables = connection.scalars(text(TABLES)).all()
            selected = {table: connection.execute(text(f"SELECT * FROM {table}")).mappings() for table in tables}
            self._rows = {table: [{**row} for row in rows] for table, rows in selected.items()}
            sequences = connection.execute(text(SEQUENCES)).all()
        self._clear = ";".join(
            [
                "SET session_replication_role = replica",  # neither triggers nor foreign keys
                *(f"DELETE FROM {table}" for table in tables),
                *(f"SELECT setval('{name}', {start}, false)" for name, start in sequences),
            ]
        )

    def restore(self, name: str) -> bool:
        """Empty a catalog; return False if its tables are no longer those of the newest version."""
        with _connected(name) as connection:
            connection.execute(text(END_SESSIONS))
            if connection.scalar(text(SCHEMA)) != self._schema:
                return False
            connection.execute(text(self._clear))
            for table, rows in self._rows.items():
                for row in rows:
                    columns, values = ", ".join(map(str, row)), ", ".join(f":{column}" for column in row)
                    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), row)
        return True


@contextmanager
def _connected(name: str) -> Iterator[Connection]:
    database = create_engine(address_of(name), poolclass=NullPool)
    with database.begin() as connection:
        yield connection


def new_name() -> str:
    return f"elib_test_{secrets.token_hex(6)}"


def create_database(server: Engine, how: str) -> str:
    name = new_name()
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {how}"))
    return name


def drop_database(server: Engine, name: str) -> None:
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def address_of(name: str) -> str:
    return f"{SERVER.rpartition('/')[0]}/{name}"
