"""Where the installation keeps its files and its catalog: read once at each entry point, then passed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from schemas.base import Base

ROOT = Path(__file__).resolve().parent.parent  # the checkout, or the folder that the packages are installed into


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
    """Return the installation that the variables describe (the process's own unless given). Creates nothing.

    ELIB_HOME and ELIB_FEEDS default to var/ and feeds/ of the checkout. Installed packages have no checkout: then they
    default to elib in the user's XDG data folder and elib/feeds in the XDG configuration folder.
    """
    values = os.environ if variables is None else variables
    default_home, default_feeds = _default_folders(values)
    home = Path(values.get("ELIB_HOME") or default_home).absolute()
    private = (host.strip().lower() for host in values.get("ELIB_ALLOW_PRIVATE", "").split(","))
    return Environment(
        home=home,
        catalog_url=values.get("ELIB_CATALOG_URL") or f"sqlite:///{home / 'catalog.db'}",
        feeds=Path(values.get("ELIB_FEEDS") or default_feeds).absolute(),
        allow_private=frozenset(host for host in private if host),
    )


def _default_folders(values: Mapping[str, str], root: Path = ROOT) -> tuple[Path, Path]:
    """Return the folders of the installation's files and of the feed files."""
    if (root / "pyproject.toml").exists():
        return root / "var", root / "feeds"
    data_home = values.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    config_home = values.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(data_home) / "elib", Path(config_home) / "elib" / "feeds"
