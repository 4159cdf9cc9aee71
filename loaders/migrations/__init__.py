"""The catalog's migrations (Alembic), run from Python without an ini file: `migrate(env)`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import inspect, text

from loaders.store import parse_catalog_url, read_transaction, show_catalog_url, write_transaction
from schemas import Environment, UnusableFile

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection

VERSION_TABLE = "elib_alembic_version"  # Airflow's own is alembic_version


class NewerCatalog(UnusableFile):
    """The catalog was brought to a version that this software does not know."""

    def __init__(self, env: Environment, revision: str, newest: str) -> None:
        why = f"it is of version {revision}, and this software knows versions up to {newest}"
        advice = (
            "install the software that it belongs to, or restore a backup of before into an empty ELIB_HOME and an "
            "empty catalog"
        )
        super().__init__(Path(show_catalog_url(env)), why, advice)


class Migration(NamedTuple):
    """A step of the catalog's tables: its number and what it does, in one sentence."""

    revision: str
    sentence: str


class CatalogVersion(NamedTuple):
    """How far a catalog is: its version (None: it has no tables yet), this software's, and the steps between them."""

    revision: str | None
    newest: str
    pending: tuple[Migration, ...]


def migrate(env: Environment, revision: str = "head") -> None:
    """Upgrade the catalog's tables to a revision, by default the newest. Raises NewerCatalog."""
    with write_transaction(env) as connection:
        before = _revision(connection)
        _check_known(env, before)
        if revision == "head" and before == _script().get_current_head():
            return
        from alembic import command  # imported here because it takes a second, and most processes migrate nothing

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def catalog_version(env: Environment) -> CatalogVersion:
    """Return how far the catalog is. Reads only, and makes no file where there is none. Raises NewerCatalog."""
    revision: str | None = None
    if has_catalog(env):
        with read_transaction(env) as connection:
            revision = _revision(connection)
    _check_known(env, revision)
    script = _script()
    newest = script.get_current_head() or ""
    steps = list(script.iterate_revisions(newest, revision or "base"))
    pending = (Migration(step.revision, (step.doc or "").splitlines()[0]) for step in reversed(steps))
    return CatalogVersion(revision, newest, tuple(pending))


def has_catalog(env: Environment) -> bool:
    """Return whether there is a database to read; of SQLite, whether its file exists."""
    url = parse_catalog_url(env.catalog_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@cache
def _script() -> ScriptDirectory:
    """Return the migrations, which are read once in a process: that takes longer than to see that none is missing."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 (our name)
    return revision


def _check_known(env: Environment, revision: str | None) -> None:
    script = _script()
    if revision is not None and revision not in {step.revision for step in script.walk_revisions()}:
        raise NewerCatalog(env, revision, script.get_current_head() or "")
