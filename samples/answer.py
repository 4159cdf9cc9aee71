"""What passes between the loopback server and the sites that it serves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """One request; its path is relative to the site that answers it."""

    method: str
    path: str
    query: str
    base_url: str  # the requested address, without its query
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""

    @property
    def pairs(self) -> _Pairs:
        """Parameters of the query in a fixed order, so that two orders of the same query are equal."""
        return tuple(sorted(parse_qsl(self.query, keep_blank_values=True)))

    @property
    def form(self) -> _Pairs:
        """Parameters of the query and of a form body."""
        if "x-www-form-urlencoded" not in self.headers.get("content-type", ""):
            return self.pairs
        return self.pairs + tuple(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True))

    @property
    def json(self) -> Any:
        """Body as JSON; None when it is empty or not valid JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.method} {self.path}{'?' + self.query if self.query else ''}"


@dataclass(frozen=True)
class Answer:
    """One response."""

    body: bytes
    content_type: str = "text/xml; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Site(Protocol):
    """A folder of responses that can answer a request."""

    def answer(self, request: Request) -> Answer:
        """Return the stored answer. Raises NothingStored when no stored response answers the request."""
        ...


class NothingStored(Exception):
    """No stored response answers the request."""
