"""`elib upgrade`: bring an installation to this version; with --check, say before what that will do."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas import Environment

MIGRATIONS_PENDING, LATER_WORK = 3, 4  # exit codes of --check
_SECONDS_BETWEEN_TRIES = 2.0


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Say what will be done, and change nothing.")] = False,
    existing_airflow: Annotated[
        bool, typer.Option("--existing-airflow", help="Use Airflow's own configuration, not one under ELIB_HOME.")
    ] = False,
    wait: Annotated[
        int,
        typer.Option(
            min=0, metavar="SECONDS", help="Wait so long for a database that does not answer, as after a power cut."
        ),
    ] = 0,
) -> int:
    """Bring the catalog and Airflow's database to this version, and say what is left to do.

    Exits with 0 when it is done, and 1 when it cannot be. With --check: 0 nothing is to do, 3 migrations are pending,
    4 only the next publication or a reprocess has more to do, 1 it cannot be told.
    """
    from alembic.util.exc import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from commands.setup import NotSetUp, set_up
    from loaders.migrations import NewerCatalog
    from loaders.store import show_catalog_url
    from pipeline.upgrading import check_upgrade
    from schemas import __version__, environment

    env = environment()
    try:
        print(f"E-library {__version__}, catalog {show_catalog_url(env)}", flush=True)
        _await_catalog(env, wait)
        done = check_upgrade(env)
        print("\n".join(done.lines))
        if check:
            return _check(env, done.has_migrations, done.has_later_work, existing_airflow=existing_airflow)
        if not existing_airflow:
            from commands.airflow_home import prepare

            prepare(env)
        set_up(env)
    except NewerCatalog as error:
        print(error, file=sys.stderr)
        return 1
    except (SQLAlchemyError, CommandError, NotSetUp, ValueError, OSError) as error:
        print(f"Not upgraded: {str(getattr(error, 'orig', None) or error).splitlines()[0]}", file=sys.stderr)
        return 1
    print("Upgraded: the catalog, Airflow's database and its pool.")
    return 0


def _await_catalog(env: Environment, seconds: int) -> None:
    """Return when the catalog's database answers, or after so many seconds."""
    from sqlalchemy.exc import OperationalError

    from loaders.migrations import catalog_version

    until, is_told = time.monotonic() + seconds, False
    while time.monotonic() < until:
        try:
            catalog_version(env)
            return
        except OperationalError as error:
            if not is_told:
                print(f"Waiting for at most {seconds} s: {str(error.orig).splitlines()[0]}", flush=True)
            is_told = True
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _check(env: Environment, has_migrations: bool, has_later_work: bool, *, existing_airflow: bool) -> int:
    airflow = _airflow_sentence(env, existing_airflow=existing_airflow)
    if airflow:
        print(airflow)
    print("Nothing was changed.")
    if has_migrations or airflow:
        return MIGRATIONS_PENDING
    return LATER_WORK if has_later_work else 0


def _airflow_sentence(env: Environment, *, existing_airflow: bool) -> str:
    """Return what will be done to Airflow's own database; empty for nothing. Makes no file."""
    from commands.airflow_home import airflow_cfg, prepare

    if not existing_airflow:
        if not (env.home / "airflow" / "secrets.env").exists():
            return "Airflow has no database in ELIB_HOME yet; it will be made."
        prepare(env)
    elif not os.environ.get("AIRFLOW_HOME"):
        os.environ.setdefault("AIRFLOW_CONFIG", str(airflow_cfg()))
    from airflow.configuration import conf
    from sqlalchemy import make_url

    url = make_url(conf.get("database", "sql_alchemy_conn"))
    if url.get_backend_name() == "sqlite" and not os.path.exists(url.database or ""):  # noqa: PTH110
        return "Airflow's own database will be made."
    return "" if _is_airflow_current() else "Airflow's own database will be migrated."


def _is_airflow_current() -> bool:
    import logging

    logging.getLogger("alembic").setLevel(logging.WARNING)
    from airflow.utils.db import check_migrations

    try:
        check_migrations(timeout=0)  # type: ignore[no-untyped-call]
    except (TimeoutError, SystemExit):
        return False
    return True
