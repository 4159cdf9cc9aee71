"""The catalog's database: one engine per URL, snapshots, and writes of many rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from more_itertools import chunked
from sqlalchemy import URL, Connection, Engine, Insert, LargeBinary, case, cast, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError

from schemas import Environment

_SQLITE_BUSY_SECONDS = 600  # how long SQLite waits for another process's transaction
_SQLITE_PRAGMAS = (
    "page_size=16384",  # of a new catalog: most records fit into one page instead of a chain of pages
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-65536",
)
_FEW_PAGES_KIB = 4_096
MAX_BOUND_VALUES = 500  # values bound in one query
WRITE_OPTIONS = {"elib_writes": True}  # of a connection of which the transactions write


class BadCatalogUrl(ValueError):
    """ELIB_CATALOG_URL names no database that a catalog can be in."""

    def __init__(self, why: str) -> None:
        super().__init__(f"ELIB_CATALOG_URL: {why}; use sqlite:///… or postgresql+psycopg://…")


def parse_catalog_url(address: str) -> URL:
    """Return the parts of a catalog's URL. Raises BadCatalogUrl, which does not repeat it: it may hold a password."""
    try:
        url = make_url(address)
        dialect = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise BadCatalogUrl("it is not the address of a database") from error
    if dialect not in ("sqlite", "postgresql"):
        raise BadCatalogUrl(f"{dialect!r} is not supported")
    return url


def show_catalog_url(env: Environment) -> str:
    """Return the catalog's URL for people: with *** for a password, wherever it stands. Raises BadCatalogUrl."""
    url = parse_catalog_url(env.catalog_url)
    hidden = {name: "***" if "password" in name else value for name, value in url.query.items()}
    return url.set(query=hidden).render_as_string(hide_password=True)


def engine(env: Environment) -> Engine:
    """Return the engine of the catalog: the same one each time in a process, another in a forked child."""
    return _engine(env.catalog_url, bool(env.lock_url), os.getpid())


@lru_cache(maxsize=64)
def _engine(address: str, is_pooled: bool, _pid: int) -> Engine:
    return open_engine(address, is_pooled=is_pooled)


def close_connections(env: Environment) -> None:
    """Close the engine's pooled connections.

    Call it before the process is forked: an open SQLite connection must not be carried over a fork
    (https://www.sqlite.org/howtocorrupt.html, 2.6).
    """
    engine(env).dispose()


def open_engine(address: str, *, is_pooled: bool = False) -> Engine:
    """Create an engine for a catalog URL: SQLite in WAL mode, or PostgreSQL through psycopg 3.

    With `is_pooled` no statement is prepared, because a pooler runs the next transaction in another session. Raises
    BadCatalogUrl for any other database.
    """
    url = parse_catalog_url(address)
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url)
    if "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {"prepare_threshold": None} if is_pooled else {}
    return create_engine(url, pool_pre_ping=True, connect_args=options)


def _open_sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    sqlite_engine = create_engine(url, connect_args={"timeout": _SQLITE_BUSY_SECONDS})

    @event.listens_for(sqlite_engine, "connect")
    def _set_pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not send BEGIN of its own
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(sqlite_engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("elib_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return sqlite_engine


@contextmanager
def few_pages(connection: Connection) -> Iterator[None]:
    """Let a connection that reads everything once keep 4 MB of SQLite's pages meanwhile, and not the usual 64 MB.

    The pages are of no use to it, and its memory would grow with the catalog until they are full.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    usual = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    connection.exec_driver_sql(f"PRAGMA cache_size = {-_FEW_PAGES_KIB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = {usual}")


@contextmanager
def snapshot(catalog_engine: Engine) -> Iterator[Connection]:
    """Open a read transaction on an engine, as `loaders.store.read_transaction` does for an installation."""
    if catalog_engine.dialect.name == "postgresql":
        catalog_engine = catalog_engine.execution_options(isolation_level="REPEATABLE READ")
    with catalog_engine.connect() as connection, connection.begin():
        yield connection


def undecoded(connection: Connection, column: Any) -> Any:
    """Return a text column as an expression that is read without decoding: UTF-8 bytes from SQLite, else text.

    For JSON columns, whose decoder takes bytes: SQLite stores them so, and decoding twice costs time.
    """
    return cast(column, LargeBinary) if connection.dialect.name == "sqlite" else column


def rows_among(connection: Connection, query: Any, column: Any, values: Sequence[Any]) -> Iterator[Any]:
    """Yield the query's rows whose column has one of the values, in several queries of MAX_BOUND_VALUES each."""
    for some in chunked(values, MAX_BOUND_VALUES):
        yield from connection.execute(query.where(column.in_(some))).all()


def write_rows(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute an insert, update or delete once per row; without rows, do nothing.

    All rows have the keys of the first. Raises sqlalchemy.exc.StatementError when a row lacks one of them.
    """
    if rows:
        connection.execute(statement, rows)


def upsert(connection: Connection, table: Any, names: tuple[str, ...], *, keep_live: bool = False) -> Insert:
    """Return an insert that updates the named columns where a row of the same primary key exists.

    With `keep_live`, a row whose status is live keeps that status.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    changes: dict[str, Any] = {name: getattr(statement.excluded, name) for name in names}
    if keep_live:
        changes["status"] = case((table.c.status == "live", "live"), else_=statement.excluded.status)
    upserted: Insert = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)
    return upserted


def catalog_bytes(env: Environment) -> int:
    """Return the size of the catalog's database in bytes, with SQLite's log of what is being written."""
    made = engine(env)
    if made.dialect.name == "sqlite":
        path = made.url.database or ""
        files = (Path(f"{path}{suffix}") for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    with made.connect() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
