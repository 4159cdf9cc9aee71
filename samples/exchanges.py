"""A folder of stored HTTP exchanges, declared in its replay.toml: each request with the file that answers it."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples.answer import Answer, NothingStored, Request
from samples.listings import Listing, read_listing

_TYPES = {
    ".json": "application/json; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".zip": "application/zip",
}


@dataclass(frozen=True)
class _Exchange:
    """One stored response: answers a method, path, query (in any order; None: any) and part of a JSON body."""

    path: str
    stored: bytes
    content_type: str
    method: str = "GET"
    query: dict[str, str] | None = None
    body: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    conditional: bool = False  # send an ETag, and answer If-None-Match with 304

    def fits(self, request: Request) -> bool:
        """Tell whether this exchange answers the request; HEAD is answered as GET."""
        method = "GET" if request.method == "HEAD" else request.method
        if method != self.method or request.path != self.path:
            return False
        if self.query is not None and request.pairs != tuple(sorted(self.query.items())):
            return False
        body = request.json if self.body else {}
        return isinstance(body, dict) and all(body.get(name) == value for name, value in self.body.items())

    def answer(self, request: Request) -> Answer:
        if not self.conditional:
            return Answer(self.stored, self.content_type, self.status, self.headers)
        etag = f'"{hashlib.sha256(self.stored).hexdigest()[:32]}"'
        headers = {**self.headers, "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Answer(b"", self.content_type, 304, headers)
        return Answer(self.stored, self.content_type, self.status, headers)


@dataclass(frozen=True)
class _Exchanges:
    """The exchanges and listings of one folder; the first that fits answers."""

    rows: tuple[_Exchange | Listing, ...]

    def answer(self, request: Request) -> Answer:
        exchange = next((row for row in self.rows if row.fits(request)), None)
        if exchange is None:
            known = ", ".join(sorted({row.path for row in self.rows}))
            raise NothingStored(f"the stored paths are {known}")
        return exchange.answer(request)


def read_exchanges(folder: Path) -> _Exchanges:
    """Read the exchanges that a folder's replay.toml declares under [[exchange]] and [[listing]]."""
    declaration = tomllib.loads((folder / "replay.toml").read_text(encoding="utf-8"))
    rows: list[_Exchange | Listing] = [_exchange(folder, dict(row)) for row in declaration.get("exchange", [])]
    return _Exchanges(tuple(rows + [read_listing(folder, row) for row in declaration.get("listing", [])]))


def _exchange(folder: Path, row: dict[str, Any]) -> _Exchange:
    file = folder / row.pop("file")
    content_type = row.pop("content_type", None) or _TYPES.get(file.suffix, "application/octet-stream")
    return _Exchange(stored=file.read_bytes(), content_type=content_type, **row)
