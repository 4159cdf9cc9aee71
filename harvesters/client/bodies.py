"""Read and decompress response bodies, with limits on time and on size before and after decompression."""

from __future__ import annotations

import time
import zlib

import httpx

from harvesters.causes import failed

_GZIP_MAGIC = b"\x1f\x8b"
_MAX_GZIP_LAYERS = 3  # some servers compress what is compressed already


class BodyDamaged(Exception):
    """The body is incomplete, or was damaged on its way."""


def read_body(response: httpx.Response, max_bytes: int, deadline: float, url: str) -> bytes:
    """Read the whole body and decompress it. Gzip is detected by its first bytes, whatever the headers declare.

    `deadline` is in time.monotonic; `url` is for sentences. Raises HarvestFailed("too_large") past max_bytes,
    httpx.ReadTimeout past the deadline, BodyDamaged.
    """
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > max_bytes:
            raise failed("too_large", f"{url} sends more than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the response came too slowly", request=response.request)
        chunks.append(chunk)
    body = b"".join(chunks)
    encoding = response.headers.get("content-encoding", "").lower().strip()
    if body[:2] == _GZIP_MAGIC:
        return _gunzip(body, max_bytes, url)
    if encoding == "deflate" and body:
        return _undeflate(body, max_bytes, url)
    if encoding in ("br", "zstd", "compress"):
        raise failed("malformed", f"{url} sends the content encoding {encoding}, which we did not accept")
    return body


def _gunzip(body: bytes, max_bytes: int, url: str) -> bytes:
    for _ in range(_MAX_GZIP_LAYERS):
        if body[:2] != _GZIP_MAGIC:
            break
        try:
            body = _inflate(body, zlib.MAX_WBITS | 16, max_bytes, url)
        except zlib.error as error:
            raise BodyDamaged(f"{url}: the compressed body is damaged ({error})") from error
    return body


def _undeflate(body: bytes, max_bytes: int, url: str) -> bytes:
    """Decompress deflate with or without the zlib header; return a body that is neither as it is."""
    for window_bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        try:
            return _inflate(body, window_bits, max_bytes, url)
        except zlib.error:
            continue
    return body


def _inflate(compressed: bytes, window_bits: int, max_bytes: int, url: str) -> bytes:
    """Decompress every member of a gzip stream, or one deflate stream. Raises zlib.error."""
    body = bytearray()
    while compressed:
        inflater = zlib.decompressobj(window_bits)
        body += inflater.decompress(compressed, max_bytes + 1 - len(body))
        if len(body) > max_bytes:
            raise failed("too_large", f"{url} decompresses to more than {max_bytes} bytes")
        if not inflater.eof:
            raise BodyDamaged(f"{url}: the compressed body ends too early")
        compressed = inflater.unused_data if inflater.unused_data[:2] == _GZIP_MAGIC else b""
    return bytes(body)
