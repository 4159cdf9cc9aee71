"""Where backups are kept, here and elsewhere, and how many: those that the timer makes, named for their time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from loaders.backup.backup import BadBackup, back_up
from loaders.copies import Place, copy_place, is_bucket
from loaders.store import temporary_folder
from schemas import Environment

_NAME = re.compile(r"elib-\d{8}T\d{6}Z\.tar")


def backups_folder(env: Environment) -> Path:
    """Return the folder of the backups that are given no other place."""
    return env.home / "backups"


def make_backup(env: Environment, target: str | None, *, copy_to: str | None = None) -> tuple[list[str], int]:
    """Write a backup to a file or to s3://bucket/name, by default a new file in ELIB_HOME/backups, and copy it.

    `copy_to` is a folder or s3://bucket/prefix. Returns the addresses that have the backup now, and how many files of
    landing are in it. Raises BadBackup, OSError, and loaders.copies.CopyFailed; a backup here stays when it cannot be
    copied.
    """
    name = f"elib-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    if target is not None and is_bucket(target):
        place, name = _place_and_name(target)
        with temporary_folder(backups_folder(env)) as temporary:
            files = back_up(env, temporary / name)
            place.put(temporary / name, name)
        return [target], files
    path = Path(target) if target is not None else backups_folder(env) / name
    place_elsewhere = copy_place(copy_to) if copy_to else None  # before the work, in case it is not there
    files = back_up(env, path)
    if place_elsewhere is None:
        return [str(path)], files
    place_elsewhere.put(path, path.name)
    return [str(path), f"{place_elsewhere.address}/{path.name}"], files


def remove_older_backups(env: Environment, keep: int, *, copy_to: str | None = None) -> list[str]:
    """Remove all but the newest backups that were named for their time, here and elsewhere; return their addresses.

    Files of other names stay. Raises loaders.copies.CopyFailed.
    """
    folder = backups_folder(env)
    removed = []
    for name in _older([path.name for path in folder.glob("*.tar")], keep):
        (folder / name).unlink(missing_ok=True)
        removed.append(str(folder / name))
    if copy_to:
        place = copy_place(copy_to)
        for name in _older(place.names(), keep):
            place.remove(name)
            removed.append(f"{place.address}/{name}")
    return removed


def _older(names: list[str], keep: int) -> list[str]:
    return sorted(name for name in names if _NAME.fullmatch(name))[:-keep]


def fetch_backup(address: str, folder: Path) -> Path:
    """Fetch a backup of s3://bucket/name into a folder and return its path. Raises BadBackup and CopyFailed."""
    place, name = _place_and_name(address)
    place.fetch(name, folder / name)
    return folder / name


def _place_and_name(address: str) -> tuple[Place, str]:
    prefix, _, name = address.rpartition("/")
    if not name or not is_bucket(prefix):
        raise BadBackup(f"{address}: write s3://bucket/name, with the name of a backup")
    return copy_place(prefix), name
