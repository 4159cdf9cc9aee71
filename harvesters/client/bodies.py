"""Reading a response's body: capped in size before and after decompression, and in time."""

from __future__ import annotations

import time
import zlib

import httpx

from harvesters.causes import failed

_GZIP = b"\x1f\x8b"
_LAYERS = 3  # of gzip around one another: some servers compress what is compressed already


class Torn(Exception):
    """The body ended before it was whole, or was damaged on its way."""


def read_body(response: httpx.Response, max_bytes: int, deadline: float, where: str) -> bytes:
    """The whole body, decompressed. Gzip is known by its first bytes, so that gzip that is not does no harm.

    Raises HarvestFailed("too_large") past max_bytes, httpx.ReadTimeout past the deadline, Torn for a gzip that is
    half or damaged.
    """
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        size += len(part)
        if size > max_bytes:
            raise failed("too_large", f"{where} sends more than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the response came too slowly", request=response.request)
        parts.append(part)
    body = b"".join(parts)
    said = response.headers.get("content-encoding", "").lower().strip()
    if body[:2] == _GZIP:
        return _gunzipped(body, max_bytes, where)
    if said == "deflate" and body:
        return _deflated(body, max_bytes, where)
    if said in ("br", "zstd", "compress"):
        raise failed("malformed", f"{where} sends {said}, which nobody asked for")
    return body


def _gunzipped(body: bytes, max_bytes: int, where: str) -> bytes:
    for _ in range(_LAYERS):
        if body[:2] != _GZIP:
            break
        try:
            body = _inflate(body, zlib.MAX_WBITS | 16, max_bytes, where)
        except zlib.error as error:
            raise Torn(f"{where}: the compressed body is damaged ({error})") from error
    return body


def _deflated(body: bytes, max_bytes: int, where: str) -> bytes:
    """Deflate with the zlib header, without it, or not deflate at all: all three are met."""
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        try:
            return _inflate(body, bits, max_bytes, where)
        except zlib.error:
            continue
    return body


def _inflate(rest: bytes, bits: int, max_bytes: int, where: str) -> bytes:
    """Every member of a gzip stream, or one deflate stream, up to max_bytes of it."""
    out = bytearray()
    while rest:
        inflater = zlib.decompressobj(bits)
        out += inflater.decompress(rest, max_bytes + 1 - len(out))
        if len(out) > max_bytes:
            raise failed("too_large", f"{where} unpacks to more than {max_bytes} bytes")
        if not inflater.eof:
            raise Torn(f"{where}: the compressed body ends too early")
        rest = inflater.unused_data if inflater.unused_data[:2] == _GZIP else b""
    return bytes(out)
