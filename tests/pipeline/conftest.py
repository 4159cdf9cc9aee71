"""The fixtures of an installation of its own, for tests that reach it through the environment's variables."""

import pytest

from schemas import Environment, environment
from tests.installation import env, home
from tests.pipeline.feeds import declare

__all__ = ["env", "home", "library"]


@pytest.fixture
def library(env: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An installation whose environment's variables are set, with the feed `books` declared."""
    monkeypatch.setenv("ELIB_HOME", str(env.home))
    monkeypatch.setenv("ELIB_CATALOG_URL", env.catalog_url)
    monkeypatch.setenv("ELIB_FEEDS", str(env.home / "feeds"))
    library = environment()
    declare(library, "books")
    return library
