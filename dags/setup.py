"""Set up an installation: Airflow's metadata database, the pool of the catalog, the catalog itself."""

from __future__ import annotations

import contextlib
import io
import logging

from schemas import Environment, environment

POOL = "catalog"


def set_up(env: Environment) -> None:
    """Bring both databases to today's version; a second call changes nothing. The environment must be prepared."""
    from loaders.catalog import migrate

    migrate(env)
    set_up_airflow()


def set_up_airflow() -> None:
    """Airflow's own database, and the pool whose one slot every writer of the catalog runs in."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from airflow.models.pool import Pool
        from airflow.utils.db import check_migrations, initdb
        from airflow.utils.session import create_session

    with create_session() as session, contextlib.redirect_stdout(io.StringIO()):
        try:
            check_migrations(timeout=0)
        except (TimeoutError, SystemExit):
            initdb(session=session)
        Pool.create_or_update_pool(POOL, slots=1, description="one writer of the catalog", include_deferred=False)


def main() -> None:
    """`python -m dags.setup`"""
    from dags.home import prepare

    env = environment()
    prepare(env)
    set_up(env)
    print(f"Set up: {env.catalog_url.split('@')[-1]}, Airflow in {env.home / 'airflow'}")


if __name__ == "__main__":
    main()
