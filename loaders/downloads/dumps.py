"""The dumps that there are: one folder each, with its files and a manifest that says what they hold."""

from __future__ import annotations

import logging
import re
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from loaders.store import make_folder, sweep, temporary_ending
from schemas import Base, Environment

log = logging.getLogger("elib.catalog")
MANIFEST_NAME, SUMS_NAME = "manifest.json", "SHA256SUMS"
_DUMP_NAME = re.compile(r"\d{8}T\d{9}Z")
FILES = {  # media types of the files that a dump may have, by name
    "resources.jsonl.zst": "application/zstd",
    "resources.parquet": "application/vnd.apache.parquet",
    "resources.csv": "text/csv; charset=utf-8; header=present",
    "resource.schema.json": "application/schema+json",
    SUMS_NAME: "text/plain; charset=utf-8",
    MANIFEST_NAME: "application/json",
}


class DownloadsFailed(Exception):
    """No dump was written, and the earlier ones are as they were; the message is a sentence for the operator."""

    cause = "interrupted"


class DumpFile(Base, frozen=True, kw_only=True):
    """A file of a dump; `records` is how many resources it holds, null for a file that holds none."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    records: int | None = None


class ManifestColumn(Base, frozen=True, kw_only=True):
    """A column of the table in the CSV and Parquet files."""

    name: str
    kind: str
    meaning: str


class DumpManifest(Base, frozen=True, kw_only=True):
    """What a dump holds.

    version: of this manifest's shape
    name: name of the dump, which is when it was made
    made_at: the same as a time, UTC
    publication: id of the run that had published the catalog last; null for a catalog without one
    resources: number of resources
    licenses: how many resources have metadata under each licence, by URI
    attribution: lines that must stand beside the values, and where
    partners: the partners who gave the metadata
    left_out_feeds: feeds whose metadata may not be passed on, so that no resource made of theirs is here
    schema: name of the file with the JSON Schema of `record` in the lines of the JSONL file
    columns: the columns of the CSV and Parquet files
    files: the files
    state: digest of what the dump was made from
    """

    version: int = 1
    name: str
    made_at: str
    publication: str | None
    resources: int
    licenses: dict[str, int]
    attribution: tuple[str, ...]
    partners: tuple[str, ...]
    left_out_feeds: tuple[str, ...] = ()
    schema: str = "resource.schema.json"
    columns: tuple[ManifestColumn, ...] = ()
    files: tuple[DumpFile, ...]
    state: str


class Dump(NamedTuple):
    """A dump and its folder."""

    folder: Path
    manifest: DumpManifest


def list_dumps(env: Environment) -> list[Dump]:
    """Return the dumps, the newest first. A folder without a manifest that can be read is left out, and logged."""
    dumps = []
    for name in sorted(_names(env), reverse=True):
        folder = env.downloads / name
        try:
            manifest = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=DumpManifest)
        except FileNotFoundError:  # it was removed meanwhile
            continue
        except (OSError, msgspec.DecodeError) as error:
            log.warning("the dump %s is left out: its manifest cannot be read: %s", folder, error)
            continue
        dumps.append(Dump(folder, manifest))
    return dumps


def _names(env: Environment) -> list[str]:
    if not env.downloads.is_dir():
        return []
    return [
        path.name
        for path in env.downloads.iterdir()
        if _DUMP_NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    ]


def newest_dump(env: Environment) -> Dump | None:
    """Return the dump that was written last; None without one."""
    return next(iter(list_dumps(env)), None)


def file_of(env: Environment, dump_name: str, file_name: str) -> Path | None:
    """Return the path of a dump's file; None for any name but theirs, and for what is no plain file in its folder."""
    if not _DUMP_NAME.fullmatch(dump_name) or file_name not in FILES:
        return None
    folder = env.downloads / dump_name
    path = folder / file_name
    try:
        is_plain = stat.S_ISDIR(folder.lstat().st_mode) and stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return None
    return path if is_plain else None


def remove_dump(env: Environment, name: str) -> None:
    """Remove a dump: at once for readers of the list, then its files."""
    gone = env.downloads / f".{name}.{temporary_ending()}"
    try:
        (env.downloads / name).rename(gone)
    except FileNotFoundError:
        return
    shutil.rmtree(gone)


def remove_all_dumps(env: Environment) -> int:
    """Remove every dump and what killed processes left of some; return how many there were."""
    if not env.downloads.is_dir():
        return 0
    sweep(env.downloads, "*.tmp")
    sweep(env.downloads, ".*.tmp")
    names = _names(env)
    for name in names:
        remove_dump(env, name)
    return len(names)


def make_downloads_folder(env: Environment) -> None:
    """Make the folder of the dumps, and remove what killed processes left in it."""
    make_folder(env.downloads)
    sweep(env.downloads, "*.tmp")
    sweep(env.downloads, ".*.tmp")
