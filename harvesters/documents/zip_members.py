"""Unpack a file of a zip piece by piece: zipfile decompresses bzip2 and LZMA without a limit on the output.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (5.8: LZMA)
"""

from __future__ import annotations

import bz2
import copy
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

_PIECE_BYTES = 65_536
_MAX_DICTIONARY_BYTES = 64 * 1024 * 1024
_LZMA_PROPERTIES_BYTES = 5


def pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the content of a file in pieces of 64 kB at most. Raises what zipfile raises for a damaged file."""
    if member.compress_type not in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with archive.open(member) as file:
            yield from iter(lambda: file.read(_PIECE_BYTES), b"")
        return
    stored = copy.copy(member)  # as zipfile is asked for the compressed bytes
    stored.compress_type, stored.file_size = zipfile.ZIP_STORED, member.compress_size
    stored.CRC = None  # type: ignore[assignment]  # that of the content is checked here
    checksum = 0
    with archive.open(stored) as file:
        for piece in _decompressed(file, member):
            checksum = zlib.crc32(piece, checksum)
            yield piece
    if checksum != member.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {member.filename!r}")


def _decompressed(file: IO[bytes], member: zipfile.ZipInfo) -> Iterator[bytes]:
    is_bzip2 = member.compress_type == zipfile.ZIP_BZIP2
    unpacker = bz2.BZ2Decompressor() if is_bzip2 else _lzma_decompressor(file)
    left = member.file_size
    while left > 0 and not unpacker.eof:
        packed = file.read(_PIECE_BYTES) if unpacker.needs_input else b""
        piece = unpacker.decompress(packed, min(_PIECE_BYTES, left))
        if not piece and not packed:
            raise EOFError("the compressed file ends too early")
        left -= len(piece)
        yield piece


def _lzma_decompressor(file: IO[bytes]) -> lzma.LZMADecompressor:
    version_and_size = file.read(4)
    size = int.from_bytes(version_and_size[2:4], "little")
    properties = file.read(size)
    if size != _LZMA_PROPERTIES_BYTES or len(properties) != size:
        raise zipfile.BadZipFile("the LZMA properties are damaged")
    rest, literal_context_bits = divmod(properties[0], 9)
    position_bits, literal_position_bits = divmod(rest, 5)
    dictionary_bytes = min(int.from_bytes(properties[1:], "little"), _MAX_DICTIONARY_BYTES)
    options = {"lc": literal_context_bits, "lp": literal_position_bits, "pb": position_bits}
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary_bytes, 4096), **options}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
