"""Set up an installation: Airflow's metadata database, the pool of the catalog, the catalog itself."""

from __future__ import annotations

import contextlib
import io
import logging

from pipeline import POOL
from schemas import Environment, environment


class NotSetUp(Exception):
    """A database that cannot be used: which, why, and what to look at."""


def set_up(env: Environment) -> None:
    """Bring both databases to today's version; a second call changes nothing. The environment must be prepared.

    Raises NotSetUp.
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
    """What a database said, without the statement and the links that SQLAlchemy adds."""
    said = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return said.splitlines()[0].rstrip(".")


def _set_up_airflow() -> None:
    """Airflow's own database, and the pool whose one slot every writer of the catalog runs in."""
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


def main() -> None:
    """`python -m commands.setup`"""
    from commands.airflow_home import prepare

    env = environment()
    try:
        prepare(env)
        set_up(env)
    except (NotSetUp, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    print(f"Set up: {env.catalog_url.split('@')[-1]}, Airflow in {env.home / 'airflow'}")


if __name__ == "__main__":
    main()
