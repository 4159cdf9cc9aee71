"""Where the installation keeps its files and its catalog: read once at each entry point, then passed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from schemas.base import Base

ROOT = Path(__file__).resolve().parent.parent  # the checkout


class Environment(Base, frozen=True, kw_only=True):
    """ELIB_HOME, ELIB_CATALOG_URL, ELIB_FEEDS and ELIB_ALLOW_PRIVATE, with their defaults."""

    home: Path
    catalog_url: str
    feeds: Path
    allow_private: frozenset[str]

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def staging(self) -> Path:
        return self.home / "staging"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def locks(self) -> Path:
        return self.home / "locks"


def environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the installation that the variables (by default the process's own) describe. Creates nothing."""
    values = os.environ if variables is None else variables
    home = Path(values.get("ELIB_HOME") or ROOT / "var").absolute()
    private_hosts = (host.strip().lower() for host in values.get("ELIB_ALLOW_PRIVATE", "").split(","))
    return Environment(
        home=home,
        catalog_url=values.get("ELIB_CATALOG_URL") or f"sqlite:///{home / 'catalog.db'}",
        feeds=Path(values.get("ELIB_FEEDS") or ROOT / "feeds").absolute(),
        allow_private=frozenset(host for host in private_hosts if host),
    )
