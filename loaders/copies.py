"""Copies elsewhere: in a folder of another disk or machine, or in a bucket that speaks S3; whole or not at all.

A bucket's keys and address come from the variables that every S3 client reads: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL (of a server that is not Amazon's) and AWS_ALLOW_HTTP=true (of one
without TLS).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from loaders.store import make_folder, whole_file
from schemas import UnusableFile, one_line

if TYPE_CHECKING:
    from obstore.store import S3Store

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\s?#]*)?")
_ONE_PUT_BYTES = 64 << 20  # larger files go in parts, which become an object when all are there
_PART_BYTES, _MAX_PARTS = 16 << 20, 9_000  # S3 takes 10,000
_READ_BYTES = 1 << 20
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
_MAX_WHY_CHARS = 300


class CopyFailed(UnusableFile):
    """A copy cannot be written, read or removed: where, why, and what to do."""

    def __init__(self, address: str, why: object, what_to_do: str) -> None:
        Exception.__init__(self, f"{address}: {one_line(str(why))[:_MAX_WHY_CHARS].rstrip('. ')}; {what_to_do}")
        self.path = Path(address)


class Place(Protocol):
    """Where copies are; names may have folders in them, separated by a slash. Every method raises CopyFailed."""

    address: str

    def put(self, path: Path, name: str) -> None:
        """Copy a file to a name; it is there whole or not at all, and replaces one that was."""
        ...

    def fetch(self, name: str, path: Path) -> None:
        """Copy a name to a local file, which is there whole or not at all."""
        ...

    def names(self) -> list[str]:
        """Return the names of all copies, sorted."""
        ...

    def remove(self, name: str) -> None:
        """Remove a copy; one that is not there is no error."""
        ...


def is_bucket(address: str) -> bool:
    """Return whether an address is that of a bucket rather than of a folder."""
    return address.startswith("s3://")


def copy_place(address: str) -> Place:
    """Return the place of an address: s3://bucket/prefix, or the absolute path of a folder that exists.

    The folder is not made: a share that is not mounted would be taken for the machine's own disk. Raises CopyFailed.
    """
    if is_bucket(address):
        return _Bucket(address.rstrip("/"))
    path = Path(address)
    if not path.is_absolute():
        raise CopyFailed(address, "it is neither s3://bucket/prefix nor an absolute path", "write one of the two")
    if not path.is_dir():
        raise CopyFailed(address, "there is no such folder", "mount the share, or make the folder")
    return _Folder(address)


class _Folder:
    def __init__(self, address: str) -> None:
        self.address = address
        self._root = Path(address)

    def put(self, path: Path, name: str) -> None:
        with self._explained(), whole_file(self._root / name) as temporary:
            _copy(path, temporary)

    def fetch(self, name: str, path: Path) -> None:
        with self._explained(), whole_file(path) as temporary:
            _copy(self._root / name, temporary)

    def names(self) -> list[str]:
        with self._explained():
            files = [path for path in self._root.rglob("*") if path.is_file() and not path.name.startswith(".")]
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def remove(self, name: str) -> None:
        with self._explained():
            (self._root / name).unlink(missing_ok=True)
            for folder in PurePosixPath(name).parents[:-1]:
                if (self._root / folder).is_dir() and not any((self._root / folder).iterdir()):
                    (self._root / folder).rmdir()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = f"{error.strerror or error} ({error.filename or self.address})"
            raise CopyFailed(self.address, why, "see that it is mounted, has room and may be written to") from error


def _copy(source: Path, target: Path) -> None:
    """Copy a file; only this user may read the copy, because backups hold what must not be read by others."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as written:
        shutil.copyfileobj(read, written, _READ_BYTES)


class _Bucket:
    def __init__(self, address: str) -> None:
        self.address = address
        if not _BUCKET.fullmatch(address):
            raise CopyFailed(address, "it is no address of a bucket", "write s3://bucket or s3://bucket/prefix")

    def put(self, path: Path, name: str) -> None:
        import obstore

        size = path.stat().st_size
        part = max(_PART_BYTES, size // _MAX_PARTS + 1)
        with self._explained() as store:
            obstore.put(store, name, path, use_multipart=size > _ONE_PUT_BYTES, chunk_size=part)
            stored = obstore.head(store, name)["size"]
        if stored != size:
            raise CopyFailed(self.address, f"{name} has {stored} of {size} bytes there", "copy it again")

    def fetch(self, name: str, path: Path) -> None:
        import obstore

        make_folder(path.parent)
        with whole_file(path) as temporary, self._explained() as store:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as written:
                for block in obstore.get(store, name).stream(min_chunk_size=_READ_BYTES):
                    written.write(block)

    def names(self) -> list[str]:
        import obstore

        with self._explained() as store:
            return sorted(each["path"] for batch in obstore.list(store) for each in batch)

    def remove(self, name: str) -> None:
        import obstore

        with self._explained() as store:
            obstore.delete(store, name)

    @contextmanager
    def _explained(self) -> Iterator[S3Store]:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        try:
            yield S3Store.from_url(self.address, retry_config=_RETRIES)
        except FileNotFoundError as error:
            raise CopyFailed(self.address, _first_line(error), "look at the bucket's name and the file's") from error
        except (BaseError, OSError, ValueError) as error:
            advice = "look at AWS_ENDPOINT_URL, AWS_REGION and the keys, and whether the server answers"
            raise CopyFailed(self.address, _first_line(error), advice) from error


def _first_line(error: Exception) -> str:
    """Return what happened, without the answer's body and the library's own notes for its developers."""
    return str(error).partition("\n")[0]
