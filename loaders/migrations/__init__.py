"""The catalog's migrations (Alembic), run from Python without an ini file: `migrate(env)`."""

from __future__ import annotations

from pathlib import Path

from loaders.store import write_transaction
from schemas import Environment

VERSION_TABLE = "elib_alembic_version"  # Airflow's own is alembic_version


def migrate(env: Environment, revision: str = "head") -> None:
    """Upgrade the catalog's tables to a revision, by default the newest."""
    from alembic import command  # imported here because it takes a second, and most processes migrate nothing
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with write_transaction(env) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
