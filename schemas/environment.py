"""Where the installation keeps its files and its catalog: read once at each entry point, then passed on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from schemas.base import Base

ROOT = Path(__file__).resolve().parent.parent  # the checkout, or the folder that the packages are installed into


class FeedFolders:
    """The folders that hold feed files, in the order in which they are searched: the first that has a file wins."""

    def __init__(self, folders: Iterable[Path]) -> None:
        unique: dict[str, Path] = {}
        for folder in folders:
            unique.setdefault(os.path.realpath(folder), folder.absolute())
        self._folders = tuple(unique.values())

    def __iter__(self) -> Iterator[Path]:
        return iter(self._folders)

    def __truediv__(self, name: str) -> Path:
        """Return the path of a file: in the first folder that has it, else in the first folder."""
        paths = [folder / name for folder in self._folders]
        return next((path for path in paths if os.path.lexists(path)), paths[0])

    def __str__(self) -> str:
        """Return the value of ELIB_FEEDS that means these folders."""
        return os.pathsep.join(map(str, self._folders))

    def __repr__(self) -> str:
        return f"FeedFolders({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FeedFolders) and self._folders == other._folders

    def __hash__(self) -> int:
        return hash(self._folders)

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Create the first folder."""
        self._folders[0].mkdir(parents=parents, exist_ok=exist_ok)


class Environment(Base, frozen=True, kw_only=True):
    """ELIB_HOME, ELIB_CATALOG_URL, ELIB_FEEDS, ELIB_ALLOW_PRIVATE, ELIB_REDIS_URL and ELIB_LOCK_URL, with defaults.

    redis_url: the Redis that keeps the rate of requests for several machines; empty: files of `locks` keep it
    lock_url: where the locks are held, of a PostgreSQL that `catalog_url` reaches through a pooler; else empty
    """

    home: Path
    catalog_url: str
    feeds: FeedFolders
    allow_private: frozenset[str]
    redis_url: str = ""
    lock_url: str = ""

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
    def downloads(self) -> Path:
        return self.home / "downloads"

    @property
    def locks(self) -> Path:
        return self.home / "locks"

    @property
    def registered_feeds(self) -> Path:
        """Return the folder of the feed files that this installation writes itself."""
        return self.home / "feeds"


def environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the installation that the variables describe (the process's own unless given). Creates nothing.

    ELIB_HOME defaults to var/ of the checkout; ELIB_FEEDS, folders separated as in PATH, to feeds/ of the checkout and
    ELIB_HOME/feeds. Installed packages have no checkout: then ELIB_HOME is elib in the user's XDG data folder, and the
    first folder of feeds is elib/feeds in the XDG configuration folder.
    """
    values = os.environ if variables is None else variables
    default_home, default_feeds = _default_folders(values)
    home = Path(values.get("ELIB_HOME") or default_home).absolute()
    private = (host.strip().lower() for host in values.get("ELIB_ALLOW_PRIVATE", "").split(","))
    feeds = [Path(folder) for folder in values.get("ELIB_FEEDS", "").split(os.pathsep) if folder.strip()]
    return Environment(
        home=home,
        catalog_url=values.get("ELIB_CATALOG_URL") or f"sqlite:///{home / 'catalog.db'}",
        feeds=FeedFolders(feeds or [default_feeds, home / "feeds"]),
        allow_private=frozenset(host for host in private if host),
        redis_url=values.get("ELIB_REDIS_URL", "").strip(),
        lock_url=values.get("ELIB_LOCK_URL", "").strip(),
    )


def _default_folders(values: Mapping[str, str], root: Path = ROOT) -> tuple[Path, Path]:
    """Return the folders of the installation's files and of the feed files."""
    if (root / "pyproject.toml").exists():
        return root / "var", root / "feeds"
    data_home = values.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    config_home = values.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(data_home) / "elib", Path(config_home) / "elib" / "feeds"
