"""The files of a tar archive, plain or compressed with gzip, each within the feed's limits.

https://www.gnu.org/software/tar/manual/html_node/Standard.html
"""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from harvesters.causes import failed
from schemas import Feed

_GZIP_MAGIC = b"\x1f\x8b"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_BLOCK_BYTES = 512
_CHUNK_BYTES = 1024 * 1024
_IN_MEMORY_BYTES = 64 * 1024 * 1024  # of an unpacked archive; a larger one is a temporary file without a name
_ERRORS = (tarfile.TarError, EOFError, OSError, ValueError, zlib.error)


class DamagedTar(Exception):
    """The archive is incomplete or damaged; the message says how."""


class _Bounded(io.RawIOBase):
    """A file of which no more than a number of bytes is read at once: tarfile reads long headers as they say."""

    def __init__(self, file: IO[bytes], max_read: int) -> None:
        self._file, self._max_read = file, max_read

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._max_read:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def is_tar(start: bytes) -> bool:
    """Return whether a file that begins so is a tar, or compressed as one usually is."""
    return start[:2] == _GZIP_MAGIC or start[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)


def read_tar(feed: Feed, archive: Path | io.BytesIO, max_total: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file in name order; links, devices and folders are left out.

    Raises DamagedTar; HarvestFailed("too_large") for more than `max_total` bytes or too many members.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as unpacked:
        _unpack(feed, archive, unpacked, max_total)
        try:
            with tarfile.open(fileobj=_Bounded(unpacked, feed.request.max_bytes + _BLOCK_BYTES), mode="r:") as tar:
                members = _members(feed, tar)
                _require_end(unpacked, members)
                for member in sorted(members, key=lambda member: member.name):
                    content = tar.extractfile(member) if member.isreg() else None
                    if content is not None:
                        yield PurePosixPath(member.name).as_posix(), content.read(feed.request.max_bytes)
        except _ERRORS as error:
            raise DamagedTar(str(error)) from error


def _unpack(feed: Feed, archive: Path | io.BytesIO, unpacked: IO[bytes], max_total: int) -> None:
    """Copy the archive, without its compression. Raises DamagedTar, HarvestFailed("too_large")."""
    try:
        with archive.open("rb") if isinstance(archive, Path) else archive as packed:
            is_packed = packed.read(2) == _GZIP_MAGIC
            packed.seek(0)
            source = gzip.GzipFile(fileobj=packed) if is_packed else packed
            while chunk := source.read(_CHUNK_BYTES):
                unpacked.write(chunk)
                if unpacked.tell() > max_total:
                    raise failed("too_large", f"{feed.url} unpacks to more than {max_total} bytes")
    except _ERRORS as error:
        raise DamagedTar(str(error)) from error
    unpacked.seek(0)


def _members(feed: Feed, tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Return the archive's members. Raises HarvestFailed when there are too many, or one is too large."""
    members: list[tarfile.TarInfo] = []
    for member in tar:
        members.append(member)
        if len(members) > feed.request.max_pages:
            raise failed("too_large", f"{feed.url} holds more than {feed.request.max_pages} files")
        if member.size > feed.request.max_bytes:
            raise failed("too_large", f"{feed.url} unpacks to more than the feed allows, at {member.name}")
    return members


def _require_end(unpacked: IO[bytes], members: list[tarfile.TarInfo]) -> None:
    """Raise DamagedTar unless a block of zeros follows the last member: tarfile takes any other for the end, too."""
    end = 0
    if members:
        size = members[-1].size if members[-1].isreg() else 0
        end = members[-1].offset_data + -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
    unpacked.seek(end)
    if unpacked.read(_BLOCK_BYTES) != bytes(_BLOCK_BYTES):
        raise DamagedTar("its end is missing")
