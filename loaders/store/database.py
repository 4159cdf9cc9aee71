"""The catalog's database: one engine a URL, readers that see a snapshot, writers one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from more_itertools import chunked
from sqlalchemy import URL, Connection, Engine, LargeBinary, cast, create_engine, event, make_url, text

from loaders.store.locks import catalog_lock
from schemas import Environment

_BUSY_SECONDS = 600  # how long SQLite waits for another process's transaction
_PRAGMAS = (
    "page_size=16384",  # of a catalog that is new: most records lie in one page instead of a chain of them
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-65536",
)
MAX_BOUND_VALUES = 500  # values of one question
_WRITES = {"elib_writes": True}
_WRITER_KEY = 0x656C6962  # "elib": the advisory lock of PostgreSQL


def engine(env: Environment) -> Engine:
    """The engine of the installation's catalog; the same one each time in one process, another in a forked child."""
    return _engine(env.catalog_url, os.getpid())


@lru_cache(maxsize=64)
def _engine(address: str, _pid: int) -> Engine:
    return open_engine(address)


def close_connections(env: Environment) -> None:
    """Close the connections that are kept open for later.

    For a process that is about to be copied: SQLite's may not be carried over a fork
    (https://www.sqlite.org/howtocorrupt.html, 2.6).
    """
    engine(env).dispose()


def open_engine(address: str) -> Engine:
    """An engine for a catalog URL: SQLite in WAL with BEGIN IMMEDIATE for writers, or PostgreSQL by psycopg 3.

    Raises ValueError naming the URL's dialect when it is neither.
    """
    url = make_url(address)
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        return _sqlite(url)
    if dialect == "postgresql":
        if "+" not in url.drivername:
            url = url.set(drivername="postgresql+psycopg")
        return create_engine(url, pool_pre_ping=True)
    raise ValueError(f"ELIB_CATALOG_URL: {dialect!r} is not served; use sqlite:///… or postgresql+psycopg://…")


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    made = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(made, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("elib_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


@contextmanager
def read_transaction(env: Environment) -> Iterator[Connection]:
    """A connection whose every read sees the catalog at one moment; writes through it are a mistake."""
    with snapshot(engine(env)) as connection:
        yield connection


@contextmanager
def snapshot(catalog_engine: Engine) -> Iterator[Connection]:
    """The same, for who has the engine and no installation."""
    if catalog_engine.dialect.name == "postgresql":
        catalog_engine = catalog_engine.execution_options(isolation_level="REPEATABLE READ")
    with catalog_engine.connect() as connection, connection.begin():
        yield connection


def undecoded(connection: Connection, column: Any) -> Any:
    """A text column for who only decodes it: as the UTF-8 bytes that SQLite keeps, as text from PostgreSQL."""
    return cast(column, LargeBinary) if connection.dialect.name == "sqlite" else column


def rows_among(connection: Connection, query: Any, column: Any, values: Sequence[Any]) -> Iterator[Any]:
    """The rows of the query whose column is among the values, asked for 500 at a time: databases bind only so many."""
    for some in chunked(values, MAX_BOUND_VALUES):
        yield from connection.execute(query.where(column.in_(some))).all()


@contextmanager
def write_transaction(env: Environment) -> Iterator[Connection]:
    """The one transaction that may write: under the catalog lock, committed at the end, rolled back on any error."""
    made = engine(env).execution_options(**_WRITES)
    with catalog_lock(env), made.connect() as connection, connection.begin():
        if made.dialect.name == "postgresql":  # the file lock ends at this machine
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_KEY})
        yield connection
