"""Read and decompress response bodies, with limits on time and on size before and after decompression."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx
import msgspec

from harvesters.causes import failed
from harvesters.strict_xml import InvalidXml, parse_xml

_GZIP_MAGIC = b"\x1f\x8b"
_COMPRESS_MAGIC = b"\x1f\x9d"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_EXPANSION = 64  # of a body of which only the beginning is read
_MAX_LAYERS = 3  # some servers compress what is compressed already
_FIRST_SLICE_BYTES = 512  # of a gzip member, doubled until it ends: millions of small members cost no more than one
_SLICE_BYTES = 65_536
_BOM_AND_SPACE = b"\xef\xbb\xbf \t\r\n"
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_TEXT_START_BYTES = 1_024


class BodyDamaged(Exception):
    """The body is incomplete, or was damaged on its way; `received` is what could be read of it."""

    def __init__(self, what: str, received: bytes = b"") -> None:
        super().__init__(what)
        self.received = received


@dataclass(frozen=True)
class _Bounds:
    """What a body may not exceed, before and after decompression."""

    max_bytes: int
    deadline: float  # time.monotonic
    url: str  # for sentences

    def require_size(self, size: int) -> None:
        """Raise HarvestFailed("too_large") past the number of bytes."""
        if size > self.max_bytes:
            raise failed("too_large", f"{self.url} sends or unpacks to more than {self.max_bytes} bytes")

    def require_time(self) -> None:
        """Raise httpx.ReadTimeout past the deadline."""
        if time.monotonic() > self.deadline:
            raise httpx.ReadTimeout("the response came too slowly, or takes too long to decompress")


def read_body(response: httpx.Response, max_bytes: int, deadline: float, url: str) -> bytes:
    """Read the whole body and decompress it. Gzip is detected by its first bytes, whatever the headers declare.

    `deadline` is in time.monotonic; `url` is for sentences. Raises HarvestFailed("too_large") past max_bytes,
    httpx.ReadTimeout past the deadline, BodyDamaged.
    """
    bounds = _Bounds(max_bytes, deadline, url)
    codings = [coding.strip() for coding in response.headers.get("content-encoding", "").lower().split(",")]
    try:
        return _decompress(_receive(response, bounds), codings, bounds)
    except _BrokenOff as cut:
        try:
            received = _decompress(cut.received, codings, bounds)
        except BodyDamaged as damage:
            received = damage.received
        raise BodyDamaged(str(cut), received) from cut


def read_beginning(response: httpx.Response, max_bytes: int, deadline: float, url: str) -> bytes:
    """Read at most so many bytes of a body and decompress what they hold, which may not be more than 64 times as many.

    A body that breaks off is returned as far as it came. Raises HarvestFailed("too_large") of one that unpacks to more,
    httpx.ReadTimeout past the deadline.
    """
    received = bytearray()
    bounds = _Bounds(max_bytes * _MAX_EXPANSION, deadline, url)
    codings = [coding.strip() for coding in response.headers.get("content-encoding", "").lower().split(",")]
    with suppress(httpx.RemoteProtocolError, httpx.ReadError):
        for chunk in response.iter_raw():
            received += chunk
            bounds.require_time()
            if len(received) >= max_bytes:
                break
    try:
        return _decompress(bytes(received[:max_bytes]), codings, bounds)
    except BodyDamaged as damage:
        return damage.received


def is_whole_document(body: bytes) -> bool:
    """Return whether a body is XML to the end of its root element, or JSON to its last bracket."""
    begin = body[:_TEXT_START_BYTES].lstrip(_BOM_AND_SPACE)[:1]
    try:
        if begin == b"<":
            parse_xml(body)
            return True
        if begin in (b"{", b"["):
            msgspec.json.decode(body.lstrip(_BOM_AND_SPACE))
            return True
    except (InvalidXml, ValueError, RecursionError):  # DecodeError and UnicodeDecodeError are ValueErrors
        return False
    return False


class _BrokenOff(Exception):
    """The connection ended before the body did."""

    def __init__(self, what: str, received: bytes) -> None:
        super().__init__(what)
        self.received = received


def _receive(response: httpx.Response, bounds: _Bounds) -> bytes:
    """Return the body as it was sent. Raises _BrokenOff, HarvestFailed, httpx.ReadTimeout."""
    body = bytearray()
    try:
        for chunk in response.iter_raw():
            body += chunk
            bounds.require_size(len(body))
            bounds.require_time()
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        what = f"{bounds.url}: the response breaks off ({str(error) or type(error).__name__})"
        raise _BrokenOff(what, bytes(body)) from error
    return bytes(body)


# decompression


def _decompress(body: bytes, codings: list[str], bounds: _Bounds) -> bytes:
    """Return a body without its content codings, the last one first; a body that is not coded so as it is.

    Gzip and zstd are detected by their first bytes, too. Raises BodyDamaged, HarvestFailed, httpx.ReadTimeout.
    https://www.rfc-editor.org/rfc/rfc9110#section-8.4
    """
    applied = [_DECODERS[coding] for coding in codings if coding in _DECODERS]
    if len(applied) > _MAX_LAYERS:
        raise BodyDamaged(f"{bounds.url} is compressed {len(applied)} times")
    for decode in reversed(applied):
        body = decode(body, bounds)
    for _ in range(_MAX_LAYERS):
        if body[:2] != _GZIP_MAGIC and body[:4] != _ZSTD_MAGIC:
            break
        body = _gunzip(body, bounds) if body[:2] == _GZIP_MAGIC else _unzstd(body, bounds)
    if body[:2] == _COMPRESS_MAGIC:
        raise BodyDamaged(f"{bounds.url} is compressed by the method compress, which cannot be read")
    return body


def _gunzip(body: bytes, bounds: _Bounds) -> bytes:
    return _inflate(body, zlib.MAX_WBITS | 16, bounds) if body[:2] == _GZIP_MAGIC else body


def _undeflate(body: bytes, bounds: _Bounds) -> bytes:
    """Decompress deflate with or without the zlib header."""
    if not body:
        return body
    try:
        return _inflate(body, zlib.MAX_WBITS, bounds)
    except BodyDamaged as damage:
        first_damage = damage
    try:
        return _inflate(body, -zlib.MAX_WBITS, bounds)
    except BodyDamaged:
        if _is_text(body):
            return body
        raise first_damage from None


def _inflate(compressed: bytes, window_bits: int, bounds: _Bounds) -> bytes:
    """Decompress every member of a gzip stream, or one deflate stream."""
    body, view, position = bytearray(), memoryview(compressed), 0
    while True:
        inflater, slice_bytes = zlib.decompressobj(window_bits), _FIRST_SLICE_BYTES
        while not inflater.eof:
            bounds.require_time()
            piece = view[position : position + slice_bytes]
            if not piece:
                raise BodyDamaged(f"{bounds.url}: the compressed body ends too early", bytes(body))
            try:
                body += inflater.decompress(piece, bounds.max_bytes + 1 - len(body))
            except zlib.error as error:
                raise BodyDamaged(f"{bounds.url}: the compressed body is damaged ({error})", bytes(body)) from error
            bounds.require_size(len(body))
            position += len(piece) - len(inflater.unused_data)
            slice_bytes = min(2 * slice_bytes, _SLICE_BYTES)
        if window_bits < zlib.MAX_WBITS | 16 or view[position : position + 2] != _GZIP_MAGIC:
            return bytes(body)


def _unbrotli(body: bytes, bounds: _Bounds) -> bytes:
    return _decompress_by_arrow("brotli", body, bounds)


def _unzstd(body: bytes, bounds: _Bounds) -> bytes:
    return _decompress_by_arrow("zstd", body, bounds)


def _decompress_by_arrow(codec: str, compressed: bytes, bounds: _Bounds) -> bytes:
    """Decompress what servers send although we accept only gzip; https://www.rfc-editor.org/rfc/rfc7932 and rfc8878."""
    import pyarrow  # takes a third of a second

    body = bytearray()
    try:
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(compressed), codec) as stream:
            while piece := stream.read(_SLICE_BYTES):
                body += piece
                bounds.require_size(len(body))
                bounds.require_time()
    except OSError as error:
        if not body and _is_text(compressed):
            return compressed
        raise BodyDamaged(f"{bounds.url}: the compressed body is damaged ({error})", bytes(body)) from error
    return bytes(body)


def _is_text(body: bytes) -> bool:
    """Return whether a body begins like text, so that it is not compressed whatever the headers declare."""
    return _NOT_IN_TEXT.search(body[:_TEXT_START_BYTES]) is None


_DECODERS: dict[str, Callable[[bytes, _Bounds], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
