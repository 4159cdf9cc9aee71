"""The fixtures of an installation of its own, for tests that reach it through the environment's variables."""

from tests.installation import env, home

__all__ = ["env", "home"]
