"""`elib setup`: bring the catalog, Airflow's metadata database and its pool of the catalog to today's version."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas import Environment


class NotSetUp(Exception):
    """A database that cannot be used: which, why, and what to check."""


def set_up(env: Environment) -> None:
    """Bring both databases to today's version; a second call changes nothing. Raises NotSetUp.

    `airflow_home.prepare` must have run, unless Airflow's own variables are set.
    """
    from alembic.util.exc import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from loaders.catalog import migrate

    try:
        migrate(env)
    except (SQLAlchemyError, CommandError, ValueError, OSError) as error:
        raise NotSetUp(f"The catalog cannot be used: {_first_line(error)}. Look at ELIB_CATALOG_URL.") from error
    try:
        _set_up_airflow()
    except (SQLAlchemyError, OSError) as error:
        raise NotSetUp(f"Airflow's own database cannot be used: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    """Return the database's own message, without the statement and the links that SQLAlchemy adds."""
    message = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return message.splitlines()[0].rstrip(".")


def _set_up_airflow() -> None:
    """Migrate Airflow's own database and make the pool; tasks of a pool that does not exist never start."""
    from pipeline import POOL

    logging.getLogger("alembic").setLevel(logging.WARNING)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from airflow.models.pool import Pool
        from airflow.utils.db import check_migrations, initdb
        from airflow.utils.session import create_session

    with create_session() as session, contextlib.redirect_stdout(io.StringIO()):
        try:
            check_migrations(timeout=0)  # type: ignore[no-untyped-call]
        except (TimeoutError, SystemExit):
            initdb(session=session)
        Pool.create_or_update_pool(POOL, slots=1, description="one writer of the catalog", include_deferred=False)


def setup(
    existing_airflow: Annotated[
        bool, typer.Option("--existing-airflow", help="Use Airflow's own configuration, not one under ELIB_HOME.")
    ] = False,
) -> int:
    """Set up the catalog and Airflow's database. A second call changes nothing."""
    from commands.airflow_home import prepare
    from loaders.store import show_catalog_url
    from schemas import environment

    env = environment()
    try:
        if not existing_airflow:
            prepare(env)
        set_up(env)
    except (NotSetUp, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    airflow_home = os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow"
    print(f"Set up: {show_catalog_url(env)}, Airflow in {airflow_home}")
    return 0
