"""The catalog's schema, step by step (Alembic), run from Python: `migrate(env)`; no ini file."""

from __future__ import annotations

from pathlib import Path

from loaders.store import write_transaction
from schemas import Environment

VERSION_TABLE = "elib_alembic_version"  # Airflow's own is alembic_version


def migrate(env: Environment, revision: str = "head") -> None:
    """Bring the catalog to the newest schema; a catalog that has it is left as it is."""
    from alembic import command  # takes a second to import, and most processes migrate nothing
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with write_transaction(env) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
